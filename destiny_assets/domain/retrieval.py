"""Recipes for retrieval and the arithmetic of ranking: fusing, coverage, following names, neighbours, trust, diversity. No store is known here."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from destiny_assets.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Recipe:
    """A named way to search.

    `dense_weight` in [0, 1] is the share of the cosine where words speak with middling strength (`fuse`); `candidates` is taken from
    each ranking. `covers` is the weight of how much of the question a document's passages say together (`with_coverage`), where 1 is
    that of the fused score. `follows` is the number of best documents that are read for what they name or refer to; a document they
    name gains up to `named`, one the question names gains `asked`. `neighbours` is the share that a chunk gets of the scores of the
    chunks right before and after it. `trust` is the weight of the log-odds of being true (`joined_score`); None leaves scores as
    they are. `reranked` is how many of the first chunks a reranker puts in order.
    """

    name: str
    dense_weight: float
    candidates: int
    covers: float = 0.0
    follows: int = 0
    named: float = 0.0
    asked: float = 0.0
    neighbours: float = 0.0
    trust: float | None = None
    reranked: int = 0


# Weight and depth were chosen by mean nDCG@10 on the tuning parts of five sets: 0.4 to 0.7 lie within 0.01 of each other, depths 50 to
# 200 within 0.001, reciprocal rank fusion 0.02 below; so that is no recipe. Coverage and the best BM25 score together won 0.004, either
# alone 0.0015; what else was tried: docs/benchmarks.md.
_HYBRID = Recipe("hybrid", dense_weight=0.65, candidates=100, covers=0.1)
_GRAPH = replace(_HYBRID, name="graph", follows=5, named=0.15, asked=0.1)

RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        _HYBRID,
        Recipe("dense", dense_weight=1.0, candidates=100),
        Recipe("lexical", dense_weight=0.0, candidates=100),
        _GRAPH,
        # Turns of a conversation are too short to be told apart by meaning alone, an answer stands next to its question, and what is
        # asked of is spread over a session.
        Recipe("conversation", dense_weight=0.45, candidates=200, covers=0.3, neighbours=0.15),
        # No labelled set yet says that true passages are the wanted ones, so trust weighs nothing: the order is that of hybrid.
        replace(_HYBRID, name="trusted", trust=0.0),
        # Needs a reranker, which none of our packages brings: only where one is configured.
        replace(_HYBRID, name="reranked", reranked=50),
    )
}
RANKING = "ranking/3"
"""Version of the arithmetic of all recipes: raise it when one ranks otherwise. Rankings of another version are no measure of this one."""
HYBRID = _HYBRID.name
"""The recipe that others add to, and that answers in place of `reranked` while the reranker is away."""
# While trust weighs nothing `trusted` finds what hybrid finds: measuring it would show the same figures twice.
MEASURED = tuple(name for name, recipe in RECIPES.items() if recipe.trust != 0 and not recipe.reranked)
RERANKED = tuple(name for name, recipe in RECIPES.items() if recipe.reranked)
"""Measured too where there is a reranker."""
SELF_CONTAINED = tuple(name for name, recipe in RECIPES.items() if not recipe.reranked)
"""Rank by the layers alone, so that the same generation gives the same ranking anywhere."""
READERS = (1, 10, 50)
"""How many readers at once latencies are measured with."""
BEST = "best"
"""The name that stands for whichever recipe suits a project."""
# A turn of a conversation has some 35 tokens with its heading, a chunk of prose 70 to 120.
_SHORT_CHUNK = 48


def default_best(chunks: int, tokens: int) -> str:
    """What `best` means while no golden question says otherwise, by how long the project's chunks are on average."""
    return "conversation" if chunks and tokens / chunks < _SHORT_CHUNK else "graph"


def recipe_named(name: str) -> Recipe:
    """The recipe of that name; raises `NotFoundError` listing those there are."""
    try:
        return RECIPES[name]
    except KeyError:
        raise NotFoundError(f"There is no recipe {name!r}. Choose one of: {', '.join((*RECIPES, BEST))}") from None


# The best BM25 score at which `dense_weight` is meant as it stands, in units of the logarithm of how many passages there are, by which
# the worth of a rare word grows: 32 at 1,800. Three quarters and five quarters of it are within 0.003 by mean nDCG@10.
_MIDDLING = 4.25


def fuse(
    cosine: Mapping[str, float], bm25: Mapping[str, float], dense_weight: float, passages: int
) -> list[tuple[str, float]]:
    """Candidates by ``w * cosine + (1 - w) * bm25 / max(bm25)``, best first, ties by id.

    The more the best chunk says of the question, and the rarer that is, the more words weigh: w is `dense_weight` where max(bm25) is
    4.25 times the logarithm of how many `passages` there are (at least 1), and the odds of words against meaning grow in proportion to
    it. `cosine` is at most 1, 0 for what is unrelated (`domain.unrelated`), and should hold every candidate; one without it counts 0, as
    does one without BM25. The result is at most 1, and in [0, 1] where no cosine is negative.
    """
    highest = max(bm25.values(), default=0.0)
    words = (1 - dense_weight) * highest / (_MIDDLING * math.log(1 + passages))
    weight = dense_weight / (dense_weight + words) if dense_weight else 0.0
    return ranked(
        {
            candidate: weight * cosine.get(candidate, 0.0) + (1 - weight) * bm25.get(candidate, 0.0) / (highest or 1.0)
            for candidate in cosine.keys() | bm25.keys()
        }
    )


def with_coverage(
    scores: Sequence[tuple[str, float]], coverage: Mapping[str, float], weight: float
) -> list[tuple[str, float]]:
    """Chunks by the mean of their score and the `coverage` of their document (weight 1 to `weight`), best first, ties by id.

    `coverage` maps chunks to the share of the question that the found passages of their document say together, in [0, 1]; a chunk
    that is not in it counts 0. A document is judged by its best chunk alone otherwise, and a question often speaks of what stands in
    different passages of it.
    """
    return ranked({chunk: (score + weight * coverage.get(chunk, 0.0)) / (1 + weight) for chunk, score in scores})


def ranked(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    """Items by score, best first, ties by id."""
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def best_documents(scores: Sequence[tuple[str, float]], document_of: Mapping[str, str], count: int) -> dict[str, float]:
    """The first `count` documents of a ranking of chunks with the score of their best chunk, relative to the best of all (1)."""
    highest = max(scores[0][1], 1e-9) if scores else 1.0
    found: dict[str, float] = {}
    for chunk, score in scores:
        if len(found) == count:
            break
        found.setdefault(document_of[chunk], max(score, 0.0) / highest)
    return found


def named_gains(
    named: Mapping[tuple[str, str], int], asked: Mapping[str, int], followed: Mapping[str, float], recipe: Recipe
) -> dict[str, float]:
    """What each document gains by being named, by document.

    `named` maps (naming document, named document) to how many documents share that name, `asked` does the same for names in the
    question; `followed` are `best_documents`. The strongest naming counts, not their sum: five passages of one site all name its
    home page. A name that several documents share is worth that much less to each.
    """
    gains = {document: recipe.asked / shared for document, shared in asked.items()}
    for (source, target), shared in named.items():
        gains[target] = max(gains.get(target, 0.0), recipe.named * followed[source] / shared)
    return gains


def with_neighbours(scores: Mapping[str, float], adjacent: Sequence[tuple[str, str]], share: float) -> dict[str, float]:
    """Each chunk's score and `share` of that of every chunk right before or after it; one that was not found counts 0."""
    summed = dict(scores)
    for one, other in adjacent:
        if one in scores and other in scores:
            summed[one] += share * scores[other]
            summed[other] += share * scores[one]
    return summed


# A logistic fit of "judged relevant" on hybrid's score, over the first ten hits of 250 train questions. On 250 others, and on tuning halves
# of three other sets, whose own fits have slopes of 10 to 11, its log loss is 0.32 to 0.63 where a slope of 18 had 0.43 to 0.72.
_SLOPE, _MIDDLE = 10.0, 0.7


def relevance_logit(score: float) -> float:
    """Log-odds that a hit of this fused score is relevant."""
    return _SLOPE * (score - _MIDDLE)


def relevance(score: float, recipe: Recipe) -> float:
    """Probability that a hit of this score is relevant, in (0, 1); `recipe` made the score."""
    if recipe.reranked:
        # What rerankers of this interface call a relevance score lies in [0, 1]; a logit is cut to it.
        return min(max(score, 0.001), 0.999)
    logit = score if recipe.trust is not None else relevance_logit(score)
    return 1 / (1 + math.exp(-min(max(logit, -30.0), 30.0)))


def reordered(scores: Sequence[tuple[str, float]], given: Mapping[str, float]) -> list[tuple[str, float]]:
    """Chunks that a reranker scored (`given`) by its scores, then the others in their order, lowered where they would stand above."""
    first = ranked(given)
    others = [(chunk, score) for chunk, score in scores if chunk not in given]
    lowered = min(first[-1][1] - others[0][1], 0.0) if first and others else 0.0
    return first + [(chunk, score + lowered) for chunk, score in others]


def joined_score(score: float, trust: float, weight: float) -> float:
    """``logit(P(relevant)) + weight * clip(logit(P(true)), -2, 2)``: beyond 2 no source may drown what was asked."""
    bounded = min(max(trust, 1e-6), 1 - 1e-6)
    return relevance_logit(score) + weight * min(max(math.log(bounded / (1 - bounded)), -2.0), 2.0)


def diverse(relevance: Sequence[float], vectors: npt.NDArray[np.float32], diversity: float, count: int) -> list[int]:
    """Places of `count` items chosen one by one by ``(1 - d) * relevance - d * max cosine with what is chosen`` (MMR).

    Relevance is scaled to [0, 1] first; `vectors` are unit rows, shape (n, dimension); `diversity` in [0, 1], 0 keeps the order.
    """
    if not len(relevance):
        return []
    values = np.asarray(relevance, np.float64)
    spread = float(values.max() - values.min())
    values = (values - values.min()) / spread if spread else np.ones(len(values))
    chosen: list[int] = []
    nearest = np.zeros(len(values))
    while len(chosen) < min(count, len(values)):
        gain = (1 - diversity) * values - diversity * nearest
        gain[chosen] = -np.inf
        chosen.append(int(np.argmax(gain)))
        nearest = np.maximum(nearest, vectors @ vectors[chosen[-1]])
    return chosen
