"""Held-out calibration: no label judges what it fed, folds stay where they are, and the figures are those of the definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from destiny_assets.domain.truth.beliefs import believe
from destiny_assets.domain.truth.claims import Claims, arrange
from destiny_assets.domain.truth.holdout import brier_gain, calibrations, hold_out
from destiny_assets.domain.truth.scores import (
    calibration_error,
    ece_interval,
    errors_by_chance,
    reliability_bins,
    wilson_interval,
)
from destiny_assets.domain.truth.standing import UNCLAIMED, UNKNOWN

SLOTS = 60


def peaks() -> tuple[Claims, "np.ndarray[tuple[int], np.dtype[np.int64]]"]:
    """Heights of peaks as eight sources of different quality tell them, and the true value of each (none where nobody says it)."""
    random = np.random.default_rng(5)
    told = [
        (
            f"peak {slot}",
            "height",
            f"atlas {source}",
            str(1_001 + 37 * slot if random.random() < 0.5 + source / 20 else 9_000 + int(random.integers(5))),
        )
        for slot in range(SLOTS)
        for source in range(8)
    ]
    claims = arrange(*(list(column) for column in zip(*told, strict=True)))
    truths = np.full(SLOTS, UNCLAIMED, np.int64)
    for slot, (name, _) in enumerate(claims.slots):
        value = claims.find(slot, float(1_001 + 37 * int(name.split()[1])))
        truths[slot] = UNCLAIMED if value is None else value
    return claims, truths


def test_a_label_never_judges_what_it_fed() -> None:
    claims, truths = peaks()
    labelled = truths.copy()
    labelled[40:] = UNKNOWN
    verdicts = {int(value): True for value in labelled if value >= 0}
    honest = hold_out(claims, labelled, verdicts)
    # Labels that lie about the slots of one fold move nothing that is believed of that fold.
    for slot, value in enumerate(labelled.tolist()):
        if value < 0:
            continue
        others = [other for other in np.flatnonzero(claims.value_slot == slot).tolist() if other != value]
        if not others:
            continue
        lied, said = labelled.copy(), dict(verdicts)
        lied[slot] = others[0]
        said[value], said[others[0]] = False, True
        dishonest = hold_out(claims, lied, said)
        place = sorted(verdicts).index(value)
        order = np.argsort([fold_of(claims.slots[int(claims.value_slot[v])]) for v in sorted(verdicts)], kind="stable")
        at = int(np.flatnonzero(order == place)[0])
        assert dishonest.probability["destiny"][at] == honest.probability["destiny"][at]
        return
    pytest.fail("no slot has two values")


def fold_of(slot: tuple[str, str]) -> int:
    from destiny_assets.domain.truth import holdout

    return holdout._fold(slot)


def test_what_is_judged_and_what_labels_leave_open() -> None:
    claims, truths = peaks()
    everything = {int(value): True for value in truths if value >= 0}
    judged = hold_out(claims, truths, everything)
    assert judged.undecided == 0
    assert len(judged.right["destiny"]) == len(everything)
    # A value that is neither believed nor chosen by vote, labelled false, says nothing of what is.
    share = believe(claims).best
    slot = next(slot for slot in range(SLOTS) if (claims.value_slot == slot).sum() > 2)
    beside = next(
        v for v in np.flatnonzero(claims.value_slot == slot).tolist() if v != share[slot] and v != truths[slot]
    )
    nothing = np.full(SLOTS, UNKNOWN, np.int64)
    alone = hold_out(claims, nothing, {beside: False})
    assert (alone.undecided, len(alone.right["destiny"])) == (1, 0)
    assert calibrations(alone) == ()


def test_the_figures_of_both_methods_and_the_gain() -> None:
    claims, truths = peaks()
    held_out = hold_out(claims, truths, {int(value): True for value in truths if value >= 0}, grid=0.01)
    ours, vote = calibrations(held_out)
    assert (ours.method, vote.method) == ("destiny", "majority")
    for one in (ours, vote):
        assert one.judged == sum(part.slots for part in one.bins) == len(held_out.right["destiny"])
        assert one.precision == pytest.approx(held_out.right[one.method].mean())
        assert one.ece_low <= one.ece_high
        weighed = [
            part.slots * abs(part.right - part.mean_probability)
            for part in one.bins
            if part.right is not None and part.mean_probability is not None
        ]
        assert one.ece == pytest.approx(sum(weighed) / one.judged)
    mean, low, high = brier_gain(held_out)
    assert mean == pytest.approx(vote.brier - ours.brier)
    assert low <= mean <= high
    assert mean > 0


@given(st.integers(1, 400), st.integers(0, 400))
def test_a_share_lies_in_its_interval_and_that_in_nought_to_one(of: int, hits: int) -> None:
    share = min(hits, of) / of
    low, high = wilson_interval(share, of)
    assert 0 <= low <= share <= high <= 1
    assert high - low < 1


def test_every_belief_is_in_one_tenth_and_empty_tenths_are_there_too() -> None:
    probability = np.array([0.0, 0.05, 0.95, 1.0])
    bins = reliability_bins(np.array([0.0, 1.0, 1.0, 1.0]), probability)
    assert [part.slots for part in bins] == [2, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    assert (bins[0].right, bins[0].mean_probability, bins[1].right) == (0.5, 0.025, None)


def test_chance_alone_shows_an_error_that_falls_with_the_number_of_slots() -> None:
    few, many = (float(errors_by_chance(np.full(slots, 0.7)).mean()) for slots in (20, 2_000))
    assert 0 < many < few / 5
    right = np.random.default_rng(1).random(300) < 0.7
    low, high = ece_interval(right.astype(float), np.full(300, 0.9), seed=0)
    assert low < calibration_error(right.astype(float), np.full(300, 0.9)) < high
    assert low > 0.05
