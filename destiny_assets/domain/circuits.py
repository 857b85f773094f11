"""Circuit breakers: after failures in a row nothing is asked for a while, then one caller tries. Nothing is called and nobody waits here.

Not a library's: pybreaker 1.4 holds its lock while the call runs, so that one reader at a time would ask a store; circuitbreaker 2.1
lets every caller try at once when the rest is over; purgatory 3.0 locks nothing between threads.
"""

import threading
import time
from collections.abc import Callable
from enum import StrEnum


class CircuitState(StrEnum):
    """Whether something is asked: always, never for now, or by one caller who tries."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Circuit:
    """Opens after `failures` failures in a row for `rest_s` seconds; then one caller a `rest_s` may try. Thread-safe."""

    def __init__(self, failures: int, rest_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._rest_s, self._clock = failures, rest_s, clock
        self._failures = 0
        self._closed_again_at = 0.0
        self._tried = False
        self._lock = threading.Lock()

    def admits(self) -> bool:
        """Whether the caller may ask now; where one is trying, only that one."""
        # Read without the lock: a caller too many costs one failure more.
        if self._failures < self._most:
            return True
        with self._lock:
            now = self._clock()
            if now < self._closed_again_at:
                return False
            # One that tries and never comes back is followed by the next one after another rest.
            self._closed_again_at, self._tried = now + self._rest_s, True
            return True

    def note(self, well: bool) -> None:
        """Note how asking ended."""
        if well and not self._failures:
            return
        with self._lock:
            self._failures = 0 if well else self._failures + 1
            self._tried = False
            if self._failures >= self._most:
                self._closed_again_at = self._clock() + self._rest_s

    @property
    def state(self) -> CircuitState:
        """As the next caller finds it."""
        with self._lock:
            if self._failures < self._most:
                return CircuitState.CLOSED
            resting = self._clock() < self._closed_again_at and not self._tried
            return CircuitState.OPEN if resting else CircuitState.HALF_OPEN
