"""Rankings far down and by many recipes at once, for whoever measures: where passages stand, and no text of theirs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.reading import Place
from destiny_assets.domain.filters import Filters
from destiny_assets.domain.generations import Generation
from destiny_assets.domain.retrieval import Recipe, joined_score, ranked, recipe_named
from destiny_assets.serving.ranking import Ranking
from destiny_assets.serving.reranking import Reranking


@dataclass(frozen=True, slots=True)
class Placed:
    """A passage found, with the near-duplicates further down that were folded into it."""

    place: Place
    copies: list[Place] = field(default_factory=list)


class RankingReader:
    """Finds what a search in mode `all` finds. Thread-safe; layers that are away are the caller's business."""

    def __init__(
        self,
        ledger: PostgresLedger,
        rank_by_each: Callable[[Generation, str, Sequence[Recipe], int, Filters], list[Ranking]],
        reranking: Reranking,
    ) -> None:
        """`rank_by_each` takes a limit on what each recipe ranks before its filters."""
        self._ledger = ledger
        self._rank_by_each = rank_by_each
        self._reranking = reranking

    def by_each(
        self, pinned: Generation, text: str, recipes: Sequence[str], depth: int, filters: Filters
    ) -> list[list[Placed]]:
        """The first `depth` passages by each recipe, as `KnowledgeService.search` orders and folds them. Raises as that does."""
        chosen = [recipe_named(name) for name in recipes]
        rankings = self._rank_by_each(pinned, text, chosen, depth, filters)
        rankings = [
            self._reranking.reranked(pinned, text, recipe, ranking, named=True)[0] if recipe.reranked else ranking
            for recipe, ranking in zip(chosen, rankings, strict=True)
        ]
        found = sorted({chunk for ranking in rankings for chunk, _ in ranking.scores})
        places = self._ledger.reading.places(pinned.project, pinned.number, found)
        ordered = []
        for recipe, ranking in zip(chosen, rankings, strict=True):
            scores = [(chunk, score) for chunk, score in ranking.scores if chunk in places]
            if (weight := recipe.trust) is not None:
                scores = ranked({chunk: joined_score(score, places[chunk].trust, weight) for chunk, score in scores})
            ordered.append(_folded([places[chunk] for chunk, _ in scores])[:depth])
        return ordered


def _folded(places: Sequence[Place]) -> list[Placed]:
    found: dict[str, Placed] = {}
    for place in places:
        original = place.near_duplicate_of or place.chunk_id
        if original in found:
            found[original].copies.append(place)
        else:
            found[original] = Placed(place)
    return list(found.values())
