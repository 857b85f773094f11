"""The corpus-wide half of linking: a catalogue and a gazetteer turn each document's chunks into rows."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from destiny_assets.domain.chunks import stable_id
from destiny_assets.domain.documents import Relation
from destiny_assets.domain.linking.catalogue import Catalogue
from destiny_assets.domain.linking.gazetteer import grow
from destiny_assets.domain.linking.matcher import GazetteerMatcher
from destiny_assets.domain.linking.names import EntityKind, entity_id, entity_key
from destiny_assets.domain.linking.records import (
    Citation,
    DocumentTraces,
    EntityRow,
    Identifier,
    LinkableChunk,
    MentionRow,
    ReferenceRow,
)

LINKER_VERSION = "2"
"""Raised whenever the rules of matching or of the gazetteer change, so that everything is linked again."""

_POSITIONED = frozenset({Relation.LINKS_TO, Relation.MENTIONS})


@dataclass(frozen=True, slots=True)
class _Place:
    chunk: LinkableChunk
    start: int
    end: int


class DocumentLinker:
    """Turns documents and their chunks into rows, by a catalogue and a matcher that cover at least what the documents cite and
    hold.
    """

    def __init__(self, catalogue: Catalogue, matcher: GazetteerMatcher) -> None:
        self._catalogue = catalogue
        self._matcher = matcher

    def references(self, traces: DocumentTraces, chunks: Sequence[LinkableChunk]) -> list[ReferenceRow]:
        """The documents one document refers to; `merged` joins the rows that two documents share."""
        ordered = _Chunks(chunks)
        rows = []
        for citation in traces.citations:
            target = self._catalogue.resolve(citation, referrer=traces.document)
            if target == traces.document or not self._catalogue.counts(citation) or not (target or citation.explicit):
                continue
            rows.append(_reference(traces.document, target, citation, ordered.first(citation)))
        return merged(rows)

    def mentions(self, traces: DocumentTraces, chunks: Sequence[LinkableChunk]) -> list[MentionRow]:
        """Every entity named in the document's chunks, none overlapping another, in the order of the chunks."""
        ordered = _Chunks(chunks)
        cited = self._cited(traces, ordered)
        authors = {_person(name) for name in traces.authors}
        found: set[str] = set()
        rows: list[MentionRow] = []
        for chunk in ordered.chunks:
            here = cited.get(chunk.id, [])
            covered = sorted((row.start, row.end) for row in here)
            position = 0
            rows.extend(here)
            for match in self._matcher.matches(chunk.text):
                while position < len(covered) and covered[position][1] <= match.start:
                    position += 1
                if position < len(covered) and covered[position][0] < match.end:
                    continue
                own = match.kind is EntityKind.PERSON and match.entity_id in authors
                found.add(match.entity_id)
                rows.append(_mention(chunk, match.entity_id, match.start, match.end, "author" if own else "gazetteer"))
        if ordered.chunks:
            rows.extend(
                _mention(ordered.chunks[0], _person(name), 0, 0, "author", surface=name)
                for name in traces.authors
                if _person(name) not in found
            )
        return rows

    def _cited(self, traces: DocumentTraces, ordered: "_Chunks") -> dict[str, list[MentionRow]]:
        """Mentions made by citations, by chunk; of two that overlap the first stands."""
        rows: dict[str, list[MentionRow]] = {}
        for citation in traces.citations:
            entity = self._entity_cited(citation, traces.document)
            if entity is None or citation.end == citation.start:
                continue
            method = "pattern" if citation.relation is Relation.MENTIONS else "link"
            for place in ordered.holding(citation):
                here = rows.setdefault(place.chunk.id, [])
                if all(place.start >= row.end or place.end <= row.start for row in here[-3:]):
                    here.append(_mention(place.chunk, entity, place.start, place.end, method))
        return rows

    def _entity_cited(self, citation: Citation, referrer: str) -> str | None:
        target = self._catalogue.resolve(citation, referrer=referrer)
        if target is not None:
            return document_entity_id(target)
        identifier = citation.identifier
        if identifier is None or identifier in self._catalogue.by_identifier or not self._catalogue.knows(identifier):
            return None
        return external_entity(identifier).id


class Linker(DocumentLinker):
    """The linker of a whole corpus held in memory; what linking a change must agree with."""

    def __init__(self, corpus: Iterable[DocumentTraces]) -> None:
        traces = list(corpus)
        gazetteer, catalogue = grow(traces), Catalogue.of(traces)
        super().__init__(catalogue, GazetteerMatcher(gazetteer.patterns))
        cited = {citation.identifier for trace in traces for citation in trace.citations if citation.identifier}
        external = [
            external_entity(identifier)
            for identifier in cited - catalogue.by_identifier.keys()
            if catalogue.knows(identifier)
        ]
        known = {entity.id: entity for entity in (*gazetteer.entities, *external)}
        self.entities: tuple[EntityRow, ...] = tuple(known[key] for key in sorted(known))


def document_entity_id(document: str) -> str:
    """The entity that stands for a document."""
    return entity_id(f"{EntityKind.DOCUMENT}:{document}")


def external_entity(identifier: Identifier) -> EntityRow:
    """The entity of an identifier that is cited, of a known series, and of no document at hand."""
    key = entity_key(EntityKind.IDENTIFIER, str(identifier))
    return EntityRow(entity_id(key), key, EntityKind.IDENTIFIER, str(identifier), ())


def merged(rows: Iterable[ReferenceRow]) -> list[ReferenceRow]:
    """One row an id: two documents may both say that one supersedes the other; a row with a place is kept before one
    without.
    """
    kept: dict[str, ReferenceRow] = {}
    for row in rows:
        other = kept.get(row.id)
        if other is None or _evidence_order(row) < _evidence_order(other):
            kept[row.id] = row
    return [kept[key] for key in sorted(kept)]


def _evidence_order(row: ReferenceRow) -> tuple[bool, str, int, str, str]:
    return row.chunk_id is None, row.chunk_id or "", row.start, row.stated_by, row.target


class _Chunks:
    """A document's chunks by where they stand; they may overlap."""

    def __init__(self, chunks: Sequence[LinkableChunk]) -> None:
        self.chunks = sorted(chunks, key=lambda chunk: (chunk.start, chunk.id))
        self._starts = [chunk.start for chunk in self.chunks]
        self._longest = max((len(chunk.text) for chunk in self.chunks), default=0)

    def holding(self, citation: Citation) -> Iterator[_Place]:
        """The chunks that hold the whole of a citation, first to last."""
        first = bisect_right(self._starts, citation.end - self._longest - 1)
        for chunk in self.chunks[first : bisect_right(self._starts, citation.start)]:
            if citation.end <= chunk.start + len(chunk.text):
                yield _Place(chunk, citation.start - chunk.start, citation.end - chunk.start)

    def first(self, citation: Citation) -> _Place | None:
        """The first chunk that holds a citation whose place is known."""
        return next(self.holding(citation), None) if citation.end > citation.start else None


def _person(name: str) -> str:
    return entity_id(entity_key(EntityKind.PERSON, name))


def _mention(chunk: LinkableChunk, entity: str, start: int, end: int, method: str, surface: str = "") -> MentionRow:
    identity = stable_id("mention", chunk.id, entity, str(start))
    return MentionRow(identity, chunk.id, entity, surface or chunk.text[start:end], start, end, method)


def _reference(source: str, target: str | None, citation: Citation, place: _Place | None) -> ReferenceRow:
    relation = citation.relation
    chunk = place.chunk.id if place else None
    named = target or (str(citation.identifier) if citation.identifier else citation.target)
    row = ReferenceRow(
        id="",
        source_document=source,
        target_document=target,
        target=str(citation.identifier) if citation.identifier else citation.target,
        relation=relation,
        chunk_id=chunk,
        start=place.start if place else 0,
        end=place.end if place else 0,
        stated_by=source,
    )
    if relation is Relation.SUPERSEDED_BY and target is not None:
        row = replace(row, source_document=target, target_document=source, target=source, relation=Relation.SUPERSEDES)
        named = source
    position = (chunk or "", str(row.start)) if relation in _POSITIONED else ()
    return replace(row, id=stable_id("reference", row.source_document, row.relation, named, *position))
