"""The corpora that several tests of linking read, each linked once a session."""

from dataclasses import dataclass

import pytest

from destiny_assets.domain.linking.linker import Linker, merged
from destiny_assets.domain.linking.records import DocumentTraces, LinkableDocument, MentionRow, ReferenceRow
from destiny_assets.domain.linking.traces import read_document
from tests.domain.linking import documents


@dataclass(frozen=True, slots=True)
class Linked:
    """A corpus, all that was found in it, and the linker."""

    documents: list[LinkableDocument]
    traces: list[DocumentTraces]
    linker: Linker
    references: list[ReferenceRow]
    mentions: list[MentionRow]

    def relations(self) -> set[tuple[str, str, str]]:
        """(source, relation, target) of what was resolved."""
        return {
            (row.source_document, str(row.relation), row.target_document)
            for row in self.references
            if row.target_document is not None
        }


def link(corpus: list[LinkableDocument]) -> Linked:
    """Everything at once, as a first run does."""
    traces = [read_document(one) for one in corpus]
    linker = Linker(traces)
    references, mentions = [], []
    for one, trace in zip(corpus, traces, strict=True):
        chunks = documents.chunks_of(one)
        references += linker.references(trace, chunks)
        mentions += linker.mentions(trace, chunks)
    return Linked(corpus, traces, linker, merged(references), mentions)


@pytest.fixture(scope="session")
def peps() -> Linked:
    return link(documents.proposals())


@pytest.fixture(scope="session")
def decisions() -> Linked:
    return link(documents.decision_records())
