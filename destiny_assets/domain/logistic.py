"""Logistic regression over standardised features, by Newton's method. What the features mean is for whoever fits."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_ROUNDS = 30
_SMALL = 1e-5


@dataclass(frozen=True, slots=True)
class Regression:
    """Weights (the constant first) of features that were standardised by `mean` and `scale`, each of shape (features,)."""

    mean: Floats
    scale: Floats
    weights: Floats

    def probability(self, features: Floats) -> Floats:
        """The probability of each row of `features`, shape (n, features), in (0, 1)."""
        return _logistic(_design(features, self.mean, self.scale) @ self.weights)


def fit(features: Floats, target: Floats, strength: float, start: Regression | None = None) -> Regression:
    """Fit on rows of `features` with targets in [0, 1]; `strength` > 0 penalises squared weights but the constant.

    `start`: a regression over the same features, whose standardisation is kept and whose weights are where the search begins.
    """
    if start is None:
        scale = features.std(axis=0)
        start = Regression(
            features.mean(axis=0), np.where(scale > 1e-9, scale, 1.0), np.zeros(features.shape[1] + 1, np.float64)
        )
    design = _design(features, start.mean, start.scale)
    penalty = np.full(design.shape[1], strength)
    penalty[0] = 1e-6
    weights = start.weights
    loss = _loss(design, target, penalty, weights)
    for _ in range(_ROUNDS):
        probability = _logistic(design @ weights)
        slope = design.T @ (probability - target) + penalty * weights
        curve = (design * np.maximum(probability * (1 - probability), 1e-6)[:, np.newaxis]).T @ design
        step = np.linalg.solve(curve + np.diag(penalty), slope)
        # Where both classes can be told apart perfectly a whole step overshoots.
        while (moved := _loss(design, target, penalty, weights - step)) > loss and np.abs(step).max() > _SMALL:
            step = step / 2
        weights = weights - step
        if loss - moved < _SMALL * (1 + loss):
            break
        loss = moved
    return Regression(start.mean, start.scale, weights)


def _loss(design: Floats, target: Floats, penalty: Floats, weights: Floats) -> float:
    score = design @ weights
    return float(np.sum(np.logaddexp(0, score) - target * score) + (penalty * weights**2).sum() / 2)


def _design(features: Floats, mean: Floats, scale: Floats) -> Floats:
    return np.concatenate([np.ones((len(features), 1)), (features - mean) / scale], axis=1)


def _logistic(score: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(score, -35, 35)))
