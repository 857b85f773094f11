"""Which model embeds a question: always the one that embedded the generation it is put to.

The pipeline embeds documents (`stages.understand`); both refuse a model that was changed under its name.
"""

import threading
from collections.abc import Callable

from destiny_assets.adapters.embedders.factory import open_embedder_of
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.same_model import PROBES, is_same, lowest_cosine
from destiny_assets.errors import ConflictError
from destiny_assets.ports import Embedder


def require_same_model(ledger: PostgresLedger, embedder: Embedder, project: str) -> None:
    """Refuse a model that no longer gives the vectors this project has of it; raises `ConflictError`, `ModelError`.

    An endpoint may serve another model under the same name from one day to the next, and two models in one index find nothing. A
    pinned model can't, and is not asked.
    """
    if embedder.pinned:
        return
    texts, before = ledger.chunks.embedded_sample(project, embedder.model_id, PROBES)
    if not texts:
        return
    now = embedder.embed(texts)
    if not is_same(before, now):
        raise ConflictError(
            f"The model {embedder.model_id!r} gives other vectors than it gave project {project!r} before (lowest cosine "
            f"{lowest_cosine(before, now):.3f} over {len(texts)} of its texts): it was changed under its name. To embed anew with it "
            "as a model of its own, add version=2 to the options of DESTINY_EMBEDDING_URL, or name another model."
        )


class QueryModels:
    """The configured model, opened at the first question, and the older ones that some generation was embedded with; thread-safe."""

    def __init__(self, ledger: PostgresLedger, configured: Callable[[], Embedder]) -> None:
        self._ledger = ledger
        self._open_configured = configured
        self._configured: Embedder | None = None
        self._others: dict[str, Embedder | None] = {}
        self._trusted: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def configured(self) -> Embedder:
        """The model that the settings name."""
        with self._lock:
            if self._configured is None:
                self._configured = self._open_configured()
            return self._configured

    def named(self, model_id: str) -> Embedder:
        """The model of that id; raises `ConflictError` when it can't be had."""
        embedder = self.configured()
        if embedder.model_id != model_id:
            with self._lock:
                if model_id not in self._others:
                    self._others[model_id] = open_embedder_of(model_id)
                other = self._others[model_id]
            if other is None:
                raise ConflictError(
                    f"This generation was embedded with {model_id!r}, but {embedder.model_id!r} is configured. "
                    "Set DESTINY_EMBEDDING_MODEL back, or ingest again to publish a generation of the new model."
                )
            embedder = other
        return embedder

    def known_same(self, project: str, model_id: str) -> bool:
        """Whether `require_same` has nothing left to ask."""
        return (project, model_id) in self._trusted

    def require_same(self, project: str, model_id: str) -> None:
        """Ask once a project whether the model is the one that embedded it; raises `ConflictError` when not, or when it can't be had."""
        if not self.known_same(project, model_id):
            require_same_model(self._ledger, self.named(model_id), project)
            self._trusted.add((project, model_id))
