"""Work that is begun before the work in front of it is taken. What the work is, its callers say."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def one_ahead(begun: Iterable[T]) -> Iterator[T]:
    """The same items in the same order, each handed on only after the next was asked for: for items that begin work in threads."""
    waiting: list[T] = []
    for item in begun:
        waiting.append(item)
        if len(waiting) > 1:
            yield waiting.pop(0)
    yield from waiting
