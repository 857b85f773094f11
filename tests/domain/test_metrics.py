"""Retrieval metrics against values worked out by hand, and what must hold of every ranking."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from destiny_assets.domain.metrics import (
    average_precision,
    mean_metrics,
    ndcg,
    percentile,
    query_metrics,
    recall,
    reciprocal_rank,
)

GRADES = {"a": 2, "b": 1, "c": 0}
ITEMS = st.sampled_from("abcdefgh")
RANKINGS = st.lists(ITEMS, unique=True)
GRADED = st.dictionaries(ITEMS, st.integers(0, 3))


def test_gain_is_the_grade_discounted_by_the_rank() -> None:
    # Found b, then nothing, then a: 1/log2(2) + 2/log2(4) = 2, ideal 2/log2(2) + 1/log2(3).
    assert ndcg(["b", "x", "a"], GRADES, 10) == pytest.approx(2.0 / (2.0 + 1 / math.log2(3)))
    assert ndcg(["b", "x", "a"], GRADES, 2) == pytest.approx(1.0 / (2.0 + 1 / math.log2(3)))


def test_a_cut_off_limits_what_is_ideal_too() -> None:
    assert ndcg(["a"], {"a": 1, "b": 1}, 1) == 1.0


def test_recall_counts_relevant_items_only() -> None:
    assert recall(["a", "c", "x"], GRADES, 10) == 0.5
    assert recall(["c", "a"], GRADES, 1) == 0.0
    assert recall(["b", "a"], GRADES, 2) == 1.0


def test_the_reciprocal_rank_is_of_the_first_relevant_item() -> None:
    assert reciprocal_rank(["c", "x", "b", "a"], GRADES, 10) == pytest.approx(1 / 3)
    assert reciprocal_rank(["c", "x", "b"], GRADES, 2) == 0.0


def test_average_precision_counts_what_was_not_found_as_nothing() -> None:
    # Relevant at ranks 1 and 3 of three relevant items: (1/1 + 2/3 + 0) / 3.
    assert average_precision(["a", "x", "b"], {"a": 1, "b": 1, "d": 2}) == pytest.approx((1 + 2 / 3) / 3)


@given(RANKINGS, GRADED)
def test_every_metric_lies_between_0_and_1(ranking: list[str], grades: dict[str, int]) -> None:
    assert all(0 <= value <= 1 + 1e-12 for value in query_metrics(ranking, grades).values())


@given(RANKINGS, GRADED)
def test_the_best_ranking_scores_1_everywhere_and_no_other_beats_it(ranking: list[str], grades: dict[str, int]) -> None:
    best = query_metrics(sorted(grades, key=lambda item: -grades[item]), grades)
    relevant = sum(grade > 0 for grade in grades.values())
    assert best["ndcg@10"] == best["mrr@10"] == best["map"] == pytest.approx(float(relevant > 0))
    for name, value in query_metrics(ranking, grades).items():
        assert value <= best[name] + 1e-12


@given(RANKINGS, GRADED, st.data())
def test_moving_a_relevant_item_up_past_an_irrelevant_one_never_hurts(
    ranking: list[str], grades: dict[str, int], data: st.DataObject
) -> None:
    places = [
        place
        for place in range(len(ranking) - 1)
        if grades.get(ranking[place], 0) == 0 < grades.get(ranking[place + 1], 0)
    ]
    if not places:
        return
    place = data.draw(st.sampled_from(places))
    better = [*ranking]
    better[place : place + 2] = reversed(better[place : place + 2])
    before, after = query_metrics(ranking, grades), query_metrics(better, grades)
    assert all(after[name] >= before[name] - 1e-12 for name in before)


@given(GRADED)
def test_an_empty_ranking_scores_0(grades: dict[str, int]) -> None:
    assert set(query_metrics([], grades).values()) == {0.0}


def test_the_mean_is_of_each_metric_over_queries() -> None:
    assert mean_metrics([{"a": 1.0, "b": 0.0}, {"a": 0.0, "b": 0.5}]) == {"a": 0.5, "b": 0.25}
    assert mean_metrics([]) == {}


def test_percentiles_are_values_that_occurred() -> None:
    values = [15.0, 20.0, 35.0, 40.0, 50.0]
    assert [percentile(values, share) for share in (0.0, 0.05, 0.3, 0.4, 0.5, 1.0)] == [15, 15, 20, 20, 35, 50]
    assert percentile([7.0], 0.99) == 7.0
    assert math.isnan(percentile([], 0.5))


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_at_least_the_share_of_all_values_do_not_exceed_the_percentile(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
