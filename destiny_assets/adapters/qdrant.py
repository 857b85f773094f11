"""The vector layer over Qdrant's own client: one collection a project and embedding model, dense and BM25 vectors a point.

A point is one ledger row of a chunk, so it carries `born` and `died`; every read is filtered to one generation.
"""

import hashlib
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from more_itertools import chunked
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException

from destiny_assets.domain.graph import FOREVER
from destiny_assets.domain.sparse import SparseVector
from destiny_assets.errors import StoreUnavailableError
from destiny_assets.ports import Vectors
from destiny_assets.settings import without_secrets

DENSE, SPARSE = "dense", "bm25"
_PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Point:
    """One point to write; the vector rows come beside it."""

    id: str
    chunk_id: str
    document_id: str
    source: str
    born: int
    sparse: SparseVector
    died: int = FOREVER


@dataclass(frozen=True, slots=True)
class Candidate:
    """A point found: `score` is a cosine in [-1, 1] for dense queries, an unbounded BM25 sum for sparse ones."""

    point_id: str
    chunk_id: str
    document_id: str
    score: float


def collection_name(project: str, model_id: str, encoder: str) -> str:
    """One collection a project, embedding model and encoder of sparse vectors: what another one made is not comparable."""
    return f"{project}--{hashlib.sha256(f'{model_id} {encoder}'.encode()).hexdigest()[:12]}"


class QdrantVectorIndex:
    """The vector layer; thread-safe."""

    def __init__(self, url: str, *, timeout_s: int = 60) -> None:
        """``http://[:API_KEY@]host:port``; no connection is made before the first call."""
        parts = urlsplit(url)
        self._shown = without_secrets(url)
        with warnings.catch_warnings():
            # On loopback a key over plain http stays on this machine; elsewhere the client's warning is right.
            if parts.hostname in ("127.0.0.1", "localhost", "::1"):
                warnings.filterwarnings("ignore", message="Api key is used with an insecure connection")
            self._client = QdrantClient(
                url=urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])),
                api_key=parts.password,
                timeout=timeout_s,
                check_compatibility=False,
            )

    def ping(self) -> None:
        """Raises `StoreUnavailableError` unless the server answers."""
        with self._answering():
            self._client.get_collections()

    def ensure(self, collection: str, dimension: int) -> None:
        """Create the collection and its payload indexes; harmless when they are there."""
        with self._answering():
            if self._client.collection_exists(collection):
                return
            self._client.create_collection(
                collection,
                vectors_config={DENSE: models.VectorParams(size=dimension, distance=models.Distance.COSINE)},
                sparse_vectors_config={SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)},
            )
            for name in ("born", "died"):
                self._client.create_payload_index(collection, name, models.PayloadSchemaType.INTEGER)
            for name in ("source", "document_id"):
                self._client.create_payload_index(collection, name, models.PayloadSchemaType.KEYWORD)

    def exists(self, collection: str) -> bool:
        """Whether the collection is there."""
        with self._answering():
            return self._client.collection_exists(collection)

    def drop(self, collection: str) -> bool:
        """Delete a collection; False when it was not there."""
        with self._answering():
            return self._client.delete_collection(collection)

    def collections(self, project: str) -> list[str]:
        """The collections of one project."""
        with self._answering():
            return sorted(
                c.name for c in self._client.get_collections().collections if c.name.rpartition("--")[0] == project
            )

    def upsert(self, collection: str, points: Sequence[Point], vectors: Vectors) -> None:
        """Write points with their dense vectors, shape (len(points), dimension), in place of what they held."""
        with self._answering():
            self._client.upsert(
                collection,
                models.Batch(
                    ids=[point.id for point in points],
                    vectors={
                        DENSE: vectors.tolist(),
                        SPARSE: [_sparse(point.sparse) for point in points],
                    },
                    payloads=[
                        {
                            "chunk_id": point.chunk_id,
                            "document_id": point.document_id,
                            "source": point.source,
                            "born": point.born,
                            "died": point.died,
                        }
                        for point in points
                    ],
                ),
                wait=True,
            )

    def set_died(self, collection: str, ids: Iterable[str], died: int) -> int:
        """Set the generation that retires these points; how many were named."""
        named = 0
        with self._answering():
            for some in chunked(ids, 1_000):
                # By filter: named by id, one lost point would make the server refuse them all.
                points = models.Filter(must=[models.HasIdCondition(has_id=list(some))])
                self._client.set_payload(collection, {"died": died}, points=points, wait=True)
                named += len(some)
        return named

    def remove(self, collection: str, ids: Collection[str]) -> None:
        """Delete points."""
        with self._answering():
            for some in chunked(ids, 1_000):
                self._client.delete(collection, models.PointIdsList(points=list(some)), wait=True)

    def marked(self, collection: str, mark: Literal["born", "died"], generation: int) -> set[str]:
        """Ids of the points born or died in one generation."""
        return set(
            self._scroll(
                collection,
                models.Filter(must=[models.FieldCondition(key=mark, match=models.MatchValue(value=generation))]),
            )
        )

    def visible_ids(self, collection: str, generation: int) -> Iterator[str]:
        """Ids of the points a generation shows."""
        return self._scroll(collection, _visible(generation))

    def count(self, collection: str, generation: int) -> int:
        """Exact number of points a generation shows."""
        with self._answering():
            return self._client.count(collection, count_filter=_visible(generation), exact=True).count

    def search(
        self, collection: str, generation: int, *, dense: Vectors | None, sparse: SparseVector | None, limit: int
    ) -> tuple[list[Candidate], list[Candidate]]:
        """Best points by cosine and by BM25, in one request; a query that is None gives no candidates."""
        asked: list[tuple[str, Any]] = []
        if dense is not None:
            asked.append((DENSE, dense.tolist()))
        if sparse is not None and len(sparse.indices):
            asked.append((SPARSE, _sparse(sparse)))
        answers = self._query(collection, [(using, query, _visible(generation), limit) for using, query in asked])
        found = dict(zip([using for using, _ in asked], answers, strict=True))
        return found.get(DENSE, []), found.get(SPARSE, [])

    def cosines(self, collection: str, point_ids: Sequence[str], dense: Vectors) -> dict[str, float]:
        """Cosine of each named point with the query, by point id."""
        if not point_ids:
            return {}
        named = models.Filter(must=[models.HasIdCondition(has_id=list(point_ids))])
        (answer,) = self._query(collection, [(DENSE, dense.tolist(), named, len(point_ids))])
        return {candidate.point_id: candidate.score for candidate in answer}

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def __enter__(self) -> "QdrantVectorIndex":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _query(self, collection: str, asked: Sequence[tuple[str, Any, models.Filter, int]]) -> list[list[Candidate]]:
        if not asked:
            return []
        with self._answering():
            responses = self._client.query_batch_points(
                collection,
                [
                    models.QueryRequest(
                        query=query, using=using, filter=where, limit=limit, with_payload=["chunk_id", "document_id"]
                    )
                    for using, query, where, limit in asked
                ],
            )
        return [
            [
                Candidate(str(point.id), point.payload["chunk_id"], point.payload["document_id"], point.score)
                for point in response.points
                if point.payload
            ]
            for response in responses
        ]

    def _scroll(self, collection: str, where: models.Filter) -> Iterator[str]:
        offset: Any = None
        while True:
            with self._answering():
                points, offset = self._client.scroll(
                    collection, scroll_filter=where, limit=_PAGE, offset=offset, with_payload=False, with_vectors=False
                )
            yield from (str(point.id) for point in points)
            if offset is None:
                return

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (ApiException, ResponseHandlingException) as error:
            raise StoreUnavailableError(
                f"The vector layer at {self._shown} did not do what was asked ({_first_line(error)}). Check it with: destiny status"
            ) from error


def _sparse(vector: SparseVector) -> models.SparseVector:
    return models.SparseVector(indices=vector.indices.tolist(), values=vector.values.tolist())


def _visible(generation: int) -> models.Filter:
    return models.Filter(
        must=[
            models.FieldCondition(key="born", range=models.Range(lte=generation)),
            models.FieldCondition(key="died", range=models.Range(gt=generation)),
        ]
    )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
