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
    return Scores(
        precision=float(right.mean()),
        brier=float(np.mean((probability - right) ** 2)),
        ece=calibration_error(right, probability),
        log_loss=float(-np.mean(np.where(right > 0, np.log(chance), np.log(1 - chance)))),
        ece_if_calibrated=float(errors_by_chance(probability).mean()),
    )


def errors_by_chance(probability: Floats) -> Floats:
    """The calibration errors that as many slots would show in 200 worlds in which every probability is exactly right."""
    imagined = np.random.default_rng(0).random((200, len(probability))) < probability
    return np.array([calibration_error(row.astype(float), probability) for row in imagined])


def calibration_error(right: Floats, probability: Floats) -> float:
    """The expected calibration error: |share right - mean probability|, averaged over bins by how many fall into each."""
    bins = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, right - probability, BINS)
    return float(np.abs(gaps).sum() / len(right))


@dataclass(frozen=True, slots=True)
class Bin:
    """One tenth of a reliability diagram: of the beliefs with a probability from `begins` on (to `begins` + 0.1), how many, what was
    believed of them on average, the share that is right, and its 95 % interval after Wilson. None where there is no belief.
    """

    begins: float
    slots: int
    mean_probability: float | None = None
    right: float | None = None
    low: float | None = None
    high: float | None = None


def reliability_bins(right: Floats, probability: Floats) -> tuple[Bin, ...]:
    """The reliability diagram over the bins of the calibration error; empty bins are there too."""
    where = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    found = []
    for number in range(BINS):
        inside = where == number
        slots = int(inside.sum())
        if not slots:
            found.append(Bin(number / BINS, 0))
            continue
        share = float(right[inside].mean())
        low, high = wilson_interval(share, slots)
        found.append(Bin(number / BINS, slots, float(probability[inside].mean()), share, low, high))
    return tuple(found)


def wilson_interval(share: float, of: int) -> tuple[float, float]:
    """The 95 % interval of a share seen in `of` > 0 cases, in [0, 1]; it holds with few cases and at 0 and 1 too."""
    z = 1.959964
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    reach = z / (1 + z * z / of) * np.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    # At 0 and 1 the sums below miss the ends by a rounding error.
    return min(share, max(0.0, float(middle - reach))), max(share, min(1.0, float(middle + reach)))


def ece_interval(right: Floats, probability: Floats, seed: int) -> tuple[float, float]:
    """The 95 % bootstrap interval of the calibration error, resampling slots."""
    drawn = np.random.default_rng(seed).integers(0, len(right), (_RESAMPLES, len(right)))
    errors = [calibration_error(right[rows], probability[rows]) for rows in drawn]
    low, high = np.quantile(errors, [0.025, 0.975])
    return float(low), float(high)


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
