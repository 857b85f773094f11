"""Sessions of the web pages at the gate: the cookie that carries one, and what a request under it must show to be the pages' own.

A browser sends a cookie whoever makes it send the request. `SameSite=Strict` keeps it from the requests of other sites; that is not
relied on alone, since ports and subdomains of one host are one site.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response

from destiny_assets.domain.page_sessions import session_digest

PAGE_HEADER = "X-Destiny-Page"
"""What the pages send with every write to the API. A form cannot, and a script of another origin must ask first, which nobody answers."""

_HARMLESS = ("GET", "HEAD", "OPTIONS")
_API = "/v1/"
_ATTEMPT_SECONDS = 600


def cookie_name(scheme: str) -> str:
    """The cookie's name; over TLS browsers promise that nobody but this very host set it (``__Host-``)."""
    return "__Host-destiny_session" if scheme in ("https", "wss") else "destiny_session"


def session_of(headers: Headers, scheme: str) -> str | None:
    """The session that a request came with; None when it has none, or its cookie holds something else, such as a key."""
    text = cookie_parser(headers.get("cookie", "")).get(cookie_name(scheme), "")
    return text if session_digest(text) is not None else None


def set_session(response: Response, scheme: str, text: str, seconds: int) -> None:
    """Let the browser keep a session: no script reads it, no other site's request carries it."""
    secure = scheme == "https"
    response.set_cookie(
        cookie_name(scheme), text, max_age=seconds, path="/", secure=secure, httponly=True, samesite="strict"
    )


def drop_session(response: Response, scheme: str) -> None:
    """Let the browser forget its session."""
    secure = scheme == "https"
    response.delete_cookie(cookie_name(scheme), path="/", secure=secure, httponly=True, samesite="strict")


def attempt_of(headers: Headers, scheme: str) -> str:
    """What a browser carries that was sent to the identity provider; empty when it carries nothing."""
    return cookie_parser(headers.get("cookie", "")).get(_attempt_name(scheme), "")


def set_attempt(response: Response, scheme: str, text: str) -> None:
    """Let the browser carry this to the identity provider and back, for which it has ten minutes.

    ``Lax``: it comes back from another site. No script reads it, and it opens nothing.
    """
    secure = scheme == "https"
    response.set_cookie(
        _attempt_name(scheme), text, max_age=_ATTEMPT_SECONDS, path="/", secure=secure, httponly=True, samesite="lax"
    )


def drop_attempt(response: Response, scheme: str) -> None:
    """Let the browser forget it: an attempt is good once."""
    response.delete_cookie(_attempt_name(scheme), path="/", secure=scheme == "https", httponly=True, samesite="lax")


def _attempt_name(scheme: str) -> str:
    return "__Host-destiny_sign_in" if scheme == "https" else "destiny_sign_in"


def foreign(scope: Mapping[str, Any], headers: Headers) -> str | None:
    """Why a request under a cookie is not taken for the pages' own; None when it is, or harms nobody.

    Whoever opens a websocket is asked too: it is no unsafe method, and may send anything once it is open.
    """
    if scope["type"] == "http" and scope["method"] in _HARMLESS:
        return None
    if not same_origin(headers):
        return "It was not sent by these pages, but by another site. Sign in there and press the button itself."
    if scope["path"].startswith(_API) and PAGE_HEADER.lower() not in headers:
        return (
            f"A write under a session needs the header {PAGE_HEADER}. Programs send a key: Authorization: Bearer KEY."
        )
    return None


def same_origin(headers: Headers) -> bool:
    """Whether the browser says that the request comes from this host itself.

    Browsers tell it in `Sec-Fetch-Site`, but only to hosts they reach by TLS or loopback; in `Origin` they tell it everybody. One that
    tells neither is not believed. The scheme is not compared: behind a server that speaks TLS we see another one than the browser.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site != "same-origin":
        return False
    if origin is not None:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""
    return site is not None
