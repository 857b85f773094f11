"""How well probabilities hold against labels that had no part in them: each fold of labels is judged by a model that never saw it.

Pure: whose labels these are, and where the result is kept, is not known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from destiny_assets.domain.truth import scores
from destiny_assets.domain.truth.beliefs import believe, majority
from destiny_assets.domain.truth.claims import Claims, Floats, Ints
from destiny_assets.domain.truth.scores import Bin
from destiny_assets.domain.truth.standing import UNCLAIMED, UNKNOWN

FOLDS = 5
METHODS = ("destiny", "majority")


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Of n labelled slots what each method believes without their labels: whether that is right (1 or 0), and how probable it was said
    to be. `undecided` more slots have labels that do not say whether what is believed is right.
    """

    right: dict[str, Floats]
    probability: dict[str, Floats]
    undecided: int


@dataclass(frozen=True, slots=True)
class MethodCalibration:
    """How well the probabilities of one method hold over `judged` > 0 slots; all in [0, 1] but the log loss, as in `scores.Scores`.

    A model whose probabilities are exactly right shows a calibration error above `ece_chance_high` once in forty times.
    """

    method: str
    judged: int
    precision: float
    brier: float
    ece: float
    ece_low: float
    ece_high: float
    ece_if_calibrated: float
    ece_chance_high: float
    log_loss: float
    bins: tuple[Bin, ...]


def hold_out(claims: Claims, truths: Ints, verdicts: Mapping[int, bool], *, grid: float | None = None) -> HeldOut:
    """What is believed of each labelled slot by a model that knows the labels of the other folds only.

    `truths` holds labels as `standing` describes them, `verdicts` says of single values that they are true or false, of slots whose
    truth is not known too. Which fold a slot is in follows from its name, so labels that come later move no other slot.
    """
    labelled = np.unique(claims.value_slot[np.array(sorted(verdicts), np.int64)])
    fold = np.array([_fold(claims.slots[slot]) for slot in labelled.tolist()], np.int64)
    share, voted = majority(claims)
    right: dict[str, list[float]] = {method: [] for method in METHODS}
    probability: dict[str, list[float]] = {method: [] for method in METHODS}
    undecided = 0
    for number in np.unique(fold).tolist():
        left_out = labelled[fold == number]
        known = truths.copy()
        known[left_out] = UNKNOWN
        beliefs = believe(claims, known, grid=grid)
        for slot in left_out.tolist():
            chosen = {"destiny": int(beliefs.best[slot]), "majority": int(voted[slot])}
            said = {method: _is_right(value, int(truths[slot]), verdicts) for method, value in chosen.items()}
            if None in said.values():
                undecided += 1
                continue
            for method, value in chosen.items():
                right[method].append(float(bool(said[method])))
                probability[method].append(float((beliefs.probability if method == "destiny" else share)[value]))
    return HeldOut(
        {method: np.array(found) for method, found in right.items()},
        {method: np.array(found) for method, found in probability.items()},
        undecided,
    )


def calibrations(held_out: HeldOut) -> tuple[MethodCalibration, ...]:
    """The figures of each method; none where no slot could be judged."""
    if not len(held_out.right["destiny"]):
        return ()
    return tuple(_of_method(method, held_out.right[method], held_out.probability[method]) for method in METHODS)


def brier_gain(held_out: HeldOut, seed: int = 0) -> tuple[float, float, float]:
    """(mean, low, high) of majority's Brier score less Destiny's, with the 95 % interval over slots; above 0 is better."""
    lost = {method: (held_out.probability[method] - held_out.right[method]) ** 2 for method in METHODS}
    low, high = scores.paired_interval(lost["majority"], lost["destiny"], seed)
    return float((lost["majority"] - lost["destiny"]).mean()), low, high


def _of_method(method: str, right: Floats, probability: Floats) -> MethodCalibration:
    found = scores.score(right, probability)
    low, high = scores.ece_interval(right, probability, seed=0)
    return MethodCalibration(
        method=method,
        judged=len(right),
        precision=found.precision,
        brier=found.brier,
        ece=found.ece,
        ece_low=low,
        ece_high=high,
        ece_if_calibrated=found.ece_if_calibrated,
        ece_chance_high=float(np.quantile(scores.errors_by_chance(probability), 0.975)),
        log_loss=found.log_loss,
        bins=scores.reliability_bins(right, probability),
    )


def _is_right(value: int, truth: int, verdicts: Mapping[int, bool]) -> bool | None:
    """Whether labels say that a value is true; None where they do not say."""
    if value in verdicts:
        return verdicts[value]
    if truth == UNKNOWN:
        return None
    return truth != UNCLAIMED and value == truth


def _fold(slot: tuple[str, str]) -> int:
    return sha256("\0".join(slot).encode()).digest()[0] % FOLDS
