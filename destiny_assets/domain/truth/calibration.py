"""What labels teach beyond the reliability of single sources: a temperature, and what a vote of each standing is worth.

A conditional logit over the values of each labelled slot ("none of them" has score 0), fitted by penalised maximum likelihood towards
what is assumed without labels. The penalty is chosen by the log loss on labels that were left out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from destiny_assets.domain.truth.claims import Floats, Ints

# The factor on the sums of log-odds when there is no label to fit it. Sources are less independent than Bayes takes them to be. It could not be
# learned from how well claims foretell each other: that gave 1.3 where sources copy and 0.05 where they abbreviate.
TEMPERATURE = 0.5
# Levels of standing from here on are weighed alike.
TOP_LEVEL = 11
_PENALTIES = (0.3, 1.0, 3.0, 10.0, 30.0)
_FOLDS = 5
# With fewer labels than this a fold says nothing.
_FEWEST = 20
# Sums of log-odds are divided by this, so that one penalty suits all weights.
_SCALE = 5.0
_MOST_STEPS = 50


@dataclass(frozen=True, slots=True)
class Calibration:
    """`temperature` multiplies the sum of log-odds of a value, `level_terms[k]` is added for each of its votes of standing k."""

    temperature: float
    level_terms: tuple[float, ...]
    labels: int
    penalty: float | None

    def scores(self, sums: Floats, votes: Floats) -> Floats:
        """The log-odds of each value against none of them; `sums` (values,), `votes` (values, levels)."""
        return np.asarray(self.temperature * sums + votes @ np.array(self.level_terms))


UNFITTED = Calibration(TEMPERATURE, (0.0,) * (TOP_LEVEL + 1), 0, None)


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled slot: `features` (values + 1, levels + 1), the last row that of none of them; `truth` the row that is true."""

    features: Floats
    truth: int


def examples(sums: Floats, votes: Floats, value_slot: Ints, truths: Sequence[tuple[int, int]]) -> list[Example]:
    """Examples from (slot, true value or a negative number for none of them); slots without a value are left out."""
    features = np.column_stack((sums / _SCALE, votes))
    found = []
    for slot, value in truths:
        start, end = np.searchsorted(value_slot, [slot, slot + 1])
        if end > start:
            rows = np.vstack((features[start:end], np.zeros(features.shape[1])))
            found.append(Example(rows, int(value - start) if value >= 0 else int(end - start)))
    return found


def fit(known: Sequence[Example], folds: Callable[[int, int], tuple[list[Example], list[Example]]]) -> Calibration:
    """The calibration that labels teach; `folds(number, of)` gives examples to fit on and others that nothing was learned from.

    With fewer than twenty labels nothing is fitted.
    """
    if len(known) < _FEWEST:
        return UNFITTED
    losses = np.zeros(len(_PENALTIES))
    for number in range(_FOLDS):
        kept, left_out = folds(number, _FOLDS)
        for index, penalty in enumerate(_PENALTIES):
            losses[index] -= _log_likelihood(_weights(kept, penalty), left_out)
    penalty = _PENALTIES[int(losses.argmin())]
    weights = _weights(known, penalty)
    return Calibration(float(weights[0] / _SCALE), tuple(weights[1:].tolist()), len(known), penalty)


def _weights(known: Sequence[Example], penalty: float) -> Floats:
    """Newton's method with halved steps; the objective is concave, so its end is the maximum."""
    prior = np.array([TEMPERATURE * _SCALE, *UNFITTED.level_terms])
    weights = prior.copy()

    def objective(at: Floats) -> float:
        return _log_likelihood(at, known) - 0.5 * penalty * float(((at - prior) ** 2).sum())

    reached = objective(weights)
    for _ in range(_MOST_STEPS):
        gradient, curvature = -penalty * (weights - prior), penalty * np.eye(len(prior))
        for example in known:
            scores = example.features @ weights
            chance = np.exp(scores - np.logaddexp.reduce(scores))
            expected = chance @ example.features
            gradient += example.features[example.truth] - expected
            curvature += (example.features * chance[:, None]).T @ example.features - np.outer(expected, expected)
        step = np.linalg.solve(curvature, gradient)
        while objective(weights + step) < reached and float(np.abs(step).max()) > 1e-9:
            step = step / 2
        gained = objective(weights + step) - reached
        if gained <= 1e-9:
            break
        weights, reached = weights + step, reached + gained
    return np.asarray(weights)


def _log_likelihood(weights: Floats, known: Sequence[Example]) -> float:
    scores = [example.features @ weights for example in known]
    return sum(
        float(score[example.truth] - np.logaddexp.reduce(score)) for score, example in zip(scores, known, strict=True)
    )
