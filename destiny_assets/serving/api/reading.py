"""Reads pinned to a generation, and the entity tags that follow from it: same address, same generation, same answer."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from pydantic import AfterValidator, TypeAdapter
from starlette.responses import Response

from destiny_assets.domain.documents import UNSTORABLE
from destiny_assets.domain.generations import Generation
from destiny_assets.errors import NotFoundError
from destiny_assets.serving.api.doors import Doors, TheDoors
from destiny_assets.serving.api.paging import Place
from destiny_assets.serving.api.problems import RefusedError

MOST_GENERATIONS = 2**31 - 1


def _storable(text: str) -> str:
    if UNSTORABLE.search(text):
        raise ValueError("a NUL or half a surrogate pair can't be looked for or stored")
    return text


def _in_utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


Storable = AfterValidator(_storable)
Moment = Annotated[datetime, AfterValidator(_in_utc)]


@dataclass(frozen=True, slots=True)
class When:
    """What a read asks to be pinned to: a time, a generation, or neither (what is current)."""

    as_of: datetime | None
    generation: int | None


async def _when(
    as_of: Annotated[
        Moment | None, Query(description="Answer as at this time, e.g. 2026-11-01T12:00Z; without a zone it is UTC.")
    ] = None,
    generation: Annotated[
        int | None, Query(ge=1, le=MOST_GENERATIONS, description="Answer from this published generation.")
    ] = None,
) -> When:
    return When(as_of, generation)


TheMoment = Annotated[When, Depends(_when)]


class NotModifiedError(Exception):
    """What the caller has is what it would get."""

    def __init__(self, tag: str) -> None:
        super().__init__(tag)
        self.tag = tag


class Reader:
    """Pins one read and answers it."""

    def __init__(self, request: Request, doors: Doors, when: When) -> None:
        self._request, self._doors, self._when = request, doors, when
        self._tag: str | None = None

    def pin(self, project: str, place: Place | None = None) -> int:
        """The number of `pinned`."""
        return self.pinned(project, place).number

    def pinned(self, project: str, place: Place | None = None) -> Generation:
        """The generation to read: a later page's is that of the first one.

        Raises `NotFoundError`, and `NotModifiedError` when the caller's entity tag says that it has the answer already.
        """
        number = place.generation if place and place.generation else self._when.generation
        pinned = published(self._doors, project, self._when.as_of, number)
        self._tag = _tag(pinned, self._request)
        wanted = self._request.headers.get("if-none-match", "")
        if self._tag in (tag.strip() for tag in wanted.split(",")):
            raise NotModifiedError(self._tag)
        return pinned

    def answer(self, value: Any, shape: Any, *, lasting: bool = True) -> Response:
        """`value` as JSON of `shape`; not `lasting` leaves the entity tag out, for an answer that could be better next time."""
        headers = {"ETag": self._tag} if self._tag and lasting else {}
        return Response(_adapter(shape).dump_json(value), headers=headers, media_type="application/json")

    def bytes(self, body: bytes | str, media_type: str, headers: dict[str, str]) -> Response:
        """A document as it is."""
        return Response(body, headers={**headers, **({"ETag": self._tag} if self._tag else {})}, media_type=media_type)


def published(doors: Doors, project: str, as_of: datetime | None = None, number: int | None = None) -> Generation:
    """The generation that is meant; raises `NotFoundError` for one that no reader may see, `RefusedError` for two at once."""
    if as_of is not None and number is not None:
        raise RefusedError("bad-request", "Give as_of or generation, not both.")
    found = doors.service.generation(project, as_of=as_of, number=number)
    if found.state != "published":
        raise NotFoundError(
            f"Generation {found.number} of {project!r} is not published. See /v1/projects/{project}/generations"
        )
    return found


async def _reader(request: Request, doors: TheDoors, when: TheMoment) -> Reader:
    return Reader(request, doors, when)


TheReader = Annotated[Reader, Depends(_reader)]


def as_json(value: Any, shape: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """`value` as JSON of `shape`: once, without FastAPI's detour over dictionaries, which took longer than the search."""
    return Response(_adapter(shape).dump_json(value), status, headers, "application/json")


@lru_cache(maxsize=256)
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def _tag(pinned: Generation, request: Request) -> str:
    """Weak: latencies differ. A generation number means other things after its project was removed, hence the time."""
    told = f"{_version()} {pinned.project} {pinned.number} {pinned.published_at} {request.url.path}?{request.url.query}"
    return f'W/"{hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:20]}"'


@lru_cache(maxsize=1)
def _version() -> str:
    return version("destiny")
