"""Where a gazetteer's spellings stand in texts: one Aho-Corasick pass, then our rules of boundary and case."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from destiny_assets.domain.linking.gazetteer import Gazetteer, Pattern
from destiny_assets.domain.linking.names import EntityKind

_SPACES = str.maketrans("\n\t\r\f\v\u00a0", "      ")


@dataclass(frozen=True, slots=True)
class Match:
    """``text[start:end]`` names the entity."""

    entity_id: str
    kind: EntityKind
    start: int
    end: int


class GazetteerMatcher:
    """The compiled form of a gazetteer; building it takes about 2 µs a pattern."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

        spellings: dict[str, list[Pattern]] = defaultdict(list)
        for pattern in gazetteer.patterns:
            spellings[_lowered(pattern.surface)].append(pattern)
        self._patterns = [spellings[spelling] for spelling in sorted(spellings)]
        self._automaton = AhoCorasick(
            sorted(spellings), matchkind=MatchKind.LeftmostLongest, implementation=Implementation.ContiguousNFA
        )

    def matches(self, text: str) -> Iterator[Match]:
        """The longest spellings in a text, left to right, never overlapping; a term may carry a plural ``s``."""
        length = len(text)
        for index, start, end in self._automaton.find_matches_as_indexes(_lowered(text)):
            if start and _joins(text[start - 1]) and _joins(text[start]):
                continue
            last = end
            if end < length and _joins(text[end]):
                if text[end] != "s" or (end + 1 < length and _joins(text[end + 1])):
                    continue
                last = end + 1
            for pattern in self._patterns[index]:
                if last > end and pattern.kind is not EntityKind.TERM:
                    continue
                if pattern.quoted and not (text[start - 1 : start] == "`" == text[end : end + 1]):
                    continue
                if not pattern.exact or text[start:end].translate(_SPACES) == pattern.surface:
                    yield Match(pattern.entity_id, pattern.kind, start, last)
                    break


def _joins(character: str) -> bool:
    return character.isalnum() or character == "_"


def _lowered(text: str) -> str:
    """Lower case, line ends as spaces, with every character at its own offset (``İ`` alone would become two)."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(character if len(character.lower()) != 1 else character.lower() for character in text)
    return lowered.translate(_SPACES)
