"""Records as sparse rows over a vocabulary both tables share, and what pairs of rows have in common. Nothing here knows columns."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Cells of the dense block that rows are spread into: 32 MB of doubles.
_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class Rows:
    """n rows in compressed form: row i holds the items ``items[starts[i]:starts[i + 1]]``, ascending, with their weights (length 1)."""

    starts: Ints
    items: Ints
    weights: Floats

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def sizes(self) -> Ints:
        """How many items each row holds."""
        return np.diff(self.starts)


@dataclass(frozen=True, slots=True)
class Space:
    """The rows of both tables over one vocabulary; `rarity` is the inverse document frequency of each item, > 0."""

    left: Rows
    right: Rows
    rarity: Floats


@dataclass(frozen=True, slots=True)
class Overlap:
    """What pairs share, an entry a pair: cosine of the weighted rows; rarity shared, over that of the row with less of it and over all
    of both; the rarest item shared; each in [0, 1], all 0 where a row is empty.
    """

    cosine: Floats
    containment: Floats
    jaccard: Floats
    rarest: Floats


def space(left: Iterable[Iterable[str]], right: Iterable[Iterable[str]]) -> Space:
    """The space of two lists of records, each record given as its items (repeats count, damped by a logarithm)."""
    number: dict[str, int] = {}
    tables = [_counted(table, number) for table in (left, right)]
    documents = np.zeros(max(1, len(number)))
    for _, items, _ in tables:
        documents += np.bincount(items, minlength=len(documents))
    rarity = np.log((1 + sum(len(sizes) for sizes, _, _ in tables)) / (1 + documents)) + 0.1
    ours, theirs = (_rows(*table, rarity) for table in tables)
    return Space(ours, theirs, rarity)


def overlap(where: Space, left: Ints, right: Ints) -> Overlap:
    """What the pairs (left[i], right[i]) share; fastest when pairs come sorted by `left`."""
    total = len(left)
    found = Overlap(*(np.zeros(total) for _ in range(4)))
    weight = [_sums(rows, where.rarity) for rows in (where.left, where.right)]
    highest = float(where.rarity.max())
    for pairs, cells, items in _blocks(where, left, right):
        sizes = where.right.sizes[right[pairs]]
        filled = sizes > 0
        if not filled.any():
            continue
        firsts = (np.cumsum(sizes) - sizes)[filled]
        position = ranges(where.right.starts[right[pairs]], sizes)
        rarity = np.where(cells != 0, where.rarity[items], 0.0)
        shared = np.add.reduceat(rarity, firsts)
        here = pairs[filled]
        ours, theirs = weight[0][left[here]], weight[1][right[here]]
        found.cosine[here] = np.add.reduceat(cells * where.right.weights[position], firsts)
        found.containment[here] = shared / np.maximum(np.minimum(ours, theirs), 1e-9)
        found.jaccard[here] = shared / np.maximum(ours + theirs - shared, 1e-9)
        found.rarest[here] = np.maximum.reduceat(rarity, firsts) / highest
    return found


def _blocks(where: Space, left: Ints, right: Ints) -> Iterator[tuple[Ints, Floats, Ints]]:
    """Pairs in blocks, with the left row's weight at each item of the right row, and those items."""
    order = np.argsort(left, kind="stable")
    names, first = np.unique(left[order], return_index=True)
    ends = np.append(first[1:], len(order))
    width = len(where.rarity)
    step = max(1, _CELLS // width)
    begin = 0
    while begin < len(names):
        # A block ends after `step` left rows, or sooner where its pairs alone would fill the memory.
        end = begin + 1
        while end < len(names) and end - begin < step and (ends[end] - first[begin]) < 50_000:
            end += 1
        rows, pairs = names[begin:end], order[first[begin] : ends[end - 1]]
        dense = np.zeros(len(rows) * width)
        sizes = where.left.sizes[rows]
        position = ranges(where.left.starts[rows], sizes)
        dense[np.repeat(np.arange(len(rows)) * width, sizes) + where.left.items[position]] = where.left.weights[
            position
        ]
        sizes = where.right.sizes[right[pairs]]
        items = where.right.items[ranges(where.right.starts[right[pairs]], sizes)]
        local = np.searchsorted(rows, left[pairs]) * width
        yield pairs, dense[np.repeat(local, sizes) + items], items
        begin = end


def ranges(starts: Ints, sizes: Ints) -> Ints:
    """The numbers of all ranges [start, start + size), one after the other."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(np.arange(total) + np.repeat(starts - (ends - sizes), sizes), np.int64)


def _counted(records: Iterable[Iterable[str]], number: dict[str, int]) -> tuple[Ints, Ints, Ints]:
    """How many items each record holds, those items (numbered, ascending within a record), and how often each."""
    sizes, items, counts = array("q"), array("q"), array("q")
    for record in records:
        counted = Counter([number.setdefault(item, len(number)) for item in record])
        ordered = sorted(counted)
        sizes.append(len(ordered))
        items.extend(ordered)
        counts.extend([counted[item] for item in ordered])
    return np.array(sizes, np.int64), np.array(items, np.int64), np.array(counts, np.int64)


def _rows(sizes: Ints, items: Ints, counts: Ints, rarity: Floats) -> Rows:
    weights = (1 + np.log(counts)) * rarity[items]
    owner = np.repeat(np.arange(len(sizes)), sizes)
    length = np.sqrt(np.bincount(owner, weights**2, len(sizes)))
    return Rows(np.concatenate([[0], np.cumsum(sizes)]), items, weights / length[owner])


def _sums(rows: Rows, rarity: Floats) -> Floats:
    owner = np.repeat(np.arange(len(rows)), rows.sizes)
    return np.asarray(np.bincount(owner, rarity[rows.items], len(rows)), np.float64)
