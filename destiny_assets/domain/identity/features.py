"""What is measured of a pair of records. Values are in [0, 1] unless said otherwise; no feature depends on a column's name."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from destiny_assets.domain.identity import records
from destiny_assets.domain.identity.records import Aligned, Table
from destiny_assets.domain.identity.sparse_rows import Floats, Ints, Space, overlap, space

_Split = Callable[[str], Iterable[str]]
_WHOLE: dict[str, _Split] = {
    "words": records.words,
    "trigrams": records.trigrams,
    "codes": records.codes,
    "code_pieces": records.code_pieces,
    "numbers": records.numbers,
}


@dataclass(frozen=True, slots=True)
class Values:
    """One aligned column of both tables, numbers or text."""

    numeric: bool
    left: tuple[Floats, Ints]
    right: tuple[Floats, Ints]
    words: Space | None
    trigrams: Space | None


class Comparison:
    """Two tables made ready to be compared pair by pair."""

    def __init__(self, left: Table, right: Table) -> None:
        self.aligned = records.align(left, right)
        wholes = (left.whole(), right.whole())
        self._whole = {name: _space(split, *wholes) for name, split in _WHOLE.items()}
        self._columns = [_values(column, left, right) for column in self.aligned]
        self.names = tuple(self._names())

    @property
    def words(self) -> Space:
        """The space of whole records by their words."""
        return self._whole["words"]

    def measure(self, left: Ints, right: Ints) -> Floats:
        """The features of the pairs (left[i], right[i]), shape (pairs, features), in the order of `names`."""
        columns: list[Floats] = []
        for where in self._whole.values():
            found = overlap(where, left, right)
            empty = ((where.left.sizes[left] == 0) | (where.right.sizes[right] == 0)).astype(float)
            columns += [found.cosine, found.containment, found.jaccard, found.rarest, empty]
        for values in self._columns:
            columns += _compare(values, left, right)
        return np.stack(columns, axis=1) if columns else np.zeros((len(left), 0))

    def _names(self) -> Iterable[str]:
        for name in _WHOLE:
            yield from (f"{name}.{what}" for what in ("cosine", "containment", "jaccard", "rarest", "empty"))
        for column in self.aligned:
            kinds = ("near", "equal", "unknown") if column.numeric else _TEXT
            yield from (f"{column.left}~{column.right}.{what}" for what in kinds)


_TEXT = ("words", "containment", "jaccard", "trigrams", "equal", "unknown")


def _values(column: Aligned, left: Table, right: Table) -> Values:
    ours, theirs = left.columns[column.left], right.columns[column.right]
    if column.numeric:
        return Values(True, _numbers(ours), _numbers(theirs), None, None)
    same: dict[str, int] = {"": 0}
    codes = [
        np.array([same.setdefault(" ".join(records.words(v)), len(same)) for v in values], np.int64)
        for values in (ours, theirs)
    ]
    nothing = np.zeros(0)
    return Values(
        False,
        (nothing, codes[0]),
        (nothing, codes[1]),
        _space(records.words, ours, theirs),
        _space(records.trigrams, ours, theirs),
    )


def _numbers(values: Sequence[str]) -> tuple[Floats, Ints]:
    read = [records.number(value) for value in values]
    return np.array([np.nan if value is None else value for value in read]), np.zeros(0, np.int64)


def _compare(values: Values, left: Ints, right: Ints) -> list[Floats]:
    if values.words is None or values.trigrams is None:
        ours, theirs = values.left[0][left], values.right[0][right]
        unknown = np.isnan(ours) | np.isnan(theirs)
        highest = np.maximum(np.maximum(np.abs(ours), np.abs(theirs)), 1e-9)
        near = np.where(unknown, 0.0, np.maximum(0.0, 1 - np.abs(ours - theirs) / highest))
        return [near, (near == 1).astype(float), unknown.astype(float)]
    ours_, theirs_ = values.left[1][left], values.right[1][right]
    found = overlap(values.words, left, right)
    unknown = (ours_ == 0) | (theirs_ == 0)
    return [
        found.cosine,
        found.containment,
        found.jaccard,
        overlap(values.trigrams, left, right).cosine,
        ((ours_ == theirs_) & ~unknown).astype(float),
        unknown.astype(float),
    ]


def _space(split: _Split, left: Sequence[str], right: Sequence[str]) -> Space:
    return space([split(value) for value in left], [split(value) for value in right])
