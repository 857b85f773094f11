"""Tables of records as they are compared: columns of two tables brought together, values taken apart into words, codes and numbers."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

from destiny_assets.domain.truth.kinds import plain_text

_NOTHING = frozenset({"", "-", "--", "?", "n/a", "na", "nan", "none", "null", "nil", "unknown"})
_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"(?<![\w.])[-+]?[$€£]?\s?(\d[\d,]*(?:\.\d+)?|\.\d+)(?![\w])")
_JOINED = re.compile(r"[^\W_](?:[^\s,;|()\[\]{}\"]*[^\W_])?")
# Columns that share fewer of their words than this (cosine of their word counts) are not compared with each other.
_ALIKE = 0.2
_LOOKED_AT = 2_000


@dataclass(frozen=True, slots=True)
class Table:
    """Records by place: `ids` has n entries, each of `columns` has n values, "" where nothing is known."""

    ids: Sequence[str]
    columns: Mapping[str, Sequence[str]]

    def __len__(self) -> int:
        return len(self.ids)

    def whole(self) -> list[str]:
        """Each record as one text, its values in the order of the columns."""
        return [" ".join(values) for values in zip(*self.columns.values(), strict=True)] or [""] * len(self.ids)


@dataclass(frozen=True, slots=True)
class Aligned:
    """A column of the left table and the one of the right table that says the same of its records."""

    left: str
    right: str
    numeric: bool


def known(value: str) -> str:
    """The value, or "" where it only says that nothing is known."""
    stripped = value.strip()
    return "" if stripped.casefold() in _NOTHING else stripped


def align(left: Table, right: Table) -> list[Aligned]:
    """Columns of equal name, then the remaining ones by the words that they share, the most alike first; each at most once."""
    by_name = {plain_text(name): name for name in right.columns}
    pairs = [(name, by_name[plain_text(name)]) for name in left.columns if plain_text(name) in by_name]
    counted = {
        (side, name): _counts(values)
        for side, table in ((0, left), (1, right))
        for name, values in table.columns.items()
        if name not in {pair[side] for pair in pairs}
    }
    alike = sorted(
        (
            (-_cosine(ours, theirs), one, other)
            for (side, one), ours in counted.items()
            if side == 0
            for (facing, other), theirs in counted.items()
            if facing == 1
        ),
    )
    for distance, one, other in alike:
        if -distance >= _ALIKE and one not in {pair[0] for pair in pairs} and other not in {pair[1] for pair in pairs}:
            pairs.append((one, other))
    return [
        Aligned(one, other, is_numeric(left.columns[one]) and is_numeric(right.columns[other])) for one, other in pairs
    ]


def is_numeric(values: Sequence[str]) -> bool:
    """Whether nine of ten known values are one number and nothing else (a currency apart)."""
    sample = [value for value in values if value][:_LOOKED_AT]
    return bool(sample) and sum(number(value) is not None for value in sample) >= 0.9 * len(sample)


def number(value: str) -> float | None:
    """A value that is one number, perhaps with a currency and thousands' commas; None else."""
    found = _NUMBER.fullmatch(value.strip())
    return float(found[1].replace(",", "")) if found else None


@lru_cache(maxsize=200_000)
def words(value: str) -> tuple[str, ...]:
    """The words of a value without case and accents."""
    return tuple(_WORD.findall(value.casefold() if value.isascii() else plain_text(value)))


def trigrams(value: str) -> list[str]:
    """The three-character pieces of a value's words, each word between spaces."""
    padded = " " + " ".join(words(value)) + " "
    return [padded[at : at + 3] for at in range(len(padded) - 2)] if len(padded) > 2 else []


def codes(value: str) -> set[str]:
    """What looks like a model or part number: letters and digits together, or four digits and more, punctuation taken out."""
    found = set()
    for joined in _JOINED.findall(value):
        if not _DIGIT.search(joined):
            continue
        parts = words(joined)
        code = "".join(parts)
        if len(code) >= 3 and (not code.isdecimal() or len(code) >= 4):
            found.add(code)
        found.update(part for part in parts if len(part) >= 4 and _DIGIT.search(part))
    return found


def code_pieces(value: str) -> list[str]:
    """The four-character pieces of a value's codes, which also tell a code from the same one with an ending."""
    return [code[at : at + 4] for code in sorted(codes(value)) for at in range(max(1, len(code) - 3))]


def numbers(value: str) -> set[str]:
    """The numbers that stand alone in a value, in canonical form."""
    return {repr(float(found.replace(",", ""))) for found in _NUMBER.findall(value)}


def _counts(values: Sequence[str]) -> Counter[str]:
    return Counter(word for value in values[:_LOOKED_AT] for word in words(value))


def _cosine(one: Counter[str], other: Counter[str]) -> float:
    shared = sum(count * other[word] for word, count in one.items() if word in other)
    length = sqrt(sum(count**2 for count in one.values()) * sum(count**2 for count in other.values()))
    return shared / length if length else 0.0
