"""The gate before every route, mounted or our own: nobody gets past it unrecognised, too often or with too much.

Plain ASGI, so that a bad token is answered before anything is routed, parsed or looked up.
"""

import json
import logging
import re
import secrets
import time
from collections.abc import Callable
from urllib.parse import quote

import anyio
import anyio.to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from destiny_assets.domain.access import Caller
from destiny_assets.domain.page_sessions import session_digest
from destiny_assets.errors import StoreUnavailableError
from destiny_assets.serving.api.authentication import Authenticator, Busy, Unknown, Verdict
from destiny_assets.serving.api.problems import UNFORESEEN, problem
from destiny_assets.serving.api.sessions import foreign, session_of
from destiny_assets.telemetry import REQUEST_ID

OPEN = ("/livez", "/readyz")
"""What answers without a key: one word each, for who restarts servers and who sends them readers."""

SIGN_IN = "/sign-in"
TO_PROVIDER, FROM_PROVIDER = f"{SIGN_IN}/provider", f"{SIGN_IN}/back"
_WAYS_IN = (SIGN_IN, TO_PROVIDER, FROM_PROVIDER)
ASSETS = "/assets/"
"""Open too: the page that takes a key, the way to a provider and back, and the style and scripts of the pages, which hold nothing of anybody."""

MOST_BYTES = 1_000_000
"""Of a request's body, where the route does not take documents."""

_LOG = logging.getLogger("destiny.api")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Callers being recognised wait for the ledger or the identity provider in threads of their own, never in those of the handlers.
_RECOGNISED_AT_ONCE = 8
_TOLD_EVERY_SECONDS = 10.0
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "private, no-cache",
}
_NO_CREDENTIAL = "This needs a key. Make one with: destiny key create NAME --grant PROJECT=reader, and send it as: Authorization: Bearer KEY"
_BAD_CREDENTIAL = "The key or token is unknown, was revoked or has expired. Make a key with: destiny key create NAME --grant PROJECT=reader"


class Gate:
    """Recognises the caller, counts its requests, bounds the body, and puts safe headers on whatever answers."""

    def __init__(
        self, app: ASGIApp, authenticator: Authenticator, most_bytes: Callable[[Scope], int] = lambda _: MOST_BYTES
    ) -> None:
        """`most_bytes` tells how large a request's body may be."""
        self._app = app
        self._authenticator = authenticator
        self._most_bytes = most_bytes
        self._limiter: anyio.CapacityLimiter | None = None
        self._refused = 0
        self._told_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        id_ = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = id_
        REQUEST_ID.set(id_)
        began, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "websocket.accept":
                status = 101
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                status = message["status"]
                out = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    out.setdefault(name, value)
                out["X-Request-Id"] = id_
                out.add_vary_header("Authorization")
                out.add_vary_header("Cookie")
                if scope["scheme"] in ("https", "wss"):
                    out["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        try:
            if await self._admitted(scope, headers, receive, sending, id_):
                await self._app(scope, _bounded(receive, self._most_bytes(scope)), sending)
        except Exception:
            if not status:
                await problem("failed", UNFORESEEN, id_)(scope, receive, sending)
            raise
        finally:
            self._log(scope, id_, status, time.perf_counter() - began)

    async def _admitted(self, scope: Scope, headers: Headers, receive: Receive, send: Send, id_: str) -> bool:
        """Whether the request may go on; if not, it has been answered."""
        if (length := headers.get("content-length")) is not None:
            most = self._most_bytes(scope)
            if not length.isascii() or not length.isdigit() or len(length) > 15 or int(length) > most:
                told = f"The request's body may have at most {most:,} bytes. Send less, or split it."
                await problem("too-large", told, id_, {"Connection": "close"})(scope, receive, send)
                return False
        if scope["path"] in (*OPEN, *_WAYS_IN) or scope["path"].startswith(ASSETS):
            return True
        credential = credential_of(headers)
        if credential is None and (credential := session_of(headers, scope["scheme"])) is not None:
            if (strange := foreign(scope, headers)) is not None:
                await problem("forbidden", strange, id_)(scope, receive, send)
                return False
        elif credential is not None and session_digest(credential) is not None:
            # A session speaks for a browser, which carries it in its cookie and nowhere else.
            credential = ""
        verdict: Verdict | None = self._authenticator.recall(credential) if credential else Unknown()
        if verdict is None and credential:
            if self._limiter is None:
                self._limiter = anyio.CapacityLimiter(_RECOGNISED_AT_ONCE)
            try:
                verdict = await anyio.to_thread.run_sync(self._authenticator.verify, credential, limiter=self._limiter)
            except StoreUnavailableError as error:
                await problem("unavailable", str(error), id_, {"Retry-After": "2"})(scope, receive, send)
                return False
        if isinstance(verdict, Caller):
            seconds = self._authenticator.wait(verdict)
            if not seconds:
                scope["state"]["caller"] = verdict
                return True
            told = f"{verdict.name!r} may make {verdict.rate:g} requests a second. Wait, or ask for a key with a higher rate."
            await _wait(told, seconds, id_)(scope, receive, send)
        elif isinstance(verdict, Busy):
            told = "Too many unknown keys are being tried, so yours could not be looked up. Send the request again in a second."
            await _wait(told, 1.0, id_)(scope, receive, send)
        elif _navigates(scope, headers):
            await RedirectResponse(f"{SIGN_IN}?next={quote(_target(scope), safe='/')}", 303)(scope, receive, send)
        else:
            detail = _NO_CREDENTIAL if credential is None else _BAD_CREDENTIAL
            challenge = "Bearer" if credential is None else 'Bearer error="invalid_token"'
            await problem("unauthorized", detail, id_, {"WWW-Authenticate": challenge})(scope, receive, send)
        return False

    def _log(self, scope: Scope, id_: str, status: int, seconds: float) -> None:
        """One line a request, without its query and headers; refused ones are counted instead, since a flood of them is cheap to send."""
        if status == 401:
            self._refused += 1
            now = time.monotonic()
            if now - self._told_at > _TOLD_EVERY_SECONDS:
                _LOG.info(json.dumps({"refused_without_valid_key": self._refused, "last_request_id": id_}))
                self._refused, self._told_at = 0, now
            return
        if status == 200 and (scope["path"] in OPEN or scope["path"].startswith(ASSETS)):
            return
        caller, route = scope["state"].get("caller"), scope.get("route")
        told = {
            "request_id": id_,
            "method": scope.get("method", "WEBSOCKET"),
            "route": getattr(route, "path", None),
            "project": scope.get("path_params", {}).get("project"),
            "caller": caller.id if caller else None,
            "status": status,
            "ms": round(seconds * 1000, 1),
        }
        _LOG.info(json.dumps(told))


def credential_of(headers: Headers) -> str | None:
    """The key or token that came with a request; None when there was none."""
    scheme, _, credential = headers.get("authorization", "").partition(" ")
    return credential.strip() or None if scheme.lower() == "bearer" else None


def _navigates(scope: Scope, headers: Headers) -> bool:
    """Whether a person's browser goes to a page; it is shown where to sign in instead of a problem in JSON."""
    return (
        scope["type"] == "http"
        and scope["method"] in ("GET", "HEAD")
        and not scope["path"].startswith("/v1")
        and "authorization" not in headers
        and "text/html" in headers.get("accept", "")
    )


def _target(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return quote(scope["path"]) + (f"?{query}" if query else "")


def _wait(detail: str, seconds: float, id_: str) -> ASGIApp:
    return problem("too-many-requests", detail, id_, {"Retry-After": str(max(1, round(seconds)))})


def _bounded(receive: Receive, most: int) -> Receive:
    """A body that does not say how long it is, counted while it comes."""
    received = 0

    async def receiving() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise HTTPException(413, f"The request's body may have at most {most:,} bytes. Send less, or split it.")
        return message

    return receiving
