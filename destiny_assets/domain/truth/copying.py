"""Which sources seem to copy each other: they share values that are not believed, more often than independent errors would coincide.

After Dong et al. (2009). What comes out is proposed to people and weighs nothing by itself: weights after shared errors gained nothing where
they were tried (docs/trust-playbook.md).
"""

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from destiny_assets.domain.truth.beliefs import Beliefs
from destiny_assets.domain.truth.claims import Claims
from destiny_assets.domain.truth.fusion import ALTERNATIVES

# Before anything is seen: how likely two sources copy, and of what is copied which share is taken over unread.
_PRIOR, _COPIED = 0.02, 0.8
# Pairs less likely than this are not worth a person's look.
_THRESHOLD = 0.9
# A wrong value that more sources than this share is a common error, and its pairs cost the square of their number.
_MOST_SHARERS = 20
# Fewer shared errors than this are told by nobody for copying.
_FEWEST_SHARED = 3


@dataclass(frozen=True, slots=True)
class Copying:
    """Two sources: on how many slots both speak, how many values they share that are not believed, and how likely one copies, in (0, 1)."""

    one: str
    other: str
    slots: int
    shared_errors: int
    probability: float


def copying(claims: Claims, beliefs: Beliefs) -> list[Copying]:
    """The pairs of sources of which one seems to copy, the most likely first."""
    believed = beliefs.best[claims.value_slot] == np.arange(len(claims.value_slot))
    # A partial list of authors, a rounded number: many leave out the same, and none of them errs.
    believed[claims.coarse[believed[claims.fine]]] = True
    errors = [
        (int(value), int(source))
        for value, source in zip(claims.value, claims.source, strict=True)
        if not believed[value]
    ]
    sharers: dict[int, set[int]] = {}
    for value, source in errors:
        sharers.setdefault(value, set()).add(source)
    shared: dict[tuple[int, int], int] = {}
    for some in sharers.values():
        if 2 <= len(some) <= _MOST_SHARERS:
            for pair in combinations(sorted(some), 2):
                shared[pair] = shared.get(pair, 0) + 1
    candidates = {pair: count for pair, count in shared.items() if count >= _FEWEST_SHARED}
    said = _said(claims, {source for pair in candidates for source in pair})
    found = []
    for (one, other), count in candidates.items():
        both = said[one].keys() & said[other].keys()
        agree = sum(said[one][slot] == said[other][slot] for slot in both)
        error = [1 - _right(said[source], believed) for source in (one, other)]
        # Independent errors coincide when both err and choose alike.
        chance = max(error[0] * error[1] / ALTERNATIVES, 1e-4)
        true = max((1 - error[0]) * (1 - error[1]), 1e-4)
        same_true = agree - count
        log_odds = (
            math.log(_PRIOR / (1 - _PRIOR))
            + count * math.log((_COPIED * max(error[0], error[1], 0.01) + (1 - _COPIED) * chance) / chance)
            + same_true * math.log((_COPIED * (1 - min(error)) + (1 - _COPIED) * true) / true)
            + (len(both) - agree) * math.log(1 - _COPIED)
        )
        probability = 1 / (1 + math.exp(-max(-700.0, min(700.0, log_odds))))
        if probability >= _THRESHOLD:
            first, second = sorted((claims.sources[one], claims.sources[other]))
            found.append(Copying(first, second, len(both), count, min(probability, 1 - 1e-9)))
    return sorted(found, key=lambda pair: (-pair.probability, -pair.shared_errors, pair.one, pair.other))


def _said(claims: Claims, sources: set[int]) -> dict[int, dict[int, int]]:
    """Of these sources the value each claims of each slot it speaks of; of several the last."""
    found: dict[int, dict[int, int]] = {source: {} for source in sources}
    for slot, source, value in zip(claims.slot.tolist(), claims.source.tolist(), claims.value.tolist(), strict=True):
        if source in found:
            found[source][slot] = value
    return found


def _right(said: dict[int, int], believed: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> float:
    return sum(bool(believed[value]) for value in said.values()) / len(said)
