"""Which terms of a corpus are worth recognising: grown from the tally of all documents, independent of their order.

Frequency bounds live here; matching is `matcher`'s. Whether a term is accepted depends on its own counts, on the number of
documents, on the words that say nothing in this corpus, and on terms that share one of its spellings; on nothing else.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass

from destiny_assets.domain.linking.names import (
    STOP_WORDS,
    EntityKind,
    entity_id,
    folded,
    identifier_shape,
    is_informative,
)
from destiny_assets.domain.linking.records import DocumentTraces, EntityRow
from destiny_assets.domain.linking.tally import Tally, TermKey

_COMMON_SHARE = 0.2
"""A term in more than a fifth of the documents tells none of them apart."""

_COMMON_FLOOR = 3
SMALL_CORPUS = 10
"""Below this many documents a term of a single document counts too, when it stands in two places."""

ORDINARY_SHARE = 0.1
"""A capitalised word that stands in lower case more often than this against its capitals is an ordinary word in a
heading.
"""

_TITLE_NUMBER = re.compile(r"^(?:[A-Z]{2,8}[ -]?#?\d+|\d+)\s*[.:)\u2013\u2014-]\s*")
ORDER = (EntityKind.PERSON, EntityKind.IDENTIFIER, EntityKind.TERM, EntityKind.NAME)
"""Of one spelling under several kinds the first of these has it."""


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
    """Entities by id, and their spellings."""

    entities: tuple[EntityRow, ...]
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """A term with its counts over the corpus; `key` names its entity."""

    kind: EntityKind
    key: str
    surfaces: Mapping[str, int]
    documents: int
    ordinary: int

    @property
    def order(self) -> tuple[int, str]:
        """Its place among the terms that want one spelling."""
        return ORDER.index(self.kind), self.key

    @property
    def spellings(self) -> list[str]:
        """Its spellings, the most frequent first."""
        return sorted(self.surfaces, key=lambda surface: (-self.surfaces[surface], surface))


@dataclass(frozen=True, slots=True)
class Bounds:
    """In how many documents a term must and may stand."""

    least: int
    most: int

    @staticmethod
    def of(documents: int) -> "Bounds":
        """The bounds of a corpus of this many documents."""
        return Bounds(2 if documents >= SMALL_CORPUS else 1, max(_COMMON_FLOOR, int(documents * _COMMON_SHARE)))


def document_entity(traces: DocumentTraces) -> EntityRow:
    """The entity that stands for a document; its key holds the document's id, since titles repeat."""
    key = f"{EntityKind.DOCUMENT}:{traces.document}"
    title = _plain_title(traces.title)
    name = traces.title or traces.uri
    aliases = {title, traces.uri.rsplit("/", 1)[-1], *map(str, traces.identifiers)} - {name, ""}
    return EntityRow(entity_id(key), key, EntityKind.DOCUMENT, name, tuple(sorted(aliases)))


def title_pattern(traces: DocumentTraces) -> Pattern | None:
    """The title as a spelling, when it says enough: two words as written, or more in any case. It names its document only while
    no other document's pattern has the same letters.
    """
    title = " ".join(_plain_title(traces.title).split())
    words = [word for word in folded(title).split() if word not in STOP_WORDS]
    if len(words) < 2 or len(title) > 200:
        return None
    return Pattern(title, len(words) == 2, False, document_entity(traces).id, EntityKind.DOCUMENT)


def grow(corpus: Iterable[DocumentTraces]) -> Gazetteer:
    """The gazetteer of a corpus: its documents by title, its authors, and every term frequent enough and not too
    frequent.
    """
    tally, entities, titles = Tally(), {}, defaultdict[str, list[Pattern]](list)
    for traces in corpus:
        tally.add(traces)
        entity = document_entity(traces)
        entities[entity.id] = entity
        pattern = title_pattern(traces)
        if pattern:
            titles[pattern.surface.lower()].append(pattern)
    unique = {spelling: owners[0] for spelling, owners in titles.items() if len(owners) == 1}
    patterns = set(unique.values())
    empty = {name for (what, name) in tally.names if what in ("series", "author")}
    terms = (
        Term(kind, key, counted.surfaces, counted.documents, counted.ordinary)
        for (kind, key), counted in tally.terms.items()
    )
    eligible = (term for term in terms if may_enter(term, Bounds.of(tally.documents), empty))
    for entity, spelled in accepted(sorted(eligible, key=lambda term: term.order), set(unique)):
        entities[entity.id] = entity
        patterns.update(spelled)
    return Gazetteer(
        tuple(entities[key] for key in sorted(entities)),
        tuple(sorted(patterns, key=lambda pattern: (pattern.surface, pattern.entity_id))),
    )


def may_enter(term: Term, bounds: Bounds, empty: Set[str]) -> bool:
    """Whether a term is within the bounds and says something where the words in `empty` say nothing; an author always is."""
    if term.kind is EntityKind.PERSON:
        return True
    count = sum(term.surfaces.values())
    if not (bounds.least <= term.documents <= bounds.most and count >= 2):
        return False
    return term.ordinary <= ORDINARY_SHARE * count and _says_something(term.key.partition(":")[2], empty)


def accepted(terms: Iterable[Term], taken: set[str]) -> Iterator[tuple[EntityRow, list[Pattern]]]:
    """The entities and spellings of the terms, given in their order, whose main spelling no earlier one has.

    `taken` holds the spellings of titles, in lower case; the spellings accepted are added to it.
    """
    for term in terms:
        spellings = term.spellings
        if spellings[0].lower() in taken:
            continue
        entity = EntityRow(entity_id(term.key), term.key, term.kind, spellings[0], tuple(sorted(spellings[1:])))
        taken.update(surface.lower() for surface in spellings)
        yield entity, list(dict.fromkeys(pattern for surface in spellings for pattern in _patterns(surface, entity)))


def empty_words(key: TermKey) -> set[str]:
    """The words of a term that decide, when they turn empty or cease to be, whether it says something."""
    return {form for word in folded(key[1].partition(":")[2]).split() for form in (word, word.removesuffix("s"))}


def _plain_title(title: str) -> str:
    return _TITLE_NUMBER.sub("", title).strip()


def _says_something(name: str, empty: Set[str]) -> bool:
    """Whether a name holds more than words empty in this corpus: what it calls its own documents (`PEP acceptance`),
    first names (one alone could be any of several people).
    """
    return is_informative(
        " ".join(word for word in folded(name).split() if empty.isdisjoint({word, word.removesuffix("s")}))
    )


def _patterns(surface: str, entity: EntityRow) -> Iterator[Pattern]:
    if entity.kind is EntityKind.PERSON and " " not in surface.strip():
        # A first name alone could be any of several people, and an agent's is often a word ("planner").
        return
    exact = entity.kind is not EntityKind.TERM
    quoted = entity.kind is EntityKind.IDENTIFIER and identifier_shape(surface) is None
    yield Pattern(surface, exact, quoted, entity.id, entity.kind)
    if entity.kind is EntityKind.TERM and "-" in surface:
        yield Pattern(surface.replace("-", " "), exact, False, entity.id, entity.kind)
