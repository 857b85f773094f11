"""Claims and labels in, probabilities out: the model of trust as a whole, and why it believes what it does."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from destiny_assets.domain.truth import calibration, reliability
from destiny_assets.domain.truth.calibration import Calibration, Example
from destiny_assets.domain.truth.claims import Claims, Floats, Ints
from destiny_assets.domain.truth.fusion import Fusion, Reliability
from destiny_assets.domain.truth.standing import UNKNOWN, copies, levels, standing

MODEL = "fusion/2"


@dataclass(frozen=True, slots=True)
class Reason:
    """What one claim adds to the log-odds of a value; `coarser` when it only is a coarser statement of it."""

    source: str
    said: str
    coarser: bool
    reliability: float
    share_of_vote: float
    log_odds: float


@dataclass(frozen=True)
class Beliefs:
    """The result: `scores` are log-odds of each value against none of its slot's, `probability` in (0, 1), and how they came about.

    `best` has for each slot the most probable value, -1 where nothing was claimed.
    """

    fusion: Fusion
    level: Ints
    reliability: Reliability
    calibration: Calibration
    scores: Floats
    probability: Floats
    best: Ints

    def reasons(self, value: int) -> tuple[Reason, ...]:
        """The terms that sum to a value's score, the weightiest first."""
        claims = self.fusion.claims
        exact, coarse = self._weighed
        by_fine, begins = self._by_fine
        hinting: dict[int, float] = {}
        if begins[value] < begins[value + 1]:
            pairs = by_fine[begins[value] : begins[value + 1]]
            hinting = dict(zip(claims.coarse[pairs].tolist(), np.log(claims.ways[pairs]).tolist(), strict=True))
        slot = claims.value_slot[value]
        # The columns of the slot, for a slice costs less than its elements one by one.
        here = slice(self._slot_begins[slot], self._slot_begins[slot + 1])
        columns = (
            *(claims.value, claims.source, claims.weight, exact, coarse),
            *(self.fusion.share_of, self.reliability.full),
        )
        found = []
        for said, source, weight, stated, hinted, part, full in zip(
            *(column[here].tolist() for column in columns), strict=True
        ):
            if said == value:
                term = stated * part
            elif said in hinting:
                term = (hinted - weight * hinting[said] * self.calibration.temperature) * part
            else:
                continue
            found.append(Reason(claims.sources[source], claims.value_text[said], said != value, full, part, term))
        return tuple(sorted(found, key=lambda reason: -abs(reason.log_odds)))

    @cached_property
    def _weighed(self) -> tuple[Floats, Floats]:
        """The calibrated terms of each claim: for the value it states, and for those it is a coarser statement of."""
        claims = self.fusion.claims
        terms = np.array(self.calibration.level_terms)[self.level[claims.source]] * claims.weight
        exact = self.calibration.temperature * self.fusion.exact_terms(self.reliability) + terms
        return exact, self.calibration.temperature * self.fusion.coarse_terms(self.reliability)

    @cached_property
    def _by_fine(self) -> tuple[Ints, Ints]:
        """The pairs of values in the order of the finer one, and for each value, and after the last, where its pairs begin there."""
        claims = self.fusion.claims
        order = np.argsort(claims.fine, kind="stable")
        return order, np.searchsorted(claims.fine[order], np.arange(len(claims.value_slot) + 1))

    @cached_property
    def _slot_begins(self) -> Ints:
        """For each slot, and after the last, where its claims begin."""
        claims = self.fusion.claims
        return np.searchsorted(claims.slot, np.arange(len(claims.slots) + 1))


def believe(claims: Claims, truths: Ints | None = None, *, grid: float | None = None) -> Beliefs:
    """Probabilities for all values of all slots; `truths` holds labels as `standing` describes them, none by default.

    With a `grid` all that is learned is rounded to multiples of it, so that a claim of one slot does not move the scores of all others
    by a little.
    """
    known = np.full(len(claims.slots), UNKNOWN, np.int64) if truths is None else truths
    vouched = standing(claims, known)
    level = np.minimum(levels(vouched), calibration.TOP_LEVEL)
    fusion = Fusion(claims, (level == 0)[claims.source], copies(claims)[claims.source])
    learned = reliability.learn(fusion, level, known)
    calibrated = _calibrate(fusion, level, known, learned)
    if grid is not None:
        # Nothing that was possible becomes impossible.
        learned = Reliability(_rounded(learned.full, grid), np.maximum(_rounded(learned.part, grid), grid / 2))
        terms = tuple(_rounded(np.array(calibrated.level_terms), grid).tolist())
        calibrated = replace(
            calibrated, temperature=float(_rounded(np.array(calibrated.temperature), grid)), level_terms=terms
        )
    exact, coarse = fusion.exact_terms(learned), fusion.coarse_terms(learned)
    scores = calibrated.scores(fusion.scores(exact, coarse), _votes(fusion, level))
    probability = fusion.probabilities(scores)
    return Beliefs(fusion, level, learned, calibrated, scores, probability, fusion.best(probability))


def majority(claims: Claims) -> tuple[Floats, Ints]:
    """One claim, one vote: the share of its slot's claims that each value has, and for each slot the value that has most."""
    votes = np.bincount(claims.value, minlength=len(claims.value_slot)).astype(float)
    share = votes / np.bincount(claims.slot, minlength=len(claims.slots))[claims.value_slot]
    return share, Fusion(claims, np.zeros(len(claims.slot), bool), np.ones(len(claims.slot))).best(votes)


def _calibrate(fusion: Fusion, level: Ints, truths: Ints, learned: Reliability) -> Calibration:
    votes = _votes(fusion, level)
    slots = np.flatnonzero(truths != UNKNOWN)

    def shown(known: Reliability, some: Ints) -> list[Example]:
        sums = fusion.scores(fusion.exact_terms(known), fusion.coarse_terms(known))
        labelled = [(int(slot), int(truths[slot])) for slot in some]
        return calibration.examples(sums, votes, fusion.claims.value_slot, labelled)

    def folds(number: int, of: int) -> tuple[list[Example], list[Example]]:
        left_out = slots[number::of]
        hidden = truths.copy()
        hidden[left_out] = UNKNOWN
        without = reliability.learn(fusion, level, hidden)
        return shown(without, np.setdiff1d(slots, left_out)), shown(without, left_out)

    return calibration.fit(shown(learned, slots), folds)


def _rounded(numbers: Floats, grid: float) -> Floats:
    # Divided by the whole number that the grid is a part of: 7 * 0.01 is not 0.07.
    return np.asarray(np.round(numbers / grid) / round(1 / grid))


def _votes(fusion: Fusion, level: Ints) -> Floats:
    claims = fusion.claims
    mine = level[claims.source]
    return np.column_stack(
        [fusion.total(claims.weight * (mine == number)) for number in range(calibration.TOP_LEVEL + 1)]
    )
