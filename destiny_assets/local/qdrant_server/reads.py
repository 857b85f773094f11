"""The routes that read points."""

from typing import Any

import qdrant_edge as edge
from pydantic import TypeAdapter
from qdrant_client.http.models import models as m

from destiny_assets.local.qdrant_server import filters
from destiny_assets.local.qdrant_server.points import payload_selection, record_json, vector_selection
from destiny_assets.local.qdrant_server.protocol import (
    RequestError,
    parse,
    point_id,
    reject_set,
    unprocessable,
)
from destiny_assets.local.qdrant_server.queries import run_query
from destiny_assets.local.qdrant_server.registry import Collection

_POINTS = TypeAdapter(m.PointRequest)
_SCROLL = TypeAdapter(m.ScrollRequest)
_COUNT = TypeAdapter(m.CountRequest)
_QUERY = TypeAdapter(m.QueryRequest)
_QUERIES = TypeAdapter(m.QueryRequestBatch)
_FACET = TypeAdapter(m.FacetRequest)
_DEFAULT_LIMIT = 10
_DIRECTIONS = {m.Direction.ASC: edge.Direction.Asc, m.Direction.DESC: edge.Direction.Desc}


def retrieve(collection: Collection, body: bytes) -> list[dict[str, Any]]:
    """``POST /points``: one record an id that exists, in the order asked for."""
    request = parse(_POINTS, body)
    reject_set(request, "shard_key")
    ids = [point_id(each) for each in request.ids]
    vectors = collection.vectors
    payload = payload_selection(request.with_payload, default=True)
    with collection.shard.reading() as engine:
        records = engine.retrieve(list(dict.fromkeys(ids)), payload, vector_selection(request.with_vector, vectors))
        found = {record.id: record_json(record, vectors) for record in records}
    return [found[identity] for identity in ids if identity in found]


def retrieve_one(collection: Collection, identity: str) -> dict[str, Any]:
    """``GET /points/ID``, with payload and vectors; 404 when there is none."""
    wanted = point_id(int(identity) if identity.isascii() and identity.isdigit() else identity)
    with collection.shard.reading() as engine:
        for record in engine.retrieve([wanted], True, True):
            return record_json(record, collection.vectors)
    raise RequestError(404, f"Not found: Point with id {wanted} does not exists!")


def scroll(collection: Collection, body: bytes) -> dict[str, Any]:
    """``POST /points/scroll``: a page in id order, or ordered by an indexed field."""
    request = parse(_SCROLL, body)
    reject_set(request, "shard_key")
    limit = _DEFAULT_LIMIT if request.limit is None else request.limit
    if limit < 1:
        raise unprocessable("limit", "must be 1 or larger")
    vectors = collection.vectors
    wanted = edge.ScrollRequest(
        offset=None if request.offset is None else point_id(request.offset),
        limit=limit,
        filter=filters.translate_optional(request.filter),
        with_payload=payload_selection(request.with_payload, default=True),
        with_vector=vector_selection(request.with_vector, vectors),
        order_by=None if request.order_by is None else _order(request.order_by),
    )
    with collection.shard.reading() as engine:
        records, following = engine.scroll(wanted)
        points = [record_json(record, vectors) for record in records]
    return {"points": points, "next_page_offset": following}


def count(collection: Collection, body: bytes) -> dict[str, int]:
    """``POST /points/count``; always exact."""
    request = parse(_COUNT, body)
    reject_set(request, "shard_key")
    wanted = edge.CountRequest(exact=True, filter=filters.translate_optional(request.filter))
    with collection.shard.reading() as engine:
        return {"count": engine.count(wanted)}


def query(collection: Collection, body: bytes) -> dict[str, Any]:
    """``POST /points/query``."""
    request = parse(_QUERY, body)
    with collection.shard.reading() as engine:
        return run_query(engine, collection.vectors, request)


def query_batch(collection: Collection, body: bytes) -> list[dict[str, Any]]:
    """``POST /points/query/batch``: one answer a query, in order."""
    request = parse(_QUERIES, body)
    with collection.shard.reading() as engine:
        return [run_query(engine, collection.vectors, each) for each in request.searches]


def facet(collection: Collection, body: bytes) -> dict[str, Any]:
    """``POST /facet``: an indexed field's values and their exact counts, most frequent first, ties by value."""
    request = parse(_FACET, body)
    reject_set(request, "shard_key")
    limit = _DEFAULT_LIMIT if request.limit is None else request.limit
    if limit < 1:
        raise unprocessable("limit", "must be 1 or larger")
    condition = filters.translate_optional(request.filter)
    wanted = edge.FacetRequest(request.key, limit=limit, exact=True, filter=condition)
    with collection.shard.reading() as engine:
        # The engine also lists, last, values that only deleted points had.
        hits = [hit for hit in engine.facet(wanted).hits if hit.count]
    return {"hits": [{"value": hit.value, "count": hit.count} for hit in hits]}


def _order(wanted: str | m.OrderBy) -> edge.OrderBy:
    if isinstance(wanted, str):
        return edge.OrderBy(wanted)
    start = wanted.start_from
    return edge.OrderBy(
        wanted.key,
        direction=None if wanted.direction is None else _DIRECTIONS[wanted.direction],
        start_from=start if start is None or isinstance(start, int | float) else start.isoformat(),
    )
