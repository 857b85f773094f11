"""Stands outside the gate and tells metrics and traces of every request, refused ones too."""

import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from destiny_assets.adapters.tracing import Tracing
from destiny_assets.serving.metrics import Metrics

_UNROUTED = "-"
"""What no route answered: every wrong address would be a time series of its own."""


class Observed:
    """ASGI: times a request and, where there is `tracing`, opens the span that those of its store calls are below."""

    def __init__(self, app: ASGIApp, metrics: Metrics, tracing: Tracing | None) -> None:
        self._app, self._metrics, self._tracing = app, metrics, tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._tracing is None:
            await self._timed(scope, receive, send)
            return
        with self._tracing.request(scope["method"], Headers(scope=scope)) as span:
            status = await self._timed(scope, receive, send)
            route, state = _route(scope), scope.get("state", {})
            span.update_name(f"{scope['method']} {route}")
            told = {
                "http.request.method": scope["method"],
                "http.route": route,
                "http.response.status_code": status,
                "destiny.project": scope.get("path_params", {}).get("project"),
                "destiny.caller": getattr(state.get("caller"), "id", None),
                "destiny.request_id": state.get("request_id"),
            }
            span.set_attributes({name: value for name, value in told.items() if value is not None})

    async def _timed(self, scope: Scope, receive: Receive, send: Send) -> int:
        """The request's status, 500 when it ended with none."""
        began, status = time.perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            self._metrics.request(scope["method"], _route(scope), status, time.perf_counter() - began)
        return status


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", None) or _UNROUTED
