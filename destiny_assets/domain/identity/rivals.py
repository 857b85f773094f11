"""How a pair stands among the other pairs of its two records: a record seldom has two counterparts, so the best one is the likeliest."""

import numpy as np

from destiny_assets.domain.identity.sparse_rows import Floats, Ints


def standing(left: Ints, right: Ints, score: Floats) -> Floats:
    """Shape (pairs, 4): by how much `score` leads that of the best other pair of the left record, and of the right record (below 0:
    trails; a record without another pair has rivals of 0), and whether it leads or draws, 1 or 0, at each.
    """
    ahead = [score - _best_other(record, score) for record in (left, right)]
    return np.stack([*ahead, *((lead >= 0).astype(float) for lead in ahead)], axis=1)


def one_to_one(left: Ints, right: Ints, score: Floats, *, lefts: bool, rights: bool) -> "np.typing.NDArray[np.bool_]":
    """Which pairs stand when the most probable are taken first, and a left record (`lefts`) or right record (`rights`) has one at most."""
    taken_left: set[int] = set()
    taken_right: set[int] = set()
    stands = np.zeros(len(score), np.bool_)
    for place in np.lexsort((right, left, -score)).tolist():
        one, other = int(left[place]), int(right[place])
        if (lefts and one in taken_left) or (rights and other in taken_right):
            continue
        taken_left.add(one)
        taken_right.add(other)
        stands[place] = True
    return stands


def _best_other(record: Ints, score: Floats) -> Floats:
    order = np.lexsort((-score, record))
    names, first, count = np.unique(record[order], return_index=True, return_counts=True)
    best = score[order[first]]
    second = np.where(count > 1, score[order[np.minimum(first + 1, len(order) - 1)]], 0.0)
    group = np.searchsorted(names, record)
    is_best = np.zeros(len(record), np.bool_)
    is_best[order[first]] = True
    return np.where(is_best, second[group], best[group])
