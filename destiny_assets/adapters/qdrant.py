"""The vector layer over Qdrant's own client: one collection a project and embedding model, dense and BM25 vectors a point.

A point is one ledger row of a chunk, so it carries `born` and `died`; every read is filtered to one generation.
"""

import hashlib
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, count
from typing import Any, Literal
from urllib.parse import quote, urlsplit, urlunsplit

import httpx
import numpy as np
from more_itertools import chunked
from pydantic_core import from_json, to_json
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from destiny_assets.adapters.qdrant_search import DENSE, SPARSE, Candidate, candidates, searches
from destiny_assets.domain.graph import FOREVER
from destiny_assets.domain.sparse import SparseVector
from destiny_assets.errors import ConflictError, StoreRefusalError, StoreUnavailableError
from destiny_assets.ports import Vectors
from destiny_assets.settings import without_secrets
from destiny_assets.telemetry import calling

_PAGE = 5_000
# As many as readers have threads: one more would be made anew for every search.
_KEPT_CONNECTIONS = 40
# It answers, so it is there: what was asked for is not.
_REFUSALS = frozenset({400, 404, 422})


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
class HeldPoint:
    """One point as the store holds it; a vector it does not have is None."""

    id: str
    payload: Mapping[str, object]
    dense: Vectors | None = None
    sparse: SparseVector | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: points of these sources and of these documents; None is everywhere."""

    sources: Collection[str] | None = None
    documents: Collection[str] | None = None


EVERYWHERE = Scope()


def collection_name(project: str, model_id: str, encoder: str) -> str:
    """One collection a project, embedding model and encoder of sparse vectors: what another one made is not comparable."""
    return f"{project}--{hashlib.sha256(f'{model_id} {encoder}'.encode()).hexdigest()[:12]}"


def collection_of(name: str, project: str, model_id: str, encoder: str) -> bool:
    """Whether a collection is the one of that model and encoder, as it was first made or rebuilt."""
    first = collection_name(project, model_id, encoder)
    return name == first or (name.startswith(f"{first}-") and name.removeprefix(f"{first}-").isdecimal())


def free_collection(first: str, taken: Collection[str]) -> str:
    """A name for a collection that is built again beside those that are `taken`: `first`, ``first-2``, ``first-3``, …"""
    return next(name for name in chain([first], (f"{first}-{number}" for number in count(2))) if name not in taken)


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
        self._http = httpx.Client(
            base_url=urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])),
            headers={"api-key": parts.password} if parts.password else None,
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=_KEPT_CONNECTIONS),
        )

    def ping(self) -> None:
        """Raises `StoreUnavailableError` unless the server answers."""
        with self._answering():
            self._client.get_collections()

    def ensure(self, collection: str, dimension: int) -> None:
        """Create the collection and its payload indexes; harmless when they are there.

        Raises `ConflictError` when it is there with vectors of another length.
        """
        with self._answering():
            if self._client.collection_exists(collection):
                held = self._client.get_collection(collection).config.params.vectors
                there = held[DENSE].size if isinstance(held, dict) and DENSE in held else None
                if there != dimension:
                    raise ConflictError(
                        f"The collection {collection!r} holds vectors of {there} numbers, the model gives {dimension}: it is not the "
                        "model it was. See: destiny doctor; or name another model in DESTINY_EMBEDDING_MODEL."
                    )
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
                self._client.delete(collection, models.PointIdsList(points=_as_stored(some)), wait=True)

    def remove_dead(self, collection: str, generation: int) -> int:
        """Delete the points that died in `generation` or before; their number."""
        dead = models.Filter(must=[models.FieldCondition(key="died", range=models.Range(lte=generation))])
        with self._answering():
            number = self._client.count(collection, count_filter=dead, exact=True).count
            if number:
                self._client.delete(collection, models.FilterSelector(filter=dead), wait=True)
        return number

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

    def held(self, collection: str) -> Iterator[list[HeldPoint]]:
        """Every point with its payload, a page at a time; the next page is on its way while this one is looked at."""

        def page(offset: Any) -> tuple[list[models.Record], Any]:
            with self._answering():
                return self._client.scroll(collection, limit=_PAGE, offset=offset, with_vectors=False)

        with ThreadPoolExecutor(1) as fetching:
            coming = fetching.submit(page, None)
            while True:
                points, offset = coming.result()
                if offset is not None:
                    coming = fetching.submit(page, offset)
                yield [HeldPoint(str(point.id), point.payload or {}) for point in points]
                if offset is None:
                    return

    def named(self, collection: str, ids: Sequence[str]) -> list[HeldPoint]:
        """Those of the points that exist, with payload and vectors."""
        with self._answering():
            points = [
                point
                for some in chunked(_as_stored(ids), 500)
                for point in self._client.retrieve(collection, list(some), with_payload=True, with_vectors=True)
            ]
        return [_held(point) for point in points]

    def along(self, collection: str, ids: Sequence[str], direction: Vectors) -> Vectors:
        """The cosine of each named point's dense vector with a direction, computed by the store; NaN without point or vector."""
        with self._answering():
            found = self._client.query_points(
                collection,
                query=direction.tolist(),
                using=DENSE,
                query_filter=models.Filter(must=[models.HasIdCondition(has_id=_as_stored(ids))]),
                search_params=models.SearchParams(exact=True),
                limit=max(len(ids), 1),
                with_payload=False,
            )
        scores = {str(point.id): point.score for point in found.points}
        return np.array([scores.get(id_, np.nan) for id_ in ids], np.float32)

    def count(self, collection: str, generation: int) -> int:
        """Exact number of points a generation shows."""
        with self._answering():
            return self._client.count(collection, count_filter=_visible(generation), exact=True).count

    def search(
        self,
        collection: str,
        generation: int,
        *,
        dense: Vectors | None,
        sparse: SparseVector | None,
        limit: int,
        scope: Scope = EVERYWHERE,
    ) -> tuple[list[Candidate], list[Candidate]]:
        """Best points by cosine and by BM25, in one request; a query that is None gives no candidates.

        With both queries, a point found by BM25 alone is among the first too, with its cosine.
        """
        asked = searches(dense, sparse, _visible(generation, scope).model_dump(exclude_none=True), limit)
        return candidates(self._query(collection, asked), dense=dense is not None)

    def dense_vectors(self, collection: str, point_ids: Sequence[str]) -> dict[str, list[float]]:
        """The dense vector of each named point that is there, by point id."""
        with self._answering():
            points = self._client.retrieve(collection, list(point_ids), with_payload=False, with_vectors=[DENSE])
        return {str(point.id): point.vector[DENSE] for point in points if isinstance(point.vector, dict)}  # type: ignore[misc]

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()
        self._http.close()

    def __enter__(self) -> "QdrantVectorIndex":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _query(self, collection: str, asked: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
        """The points found by each query.

        The one request that every search makes is written and read here: the client checks every number on its way out and in, which
        took a third of a search's processor time.
        """
        if not asked:
            return []
        with self._answering("search"):
            try:
                answer = self._http.post(
                    f"/collections/{quote(collection, safe='')}/points/query/batch",
                    content=to_json({"searches": asked}),
                    headers={"Content-Type": "application/json"},
                )
            except httpx.HTTPError as error:
                raise ResponseHandlingException(error) from error
            if answer.status_code != 200:
                raise UnexpectedResponse.for_response(answer)
            try:
                return [one["points"] for one in from_json(answer.content)["result"]]
            except (ValueError, KeyError, TypeError) as error:
                raise ResponseHandlingException(error) from error

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
    def _answering(self, operation: str = "request") -> Iterator[None]:
        try:
            with calling("vectors", operation):
                yield
        except (ApiException, ResponseHandlingException) as error:
            refused = isinstance(error, UnexpectedResponse) and error.status_code in _REFUSALS
            raise (StoreRefusalError if refused else StoreUnavailableError)(
                f"The vector layer at {self._shown} did not do what was asked ({_first_line(error)}). Check it with: destiny status"
            ) from error


def _as_stored(ids: Sequence[str]) -> list[models.ExtendedPointId]:
    """A point that somebody else put there may have a number for an id."""
    return [int(id_) if id_.isdecimal() else id_ for id_ in ids]


def _held(point: models.Record) -> HeldPoint:
    vectors: Any = point.vector if isinstance(point.vector, dict) else {}
    dense, sparse = vectors.get(DENSE), vectors.get(SPARSE)
    return HeldPoint(
        str(point.id),
        point.payload or {},
        np.array(dense, np.float32) if dense is not None else None,
        SparseVector(np.array(sparse.indices, np.uint32), np.array(sparse.values, np.float32)) if sparse else None,
    )


def _sparse(vector: SparseVector) -> models.SparseVector:
    return models.SparseVector(indices=vector.indices.tolist(), values=vector.values.tolist())


def _visible(generation: int, scope: Scope = EVERYWHERE) -> models.Filter:
    named = (("source", scope.sources), ("document_id", scope.documents))
    return models.Filter(
        must=[
            models.FieldCondition(key="born", range=models.Range(lte=generation)),
            models.FieldCondition(key="died", range=models.Range(gt=generation)),
            *(
                models.FieldCondition(key=key, match=models.MatchAny(any=sorted(values)))
                for key, values in named
                if values is not None
            ),
        ]
    )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
