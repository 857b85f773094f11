"""The routes of Qdrant's REST API that this server answers, its key, and its errors. Every other route is a 501."""

import hmac
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

from pydantic import TypeAdapter
from qdrant_client.http.models import models as m
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from destiny_assets.local.qdrant_server import reads, writes
from destiny_assets.local.qdrant_server.protocol import (
    RequestError,
    bad_request,
    check_parameters,
    error_json,
    parse,
    result_json,
)
from destiny_assets.local.qdrant_server.registry import Collection, Registry

Endpoint = Callable[[Request], Awaitable[Response]]
Answer = Callable[[Registry, Request, bytes], Any]

_READ = frozenset({"consistency", "timeout"})
_WRITE = frozenset({"wait", "ordering", "timeout"})
_CREATE = TypeAdapter(m.CreateCollection)
_UPDATE = TypeAdapter(m.UpdateCollection)
_FIELD_INDEX = TypeAdapter(m.CreateFieldIndex)
_ALIASES = TypeAdapter(m.ChangeAliasesOperation)
_LONGEST_NAME = 255
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def build_app(registry: Registry, api_key: str) -> Starlette:
    """The application; every route but ``/`` and the health checks needs `api_key`."""

    def guarded(answer: Answer, parameters: frozenset[str]) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            started = time.perf_counter()
            try:
                _authorise(request, api_key)
                check_parameters(request.query_params, parameters)
                body = await request.body()
                status, content = 200, await run_in_threadpool(_answer, answer, registry, request, body, started)
            except RequestError as error:
                status, content = error.status, error_json(str(error), time.perf_counter() - started)
            return Response(content, status, media_type="application/json")

        return endpoint

    def route(method: str, path: str, answer: Answer, parameters: frozenset[str]) -> Route:
        return Route(path, guarded(answer, parameters), methods=[method])

    one = "/collections/{name}"
    return Starlette(
        routes=[
            Route("/", _welcome),
            Route("/healthz", _healthy),
            Route("/readyz", _healthy),
            Route("/livez", _healthy),
            route("GET", "/collections", _list_collections, _READ),
            route("GET", "/aliases", lambda registry, _, __: {"aliases": registry.aliases(None)}, _READ),
            route("POST", "/collections/aliases", _change_aliases, _WRITE),
            route("GET", one, lambda registry, request, _: _collection(registry, request).describe(), _READ),
            route("PUT", one, _create_collection, _WRITE),
            route("PATCH", one, _update_collection, _WRITE),
            route("DELETE", one, lambda registry, request, _: registry.delete(_name(request)), _WRITE),
            route("GET", f"{one}/exists", _exists, _READ),
            route("GET", f"{one}/aliases", _aliases, _READ),
            route("PUT", f"{one}/index", _index_field, _WRITE),
            route("DELETE", f"{one}/index/{{field}}", _unindex_field, _WRITE),
            route("PUT", f"{one}/points", _on(writes.upsert), _WRITE),
            route("POST", f"{one}/points", _on(reads.retrieve), _READ),
            route("POST", f"{one}/points/delete", _on(writes.delete), _WRITE),
            route("POST", f"{one}/points/payload", _on(writes.set_payload), _WRITE),
            route("PUT", f"{one}/points/payload", _on(writes.overwrite_payload), _WRITE),
            route("POST", f"{one}/points/payload/delete", _on(writes.delete_payload), _WRITE),
            route("POST", f"{one}/points/payload/clear", _on(writes.clear_payload), _WRITE),
            route("PUT", f"{one}/points/vectors", _on(writes.update_vectors), _WRITE),
            route("POST", f"{one}/points/vectors/delete", _on(writes.delete_vectors), _WRITE),
            route("POST", f"{one}/points/batch", _on(writes.batch), _WRITE),
            route("POST", f"{one}/points/scroll", _on(reads.scroll), _READ),
            route("POST", f"{one}/points/count", _on(reads.count), _READ),
            route("POST", f"{one}/points/query", _on(reads.query), _READ),
            route("POST", f"{one}/points/query/batch", _on(reads.query_batch), _READ),
            route("POST", f"{one}/facet", _on(reads.facet), _READ),
            route("GET", f"{one}/points/{{point}}", _retrieve_one, _READ),
            Route("/{path:path}", _unknown(api_key), methods=_METHODS),
        ]
    )


def _answer(answer: Answer, registry: Registry, request: Request, body: bytes, started: float) -> bytes:
    result = answer(registry, request, body)
    return result_json(result, time.perf_counter() - started)


def _authorise(request: Request, api_key: str) -> None:
    given = request.headers.get("api-key")
    if given is None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = token if scheme.lower() == "bearer" else None
    if given is None:
        raise RequestError(401, "Must provide an API key or an Authorization bearer token")
    if not hmac.compare_digest(given.encode(), api_key.encode()):
        raise RequestError(401, "Invalid API key or JWT")


async def _welcome(_: Request) -> Response:
    # The client compares versions; what it compares with is the version whose models are spoken here.
    body = {"title": "qdrant - vector search engine", "version": version("qdrant-client")}
    return Response(TypeAdapter(dict[str, str]).dump_json(body), media_type="application/json")


async def _healthy(_: Request) -> Response:
    return PlainTextResponse("all shards are ready")


def _unknown(api_key: str) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            _authorise(request, api_key)
            status, message = 501, f"Not implemented by this local server: {request.method} {request.url.path}"
        except RequestError as error:
            status, message = error.status, str(error)
        return Response(error_json(message, 0.0), status, media_type="application/json")

    return endpoint


def _on(operation: Callable[[Collection, bytes], Any]) -> Answer:
    return lambda registry, request, body: operation(_collection(registry, request), body)


def _name(request: Request) -> str:
    name: str = request.path_params["name"]
    return name


def _collection(registry: Registry, request: Request) -> Collection:
    return registry.get(_name(request))


def _list_collections(registry: Registry, _: Request, __: bytes) -> dict[str, Any]:
    return {"collections": [{"name": name} for name in registry.names()]}


def _exists(registry: Registry, request: Request, _: bytes) -> dict[str, bool]:
    return {"exists": registry.exists(_name(request))}


def _create_collection(registry: Registry, request: Request, body: bytes) -> bool:
    name = _name(request)
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise bad_request(f"a collection's name has from 1 to {_LONGEST_NAME} characters")
    registry.create(name, parse(_CREATE, body))
    return True


def _update_collection(registry: Registry, request: Request, body: bytes) -> bool:
    registry.update(_name(request), parse(_UPDATE, body))
    return True


def _aliases(registry: Registry, request: Request, _: bytes) -> dict[str, Any]:
    return {"aliases": registry.aliases(_name(request))}


def _change_aliases(registry: Registry, _: Request, body: bytes) -> bool:
    registry.change_aliases(parse(_ALIASES, body).actions)
    return True


def _index_field(registry: Registry, request: Request, body: bytes) -> dict[str, Any]:
    wanted = parse(_FIELD_INDEX, body)
    collection = _collection(registry, request)
    registry.index_field(collection, wanted.field_name, wanted.field_schema)
    return {"operation_id": collection.shard.operations, "status": "completed"}


def _unindex_field(registry: Registry, request: Request, _: bytes) -> dict[str, Any]:
    collection = _collection(registry, request)
    registry.unindex_field(collection, request.path_params["field"])
    return {"operation_id": collection.shard.operations, "status": "completed"}


def _retrieve_one(registry: Registry, request: Request, _: bytes) -> dict[str, Any]:
    return reads.retrieve_one(_collection(registry, request), request.path_params["point"])
