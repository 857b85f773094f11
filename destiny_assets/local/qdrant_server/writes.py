"""The routes that change points: each body is checked whole, then applied under the shard's one right to write."""

# The engine's type aliases exist only in its stub.
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qdrant_edge as edge
from pydantic import TypeAdapter
from qdrant_client.http.models import models as m

from destiny_assets.local.qdrant_server import filters
from destiny_assets.local.qdrant_server.points import (
    engine_vectors,
    ids_of,
    parse_upsert,
    points_to_write,
    update_mode,
)
from destiny_assets.local.qdrant_server.protocol import PointId, bad_request, parse, point_id, reject_set, unprocessable
from destiny_assets.local.qdrant_server.registry import Collection
from destiny_assets.local.qdrant_server.schema import Vectors
from destiny_assets.local.qdrant_server.shards import Writer

Step = Callable[[Writer], None]

_SELECTOR: TypeAdapter[m.PointIdsList | m.FilterSelector] = TypeAdapter(m.PointsSelector)
_SET_PAYLOAD = TypeAdapter(m.SetPayload)
_DELETE_PAYLOAD = TypeAdapter(m.DeletePayload)
_UPDATE_VECTORS = TypeAdapter(m.UpdateVectors)
_DELETE_VECTORS = TypeAdapter(m.DeleteVectors)
_BATCH = TypeAdapter(m.UpdateOperations)


def upsert(collection: Collection, body: bytes) -> dict[str, Any]:
    """``PUT /points``."""
    return _apply(collection, [_upsert(parse_upsert(body), collection.vectors)])


def delete(collection: Collection, body: bytes) -> dict[str, Any]:
    """``POST /points/delete``."""
    return _apply(collection, [_delete(parse(_SELECTOR, body))])


def set_payload(collection: Collection, body: bytes) -> dict[str, Any]:
    """``POST /points/payload``: keys given are set, others stay."""
    return _apply(collection, [_set_payload(parse(_SET_PAYLOAD, body))])


def overwrite_payload(collection: Collection, body: bytes) -> dict[str, Any]:
    """``PUT /points/payload``: keys given are all that is left."""
    return _apply(collection, [_overwrite_payload(parse(_SET_PAYLOAD, body))])


def delete_payload(collection: Collection, body: bytes) -> dict[str, Any]:
    """``POST /points/payload/delete``."""
    return _apply(collection, [_delete_payload(parse(_DELETE_PAYLOAD, body))])


def clear_payload(collection: Collection, body: bytes) -> dict[str, Any]:
    """``POST /points/payload/clear``."""
    return _apply(collection, [_clear_payload(parse(_SELECTOR, body))])


def update_vectors(collection: Collection, body: bytes) -> dict[str, Any]:
    """``PUT /points/vectors``: vectors given are replaced, others stay."""
    return _apply(collection, [_update_vectors(parse(_UPDATE_VECTORS, body), collection.vectors)])


def delete_vectors(collection: Collection, body: bytes) -> dict[str, Any]:
    """``POST /points/vectors/delete``."""
    return _apply(collection, [_delete_vectors(parse(_DELETE_VECTORS, body), collection.vectors)])


def batch(collection: Collection, body: bytes) -> list[dict[str, Any]]:
    """``POST /points/batch``: all bodies are checked before the first is applied; then one after another."""
    steps = [_step(each, collection.vectors) for each in parse(_BATCH, body).operations]
    done = _apply(collection, steps)
    return [done] * len(steps)


def _apply(collection: Collection, steps: Sequence[Step]) -> dict[str, Any]:
    with collection.shard.writing() as writer:
        for step in steps:
            step(writer)
        return {"operation_id": writer.operation, "status": "completed"}


def _step(operation: m.UpdateOperation, vectors: Vectors) -> Step:
    match operation:
        case m.UpsertOperation():
            return _upsert(operation.upsert, vectors)
        case m.DeleteOperation():
            return _delete(operation.delete)
        case m.SetPayloadOperation():
            return _set_payload(operation.set_payload)
        case m.OverwritePayloadOperation():
            return _overwrite_payload(operation.overwrite_payload)
        case m.DeletePayloadOperation():
            return _delete_payload(operation.delete_payload)
        case m.ClearPayloadOperation():
            return _clear_payload(operation.clear_payload)
        case m.UpdateVectorsOperation():
            return _update_vectors(operation.update_vectors, vectors)
        case m.DeleteVectorsOperation():
            return _delete_vectors(operation.delete_vectors, vectors)


def _upsert(request: m.PointsBatch | m.PointsList, vectors: Vectors) -> Step:
    reject_set(request, "shard_key")
    points = points_to_write(request, vectors)
    operation = edge.UpdateOperation.upsert_points(
        points, filters.translate_optional(request.update_filter), update_mode(request.update_mode)
    )
    return lambda writer: writer.apply(operation, len(points))


def _delete(request: m.PointIdsList | m.FilterSelector) -> Step:
    reject_set(request, "shard_key")
    if isinstance(request, m.FilterSelector):
        condition = filters.translate(request.filter)
        return _filtered(edge.UpdateOperation.delete_points_by_filter(condition), condition)
    ids = ids_of(request.points)
    operation = edge.UpdateOperation.delete_points(list(ids))
    return lambda writer: writer.apply(operation, len(ids))


def _set_payload(request: m.SetPayload) -> Step:
    reject_set(request, "shard_key")
    return _selected(
        request.points,
        request.filter,
        lambda ids: edge.UpdateOperation.set_payload(ids, request.payload, request.key),
        lambda condition: edge.UpdateOperation.set_payload_by_filter(condition, request.payload, request.key),
    )


def _overwrite_payload(request: m.SetPayload) -> Step:
    reject_set(request, "shard_key", "key")
    return _selected(
        request.points,
        request.filter,
        lambda ids: edge.UpdateOperation.overwrite_payload(ids, request.payload),
        lambda condition: edge.UpdateOperation.overwrite_payload_by_filter(condition, request.payload),
    )


def _delete_payload(request: m.DeletePayload) -> Step:
    reject_set(request, "shard_key")
    return _selected(
        request.points,
        request.filter,
        lambda ids: edge.UpdateOperation.delete_payload(ids, request.keys),
        lambda condition: edge.UpdateOperation.delete_payload_by_filter(condition, request.keys),
    )


def _clear_payload(request: m.PointIdsList | m.FilterSelector) -> Step:
    reject_set(request, "shard_key")
    return _selected(
        request.points if isinstance(request, m.PointIdsList) else None,
        request.filter if isinstance(request, m.FilterSelector) else None,
        edge.UpdateOperation.clear_payload,
        edge.UpdateOperation.clear_payload_by_filter,
    )


def _update_vectors(request: m.UpdateVectors, vectors: Vectors) -> Step:
    reject_set(request, "shard_key")
    changes = [
        edge.PointVectors(id=point_id(each.id), vector=engine_vectors(each.vector, vectors)) for each in request.points
    ]
    ids = ids_of([each.id for each in request.points])
    operation = edge.UpdateOperation.update_vectors(changes, filters.translate_optional(request.update_filter))
    return _existing(ids, operation)


def _delete_vectors(request: m.DeleteVectors, vectors: Vectors) -> Step:
    reject_set(request, "shard_key")
    for name in request.vector:
        if name not in vectors.dense and name not in vectors.sparse:
            raise bad_request(f"Not existing vector name error: {name}")
    return _selected(
        request.points,
        request.filter,
        lambda ids: edge.UpdateOperation.delete_vectors(ids, request.vector),
        lambda condition: edge.UpdateOperation.delete_vectors_by_filter(condition, request.vector),
    )


def _selected(
    points: Sequence[m.ExtendedPointId] | None,
    condition: m.Filter | None,
    by_ids: Callable[[list[edge.PointId]], edge.UpdateOperation],
    by_filter: Callable[[edge.Filter], edge.UpdateOperation],
) -> Step:
    """The operation on the points named, or, without names, on those the filter selects."""
    if points is not None:
        ids = ids_of(points)
        return _existing(ids, by_ids(list(ids)))
    if condition is None:
        raise unprocessable("points", "either points or filter is required")
    wanted = filters.translate(condition)
    return _filtered(by_filter(wanted), wanted)


def _existing(ids: list[PointId], operation: edge.UpdateOperation) -> Step:
    def step(writer: Writer) -> None:
        writer.require(ids)
        writer.apply(operation, len(ids))

    return step


def _filtered(operation: edge.UpdateOperation, condition: edge.Filter) -> Step:
    return lambda writer: writer.apply(operation, writer.count(condition))
