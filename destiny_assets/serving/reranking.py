"""The first hits of a ranking in a reranker's order, and what takes its place while there is none. The model itself is an adapter."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.reading import Passage
from destiny_assets.domain.generations import Generation
from destiny_assets.domain.retrieval import HYBRID, Recipe, recipe_named, reordered
from destiny_assets.errors import ConfigurationError, LayerAwayError
from destiny_assets.ports import Reranker
from destiny_assets.serving.circuits import Layer
from destiny_assets.serving.ranking import Ranking


class Reranking:
    """Thread-safe where the reranker is."""

    def __init__(
        self,
        ledger: PostgresLedger,
        reranker: Reranker | None,
        reaching: Callable[[Layer], AbstractContextManager[None]],
    ) -> None:
        """`reaching` is entered before the model is asked; `LayerAwayError` of it means: do without."""
        self._ledger = ledger
        self._reranker = reranker
        self._reaching = reaching

    @property
    def configured(self) -> bool:
        """Whether there is a reranker."""
        return self._reranker is not None

    def reranked(
        self, pinned: Generation, text: str, recipe: Recipe, ranking: Ranking, *, named: bool
    ) -> tuple[Ranking, Recipe]:
        """The ranking with its first chunks in the reranker's order; as it was, and by which recipe, while that is away.

        Raises `ConfigurationError` where there is no reranker and the recipe was asked for by name (`named`).
        """
        without = replace(ranking, degraded=[*ranking.degraded, "reranker"]), recipe_named(HYBRID)
        if self._reranker is None:
            if named:
                raise ConfigurationError(
                    f"The recipe {recipe.name!r} needs a reranker and none is configured. Set DESTINY_RERANKER and DESTINY_RERANKER_URL."
                )
            return without
        chunks = [chunk for chunk, _ in ranking.scores[: recipe.reranked]]
        passages = self._ledger.reading.passages(pinned.project, pinned.number, chunks)
        texts = {chunk: _in_context(passages[chunk]) for chunk in chunks if chunk in passages}
        try:
            with self._reaching("reranker"):
                scores = self._reranker.scores(text, list(texts.values()))
        except LayerAwayError:
            return without
        return replace(ranking, scores=reordered(ranking.scores, dict(zip(texts, scores, strict=True)))), recipe


def _in_context(passage: Passage) -> str:
    return "\n".join((" > ".join(dict.fromkeys((passage.title, *passage.heading_path))), passage.text))
