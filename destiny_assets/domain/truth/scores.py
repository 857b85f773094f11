"""How good beliefs are, given the truth: precision, Brier score, calibration error, log loss, risk against coverage, intervals."""

from dataclasses import dataclass

import numpy as np

from destiny_assets.domain.truth.claims import Floats

# Calibration error over this many bins of equal width on [0, 1].
BINS = 10
# Beliefs of 0 and 1 that are wrong would cost infinitely much.
_LEAST = 1e-6
_RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Scores:
    """Of the believed values of n slots: the share that is right, and how well their probabilities say so (all but the first: less is
    better). `ece_if_calibrated` is what the calibration error would be on average if every probability were exactly right: with few
    slots it is not 0.
    """

    precision: float
    brier: float
    ece: float
    log_loss: float
    ece_if_calibrated: float


def score(right: Floats, probability: Floats) -> Scores:
    """The scores of n > 0 beliefs; `right` holds 1 or 0, `probability` what was believed of it."""
    if not len(right):
        raise ValueError("there is nothing to score: no slot with a truth has a claim")
    chance = np.clip(probability, _LEAST, 1 - _LEAST)
    imagined = np.random.default_rng(0).random((200, len(right))) < probability
    return Scores(
        precision=float(right.mean()),
        brier=float(np.mean((probability - right) ** 2)),
        ece=calibration_error(right, probability),
        log_loss=float(-np.mean(np.where(right > 0, np.log(chance), np.log(1 - chance)))),
        ece_if_calibrated=float(np.mean([calibration_error(row.astype(float), probability) for row in imagined])),
    )


def calibration_error(right: Floats, probability: Floats) -> float:
    """The expected calibration error: |share right - mean probability|, averaged over bins by how many fall into each."""
    bins = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, right - probability, BINS)
    return float(np.abs(gaps).sum() / len(right))


def coverage_curve(right: Floats, probability: Floats) -> list[tuple[float, float]]:
    """(share kept, precision of those) when only the most probable 10 %, 20 %, ... of the beliefs are shown."""
    order = np.argsort(-probability, kind="stable")
    kept = [max(1, round(share * len(right) / 10)) for share in range(1, 11)]
    return [(count / len(right), float(right[order[:count]].mean())) for count in kept]


def paired_interval(first: Floats, second: Floats, seed: int) -> tuple[float, float]:
    """The 95 % bootstrap interval of mean(first) - mean(second), resampling slots, each with both outcomes."""
    difference = first - second
    drawn = np.random.default_rng(seed).integers(0, len(difference), (_RESAMPLES, len(difference)))
    low, high = np.quantile(difference[drawn].mean(1), [0.025, 0.975])
    return float(low), float(high)
