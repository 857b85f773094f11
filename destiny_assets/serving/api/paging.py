"""Pages: a cursor is a text that holds where the next page starts, and the generation that the first was read from."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Query

from destiny_assets.serving.api.problems import RefusedError

_Item = TypeVar("_Item")
MOST_ITEMS = 200
Limit = Annotated[int, Query(ge=1, le=MOST_ITEMS, description="How many items at most.")]
CursorText = Annotated[
    str | None,
    Query(
        max_length=4_000,
        pattern=r"^[A-Za-z0-9_-]*$",
        description="`next_cursor` of the page before; none for the first.",
    ),
]


@dataclass(frozen=True, slots=True)
class Page(Generic[_Item]):
    """Some items; `next_cursor` asks for those after them, of the same `generation`, and is null when there are none.

    `generation` is null for lists that belong to none.
    """

    items: list[_Item]
    next_cursor: str | None
    generation: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page starts: behind `key`, in `generation`."""

    generation: int | None
    key: tuple[str, ...]


def place_of(cursor: str | None, parts: int) -> Place | None:
    """What a cursor says; raises `RefusedError` for one that was not made by `page_of` with keys of so many parts."""
    if not cursor:
        return None
    try:
        generation, *key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if len(key) != parts or not all(isinstance(part, str) and "\x00" not in part for part in key):
            raise ValueError
        if not (generation is None or (type(generation) is int and 0 < generation < 2**31)):
            raise ValueError
    except (ValueError, TypeError, UnicodeDecodeError, binascii.Error, RecursionError):
        raise RefusedError(
            "bad-request",
            "The cursor is none of this list's. Take `next_cursor` of a page as it is, or begin without one.",
        ) from None
    return Place(generation, tuple(key))


def page_of(
    found: Sequence[_Item], limit: int, key: Callable[[_Item], Sequence[str]], generation: int | None = None
) -> Page[_Item]:
    """A page of `found`, which holds one item more than `limit` where there are more."""
    items = list(found[:limit])
    more = len(found) > limit
    return Page(items, _cursor(generation, key(items[-1])) if more else None, generation)


def _cursor(generation: int | None, key: Sequence[str]) -> str:
    text = json.dumps([generation, *key], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
