"""What doors and layers tell of each call while somebody listens: what it was, how long it took, how it ended.

Nobody listens unless `destiny serve` says so; then a call costs what its listeners cost. No vendor is known here.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Protocol

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is being answered."""


class Listener(Protocol):
    """Is told of every call of a layer."""

    def calling(self, layer: str, operation: str) -> AbstractContextManager[None]:
        """Entered when a call begins and left when it ends, with its error if it has one."""
        ...


_LISTENERS: list[Listener] = []


@contextmanager
def listening(*listeners: Listener) -> Iterator[None]:
    """Let these be told of what this process calls, for as long as the block runs."""
    _LISTENERS.extend(listeners)
    try:
        yield
    finally:
        for listener in listeners:
            _LISTENERS.remove(listener)


@contextmanager
def calling(layer: str, operation: str) -> Iterator[None]:
    """A block that calls a layer."""
    if not _LISTENERS:
        yield
        return
    with ExitStack() as stack:
        for listener in _LISTENERS:
            stack.enter_context(listener.calling(layer, operation))
        yield


class JsonLines(logging.Formatter):
    """A log record as one line of JSON: when, how grave, whose, the request it belongs to, and what was said."""

    def format(self, record: logging.LogRecord) -> str:
        """A message that is a JSON object gives its members, any other text is `message`; an exception is told by its kind and place."""
        told: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "request_id": REQUEST_ID.get(),
        }
        message = record.getMessage()
        try:
            members = json.loads(message) if message.startswith("{") else None
        except ValueError:
            members = None
        told |= members if isinstance(members, dict) else {"message": message}
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps({name: value for name, value in told.items() if value is not None}, ensure_ascii=False)
