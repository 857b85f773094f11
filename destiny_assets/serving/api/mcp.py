"""The MCP tools at ``/mcp``, over streamable HTTP: one more route behind the gate, so under its keys, rates and bounds.

Without sessions: each request is recognised, answered as its caller, and forgotten, by whichever server it reached.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from destiny_assets.serving.api.doors import Doors
from destiny_assets.serving.mcp_reach import CALLER, CallersReach
from destiny_assets.serving.mcp_server import KnowledgeTools, create_server

PATH = "/mcp"
MOST_BYTES = 8_000_000
"""Of a request's body: the longest document that `add_document` takes, of characters that JSON escapes."""


class _Endpoint:
    """ASGI: hands a request to the protocol's server as the caller that the gate recognised."""

    def __init__(self, manager: StreamableHTTPSessionManager) -> None:
        self._manager = manager

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Tools run in tasks and threads that are started from here and inherit it.
        CALLER.set(scope["state"]["caller"])
        await self._manager.handle_request(scope, receive, send)


def install(app: FastAPI, doors: Doors) -> None:
    """Answer at ``/mcp`` for as long as the application runs."""
    server = create_server(KnowledgeTools(doors.service, CallersReach(doors)))
    # The gate refuses who has no key, whatever name this server was called by, so nothing is gained by pinning names of hosts.
    server.streamable_http_app(
        json_response=True,
        stateless_http=True,
        max_request_body_size=MOST_BYTES,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    running, outer = server.session_manager, app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(application: Any) -> AsyncIterator[Any]:
        async with running.run(), outer(application) as state:
            yield state

    app.router.lifespan_context = lifespan
    app.router.routes.append(Route(PATH, endpoint=_Endpoint(running), include_in_schema=False))
