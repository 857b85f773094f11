"""The application: routes, guards and the gate put together. More can be mounted on it; all of it stands behind the gate."""

import asyncio
import time
from typing import Any

import anyio
from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from destiny_assets.errors import StoreUnavailableError
from destiny_assets.serving.api import mcp, openapi, problems
from destiny_assets.serving.api.doors import Doors, Guard, Recognised
from destiny_assets.serving.api.gate import MOST_BYTES, OPEN, SIGN_IN, Gate
from destiny_assets.serving.api.observed import Observed
from destiny_assets.serving.api.reading import NotModifiedError
from destiny_assets.serving.api.routes import (
    browse,
    claims,
    documents,
    history,
    ingests,
    overview,
    projects,
    questions,
    state,
)
from destiny_assets.serving.pages import sign_in, site

_READY_SECONDS = 1.0


def create_app(doors: Doors) -> FastAPI:
    """The API over `doors`, which whoever made them closes.

    Pages or another protocol are added with `include` or ``app.mount``: the gate stands before whatever is there, and
    `doors.caller_of` tells who got through it.
    """
    app = bare_app()
    app.state.doors = doors
    app.state.pushes = anyio.Semaphore(documents.PUSHED_AT_ONCE)
    problems.install(app)

    @app.exception_handler(NotModifiedError)
    async def not_modified(_: Request, error: NotModifiedError) -> Response:
        return Response(status_code=304, headers={"ETag": error.tag})

    _add_probes(app, doors)
    openapi.install(app)
    mcp.install(app, doors)
    site.install(app)
    if doors.dagster is not None:
        from destiny_assets.serving.dagster import proxy

        proxy.install(app, doors, doors.dagster)
    app.add_middleware(Gate, authenticator=doors.authenticator, most_bytes=_most_bytes)
    app.add_middleware(Observed, metrics=doors.metrics, tracing=doors.tracing)
    return app


def bare_app() -> FastAPI:
    """The routes alone, for whoever wants to describe them."""
    app = FastAPI(
        title="Destiny",
        version="1",
        description=openapi.DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    for module in (projects, overview, ingests, documents, questions, browse, claims, history, state):
        include(app, module.router)
    return app


def include(app: FastAPI, router: APIRouter) -> None:
    """Add routes to the API; raises `ValueError` for one that does not name the right it needs (`doors.Guard`, `doors.Recognised`)."""
    for route in routes_of(router):
        if not _guarded(route):
            raise ValueError(f"{route.path} names no right that it needs: give it the dependency Guard(Right…).")
    app.include_router(router)


def routes_of(router: APIRouter) -> list[APIRoute]:
    """The routes of a router; FastAPI keeps them inside it, so those of an application cannot be listed."""
    return [route for route in router.routes if isinstance(route, APIRoute)]


def _guarded(route: APIRoute) -> bool:
    return any(isinstance(found.call, Guard | Recognised) for found in route.dependant.dependencies)


def _most_bytes(scope: Scope) -> int:
    if scope["type"] != "http":
        return MOST_BYTES
    if scope["path"] == mcp.PATH:
        return mcp.MOST_BYTES
    if scope["path"] == SIGN_IN:
        return sign_in.MOST_BYTES
    pushes = scope["method"] == "PUT" and scope["path"].endswith("/documents")
    return documents.MOST_PUSHED_BYTES if pushes else MOST_BYTES


def _add_probes(app: FastAPI, doors: Doors) -> None:
    seen: dict[str, Any] = {"at": 0.0, "ready": False}
    looking = asyncio.Lock()

    async def alive(_: Request) -> Response:
        return PlainTextResponse("alive")

    async def ready(_: Request) -> Response:
        # Open to everybody, so the ledger is asked once a second at most.
        async with looking:
            if time.monotonic() - seen["at"] > _READY_SECONDS:
                seen["ready"] = await run_in_threadpool(_answers, doors)
                seen["at"] = time.monotonic()
        well = seen["ready"] and not doors.closing.is_set()
        return PlainTextResponse("ready" if well else "not ready", 200 if well else 503)

    for path, answer in zip(OPEN, (alive, ready), strict=True):
        app.add_route(path, answer, methods=["GET"], include_in_schema=False)


def _answers(doors: Doors) -> bool:
    try:
        doors.ledger.ping()
    except StoreUnavailableError:
        return False
    return True
