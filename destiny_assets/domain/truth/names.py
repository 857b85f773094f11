"""Lists of people's names, read as sets of family names, all claims of a slot together.

One claim alone is often ambiguous ("Scott Miller Brown, Ann"); that the same word is a family name in one claim and a given name in
another decides it. Nothing here weighs sources.
"""

import html
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_ROLE = re.compile(
    r"\(\s*(?:joint |co-?|contributing |general |series )*"
    r"(?:author|editor|illustrator|contributor|translator|eds?|auth|foreword|introduction)s?\.?(?: by)?\s*\)",
    re.I,
)
_LITTER = re.compile(
    r"\b(?:unknown|not available|none|n/?a|various|et al|editors?|edited|by|jr|sr|phd|ph\.d|md|dr|prof|ii|iii|iv)\b\.?",
    re.I,
)
# Entities that lost their ampersand to a replacement of "&" by "and" on their way through a feed.
_MANGLED = ((re.compile(r"\s*andapos;"), "'"), (re.compile(r"\s*andamp;"), " & "))
_BETWEEN_PEOPLE = re.compile(r"\s*(?:;|/|\||&|\+|\band\b|\n)\s*", re.I)
_BETWEEN_WORDS = re.compile(r"[\s,;/|&+:]+")
_NOT_A_LETTER = re.compile(r"[^\w]|_")
# A shorter word is a chance match as the beginning or end of another.
_GLUED = 4


@dataclass(frozen=True, slots=True)
class Roles:
    """What one claim says of its words: (word, weight in 0..1) as family and as given names, and words it leaves open."""

    family: tuple[tuple[str, float], ...]
    given: tuple[tuple[str, float], ...]
    open: tuple[str, ...]


def read_slot(values: Sequence[str]) -> list[frozenset[str]]:
    """The family names of each of the values that were claimed for one slot; empty where a value names nobody."""
    cleaned = [clean(value) for value in values]
    roles = [read_roles(value) for value in cleaned]
    family, given = (defaultdict[str, float](float) for _ in range(2))
    for claim in roles:
        for word, weight in claim.family:
            family[word] += weight
        for word, weight in claim.given:
            given[word] += weight
    known = _without_fragments({word for word in family if len(word) > 1 and family[word] > given[word]}, family)
    return [frozenset(name for word in _words(value) for name in _names_in(word, known)) for value in cleaned]


def read_alone(value: str) -> frozenset[str]:
    """The family names of one list, by its form alone: for truths, which must not be read by what is claimed."""
    names = set()
    for person in _people(clean(value)):
        parts = [part for part in person.split(",") if _words(part)]
        several = len(parts) > 2 or (len(parts) == 2 and all(len(_long_words(part)) > 1 for part in parts))
        names |= {_words(part)[-1] for part in (parts if several else parts[:1])}
    return frozenset(names)


def clean(value: str) -> str:
    """Plain letters; a role in brackets becomes a separator, titles and fillers go."""
    for mangled, meant in _MANGLED:
        value = mangled.sub(meant, value)
    decomposed = unicodedata.normalize("NFKD", html.unescape(html.unescape(value)))
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return _LITTER.sub(" ", _ROLE.sub(";", plain))


def read_roles(cleaned: str) -> Roles:
    """Which words of one cleaned value stand where family names do, and which where given names do."""
    family: list[tuple[str, float]] = []
    given: list[tuple[str, float]] = []
    left_open: list[str] = []
    for person in _people(cleaned):
        parts = [part for part in person.split(",") if _words(part)]
        words, long = [_words(part) for part in parts], [_long_words(part) for part in parts]
        if len(parts) == 1:
            if len(words[0]) == 1:
                family.append((words[0][0], 0.7))
            elif long[0] and len(words[0]) <= 3:
                family.append((long[0][-1], 0.6))
                given += [(word, 0.4) for word in long[0][:-1]]
            else:
                left_open += long[0]
        elif all(len(part) >= 2 for part in long):
            # "Given Family, Given Family"; two of them might still be "Double Family, Given Given".
            sure = 0.5 if len(parts) == 2 else 0.8
            family += [(part[-1], sure) for part in long]
            given += [(word, 0.5) for part in long for word in part[:-1]]
        elif len(parts) == 2:
            family.append((words[0][-1], 1.0))
            given += [(word, 1.0) for word in words[1]]
        elif len(parts) % 2 == 0 and all(len(part) <= 1 for part in long[::2]):
            family += [(part[-1], 0.8) for part in words[::2]]
            given += [(word, 0.8) for part in long[1::2] for word in part]
        elif len(long[0]) == 1:
            # "Family, Given Family, Given": each part but the last ends in the next one's family name.
            family.append((words[0][-1], 0.8))
            for part in long[1:-1]:
                if len(part) >= 2:
                    family.append((part[-1], 0.5))
                    given += [(word, 0.5) for word in part[:-1]]
                else:
                    left_open += part
            left_open += long[-1]
        else:
            left_open += [word for part in long for word in part]
    return Roles(tuple(family), tuple(given), tuple(left_open))


def _without_fragments(known: set[str], family: Mapping[str, float]) -> set[str]:
    """Without words that are a truncated or glued form of a name with more than twice their support."""
    kept = set(known)
    for word in sorted(known):
        for other in sorted(kept):
            cut = other.startswith(word) and len(word) >= _GLUED
            glued = (word.endswith(other) or word.startswith(other)) and len(other) >= _GLUED
            if other != word and family[other] > 2 * family[word] and (cut or glued):
                kept.discard(word)
                break
    return kept


def _names_in(word: str, known: set[str]) -> set[str]:
    if word in known:
        return {word}
    if len(word) <= _GLUED:
        return set()
    glued = {name for name in known if len(name) >= _GLUED and (word.endswith(name) or word.startswith(name))}
    return glued or {name for name in known if name.startswith(word)}


def _people(cleaned: str) -> list[str]:
    return [part for part in (part.strip(" ,") for part in _BETWEEN_PEOPLE.split(cleaned)) if _words(part)]


def _words(text: str) -> list[str]:
    bare = (_NOT_A_LETTER.sub("", word.casefold()) for word in _BETWEEN_WORDS.split(text))
    return [word for word in bare if word]


def _long_words(text: str) -> list[str]:
    return [word for word in _words(text) if len(word) > 1]
