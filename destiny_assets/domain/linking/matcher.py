"""Where a gazetteer's spellings stand in texts: one Aho-Corasick pass, then our rules of boundary and case.

What matches at a place depends on the spellings that occur there and on no other, so a matcher of the spellings whose words a
text holds answers for that text as a matcher of all spellings does. `words` and `lead` are the two sides of finding those.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from destiny_assets.domain.linking.gazetteer import Pattern
from destiny_assets.domain.linking.names import EntityKind

_SPACES = str.maketrans("\n\t\r\f\v\u00a0", "      ")
_WORD = re.compile(r"\w+")
_SEPARATOR = re.compile(r"\W")


@dataclass(frozen=True, slots=True)
class Match:
    """``text[start:end]`` names the entity."""

    entity_id: str
    kind: EntityKind
    start: int
    end: int


def words(text: str) -> frozenset[str]:
    """The distinct words of a text, case folded: what it can be found by."""
    return frozenset(_WORD.findall(text.casefold()))


def lead(surface: str) -> str:
    """The word by which a spelling is looked up: its longest, which is seldom a common one."""
    return max(_WORD.findall(surface.casefold()), key=len, default="")


def leads(found: Iterable[str]) -> frozenset[str]:
    """The leads of all spellings that a text with these `words` may hold; a term may carry a plural ``s``."""
    given = frozenset(found)
    return given | {word[:-1] for word in given if word.endswith("s")} | {""}


def required_words(pattern: Pattern) -> list[frozenset[str]]:
    """A text that holds the spelling has all words of one of these sets."""
    inside = _WORD.findall(pattern.surface.casefold())
    if pattern.kind is not EntityKind.TERM or not inside:
        return [frozenset(inside)]
    return [frozenset(inside), frozenset([*inside[:-1], inside[-1] + "s"])]


class GazetteerMatcher:
    """The compiled form of some spellings; building it takes about 3 µs a pattern."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        from ahocorasick_rs import AhoCorasick, Implementation

        spellings: dict[str, list[tuple[Pattern, str]]] = defaultdict(list)
        for pattern in sorted(patterns, key=lambda pattern: (pattern.surface, pattern.entity_id)):
            lowered = _lowered(pattern.surface)
            spellings[_key(lowered)].append((pattern, lowered))
        self._patterns = [spellings[spelling] for spelling in sorted(spellings)]
        self._automaton = AhoCorasick(sorted(spellings), implementation=Implementation.ContiguousNFA)

    def matches(self, text: str) -> Iterator[Match]:
        """The spellings in a text, left to right, never overlapping, of those that begin at one place the longest; a term may
        carry a plural ``s``.
        """
        if not self._patterns:
            return
        lowered = _lowered(text)
        found: list[tuple[int, int, int, Pattern]] = []
        spaced = " " + _SEPARATOR.sub(" ", lowered)
        for index, _, end in self._automaton.find_matches_as_indexes(spaced, overlapping=True):
            for order, (pattern, spelling) in enumerate(self._patterns[index]):
                last = _end_of_match(text, lowered, pattern, spelling, end - 1)
                if last:
                    found.append((end - 1 - len(spelling), -last, order, pattern))
        position = 0
        for start, last, _, pattern in sorted(found, key=lambda match: match[:3]):
            if start >= position:
                yield Match(pattern.entity_id, pattern.kind, start, -last)
                position = -last


def _key(lowered: str) -> str:
    """What the automaton looks for: punctuation as spaces, and one in front where a word has to begin."""
    return (" " if _joins(lowered[:1]) else "") + _SEPARATOR.sub(" ", lowered)


def _end_of_match(text: str, lowered: str, pattern: Pattern, spelling: str, end: int) -> int:
    """Where the spelling that may stand before `end` ends; 0 when it does not stand there."""
    start, last = end - len(spelling), end
    if end < len(text) and _joins(text[end]):
        if pattern.kind is not EntityKind.TERM or text[end] != "s" or _joins(text[end + 1 : end + 2]):
            return 0
        last = end + 1
    if lowered[start:end] != spelling:
        return 0
    if pattern.quoted and not (text[start - 1 : start] == "`" == text[end : end + 1]):
        return 0
    return last if not pattern.exact or text[start:end].translate(_SPACES) == pattern.surface else 0


def _joins(character: str) -> bool:
    return character.isalnum() or character == "_"


def _lowered(text: str) -> str:
    """Lower case, line ends as spaces, with every character at its own offset (``İ`` alone would become two)."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(character if len(character.lower()) != 1 else character.lower() for character in text)
    return lowered.translate(_SPACES)
