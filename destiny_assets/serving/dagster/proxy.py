"""Dagster's UI at ``/dagster``: passed on to its process for whoever may see every project, and changed through by administrators alone.

The gate has recognised the caller, and refused what another site made a browser send. What goes on to Dagster is named here, header by
header; the caller's cookie and key are not among it.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from destiny_assets.domain.access import EVERY_PROJECT, Caller, Right
from destiny_assets.errors import StoreUnavailableError
from destiny_assets.serving.api.doors import Doors, require
from destiny_assets.serving.api.problems import RefusedError, problem
from destiny_assets.serving.dagster.operations import operation_of, request_of
from destiny_assets.serving.dagster.process import PATH, DagsterProcess
from destiny_assets.serving.dagster.subscriptions import Subscriptions

_GRAPHQL = f"{PATH}/graphql"
_STATIC = f"{PATH}/_next/static/"
_REPORTS = f"{PATH}/report_asset_"

_PASSED_ON = ("accept", "accept-language", "if-none-match", "if-modified-since", "if-range", "range", "user-agent")
_HANDED_BACK = (
    *(
        "content-type",
        "content-length",
        "content-disposition",
        "content-range",
        "accept-ranges",
        "etag",
        "last-modified",
    ),
    "content-encoding",
)
# Dagster's own policy lets the UI run its scripts and inline styles. This one holds it besides: it talks to nobody but this server, and sends
# nothing anywhere else. It is for its page alone; our own pages keep theirs.
_POLICY = (
    "connect-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; media-src 'none'; frame-src 'none'; "
    "worker-src 'self' blob:; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'"
)
_WORKERS_POLICY = "default-src 'self'; frame-ancestors 'none'"
_PAGE = {
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_KEPT = "private, max-age=31536000, immutable"
_AT_ONCE = 32
_TIMES = httpx.Timeout(connect=5.0, read=60.0, write=30.0, pool=10.0)


class DagsterProxy:
    """ASGI below `PATH`, http and websocket."""

    def __init__(self, doors: Doors, process: DagsterProcess) -> None:
        self._doors, self._process = doors, process
        self._subscriptions = Subscriptions(doors, process)
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection of a caller whom the gate recognised."""
        caller: Caller = scope["state"]["caller"]
        if scope["type"] == "websocket":
            try:
                require(caller, Right.INSPECT, EVERY_PROJECT)
            except RefusedError as error:
                await problem(error.kind, error.detail, scope["state"]["request_id"])(scope, receive, send)
                return
            await self._subscriptions.pass_on(scope, receive, send)
            return
        require(caller, Right.INSPECT, EVERY_PROJECT)
        request = Request(scope, receive)
        if request.method in ("GET", "HEAD"):
            # Whoever asks: Dagster carries out mutations that come by GET, and a link or picture of another site can send one.
            await self._pass_on(request, send, writing=False)
        elif request.method == "POST" and request.url.path == _GRAPHQL:
            await self._operate(request, caller, send)
        elif request.method == "POST" and request.url.path.startswith(_REPORTS):
            require(caller, Right.ADMINISTER, EVERY_PROJECT)
            await self._note(caller, None, {"reported": request.url.path.removeprefix(f"{PATH}/")})
            await self._pass_on(request, send, writing=True, body=await request.body())
        else:
            raise RefusedError("method-not-allowed", f"{request.method} is not a method of this address.")

    async def _operate(self, request: Request, caller: Caller, send: Send) -> None:
        """One GraphQL request: what changes something needs an administrator and is noted before it is passed on."""
        asked = request_of(await request.body())
        operation = operation_of(asked)
        if operation.changes:
            require(caller, Right.ADMINISTER, EVERY_PROJECT)
            await self._note(
                caller, operation.project, {"changes": list(operation.changes), "named": list(operation.named)}
            )
        administers = caller.may(Right.ADMINISTER, EVERY_PROJECT)
        await self._pass_on(request, send, writing=administers, body=asked.dump())

    async def _note(self, caller: Caller, project: str | None, detail: dict[str, Any]) -> None:
        audit = self._doors.ledger.audit
        await run_in_threadpool(audit.append, caller.id, "dagster.change", project, {**detail, "name": caller.name})

    async def _pass_on(self, request: Request, send: Send, *, writing: bool, body: bytes | None = None) -> None:
        scope = request.scope
        target = scope["raw_path"].decode("latin-1")
        if body is None and scope["query_string"]:
            target += f"?{scope['query_string'].decode('latin-1')}"
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        # As it is: what comes back is handed on byte by byte.
        headers["accept-encoding"] = request.headers.get("accept-encoding", "identity")
        if body is not None:
            headers["content-type"] = "application/json"
        with self._process.in_use():
            client = await self._client(writing)
            asked = client.build_request(request.method, target, headers=headers, content=body)
            try:
                answer = await client.send(asked, stream=True)
            except httpx.TransportError as error:
                told = f"The Dagster UI does not answer ({type(error).__name__}). Ask again in a moment."
                raise StoreUnavailableError(told) from error
            try:
                await _handed_back(request, answer)(scope, request.receive, send)
            finally:
                await answer.aclose()

    async def _client(self, writing: bool) -> httpx.AsyncClient:
        sockets = await self._process.sockets()
        path = str(sockets.writing if writing else sockets.reading)
        if path not in self._clients:
            limits = httpx.Limits(max_connections=_AT_ONCE, max_keepalive_connections=_AT_ONCE)
            transport = httpx.AsyncHTTPTransport(uds=path, limits=limits, retries=1)
            self._clients[path] = httpx.AsyncClient(transport=transport, base_url="http://dagster", timeout=_TIMES)
        return self._clients[path]

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.aclose()


def _handed_back(request: Request, answer: httpx.Response) -> Response:
    headers = {name: answer.headers[name] for name in _HANDED_BACK if name in answer.headers}
    headers.update(_safe(request.url.path, answer.headers))
    if (location := answer.headers.get("location", "")).startswith(PATH):
        headers["location"] = location
    body = answer.aiter_raw() if request.method != "HEAD" and answer.status_code != HTTPStatus.NOT_MODIFIED else ()
    return StreamingResponse(_pieces(body), answer.status_code, headers)


async def _pieces(body: AsyncIterator[bytes] | tuple[()]) -> AsyncIterator[bytes]:
    if not isinstance(body, tuple):
        async for piece in body:
            yield piece


def _safe(path: str, answered: Mapping[str, str]) -> dict[str, str]:
    """Headers that hold the browser to what the UI needs; whatever else comes from there may run nothing (the gate's own policy)."""
    if path.startswith(_STATIC):
        return {"Content-Security-Policy": _WORKERS_POLICY, "Cache-Control": _KEPT}
    if policy := answered.get("content-security-policy"):
        # Two policies: what one of them forbids is forbidden.
        return {**_PAGE, "Content-Security-Policy": f"{policy.rstrip('; ')}, {_POLICY}"}
    return {}


def install(app: FastAPI, doors: Doors, process: DagsterProcess) -> None:
    """Answer below `PATH` for as long as the application runs."""
    proxy, outer = DagsterProxy(doors, process), app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(application: Any) -> AsyncIterator[Any]:
        async with outer(application) as state:
            yield state
        await proxy.close()

    app.router.lifespan_context = lifespan
    app.router.routes.append(Mount(PATH, app=proxy))
