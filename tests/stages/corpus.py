"""A project in the ledger alone, whose documents are given as values: what linking, trust and near-duplicates need, and no more.

Beside it the oracles: what the same stages would say of the living documents if they saw them for the first time.
"""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from destiny_assets.adapters.entity_extractors import open_extractor
from destiny_assets.adapters.postgres.documents import NewVersion, document_id
from destiny_assets.adapters.postgres.duplicates import KINDS
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.chunks import text_sha256
from destiny_assets.domain.documents import ParsedDocument
from destiny_assets.domain.graph import FOREVER
from destiny_assets.domain.linking.linker import Linker, document_entity_id, merged
from destiny_assets.domain.linking.records import LinkableDocument
from destiny_assets.domain.linking.traces import read_document
from destiny_assets.domain.near_duplicates import duplicates
from destiny_assets.stages.entities import link_documents
from destiny_assets.stages.score import score_trust
from destiny_assets.stages.understand import chunk_documents
from tests.stages.growing import Silence

Place = tuple[str, str]


class WordCounter:
    """The `TokenCounter` port: a token is a word."""

    def token_starts(self, texts: Sequence[str]) -> list[npt.NDArray[np.int64]]:
        return [np.array([word.start() for word in re.finditer(r"\S+", text)], np.int64) for text in texts]


class Corpus:
    """The documents of a project by source and uri, and the stages over them."""

    def __init__(self, ledger: PostgresLedger, project: str) -> None:
        self.ledger = ledger
        self.project = project
        self.documents: dict[Place, ParsedDocument] = {}
        self.reports: dict[str, Mapping[str, Any]] = {}
        self._stored: dict[Place, ParsedDocument] = {}

    def run(self, *, until: str = "", publish: bool = True) -> int:
        """Store what changed and run the stages, up to and with `until`; the generation."""
        ledger, project = self.ledger, self.project
        number = ledger.generations.open(project, "run").number
        gone = [document_id(*place) for place in self._stored.keys() - self.documents.keys()]
        ledger.documents.retire(project, number, gone)
        changed = {place: parsed for place, parsed in self.documents.items() if self._stored.get(place) != parsed}
        ledger.documents.store(
            project,
            number,
            [
                NewVersion(*place, text_sha256(repr(parsed)), "mark", 1, parsed)
                for place, parsed in sorted(changed.items(), key=lambda item: item[0])
            ],
        )
        self._stored = dict(self.documents)
        stages = {
            "chunks": lambda: chunk_documents(ledger, WordCounter(), project, number, Silence()),
            "links": lambda: link_documents(ledger, open_extractor("none"), project, number, Silence()),
            "trust": lambda: score_trust(ledger, project, number),
        }
        for name, stage in stages.items():
            self.reports[name] = stage()
            if name == until:
                return number
        if publish:
            ledger.generations.publish(project, number, facts={}, reason="test")
        return number

    def rows(self, table: str, columns: str) -> set[tuple[Any, ...]]:
        """The living rows of a table."""
        with self.ledger.transaction() as cursor:
            found = cursor.execute(
                f"select {columns} from {table} where project = %s and died = %s", (self.project, FOREVER)
            )
            return {tuple(tuple(v) if isinstance(v, list) else v for v in row.values()) for row in found}

    def born(self, table: str, generation: int) -> int:
        """How many living rows of a table a generation added."""
        with self.ledger.transaction() as cursor:
            row = cursor.execute(
                f"select count(*) as n from {table} where project = %s and born = %s and died = %s",
                (self.project, generation, FOREVER),
            ).fetchone()
        return int((row or {})["n"])

    def require_links_as_from_scratch(self) -> None:
        """Entities, mentions and references are those that a linker of the whole corpus finds."""
        traces = [
            read_document(LinkableDocument(document_id(*place), place[1], parsed))
            for place, parsed in self.documents.items()
        ]
        chunks = self.ledger.chunks.linkable(self.project, [trace.document for trace in traces])
        linker = Linker(traces)
        stands_for = {document_entity_id(trace.document): trace.document for trace in traces}
        assert self.rows("entity", "id::text, key, kind, name, aliases, document_id::text") == {
            (entity.id, entity.key, entity.kind, entity.name, entity.aliases, stands_for.get(entity.id))
            for entity in linker.entities
        }
        places = self.rows(
            """(select project, died, chunk_id, entity_id, method, surface, unnest(starts) as s, unnest(ends) as e, row_number() over
                (partition by id) from mention) m""",
            "chunk_id::text, entity_id::text, s, e",
        )
        assert places == {
            (row.chunk_id, row.entity_id, row.start, row.end)
            for trace in traces
            for row in linker.mentions(trace, chunks[trace.document])
        }
        references = merged(row for trace in traces for row in linker.references(trace, chunks[trace.document]))
        assert self.rows(
            "reference",
            """id::text, source_document::text, target_document::text, target, relation, chunk_id::text, starts_at, ends_at,
               stated_by::text""",
        ) == {
            (
                *(row.id, row.source_document, row.target_document, row.target, row.relation),
                *(row.chunk_id, row.start, row.end, row.stated_by),
            )
            for row in references
        }

    def require_duplicates_as_from_scratch(self) -> None:
        """The marks of chunks and documents are those of comparing all living texts."""
        for kind in KINDS:
            ids: list[str] = []
            signatures = [np.empty((0, 120), np.uint64)]
            for names, _, own in self.ledger.duplicates.oldest_first(self.project, kind):
                ids += names
                signatures.append(own)
            found = duplicates(
                ids,
                np.concatenate(signatures),
                lambda some, kind=kind: self.ledger.duplicates.texts(self.project, kind, some),  # type: ignore[misc]
            )
            assert self.rows(kind.marks.name, f"{kind.marked}::text, original::text") == {
                (repeat.id, repeat.original) for repeat in found
            }

    def require_trust_as_from_scratch(self, generation: int) -> None:
        """Every living document and chunk has a score, nothing else has, and scoring everything anew writes no row."""
        alive = {row[0] for row in self.rows("document_version", "document_id::text")}
        alive |= {row[0] for row in self.rows("chunk", "id::text")}
        assert {row[0] for row in self.rows("trust_score", "id::text")} == alive
        with self.ledger.transaction() as cursor:
            cursor.execute("delete from trust_basis where project = %s", (self.project,))
        assert score_trust(self.ledger, self.project, generation)["written"] == 0


@contextmanager
def corpus_in(ledger: PostgresLedger) -> Iterator[Corpus]:
    """An empty corpus in a project of a random name; gone afterwards."""
    project = f"corpus-{secrets.token_hex(5)}"
    ledger.projects.add(project)
    try:
        yield Corpus(ledger, project)
    finally:
        ledger.projects.remove(project)
