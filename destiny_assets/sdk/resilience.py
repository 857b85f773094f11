"""When to ask again, how long to wait, and when to stop asking. Values and clocks only; nothing is sent here."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

AGAIN = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may succeed."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long: `attempts` in all, waiting `first_wait_s`, then twice as long each time, at most `longest_wait_s`.

    After `failures` failed attempts in a row nothing is asked for `rest_s`; then one request tries whether the server is back.
    """

    attempts: int = 4
    first_wait_s: float = 0.2
    longest_wait_s: float = 5.0
    failures: int = 8
    rest_s: float = 10.0

    def wait(self, attempt: int, headers: Mapping[str, str]) -> float:
        """Seconds before attempt number `attempt` + 1: what the server says, else a random part of the doubled wait."""
        most: float = min(self.first_wait_s * 2.0 ** (attempt - 1), self.longest_wait_s)
        told = headers.get("retry-after", "")
        if told.isdigit():
            return min(float(told), self.longest_wait_s)
        # Spread, so that many clients of one server do not all come back at once.
        return most * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


class Circuit:
    """Counts failures in a row. Thread-safe enough: a lost count costs one request more."""

    def __init__(self, patience: Patience, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._clock = clock
        self._failures = 0
        self._open_until = 0.0

    def rest(self) -> float:
        """Seconds for which nothing should be asked; 0.0 when asking is fine. When a rest is over, one caller may try."""
        if self._failures < self._patience.failures:
            return 0.0
        now = self._clock()
        if now < self._open_until:
            return self._open_until - now
        self._open_until = now + self._patience.rest_s
        return 0.0

    def note(self, well: bool) -> None:
        """Note how an attempt ended."""
        if well:
            self._failures = 0
            return
        self._failures += 1
        if self._failures == self._patience.failures:
            self._open_until = self._clock() + self._patience.rest_s
