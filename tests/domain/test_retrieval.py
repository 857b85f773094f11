"""Recipes, and how two rankings become one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from destiny_assets.domain.retrieval import RECIPES, fuse, recipe_named
from destiny_assets.errors import NotFoundError

NAMES = st.sampled_from("abcdef")
COSINES = st.dictionaries(NAMES, st.floats(-1, 1))
BM25 = st.dictionaries(NAMES, st.just(0.0) | st.floats(1e-3, 100))


def test_the_recipes_are_these() -> None:
    assert {name: recipe.dense_weight for name, recipe in RECIPES.items()} == {
        "hybrid": 0.65,
        "dense": 1.0,
        "lexical": 0.0,
    }
    assert all(recipe_named(name) is recipe and recipe.candidates >= 10 for name, recipe in RECIPES.items())


def test_an_unknown_recipe_is_answered_with_those_there_are() -> None:
    with pytest.raises(NotFoundError, match=r"'Hybrid'.*hybrid, dense, lexical"):
        recipe_named("Hybrid")


def test_scores_are_the_weighted_sum_with_bm25_scaled_to_its_best() -> None:
    assert fuse({"a": 0.8, "b": 0.4}, {"b": 6.0, "c": 3.0}, 0.5) == [
        ("b", pytest.approx(0.7)),
        ("a", pytest.approx(0.4)),
        ("c", pytest.approx(0.25)),
    ]


@given(COSINES, BM25, st.floats(0, 1))
def test_every_candidate_appears_once_best_first_within_bounds(
    cosine: dict[str, float], bm25: dict[str, float], weight: float
) -> None:
    fused = fuse(cosine, bm25, weight)
    assert sorted(name for name, _ in fused) == sorted(cosine.keys() | bm25.keys())
    assert fused == sorted(fused, key=lambda item: (-item[1], item[0]))
    assert all(-1 - 1e-9 <= score <= 1 + 1e-9 for _, score in fused)


@given(COSINES)
def test_dense_alone_keeps_the_order_of_cosines(cosine: dict[str, float]) -> None:
    assert dict(fuse(cosine, {}, 1.0)) == pytest.approx(cosine)


@given(BM25, st.floats(0.1, 50))
def test_the_scale_of_bm25_does_not_matter(bm25: dict[str, float], factor: float) -> None:
    scaled = {name: score * factor for name, score in bm25.items()}
    assert dict(fuse({}, scaled, 0.3)) == pytest.approx(dict(fuse({}, bm25, 0.3)), abs=1e-6)


def test_nothing_fuses_to_nothing() -> None:
    assert fuse({}, {}, 0.5) == []
