"""Which pairs are worth comparing: records that share words, the closest few of each record, from an inverted index."""

import numpy as np

from destiny_assets.domain.identity.sparse_rows import Floats, Ints, Rows, Space, ranges

# Words of more records than this, and of a hundredth of them, are not looked up: their postings grow with the square of the tables.
_FREQUENT = 100
# How many postings are looked at in one go, 24 bytes each.
_POSTINGS = 1_000_000
# Up to so many cells a posting, adding up in a dense block (8 bytes a cell) is faster than sorting: 5 times at equal numbers.
_SPREAD = 16


def candidates(where: Space, nearest: int) -> tuple[Ints, Ints]:
    """Pairs (left places, right places), sorted: for each record of either table the `nearest` of the other by cosine over rare words."""
    forward = _nearest(where.left, where.right, len(where.rarity), nearest)
    backward = _nearest(where.right, where.left, len(where.rarity), nearest)
    width = max(1, len(where.right))
    keys = np.union1d(forward[0] * width + forward[1], backward[1] * width + backward[0])
    return keys // width, keys % width


def _nearest(asking: Rows, asked: Rows, vocabulary: int, nearest: int) -> tuple[Ints, Ints]:
    order = np.argsort(asked.items, kind="stable")
    owner = np.repeat(np.arange(len(asked)), asked.sizes)[order]
    weight = asked.weights[order]
    first = np.searchsorted(asked.items[order], np.arange(vocabulary + 1))
    frequency = np.diff(first)
    rare = frequency[asking.items] <= max(_FREQUENT, len(asked) // 100)
    asker = np.repeat(np.arange(len(asking)), asking.sizes)[rare]
    items, weights = asking.items[rare], asking.weights[rare]
    sizes = frequency[items]
    postings = np.concatenate([[0], np.cumsum(sizes)])
    bounds = np.searchsorted(asker, np.arange(len(asking) + 1))
    found: list[tuple[Ints, Ints]] = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    begin = 0
    while begin < len(asking):
        # As many records as their postings allow, one at least.
        reach = np.searchsorted(postings[bounds], postings[bounds[begin]] + _POSTINGS, side="right") - 1
        end = int(np.clip(reach, begin + 1, len(asking)))
        some = slice(bounds[begin], bounds[end])
        position = ranges(first[items[some]], sizes[some])
        keys = np.repeat((asker[some] - begin) * len(asked), sizes[some]) + owner[position]
        scores = np.repeat(weights[some], sizes[some]) * weight[position]
        ours, theirs = _best(keys, scores, end - begin, len(asked), nearest)
        found.append((ours + begin, theirs))
        begin = end
    return np.concatenate([ours for ours, _ in found]), np.concatenate([theirs for _, theirs in found])


def _best(keys: Ints, scores: Floats, rows: int, width: int, nearest: int) -> tuple[Ints, Ints]:
    """The `nearest` columns of each row with the highest sum above 0, from parts of the sums at ``row * width + column``."""
    if rows * width <= _SPREAD * len(keys):
        total = np.bincount(keys, scores, rows * width).reshape(rows, width)
        kept = min(nearest, width)
        theirs = np.argpartition(total, width - kept, axis=1)[:, width - kept :].ravel()
        ours = np.repeat(np.arange(rows), kept)
        some = total[ours, theirs] > 0
        return ours[some], theirs[some]
    cells, back = np.unique(keys, return_inverse=True)
    total = np.bincount(back, scores, len(cells))
    order = np.lexsort((-total, cells // max(1, width)))
    ours, theirs = cells[order] // max(1, width), cells[order] % max(1, width)
    rank = np.arange(len(ours)) - np.searchsorted(ours, ours)
    return ours[rank < nearest], theirs[rank < nearest]
