"""The way in and out: a person gives a key once, or signs in at the identity provider, and the browser gets a session. The key is kept nowhere."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote

import anyio
import anyio.to_thread
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from destiny_assets.adapters.oidc_sign_in import Attempt
from destiny_assets.domain.access import Caller
from destiny_assets.domain.api_keys import key_print
from destiny_assets.domain.page_sessions import HOURS, SESSION_BYTES, session_digest, write_session
from destiny_assets.errors import StoreUnavailableError
from destiny_assets.serving.api.authentication import Busy
from destiny_assets.serving.api.doors import Doors
from destiny_assets.serving.api.gate import FROM_PROVIDER, SIGN_IN, TO_PROVIDER
from destiny_assets.serving.api.sessions import (
    attempt_of,
    drop_attempt,
    drop_session,
    same_origin,
    session_of,
    set_attempt,
    set_session,
)

MOST_BYTES = 10_000
"""Of the form: a key and an address."""

_Found = TypeVar("_Found")
_SIGN_OUT = "/sign-out"
_AT_PROVIDER = 4
_WRONG = "This key is unknown, was revoked or has expired. Ask whoever runs Destiny for one: destiny key create NAME --grant PROJECT=reader"
_BUSY = "Too many unknown keys are being tried, so yours could not be looked up. Try again in a second."
_NOBODY = "The identity provider vouched for nobody. Try again, or sign in with a key."
_NOTHING_OPEN = "You signed in, but nothing here is open to you. Ask whoever runs Destiny for a role in a project."
_FOREIGN = "The form was not sent from this page. Type the address of this server yourself, and sign in again."


def install(app: FastAPI, page: Callable[..., Response]) -> None:
    """Add the routes; `page` makes the page that takes a key, of a status, `next` and `problem`."""

    async def ask_for_key(request: Request) -> Response:
        target = _inside(request.query_params.get("next", "/"))
        session = session_of(request.headers, request.url.scheme)
        if session is not None and await run_in_threadpool(_lasts, request.app.state.doors, session):
            return RedirectResponse(target, 303)
        return page(200, next=target, problem="")

    async def sign_in(request: Request) -> Response:
        doors: Doors = request.app.state.doors
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        target = _inside(form.get("next", ["/"])[0])
        key = form.get("key", [""])[0].strip()
        if not same_origin(request.headers):
            return page(403, next=target, problem=_FOREIGN)
        told = await run_in_threadpool(_begin, doors, key)
        if isinstance(told, str):
            return page(429 if told == _BUSY else 401, next=target, problem=told)
        response = RedirectResponse(target, 303)
        session, ends = told
        seconds = int((ends - datetime.now(UTC)).total_seconds())
        set_session(response, request.url.scheme, session, seconds)
        return response

    async def sign_out(request: Request) -> Response:
        doors: Doors = request.app.state.doors
        session = session_of(request.headers, request.url.scheme)
        if session is not None:
            await run_in_threadpool(_end, doors, session)
        response = RedirectResponse(SIGN_IN, 303)
        drop_session(response, request.url.scheme)
        return response

    # Anybody can make this server ask the provider, who may be slow: a few at a time, in threads of their own.
    async def aside(work: Callable[..., _Found], *arguments: Any) -> _Found:
        if not limiters:
            limiters.append(anyio.CapacityLimiter(_AT_PROVIDER))
        return await anyio.to_thread.run_sync(work, *arguments, limiter=limiters[0])

    limiters: list[anyio.CapacityLimiter] = []

    async def to_provider(request: Request) -> Response:
        doors: Doors = request.app.state.doors
        if doors.sign_in is None:
            raise HTTPException(404)
        target = _inside(request.query_params.get("next", "/"))
        try:
            at, attempt = await aside(doors.sign_in.begin, _back(request), target)
        except StoreUnavailableError as error:
            return page(503, next=target, problem=str(error))
        response = RedirectResponse(at, 303)
        set_attempt(response, request.url.scheme, attempt.dump())
        return response

    async def from_provider(request: Request) -> Response:
        doors: Doors = request.app.state.doors
        if doors.sign_in is None:
            raise HTTPException(404)
        attempt = Attempt.load(attempt_of(request.headers, request.url.scheme))
        said = {name: request.query_params.get(name, "") for name in ("state", "code")}
        target = _inside(attempt.target) if attempt else "/"
        caller = None
        if attempt is not None:
            try:
                caller = await aside(doors.sign_in.finish, attempt, said["state"], said["code"], _back(request))
            except StoreUnavailableError as error:
                return page(503, next=target, problem=str(error))
        if caller is None or not caller.grants:
            response = page(401 if caller is None else 403, next=target, problem=_NOTHING_OPEN if caller else _NOBODY)
        else:
            session, ends = await run_in_threadpool(_begin_for, doors, caller)
            # By way of the page: a browser that comes from another site carries the session to nothing but our own page's requests.
            response = RedirectResponse(f"{SIGN_IN}?next={quote(target, safe='/')}", 303)
            set_session(response, request.url.scheme, session, int((ends - datetime.now(UTC)).total_seconds()))
        drop_attempt(response, request.url.scheme)
        return response

    app.add_route(TO_PROVIDER, to_provider, methods=["GET"], include_in_schema=False)
    app.add_route(FROM_PROVIDER, from_provider, methods=["GET"], include_in_schema=False)
    app.add_route(SIGN_IN, ask_for_key, methods=["GET"], include_in_schema=False)
    app.add_route(SIGN_IN, sign_in, methods=["POST"], include_in_schema=False)
    app.add_route(_SIGN_OUT, sign_out, methods=["POST"], include_in_schema=False)


def _begin(doors: Doors, key: str) -> tuple[str, datetime] | str:
    """A new session and when it ends, or why there is none."""
    printed = key_print(key)
    verdict = doors.authenticator.recall(key) or doors.authenticator.verify(key)
    if isinstance(verdict, Busy):
        return _BUSY
    if printed is None or not isinstance(verdict, Caller):
        return _WRONG
    session = write_session(secrets.token_bytes(SESSION_BYTES))
    digest = session_digest(session)
    ends = doors.ledger.api_keys.begin_session(printed, digest, hours=HOURS) if digest else None
    if ends is None:
        return _WRONG
    doors.ledger.audit.append(verdict.id, "session.begin", None, {"name": verdict.name})
    return session, ends


def _begin_for(doors: Doors, caller: Caller) -> tuple[str, datetime]:
    session = write_session(secrets.token_bytes(SESSION_BYTES))
    digest = session_digest(session)
    assert digest is not None  # noqa: S101 - it was written a line above
    ends = doors.ledger.api_keys.begin_session_of(caller, digest, hours=HOURS)
    doors.ledger.audit.append(caller.id, "session.begin", None, {"name": caller.name})
    return session, ends


def _back(request: Request) -> str:
    """Where the provider sends a browser back to; it knows the address and refuses another."""
    return f"{request.url.scheme}://{request.url.netloc}{FROM_PROVIDER}"


def _lasts(doors: Doors, session: str) -> bool:
    return isinstance(doors.authenticator.recall(session) or doors.authenticator.verify(session), Caller)


def _end(doors: Doors, session: str) -> None:
    digest = session_digest(session)
    if digest is not None:
        doors.ledger.api_keys.end_session(digest)
    doors.authenticator.forget(session)


def _inside(target: str) -> str:
    """Where to go after signing in: a page of this server, whatever a link says."""
    plain = target.isascii() and target.isprintable() and "\\" not in target
    return target if plain and target.startswith("/") and not target.startswith("//") else "/"
