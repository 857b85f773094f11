"""Where a ranking's candidates come from: the vector layer, or the ledger while that is away. Both answer the same questions."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.qdrant import QdrantVectorIndex, Scope
from destiny_assets.adapters.qdrant_search import Candidate
from destiny_assets.domain.generations import Generation, layer_id
from destiny_assets.domain.sparse import SparseVector
from destiny_assets.errors import StoreUnavailableError
from destiny_assets.ports import Vectors
from destiny_assets.serving.circuits import Circuits

Found = tuple[list[Candidate], list[Candidate]]
"""Candidates by cosine and by BM25."""


class Candidates(Protocol):
    """Chunks of one generation that may answer a question; with `by_words` none is found without a word of it."""

    by_words: bool

    def search(
        self, pinned: Generation, dense: Vectors | None, sparse: SparseVector | None, limit: int, scope: Scope
    ) -> Found:
        """The best by cosine and by BM25, `limit` of each; a query that is None gives none.

        With both queries whatever was found by its words has a cosine too: without it a fusion would count it as 0.
        """
        ...

    def dense_vectors(self, pinned: Generation, point_ids: Sequence[str]) -> dict[str, list[float]]:
        """The dense vector of those of the points that can be had, by point id."""
        ...


class VectorCandidates:
    """From the vector layer; behind its circuit where there are `circuits`, so that it raises `LayerAwayError`."""

    by_words = False

    def __init__(self, vectors: QdrantVectorIndex, circuits: Circuits | None) -> None:
        self._vectors = vectors
        self._circuits = circuits

    def _reaching(self) -> AbstractContextManager[None]:
        return nullcontext() if self._circuits is None else self._circuits.reaching("vectors")

    def search(
        self, pinned: Generation, dense: Vectors | None, sparse: SparseVector | None, limit: int, scope: Scope
    ) -> Found:
        """Both in one request."""
        with self._reaching():
            return self._vectors.search(
                _collection(pinned), pinned.number, dense=dense, sparse=sparse, limit=limit, scope=scope
            )

    def dense_vectors(self, pinned: Generation, point_ids: Sequence[str]) -> dict[str, list[float]]:
        """As they are stored."""
        with self._reaching():
            return self._vectors.dense_vectors(_collection(pinned), point_ids)


class LedgerCandidates:
    """From the ledger: only what shares a word with the question is found; it is weighed by the embeddings kept there all the same."""

    by_words = True

    def __init__(self, ledger: PostgresLedger) -> None:
        self._ledger = ledger

    def search(
        self, pinned: Generation, dense: Vectors | None, sparse: SparseVector | None, limit: int, scope: Scope
    ) -> Found:
        """The best by BM25, and the same ones with their cosines. Raises `StoreUnavailableError` where nothing was indexed."""
        if sparse is None or not len(sparse.indices):
            return [], []
        hits = self._ledger.lexical.search(
            pinned.project,
            pinned.number,
            sparse,
            limit,
            model_id=pinned.model_id if dense is not None else None,
            sources=scope.sources,
            documents=scope.documents,
        )
        points = [layer_id(hit.chunk_id, hit.born) for hit in hits]
        by_bm25 = [
            Candidate(id_, hit.chunk_id, hit.document_id, hit.score) for id_, hit in zip(points, hits, strict=True)
        ]
        by_cosine = [
            Candidate(id_, hit.chunk_id, hit.document_id, float(hit.vector @ dense))
            for id_, hit in zip(points, hits, strict=True)
            if dense is not None and hit.vector is not None
        ]
        return by_cosine, by_bm25

    def dense_vectors(self, pinned: Generation, point_ids: Sequence[str]) -> dict[str, list[float]]:  # noqa: ARG002
        """None: hits stay in their order."""
        return {}


def _collection(pinned: Generation) -> str:
    if pinned.collection is None:
        raise StoreUnavailableError(f"Generation {pinned.number} of {pinned.project!r} has no collection of vectors.")
    return pinned.collection
