"""Recipes for retrieval and how the two rankings become one. Scores in, scores out; no store is known here."""

from collections.abc import Mapping
from dataclasses import dataclass

from destiny_assets.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Recipe:
    """A named way to search. `dense_weight` in [0, 1] is the share of the cosine; `candidates` is taken from each ranking."""

    name: str
    dense_weight: float
    candidates: int


# Weight and depth were chosen by mean nDCG@10 on the tuning parts of five sets: 0.4 to 0.7 lie within 0.01 of each other, depths 50 to
# 200 within 0.001, reciprocal rank fusion 0.02 below; so that is no recipe.
RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("hybrid", dense_weight=0.65, candidates=100),
        Recipe("dense", dense_weight=1.0, candidates=100),
        Recipe("lexical", dense_weight=0.0, candidates=100),
    )
}


def recipe_named(name: str) -> Recipe:
    """The recipe of that name; raises `NotFoundError` listing those there are."""
    try:
        return RECIPES[name]
    except KeyError:
        raise NotFoundError(f"There is no recipe {name!r}. Choose one of: {', '.join(RECIPES)}") from None


def fuse(cosine: Mapping[str, float], bm25: Mapping[str, float], dense_weight: float) -> list[tuple[str, float]]:
    """Candidates by ``w * cosine + (1 - w) * bm25 / max(bm25)``, best first, ties by id.

    `cosine` is in [-1, 1] and should hold every candidate; one without it counts 0, as does one without BM25. The result is in
    [-1, 1], and in [0, 1] where no cosine is negative.
    """
    highest = max(bm25.values(), default=0.0) or 1.0
    scores = {
        candidate: dense_weight * cosine.get(candidate, 0.0) + (1 - dense_weight) * bm25.get(candidate, 0.0) / highest
        for candidate in cosine.keys() | bm25.keys()
    }
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))
