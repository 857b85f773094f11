"""Which entities of a corpus are one: spellings whose keys differ, compared as names are, merged where hardly anything else is possible.

Exact keys come first: names of the same letters. Then people who share a family name, found through it; their given names say how likely
two are one, whom else they could be says whether that can be told, and the documents that name them add to it. The regression that decides on
records learns from pairs that are clearly the same, and a list of distinct names has none; so the terms here are stated, and measured.
"""

import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from destiny_assets.domain.chunks import stable_id
from destiny_assets.domain.linking.names import EntityKind

MODEL = "entities/1"
"""Name and version of what is compared and how it is weighed."""

THRESHOLD = 0.9
"""Entities less likely one than this stay two: a wrong merge misleads every reader of both, a missing one costs a second look."""

# Before anything is compared: most pairs that share a family name are two people.
_PRIOR = -2.0
_SAME_LETTERS, _SAME_GIVEN, _SHORT_GIVEN, _INITIAL = 7.0, 5.0, 3.0, 1.5
_SAME_MIDDLE, _NO_MIDDLE, _AMBIGUOUS, _SAME_DOCUMENTS = 0.5, -1.0, -5.0, 1.5
# "IDE" and "id e" are spelled alike, and so are many other short things.
_FEWEST_LETTERS = 8
_FEWEST_OF_SHORT_NAME = 3
# A family of more than this many people says nothing, and comparing all of them costs its square.
_LARGEST_FAMILY = 200

# "S9" and "S9+", "C" and "C#" are two things.
_LETTERS = re.compile(r"[^\W_+#]+|[+#]+")
_CAMEL = re.compile(r"[A-Z][a-z]+(?:[A-Z][a-z]+)+")
_PERSON_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|['\u2019.-])*")
_PARTICLES = frozenset(
    {
        *("van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "du", "la", "le"),
        *("bin", "ibn", "al", "el", "ter", "ten", "zu", "af", "av"),
    }
)
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv"})
_KEPT_FIRST = (EntityKind.PERSON, EntityKind.NAME, EntityKind.TERM, EntityKind.IDENTIFIER)


@dataclass(frozen=True, slots=True)
class Term:
    """One reason for or against: `log_odds` (natural logarithm) is added to the sum, `why` says it in words."""

    name: str
    log_odds: float
    why: str


@dataclass(frozen=True)
class Named:
    """An entity as it is compared."""

    id: str
    kind: EntityKind
    name: str

    @cached_property
    def letters(self) -> str:
        """Its letters and digits without case and accents."""
        return "".join(_LETTERS.findall(_plain(self.name)))

    @cached_property
    def person(self) -> "PersonName | None":
        """Its parts where it can be somebody's name; None else."""
        return person_name(self.name) if self.kind in (EntityKind.PERSON, EntityKind.NAME) else None


@dataclass(frozen=True, slots=True)
class PersonName:
    """The parts of a name, without case, accents and full stops. `family` holds particles ("van rossum")."""

    first: str
    middle: tuple[str, ...]
    family: str
    suffix: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two entities that may be one, and what their names say of it."""

    one: Named
    other: Named
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Merge:
    """Two entities taken for one: `absorbed` is read as `kept`. `probability` in (0, 1) follows from `reasons`, whose log-odds sum to its logit."""

    kept: Named
    absorbed: Named
    probability: float
    reasons: tuple[Term, ...]

    @property
    def id(self) -> str:
        """The id that follows from the two, whichever is kept."""
        return merge_id(self.kept.id, self.absorbed.id)


def merge_id(one: str, other: str) -> str:
    """The id of taking two entities for one."""
    return stable_id("merge", *sorted((one, other)))


def person_name(name: str) -> PersonName | None:
    """The parts of what may be a person's name: a given name or initial and a family name, in this order; None for anything else."""
    words = [word for word in name.replace(",", " ").split() if word]
    if not 2 <= len(words) <= 6 or not all(map(_PERSON_WORD.fullmatch, words)):
        return None
    plain = [_plain(word).replace(".", "") for word in words]
    suffix = plain.pop() if plain[-1] in _SUFFIXES else ""
    start = len(plain) - 1
    while start > 1 and plain[start - 1] in _PARTICLES:
        start -= 1
    # "Joseph-Alfred" is no longer form of "Joseph", but Joseph Alfred.
    given = [part for word in plain[:start] for part in word.split("-")]
    if start < 1 or len(plain[-1]) < 2 or not all(given):
        return None
    return PersonName(given[0], tuple(given[1:]), " ".join(plain[start:]), suffix)


def suspects(entities: Iterable[Named]) -> list[Pair]:
    """The pairs that may be one, each once: of the same letters, or people of one family name whose given names agree."""
    by_letters: dict[str, list[Named]] = {}
    families: dict[tuple[str, str], list[Named]] = {}
    for entity in sorted(entities, key=lambda one: one.id):
        if len(entity.letters) >= _FEWEST_LETTERS and (entity.kind is not EntityKind.IDENTIFIER or _camel(entity)):
            by_letters.setdefault(entity.letters, []).append(entity)
        if (person := entity.person) is not None:
            families.setdefault((person.family, person.suffix), []).append(entity)
    found: dict[tuple[str, str], Pair] = {}
    for alike in by_letters.values():
        for one, other in _pairs(alike):
            if _proper(one) and _proper(other):
                why = f"{one.name!r} and {other.name!r} are the same letters"
                found[one.id, other.id] = Pair(one, other, (Term("letters", _SAME_LETTERS, why),))
    for family in families.values():
        if len(family) > _LARGEST_FAMILY:
            continue
        agreeing = {(one.id, other.id): terms for one, other in _pairs(family) if (terms := _given(one, other))}
        for one, other in _pairs(family):
            agreed = agreeing.get((one.id, other.id))
            if not agreed or EntityKind.PERSON not in (one.kind, other.kind) or (one.id, other.id) in found:
                continue
            found[one.id, other.id] = Pair(one, other, (*agreed, *_rivals(one, other, family, agreeing)))
    return [found[ids] for ids in sorted(found)]


def merges(pairs: Sequence[Pair], documents: Mapping[str, Collection[str]], undone: Collection[str]) -> list[Merge]:
    """The merges that stand, by id. `documents` has, by entity, those that name it; `undone` the ids of merges that people took back.

    The likeliest come first. Entities come together only where no two of them were parted by a person.
    """
    weighed = sorted(
        ((_probability(terms), pair, terms) for pair in pairs for terms in [_weighed(pair, documents)]),
        key=lambda item: (-item[0], item[1].one.id, item[1].other.id),
    )
    of: dict[str, list[Named]] = {}
    joined: dict[frozenset[str], tuple[float, tuple[Term, ...]]] = {}
    for probability, pair, terms in weighed:
        if probability < THRESHOLD:
            break
        ours, theirs = of.setdefault(pair.one.id, [pair.one]), of.setdefault(pair.other.id, [pair.other])
        if ours is theirs or any(merge_id(one.id, other.id) in undone for one in ours for other in theirs):
            continue
        joined[frozenset((pair.one.id, pair.other.id))] = (probability, terms)
        ours += theirs
        for entity in theirs:
            of[entity.id] = ours
    found = []
    for together in {id(group): group for group in of.values() if len(group) > 1}.values():
        kept = min(together, key=_rank)
        found += [
            Merge(kept, absorbed, *_path(kept, absorbed, together, joined))
            for absorbed in together
            if absorbed is not kept
        ]
    return sorted(found, key=lambda merge: merge.id)


def _path(
    kept: Named,
    absorbed: Named,
    together: Sequence[Named],
    joined: Mapping[frozenset[str], tuple[float, tuple[Term, ...]]],
) -> tuple[float, tuple[Term, ...]]:
    """What made `absorbed` one of a group: its pair with `kept`, else the likeliest pair that it has with any of them."""
    direct = joined.get(frozenset((kept.id, absorbed.id)))
    if direct is not None:
        return direct
    return max(
        (joined[pair] for other in together if (pair := frozenset((other.id, absorbed.id))) in joined),
        key=lambda found: found[0],
    )


def _given(one: Named, other: Named) -> tuple[Term, ...]:
    """What the given names of two people of one family name say; nothing where they contradict each other."""
    ours, theirs = one.person, other.person
    if ours is None or theirs is None:
        return ()
    short, long = sorted((ours.first, theirs.first), key=len)
    if short == long and len(short) > 1:
        first = Term("given name", _SAME_GIVEN, f"{one.name!r} and {other.name!r} share given and family name")
    elif len(short) >= _FEWEST_OF_SHORT_NAME and long.startswith(short):
        first = Term("short name", _SHORT_GIVEN, f"{short.title()!r} is short for {long.title()!r}")
    elif len(short) == 1 and long.startswith(short):
        first = Term("initial", _INITIAL, f"{short.upper()!r} may be the initial of {long.title()!r}")
    else:
        return ()
    terms = [first]
    for ours_, theirs_ in zip(ours.middle, theirs.middle, strict=False):
        if not (ours_.startswith(theirs_) or theirs_.startswith(ours_)):
            return ()
        terms.append(Term("middle name", _SAME_MIDDLE, f"the middle names {ours_!r} and {theirs_!r} agree"))
    more = max(ours.middle, theirs.middle, key=len)[min(len(ours.middle), len(theirs.middle)) :]
    # A father and a son are told apart by just that.
    if any(len(name) > 1 for name in more):
        terms.append(Term("middle name", _NO_MIDDLE, f"only one of them is called {' '.join(more).title()!r}, too"))
    return tuple(terms)


def _rivals(
    one: Named, other: Named, family: Sequence[Named], agreeing: Mapping[tuple[str, str], tuple[Term, ...]]
) -> Iterator[Term]:
    """A third person whom one of two may be and the other may not."""
    for third in family:
        if third.id in (one.id, other.id):
            continue
        may_be = [bool(agreeing.get((min(mine.id, third.id), max(mine.id, third.id)))) for mine in (one, other)]
        if may_be[0] != may_be[1]:
            mine = one if may_be[0] else other
            yield Term("ambiguous", _AMBIGUOUS, f"{mine.name!r} may be {third.name!r} as well")
            return


def _weighed(pair: Pair, documents: Mapping[str, Collection[str]]) -> tuple[Term, ...]:
    ours, theirs = set(documents.get(pair.one.id, ())), set(documents.get(pair.other.id, ()))
    cosine = len(ours & theirs) / math.sqrt(len(ours) * len(theirs)) if ours and theirs else 0.0
    terms = (Term("before", _PRIOR, "most pairs that look alike are two"), *pair.terms)
    if cosine == 0:
        return terms
    shared = len(ours & theirs)
    why = f"{shared} {'document names' if shared == 1 else 'documents name'} both"
    return (*terms, Term("documents", round(_SAME_DOCUMENTS * cosine, 4), why))


def _probability(terms: Iterable[Term]) -> float:
    return 1 / (1 + math.exp(-math.fsum(term.log_odds for term in terms)))


def _rank(entity: Named) -> tuple[int, int, int, str]:
    return _KEPT_FIRST.index(entity.kind), -len(entity.name.split()), -len(entity.name), entity.id


def _proper(entity: Named) -> bool:
    """More than one word: of one word spelled alike one is often a name and the other something else of that name."""
    return len(entity.name.split()) > 1 or _camel(entity)


def _camel(entity: Named) -> bool:
    return _CAMEL.fullmatch(entity.name) is not None


def _pairs(entities: Sequence[Named]) -> Iterator[tuple[Named, Named]]:
    for place, one in enumerate(entities):
        for other in entities[place + 1 :]:
            # A class and the notion it is named after are two things.
            if {one.kind, other.kind} != {EntityKind.IDENTIFIER, EntityKind.TERM} and (
                one.kind is not EntityKind.IDENTIFIER or other.kind is not EntityKind.IDENTIFIER
            ):
                yield one, other


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(mark for mark in decomposed if not unicodedata.combining(mark)).casefold()
