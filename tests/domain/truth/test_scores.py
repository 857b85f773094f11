"""Scores against figures worked out by hand."""

import math

import numpy as np
import pytest

from destiny_assets.domain.truth.scores import calibration_error, coverage_curve, paired_interval, score

RIGHT, CHANCE = np.array([1.0, 1.0, 0.0, 1.0]), np.array([0.9, 0.8, 0.8, 0.3])


def test_precision_brier_and_log_loss_by_hand() -> None:
    found = score(RIGHT, CHANCE)
    assert found.precision == 0.75
    assert found.brier == pytest.approx((0.01 + 0.04 + 0.64 + 0.49) / 4)
    assert found.log_loss == pytest.approx(-(math.log(0.9) + math.log(0.8) + math.log(0.2) + math.log(0.3)) / 4)


def test_calibration_error_weighs_each_bin_by_what_falls_into_it() -> None:
    # Bins: 0.9 alone (gap 0.1), 0.8 twice (mean right 0.5, gap 0.3), 0.3 alone (gap 0.7).
    assert calibration_error(RIGHT, CHANCE) == pytest.approx((1 * 0.1 + 2 * 0.3 + 1 * 0.7) / 4)


def test_certainty_that_is_right_costs_nothing_and_wrong_is_bounded() -> None:
    assert score(np.ones(3), np.ones(3)).log_loss == pytest.approx(0, abs=1e-5)
    assert score(np.zeros(3), np.ones(3)).log_loss < 20
    assert score(np.ones(3), np.ones(3)).ece_if_calibrated == 0


def test_nothing_cannot_be_scored() -> None:
    with pytest.raises(ValueError, match="nothing to score"):
        score(np.array([]), np.array([]))


def test_coverage_keeps_the_surest_first() -> None:
    right, chance = np.array([0.0] * 5 + [1.0] * 5), np.linspace(0.1, 1, 10)
    curve = coverage_curve(right, chance)
    assert [share for share, _ in curve] == pytest.approx([number / 10 for number in range(1, 11)])
    assert curve[4] == (0.5, 1.0)
    assert curve[-1] == (1.0, 0.5)


def test_the_interval_is_paired_and_holds_the_difference() -> None:
    ours, theirs = np.array([1.0] * 90 + [0.0] * 10), np.array([1.0] * 80 + [0.0] * 20)
    low, high = paired_interval(ours, theirs, seed=0)
    assert 0 < low < 0.1 < high < 0.2
    assert paired_interval(ours, ours, seed=0) == (0, 0)
