"""Answers a Qdrant query: the engine searches the leaves, this module ranks, fuses and pages.

Two things are done here because the engine leaves them open. Ties: the engine orders equal scores as its segments
happen to lie; here they are ordered by id, also where a limit cuts through them. IDF: by default the engine counts
documents its sparse index has not yet forgotten; here the statistics are always those of the points that exist
(``idf.corpus`` narrows them), which costs 0.5 ms at 30,000 points.
"""

# The engine's type aliases exist only in its stub.
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import qdrant_edge as edge
from pydantic import BaseModel
from qdrant_client.http.models import models as m

from destiny_assets.local.qdrant_server import filters
from destiny_assets.local.qdrant_server.points import (
    engine_vector,
    payload_selection,
    record_json,
    stored_vector,
    unknown_vector,
    vector_selection,
)
from destiny_assets.local.qdrant_server.protocol import (
    PointId,
    RequestError,
    bad_request,
    point_id,
    point_order,
    reject_set,
    unprocessable,
    unsupported,
)
from destiny_assets.local.qdrant_server.schema import DEFAULT_VECTOR, Vectors

_DEFAULT_LIMIT = 10
_RRF_K = 2
# Equal scores that reach beyond what was fetched are fetched whole, up to this many; beyond, the engine's choice stands.
_TIE_MARGIN = 8
_LARGEST_TIE = 4096

_Node = m.QueryRequest | m.Prefetch
_Fusion = m.FusionQuery | m.RrfQuery


@dataclass(frozen=True, slots=True)
class Hit:
    """One ranked point; `record` is what was read with it, if anything was."""

    identity: PointId
    score: float
    record: edge.ScoredPoint | None = None


def run_query(engine: edge.EdgeShard, vectors: Vectors, request: m.QueryRequest) -> dict[str, Any]:
    """The `result` of ``POST /points/query``: ranked points, best first, ties by id."""
    return _Search(engine, vectors).run(request)


@dataclass(frozen=True, slots=True)
class _Search:
    engine: edge.EdgeShard
    vectors: Vectors

    def run(self, request: m.QueryRequest) -> dict[str, Any]:
        reject_set(request, "shard_key")
        limit, offset = _limit(request), request.offset or 0
        if offset < 0:
            raise unprocessable("offset", "must be 0 or larger")
        payload = payload_selection(request.with_payload, default=False)
        vector = vector_selection(request.with_vector, self.vectors)
        hits = self._rank(request, [], limit + offset, payload, vector)[offset:]
        read = {}
        if hits and hits[0].record is None and (payload is not False or vector is not False):
            records = self.engine.retrieve([hit.identity for hit in hits], payload, vector)
            read = {record.id: record for record in records}
        return {"points": [self._written(hit, read.get(hit.identity)) for hit in hits]}

    def _written(self, hit: Hit, read: edge.Record | None) -> dict[str, Any]:
        record = hit.record or read
        written = {"id": hit.identity} if record is None else record_json(record, self.vectors)
        return written | {"version": hit.record.version if hit.record else 0, "score": hit.score}

    def _rank(
        self,
        node: _Node,
        inherited: Sequence[edge.Filter],
        count: int,
        payload: edge.WithPayloadType = False,
        vector: edge.WithVectorType = False,
    ) -> list[Hit]:
        """The best `count` points of one node of the prefetch tree; a node's filter also binds the nodes below it."""
        reject_set(node, "lookup_from")
        conditions = [*inherited, *([filters.translate(node.filter)] if node.filter else [])]
        query = node.query
        if isinstance(query, m.NearestQuery):
            reject_set(query, "mmr", where="query.")
            query = query.nearest
        if isinstance(query, _Fusion):
            return self._fuse(node, query, conditions, count)
        target: edge.NamedVector | None = None
        if query is not None:
            target = self._target(query, node.using or DEFAULT_VECTOR, conditions)
        below = _children(node)
        if below:
            if target is None:
                raise bad_request("A query is needed to merge the prefetches")
            found = {hit.identity for child in below for hit in self._rank(child, conditions, _limit(child))}
            if not found:
                return []
            conditions.append(filters.only_ids(found))
        if target is None:
            return self._unranked(filters.all_of(conditions), count, payload, vector)
        return self._nearest(node, target, filters.all_of(conditions), count, payload, vector)

    def _target(self, query: Any, name: str, conditions: list[edge.Filter]) -> edge.NamedVector:
        """The query's vector; a point's id stands for its vector and leaves that point out of the answer."""
        if name not in self.vectors.dense and name not in self.vectors.sparse:
            raise unknown_vector(name)
        if isinstance(query, list | m.SparseVector):
            return engine_vector(query, name, self.vectors)
        if isinstance(query, BaseModel):
            raise unsupported(f"query {type(query).__name__}")
        identity = point_id(query)
        records = self.engine.retrieve([identity], False, [name])
        if not records:
            raise RequestError(404, f"Not found: No point with id {identity} found")
        target = stored_vector(records[0], name)
        if target is None:
            raise bad_request(f"point {identity} has no vector `{name}`")
        conditions.append(filters.without_ids([identity]))
        return target

    def _nearest(
        self,
        node: _Node,
        target: edge.NamedVector,
        condition: edge.Filter | None,
        count: int,
        payload: edge.WithPayloadType,
        vector: edge.WithVectorType,
    ) -> list[Hit]:
        name = node.using or DEFAULT_VECTOR
        larger_is_nearer = name in self.vectors.sparse or self.vectors.dense[name].larger_is_nearer
        fetch = count + _TIE_MARGIN
        while True:
            points = self.engine.query(
                edge.QueryRequest(
                    limit=fetch,
                    query=edge.Query.Nearest(target, using=name),
                    filter=condition,
                    score_threshold=node.score_threshold,
                    params=self._parameters(node.params, name),
                    with_payload=payload,
                    with_vector=vector,
                )
            )
            cut_in_a_tie = len(points) == fetch and points[-1].score == points[count - 1].score
            if not cut_in_a_tie or fetch >= count + _LARGEST_TIE:
                break
            fetch = min(fetch * 4, count + _LARGEST_TIE)
        hits = [_hit(point) for point in points]
        return _ordered(hits, larger_is_nearer=larger_is_nearer)[:count]

    def _parameters(self, wanted: m.SearchParams | None, name: str) -> edge.SearchParams:
        wanted = wanted or m.SearchParams()
        reject_set(wanted, "quantization", "acorn", where="params.")
        idf = None
        if self.vectors.sparse.get(name):
            corpus = wanted.idf.corpus if isinstance(wanted.idf, m.IdfCorpusParams) else m.Filter()
            idf = edge.IdfParams(corpus=filters.translate(corpus))
        return edge.SearchParams(
            hnsw_ef=wanted.hnsw_ef,
            exact=wanted.exact or False,
            indexed_only=wanted.indexed_only or False,
            idf=idf,
        )

    def _unranked(
        self,
        condition: edge.Filter | None,
        count: int,
        payload: edge.WithPayloadType,
        vector: edge.WithVectorType,
    ) -> list[Hit]:
        found = self.engine.query(
            edge.QueryRequest(limit=count, filter=condition, with_payload=payload, with_vector=vector)
        )
        return _ordered([_hit(point) for point in found], larger_is_nearer=True)

    def _fuse(self, node: _Node, query: _Fusion, conditions: Sequence[edge.Filter], count: int) -> list[Hit]:
        below = _children(node)
        if not below:
            raise bad_request("fusion needs at least one prefetch")
        rankings = [self._rank(child, conditions, _limit(child)) for child in below]
        if isinstance(query, m.RrfQuery):
            fused = _reciprocal_ranks(rankings, query.rrf.k, query.rrf.weights)
        elif query.fusion == m.Fusion.RRF:
            fused = _reciprocal_ranks(rankings, None, None)
        else:
            fused = _distributions(rankings)
        least = node.score_threshold
        hits = [Hit(identity, score) for identity, score in fused.items() if least is None or score >= least]
        return _ordered(hits, larger_is_nearer=True)[:count]


def _hit(point: edge.ScoredPoint) -> Hit:
    return Hit(point_id(point.id), point.score, point)


def _ordered(hits: list[Hit], *, larger_is_nearer: bool) -> list[Hit]:
    sign = -1.0 if larger_is_nearer else 1.0
    return sorted(hits, key=lambda hit: (sign * hit.score, point_order(hit.identity)))


def _children(node: _Node) -> list[m.Prefetch]:
    if node.prefetch is None:
        return []
    return node.prefetch if isinstance(node.prefetch, list) else [node.prefetch]


def _limit(node: _Node) -> int:
    limit = _DEFAULT_LIMIT if node.limit is None else node.limit
    if limit < 1:
        raise unprocessable("limit", "must be 1 or larger")
    return limit


def _reciprocal_ranks(
    rankings: Sequence[Sequence[Hit]], k: int | None, weights: Sequence[float] | None
) -> dict[PointId, float]:
    """Reciprocal rank fusion: the sum over rankings of ``1 / ((rank + 1) / weight + k - 1)``, ranks from 0, k = 2."""
    constant = _RRF_K if k is None else k
    if constant < 1:
        raise unprocessable("rrf.k", "must be 1 or larger")
    if weights is not None and len(weights) != len(rankings):
        raise bad_request(f"rrf has {len(weights)} weights for {len(rankings)} prefetches")
    scores: dict[PointId, float] = {}
    for number, ranking in enumerate(rankings):
        weight = 1.0 if weights is None else weights[number]
        for rank, hit in enumerate(ranking):
            part = 1.0 / ((rank + 1.0) / weight + constant - 1.0) if weight > 0 else 0.0
            scores[hit.identity] = scores.get(hit.identity, 0.0) + part
    return scores


def _distributions(rankings: Sequence[Sequence[Hit]]) -> dict[PointId, float]:
    """Distribution-based fusion: each ranking's scores mapped so that mean - 3 sd is 0 and mean + 3 sd is 1, summed."""
    scores: dict[PointId, float] = {}
    for ranking in rankings:
        mean = sum(hit.score for hit in ranking) / max(len(ranking), 1)
        variance = sum((hit.score - mean) ** 2 for hit in ranking) / max(len(ranking) - 1, 1)
        deviation = variance**0.5
        for hit in ranking:
            part = 0.5 if deviation == 0 else (hit.score - mean) / (6 * deviation) + 0.5
            scores[hit.identity] = scores.get(hit.identity, 0.0) + part
    return scores
