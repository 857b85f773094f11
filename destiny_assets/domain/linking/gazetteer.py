"""Which terms of a corpus are worth recognising: grown from every document's candidates, independent of their order.

Frequency bounds live here; matching is `matcher`'s.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from destiny_assets.domain.chunks import text_sha256
from destiny_assets.domain.linking.names import (
    STOP_WORDS,
    EntityKind,
    entity_id,
    entity_key,
    folded,
    identifier_shape,
    is_informative,
)
from destiny_assets.domain.linking.records import DocumentTraces, EntityRow

_COMMON_SHARE = 0.2
"""A term in more than a fifth of the documents tells none of them apart."""

_COMMON_FLOOR = 3
_SMALL_CORPUS = 10
"""Below this many documents a term of a single document counts too, when it stands in two places."""

_ORDINARY_SHARE = 0.1
"""A capitalised word that stands in lower case more often than this against its capitals is an ordinary word in a
heading.
"""

_TITLE_NUMBER = re.compile(r"^(?:[A-Z]{2,8}[ -]?#?\d+|\d+)\s*[.:)\u2013\u2014-]\s*")
_ORDER = (EntityKind.PERSON, EntityKind.IDENTIFIER, EntityKind.TERM, EntityKind.NAME)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A spelling that names an entity.

    `exact`: its case counts. `quoted`: it counts only between back quotes, since bare it is an ordinary word (`yield`).
    """

    surface: str
    exact: bool
    quoted: bool
    entity_id: str
    kind: EntityKind


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """Entities and their spellings; equal `fingerprint` means equal mentions for equal text."""

    entities: tuple[EntityRow, ...]
    patterns: tuple[Pattern, ...]
    fingerprint: str


@dataclass(slots=True)
class _Term:
    surfaces: Counter[str] = field(default_factory=Counter)
    documents: int = 0
    count: int = 0
    ordinary: int = 0


def document_entity(traces: DocumentTraces) -> EntityRow:
    """The entity that stands for a document; its key holds the document's id, since titles repeat."""
    key = f"{EntityKind.DOCUMENT}:{traces.document}"
    title = _plain_title(traces.title)
    name = traces.title or traces.uri
    aliases = {title, traces.uri.rsplit("/", 1)[-1], *map(str, traces.identifiers)} - {name, ""}
    return EntityRow(entity_id(key), key, EntityKind.DOCUMENT, name, tuple(sorted(aliases)))


def grow(corpus: Sequence[DocumentTraces]) -> Gazetteer:
    """The gazetteer of a corpus: its documents by title, its authors, and every term frequent enough and not too
    frequent.
    """
    documents = sorted(corpus, key=lambda traces: traces.document)
    entities = {entity.id: entity for entity in map(document_entity, documents)}
    patterns = set(_title_patterns(documents))
    taken = {pattern.surface.lower() for pattern in patterns}
    for kind, term in _chosen(_merged(documents), documents):
        surfaces = sorted(term.surfaces, key=lambda surface: (-term.surfaces[surface], surface))
        if surfaces[0].lower() in taken:
            continue
        key = entity_key(kind, surfaces[0])
        entity = EntityRow(entity_id(key), key, kind, surfaces[0], tuple(sorted(surfaces[1:])))
        entities[entity.id] = entity
        for surface in surfaces:
            taken.add(surface.lower())
            patterns.update(_patterns(surface, entity))
    ordered = tuple(sorted(patterns, key=lambda pattern: (pattern.surface, pattern.entity_id)))
    rows = tuple(entities[key] for key in sorted(entities))
    spelled = json.dumps([[pattern.surface, pattern.exact, pattern.quoted, pattern.entity_id] for pattern in ordered])
    return Gazetteer(rows, ordered, text_sha256(spelled))


def _plain_title(title: str) -> str:
    return _TITLE_NUMBER.sub("", title).strip()


def _title_patterns(documents: Sequence[DocumentTraces]) -> Iterable[Pattern]:
    """Titles that belong to one document and say enough: two words as written, or more in any case."""
    owners: dict[str, set[str]] = defaultdict(set)
    for traces in documents:
        owners[_plain_title(traces.title).lower()].add(traces.document)
    for traces in documents:
        title = _plain_title(traces.title)
        words = [word for word in folded(title).split() if word not in STOP_WORDS]
        if len(words) >= 2 and len(owners[title.lower()]) == 1 and len(title) <= 200:
            yield Pattern(
                " ".join(title.split()), len(words) == 2, False, document_entity(traces).id, EntityKind.DOCUMENT
            )


def _merged(documents: Sequence[DocumentTraces]) -> dict[tuple[EntityKind, str], _Term]:
    terms: dict[tuple[EntityKind, str], _Term] = defaultdict(_Term)
    for traces in documents:
        here: set[tuple[EntityKind, str]] = set()
        for candidate in traces.candidates:
            place = candidate.kind, entity_key(candidate.kind, candidate.name)
            term = terms[place]
            term.surfaces[candidate.name] += candidate.count
            term.count += candidate.count
            term.ordinary += candidate.ordinary
            here.add(place)
        for place in here:
            terms[place].documents += 1
    return terms


def _chosen(
    terms: dict[tuple[EntityKind, str], _Term], documents: Sequence[DocumentTraces]
) -> Iterable[tuple[EntityKind, _Term]]:
    """Terms within the bounds; of one spelling under several kinds the first of `_ORDER` comes first."""
    most = max(_COMMON_FLOOR, int(len(documents) * _COMMON_SHARE))
    least = 2 if len(documents) >= _SMALL_CORPUS else 1
    empty = {identifier.series for traces in documents for identifier in traces.identifiers}
    # A first or last name alone could be any of several people.
    empty |= {part for traces in documents for name in traces.authors for part in folded(name).split()}
    for kind in _ORDER:
        for place in sorted(place for place in terms if place[0] is kind):
            term = terms[place]
            frequent = (
                least <= term.documents <= most and term.count >= 2 and term.ordinary <= _ORDINARY_SHARE * term.count
            )
            if kind is EntityKind.PERSON or (frequent and _says_something(next(iter(term.surfaces)), empty)):
                yield kind, term


def _says_something(name: str, empty: set[str]) -> bool:
    """Whether a name holds more than words empty in this corpus: what it calls its own documents (`PEP acceptance`),
    first names.
    """
    return is_informative(
        " ".join(word for word in folded(name).split() if empty.isdisjoint({word, word.removesuffix("s")}))
    )


def _patterns(surface: str, entity: EntityRow) -> Iterable[Pattern]:
    exact = entity.kind is not EntityKind.TERM
    quoted = entity.kind is EntityKind.IDENTIFIER and identifier_shape(surface) is None
    yield Pattern(surface, exact, quoted, entity.id, entity.kind)
    if entity.kind is EntityKind.TERM and "-" in surface:
        yield Pattern(surface.replace("-", " "), exact, False, entity.id, entity.kind)
