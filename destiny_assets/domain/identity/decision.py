"""From features to a probability that two records are the same: fitted on labels or, without any, on what is clear by itself."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from destiny_assets.domain.identity.sparse_rows import Floats
from destiny_assets.domain.logistic import Regression, fit

Flags = npt.NDArray[np.bool_]

_STRENGTHS = (1.0, 10.0)
_FOLDS = 5
# More labels choose between two penalties no better, and take a minute.
_CROSS_FITTED = 20_000
# With fewer labels of a kind than this there is nothing to choose a threshold by.
_ENOUGH = 10
# Without labels: penalties of 1 and 10 found less of both kinds of tables tried, and almost all moves happen in the first turns.
_UNTAUGHT = 100.0
_TURNS = 8


@dataclass(frozen=True, slots=True)
class Decision:
    """A fitted regression, and the probability from which a pair counts as a match."""

    regression: Regression
    threshold: float


def learn(features: Floats, match: Flags, seed: int) -> Decision:
    """Fit on labelled pairs; penalty and threshold are those of the best F1 of probabilities that each fifth gets from the others.

    Raises `ValueError` unless there are matches and other pairs.
    """
    if match.all() or not match.any():
        raise ValueError("a decision can be learned from labels only where some pairs match and some do not")
    target = match.astype(float)
    random = np.random.default_rng(seed)
    if min(match.sum(), (~match).sum()) < _ENOUGH:
        return Decision(fit(features, target, _STRENGTHS[-1]), 0.5)
    some = random.permutation(len(match))[:_CROSS_FITTED]
    fold = np.arange(len(some)) % _FOLDS
    best = (-1.0, _STRENGTHS[-1], 0.5)
    for strength in _STRENGTHS:
        probability = np.zeros(len(some))
        for number in range(_FOLDS):
            out = fold == number
            fitted = fit(features[some[~out]], target[some[~out]], strength)
            probability[out] = fitted.probability(features[some[out]])
        threshold, f1 = best_threshold(probability, match[some])
        best = max(best, (f1, strength, threshold))
    return Decision(fit(features, target, best[1]), best[2])


def teach_itself(features: Floats, seeds: Flags, pick: Callable[[Floats], Flags]) -> Decision:
    """Fit without labels: `seeds` are taken for matches and all else not; what `pick` makes of the probabilities then takes their
    place, until nothing changes. `pick` gets probabilities and says which pairs stand.
    """
    regression = fit(features, seeds.astype(float), _UNTAUGHT)
    for _ in range(_TURNS):
        picked = pick(regression.probability(features))
        if not picked.any() or np.array_equal(picked, seeds):
            break
        seeds = picked
        regression = fit(features, seeds.astype(float), _UNTAUGHT, regression)
    return Decision(regression, 0.5)


def best_threshold(score: Floats, match: Flags) -> tuple[float, float]:
    """The threshold with the highest F1 and that F1; half-way between two scores, so that neither lies on it."""
    order = np.argsort(-score, kind="stable")
    ranked, right = score[order], np.cumsum(match[order])
    f1 = 2 * right / (match.sum() + np.arange(1, len(score) + 1))
    # A threshold can lie only where the score changes.
    f1[:-1][ranked[:-1] == ranked[1:]] = -1
    place = int(np.argmax(f1))
    below = ranked[place + 1] if place + 1 < len(ranked) else ranked[place]
    return float((ranked[place] + below) / 2), float(f1[place])
