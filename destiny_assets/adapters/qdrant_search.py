"""The one request that every search makes, as Qdrant's JSON, and its answer as candidates. Sending it is `qdrant`'s."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from destiny_assets.domain.sparse import SparseVector
from destiny_assets.ports import Vectors

DENSE, SPARSE = "dense", "bm25"
"""The names of a point's vectors."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A point found: `score` is a cosine in [-1, 1] for dense queries, an unbounded BM25 sum for sparse ones."""

    point_id: str
    chunk_id: str
    document_id: str
    score: float


def searches(
    dense: Vectors | None, sparse: SparseVector | None, where: Mapping[str, Any], limit: int
) -> list[dict[str, Any]]:
    """The queries of one batch: by meaning, by words, and the cosines of what is found by words; none for a query that is not there."""
    common = {"filter": where, "limit": limit}
    named = {**common, "with_payload": ["chunk_id", "document_id"]}
    asked: list[dict[str, Any]] = []
    if dense is not None:
        asked.append({"query": dense.tolist(), "using": DENSE, **named})
    if sparse is not None and len(sparse.indices):
        weights = {"indices": sparse.indices.tolist(), "values": sparse.values.tolist()}
        asked.append({"query": weights, "using": SPARSE, **named})
        if dense is not None:
            by_words = {"query": weights, "using": SPARSE, **common}
            asked.append({"prefetch": [by_words], "query": dense.tolist(), "using": DENSE, "limit": limit})
    return asked


def candidates(
    answers: Sequence[Sequence[Mapping[str, Any]]], *, dense: bool
) -> tuple[list[Candidate], list[Candidate]]:
    """By cosine and by BM25, of the answers to `searches`; `dense` says whether the first of them is by meaning."""
    if not answers:
        return [], []
    if not dense:
        return [], _read(answers[0])
    by_cosine = _read(answers[0])
    if len(answers) == 1:
        return by_cosine, []
    by_bm25 = _read(answers[1])
    cosine = {str(point["id"]): point["score"] for point in answers[2]}
    there = {one.point_id for one in by_cosine}
    by_cosine += [
        replace(one, score=cosine[one.point_id])
        for one in by_bm25
        if one.point_id in cosine and one.point_id not in there
    ]
    return by_cosine, by_bm25


def _read(points: Sequence[Mapping[str, Any]]) -> list[Candidate]:
    return [
        Candidate(str(point["id"]), point["payload"]["chunk_id"], point["payload"]["document_id"], point["score"])
        for point in points
        if point.get("payload")
    ]
