"""Recipes, and how two rankings become one."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from destiny_assets.domain.proper_names import names_in_passage, names_in_question, title_key
from destiny_assets.domain.retrieval import (
    BEST,
    RECIPES,
    best_documents,
    default_best,
    diverse,
    fuse,
    joined_score,
    named_gains,
    recipe_named,
    relevance,
    relevance_logit,
    reordered,
    with_coverage,
    with_neighbours,
)
from destiny_assets.errors import NotFoundError

NAMES = st.sampled_from("abcdef")
COSINES = st.dictionaries(NAMES, st.floats(-1, 1))
BM25 = st.dictionaries(NAMES, st.just(0.0) | st.floats(1e-3, 100))


def test_the_recipes_are_these() -> None:
    assert {name: recipe.dense_weight for name, recipe in RECIPES.items()} == {
        "hybrid": 0.65,
        "dense": 1.0,
        "lexical": 0.0,
        "graph": 0.65,
        "conversation": 0.45,
        "trusted": 0.65,
        "reranked": 0.65,
    }
    assert {default_best(0, 0), default_best(10, 350), default_best(10, 900)} == {"graph", "conversation"}
    assert BEST not in RECIPES
    assert all(recipe_named(name) is recipe and recipe.candidates >= 10 for name, recipe in RECIPES.items())


def test_an_unknown_recipe_is_answered_with_those_there_are() -> None:
    with pytest.raises(NotFoundError, match=r"'Hybrid'.*hybrid, dense, lexical"):
        recipe_named("Hybrid")


def test_scores_are_the_weighted_sum_with_bm25_scaled_to_its_best() -> None:
    assert fuse({"a": 0.8, "b": 0.4}, {"b": 4.25 * math.log(10), "c": 4.25 * math.log(10) / 2}, 0.5, 9) == [
        ("b", pytest.approx(0.7)),
        ("a", pytest.approx(0.4)),
        ("c", pytest.approx(0.25)),
    ]


def test_the_odds_of_words_against_meaning_grow_with_the_best_bm25_score() -> None:
    cosine, bm25 = {"meant": 0.8}, {"said": 1.0}
    for passages, odds in ((9, 0.25), (99, 1.0), (9_999, 2.0)):
        highest = odds * 4.25 * math.log(1 + passages)
        fused = dict(fuse(cosine, {"said": highest * bm25["said"]}, 0.5, passages))
        assert fused["said"] / (fused["meant"] / 0.8) == pytest.approx(odds)


@given(COSINES, BM25, st.floats(0, 1))
def test_every_candidate_appears_once_best_first_within_bounds(
    cosine: dict[str, float], bm25: dict[str, float], weight: float
) -> None:
    fused = fuse(cosine, bm25, weight, 100)
    assert sorted(name for name, _ in fused) == sorted(cosine.keys() | bm25.keys())
    assert fused == sorted(fused, key=lambda item: (-item[1], item[0]))
    assert all(-1 - 1e-9 <= score <= 1 + 1e-9 for _, score in fused)


@given(COSINES)
def test_dense_alone_keeps_the_order_of_cosines(cosine: dict[str, float]) -> None:
    assert dict(fuse(cosine, {}, 1.0, 100)) == pytest.approx(cosine)


@given(BM25, st.floats(0.1, 50))
def test_words_alone_are_scored_by_the_best_of_them(bm25: dict[str, float], factor: float) -> None:
    scaled = {name: score * factor for name, score in bm25.items()}
    assert dict(fuse({}, scaled, 0.0, 100)) == pytest.approx(dict(fuse({}, bm25, 0.0, 100)), abs=1e-6)
    assert max(dict(fuse({}, bm25, 0.0, 100)).values(), default=0.0) == pytest.approx(float(any(bm25.values())))


def test_nothing_fuses_to_nothing() -> None:
    assert fuse({}, {}, 0.5, 100) == []


def test_a_document_that_says_more_of_the_question_comes_before_one_that_scores_a_little_better() -> None:
    scores = [("one", 0.62), ("other", 0.6), ("unread", 0.58)]
    assert with_coverage(scores, {"one": 0.5, "other": 1.0}, 0.1) == [
        ("other", pytest.approx(0.7 / 1.1)),
        ("one", pytest.approx(0.67 / 1.1)),
        ("unread", pytest.approx(0.58 / 1.1)),
    ]
    assert with_coverage(scores, {"other": 1.0}, 0.0) == scores


@given(st.dictionaries(NAMES, st.floats(0, 1)), st.dictionaries(NAMES, st.floats(0, 1)), st.floats(0, 1))
def test_coverage_keeps_scores_within_their_bounds_and_loses_none(
    scores: dict[str, float], coverage: dict[str, float], weight: float
) -> None:
    found = with_coverage(list(scores.items()), coverage, weight)
    assert {name for name, _ in found} == scores.keys()
    assert all(0 <= score <= 1 + 1e-9 for _, score in found)


def test_the_strongest_naming_counts_and_a_shared_name_is_worth_less() -> None:
    graph = recipe_named("graph")
    gains = named_gains({("a", "x"): 1, ("b", "x"): 1, ("b", "y"): 2}, {"z": 1}, {"a": 1.0, "b": 0.5}, graph)
    assert gains == pytest.approx({"x": graph.named, "y": graph.named * 0.25, "z": graph.asked})


def test_best_documents_are_relative_to_the_best_of_all() -> None:
    scores = [("1", 0.8), ("2", 0.6), ("3", 0.4), ("4", 0.2)]
    found = best_documents(scores, {"1": "a", "2": "a", "3": "b", "4": "c"}, 2)
    assert found == pytest.approx({"a": 1.0, "b": 0.5})
    assert best_documents([], {}, 3) == {}


def test_neighbours_share_their_scores_both_ways_and_unknown_ones_give_nothing() -> None:
    assert with_neighbours({"a": 1.0, "b": 0.5}, [("a", "b"), ("b", "c")], 0.2) == pytest.approx({"a": 1.1, "b": 0.7})


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=8), st.floats(0, 1))
def test_diversity_loses_and_repeats_nothing(relevance: list[float], diversity: float) -> None:
    vectors = np.eye(len(relevance), dtype=np.float32)
    assert sorted(diverse(relevance, vectors, diversity, len(relevance))) == list(range(len(relevance)))


def test_a_repetition_falls_behind_what_is_new() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    assert diverse([0.9, 0.89, 0.5], vectors, 0.5, 3) == [0, 2, 1]
    assert diverse([0.9, 0.89, 0.5], vectors, 0.0, 3) == [0, 1, 2]


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_trust_moves_a_score_by_at_most_twice_its_weight(score: float, trust: float, weight: float) -> None:
    assert abs(joined_score(score, trust, weight) - relevance_logit(score)) <= 2 * weight + 1e-9
    assert joined_score(score, 0.5, weight) == pytest.approx(relevance_logit(score))
    assert 0 < relevance(score, recipe_named("hybrid")) < 1


def test_names_are_read_from_passages_by_capitals_and_from_questions_in_any_case() -> None:
    assert {"haymo of faversham", "recovery of aristotle"} <= names_in_passage(
        "He met Haymo of Faversham, author of the Recovery of Aristotle."
    )
    assert "author of the recovery" not in names_in_passage("author of the Recovery")
    assert "haymo of faversham" in names_in_question("who was haymo of faversham?")
    assert title_key("Lilu (mythology)") == "lilu"


def test_what_a_reranker_scored_comes_first_and_scores_still_fall() -> None:
    scores = [("a", 0.9), ("b", 0.8), ("c", 0.7), ("d", 0.2)]
    assert reordered(scores, {"a": 0.1, "b": 0.6}) == [("b", 0.6), ("a", 0.1), ("c", pytest.approx(0.1)), ("d", pytest.approx(-0.4))]  # fmt: skip
    assert reordered(scores, {"a": 3.0, "b": 5.0}) == [("b", 5.0), ("a", 3.0), ("c", 0.7), ("d", 0.2)]
    assert reordered(scores, {}) == scores
    assert reordered([], {}) == []
