"""Everything linking remembers of one document, and its storable form. What it means in the corpus is `linker`'s
business.
"""

import dataclasses
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from destiny_assets.domain.linking.candidates import author_names, candidates
from destiny_assets.domain.linking.citations import citations, own_identifiers
from destiny_assets.domain.linking.records import DocumentTraces, LinkableDocument, TermCandidate

if TYPE_CHECKING:
    from pydantic import TypeAdapter

TRACES_VERSION = "3"
"""Raised whenever `read_document` would answer differently for the same document, so that stored traces are read again.
"""


def read_document(document: LinkableDocument) -> DocumentTraces:
    """What one document shows by itself: names for it, whom it cites, which terms it suggests."""
    own = own_identifiers(document.uri, document.parsed)
    return DocumentTraces(
        document=document.id,
        uri=document.uri,
        title=document.parsed.title,
        identifiers=own,
        authors=author_names(document.parsed),
        citations=citations(document.parsed, own),
        candidates=candidates(document.parsed),
    )


def with_candidates(traces: DocumentTraces, suggested: Iterable[TermCandidate]) -> DocumentTraces:
    """The traces with a model's suggestions added; of one term suggested by both the larger count stands."""
    known = {(term.kind, term.name): term for term in traces.candidates}
    for term in suggested:
        other = known.get((term.kind, term.name))
        if other is None or other.count < term.count:
            known[term.kind, term.name] = dataclasses.replace(term, ordinary=other.ordinary if other else term.ordinary)
    return dataclasses.replace(traces, candidates=tuple(known[place] for place in sorted(known)))


def to_json(traces: DocumentTraces) -> str:
    """The storable form; `from_json` gives the same value back."""
    return _format().dump_json(traces).decode()


def from_json(text: str) -> DocumentTraces:
    """Read what `to_json` wrote."""
    return _format().validate_json(text)


@cache
def _format() -> "TypeAdapter[DocumentTraces]":
    from pydantic import TypeAdapter

    return TypeAdapter(DocumentTraces)
