"""One polite GET: conditional, bounded in size and time, tried again when the server is busy, its redirects followed by hand."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any

import httpx
from tenacity import RetryCallState, RetryError, Retrying, retry_if_exception_type, stop_after_attempt

from destiny_assets.adapters.parsers.limits import MAX_BYTES
from destiny_assets.adapters.postgres.web import WebResponse
from destiny_assets.adapters.web.guard import GuardedTransport, PrivateHostError
from destiny_assets.domain.web_addresses import joined
from destiny_assets.errors import Reason

AGENT = "Destiny"
"""The name that robots.txt knows us by."""
_ATTEMPTS = 3
_LONGEST_WAIT = 60.0
_MAX_REDIRECTS = 10
_MAX_SECONDS = 120.0
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_PERMANENT = frozenset({301, 308})
_HOST_IS_BUSY = frozenset({429, 502, 503, 504})
_GONE = frozenset({404, 410})
# What holds no text of a document is not even downloaded.
_NO_DOCUMENTS = ("image/", "audio/", "video/", "font/", "text/css", "text/javascript", "application/javascript")


@dataclass(frozen=True, slots=True)
class Fetched:
    """A new answer. `address` is the URL after permanent redirects: where the page says that it lives."""

    address: str
    data: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NotModified:
    """What is known of the page is still so."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The page is no more (404, 410)."""

    status: int


@dataclass(frozen=True, slots=True)
class Failed:
    """No answer that can be used; `status` is None where there was none, `host_down` when the host itself does not serve."""

    reason: Reason
    detail: str
    host_down: bool = False
    status: int | None = None


Outcome = Fetched | NotModified | Gone | Failed


class _BusyError(Exception):
    """Worth another try, after so many seconds if the server said so."""

    def __init__(self, status: int, wait: float | None) -> None:
        super().__init__(f"it answers {status}")
        self.status = status
        self.wait = wait


def open_client(private_hosts: frozenset[str], contact: str) -> httpx.Client:
    """A client that says who it is and calls no private host that was not allowed by name."""
    agent = f"{AGENT}/{version('destiny')} (knowledge base{f'; {contact}' if contact else ''})"
    return httpx.Client(
        transport=GuardedTransport(private_hosts),
        timeout=_TIMEOUT,
        # Brotli and Zstandard would need packages of their own.
        headers={"User-Agent": agent, "Accept-Encoding": "gzip, deflate"},
    )


class Requests:
    """GET requests over one client. Thread-safe."""

    def __init__(self, client: httpx.Client, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep

    def get(self, url: str, known: WebResponse | None, allowed: Callable[[str], Failed | None]) -> Outcome:
        """Ask for `url`, conditionally where an earlier answer is `known`; `allowed` is asked before each hop."""
        condition = _condition(known)
        address, hop, moved_for_good = url, url, True
        for _ in range(_MAX_REDIRECTS + 1):
            if (refusal := allowed(hop)) is not None:
                return refusal
            answer = self._patiently(hop, condition)
            if not isinstance(answer, _Redirect):
                return Fetched(address, answer.data, answer.headers) if isinstance(answer, Fetched) else answer
            target = joined(hop, answer.location)
            if target is None:
                return Failed("unreachable", f"{url} redirects to {answer.location[:200]!r}, which is no web page.")
            moved_for_good = moved_for_good and answer.status in _PERMANENT
            hop, address = target, target if moved_for_good else address
        return Failed("unreachable", f"{url} redirects more than {_MAX_REDIRECTS} times.")

    def _patiently(self, url: str, condition: Mapping[str, str]) -> "Outcome | _Redirect":
        retrying = Retrying(
            stop=stop_after_attempt(_ATTEMPTS),
            wait=_wait,
            retry=retry_if_exception_type((_BusyError, httpx.TransportError)),
            sleep=self._sleep,
        )
        try:
            return retrying(self._once, url, condition)
        except RetryError as error:
            cause = error.last_attempt.exception()
            down = not isinstance(cause, _BusyError) or cause.status in _HOST_IS_BUSY
            return Failed("unreachable", f"{url} does not answer: {_said(cause)}.", host_down=down)
        except PrivateHostError as error:
            return Failed("unreachable", f"{url} is not asked: {error}")
        except (httpx.InvalidURL, httpx.HTTPError) as error:
            return Failed("unreachable", f"{url} cannot be read: {_said(error)}.")

    def _once(self, url: str, condition: Mapping[str, str]) -> "Outcome | _Redirect":
        began = time.monotonic()
        with self._client.stream("GET", url, headers=condition) as response:
            status = response.status_code
            if status == 429 or status >= 500:
                wait = _retry_after(response.headers.get("retry-after"))
                if wait is not None and wait > _LONGEST_WAIT:
                    detail = f"{url} answers {status} and asks to come back in {wait:.0f} s; the next ingest does."
                    return Failed("unreachable", detail, host_down=True)
                raise _BusyError(status, wait)
            if status == 304:
                return NotModified()
            if response.is_redirect:
                return _Redirect(status, response.headers["location"])
            if status in _GONE:
                return Gone(status)
            if not response.is_success:
                return Failed("unreachable", f"{url} answers {status}.", status=status)
            if (media_type := response.headers.get("content-type", "").lower()).startswith(_NO_DOCUMENTS):
                return Failed(
                    "unsupported", f"{url} is {media_type.partition(';')[0]}, which holds no text of a document."
                )
            pieces, size = [], 0
            for piece in response.iter_bytes():
                pieces.append(piece)
                size += len(piece)
                if size > MAX_BYTES:
                    return Failed("huge", f"{url} has more than the {MAX_BYTES:,} bytes that are read.")
                if time.monotonic() - began > _MAX_SECONDS:
                    return Failed("unreachable", f"{url} was not read to its end in {_MAX_SECONDS:.0f} s.")
            return Fetched(url, b"".join(pieces), dict(response.headers))


@dataclass(frozen=True, slots=True)
class _Redirect:
    status: int
    location: str


def _condition(known: WebResponse | None) -> dict[str, str]:
    found = {} if known is None else {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: value for name, value in found.items() if value}


def _wait(state: RetryCallState) -> float:
    error: Any = state.outcome.exception() if state.outcome else None
    told = error.wait if isinstance(error, _BusyError) else None
    return float(2 ** (state.attempt_number - 1)) if told is None else float(told)


def _retry_after(header: str | None) -> float | None:
    """Seconds to wait, from a number or a date; None when the server did not say."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _said(error: BaseException | None) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "it took too long"
    return str(error).partition("\n")[0] or type(error).__name__
