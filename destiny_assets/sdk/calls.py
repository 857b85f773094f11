"""Each call of the API as a request to send and a way to read the answer: the one list that both clients share."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from destiny_assets.sdk import records as r

T = TypeVar("T")
Read = Callable[[Any], T]


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request. `read` makes a record of the JSON answer; with `raw` it gets the bytes instead."""

    method: str
    path: str
    read: Read[T]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    json: Mapping[str, Any] | None = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bool = False


@dataclass(frozen=True, slots=True)
class Filters:
    """Restricts a search to documents for which all of this holds; several values of one are alternatives."""

    sources: Sequence[str] = ()
    kinds: Sequence[str] = ()
    authors: Sequence[str] = ()
    statuses: Sequence[str] = ()
    tags: Sequence[str] = ()
    where: Mapping[str, str] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None

    def parameters(self) -> dict[str, Any]:
        """As query parameters."""
        return {
            "source": list(self.sources),
            "kind": list(self.kinds),
            "author": list(self.authors),
            "status": list(self.statuses),
            "tag": list(self.tags),
            "where": [f"{name}={value}" for name, value in self.where.items()],
            "since": self.since,
            "until": self.until,
        }


def get(path: str, read: Read[T], **parameters: Any) -> Call[T]:
    """A read."""
    return Call("GET", path, read, _sendable(parameters))


def raw(path: str, read: Read[T], **parameters: Any) -> Call[T]:
    """A read of bytes."""
    return Call("GET", path, read, _sendable(parameters), raw=True)


def write(
    method: str,
    path: str,
    read: Read[T],
    *,
    json: Mapping[str, Any] | None = None,
    content: bytes | None = None,
    media_type: str | None = None,
    **parameters: Any,
) -> Call[T]:
    """A write, with an idempotency key of its own: however often it is sent, it is done once."""
    headers = {"Idempotency-Key": secrets.token_hex(16)}
    if media_type:
        headers["Content-Type"] = media_type
    return Call(method, path, read, _sendable(parameters), json, content, headers)


def at(project: str, *parts: str) -> str:
    """An address below a project."""
    return "/".join(["/v1/projects", quote(project, safe=""), *(quote(part, safe="") for part in parts)])


def one(shape: type[T]) -> Read[T]:
    """Reads one record."""
    return lambda said: r.record(shape, said)


def many(shape: type[T]) -> Read[r.Page[T]]:
    """Reads a page of records."""
    return lambda said: r.page(shape, said)


def _sendable(parameters: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in parameters.items() if value is not None and value != []}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in kept.items()}
