"""What a host allows: its robots.txt, the pause it asks for, and whether it is up at all. One `Host` an origin and scan."""

import time
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from destiny_assets.adapters.web.requests import AGENT, Failed
from destiny_assets.domain.web_addresses import origin_of

if TYPE_CHECKING:
    from protego import Protego

MAX_ROBOTS_BYTES = 500 * 2**10
"""As much of a robots.txt as RFC 9309 makes a reader read."""
_LONGEST_PAUSE = 60.0
# So many pages in a row without an answer, and the rest of the host is not asked.
_PATIENCE = 5


class Host:
    """One origin during one scan. Thread-safe."""

    def __init__(self, origin: str, robots: bytes | None, sleep: Callable[[float], None] = time.sleep) -> None:
        """`robots` is the text of its robots.txt; None where it has none."""
        self.origin = origin
        self._rules = _parsed(robots or b"")
        self._sleep = sleep
        self._failures = 0
        self._next = 0.0
        self._lock = Lock()

    @property
    def pause(self) -> float:
        """Seconds between two requests that the host asks for, at most 60."""
        delay = self._rules.crawl_delay(AGENT) or 0.0
        rate = self._rules.request_rate(AGENT)
        return min(max(float(delay), rate.seconds / rate.requests if rate else 0.0), _LONGEST_PAUSE)

    def refusal(self, url: str) -> Failed | None:
        """Why `url` is not asked: disallowed, or the host is down; None when it may be."""
        if self._failures >= _PATIENCE:
            said = f"{url} was not asked: {self.origin} did not answer {_PATIENCE} times in a row."
            return Failed("unreachable", said, host_down=True)
        if not self._rules.can_fetch(url, AGENT):
            return Failed("excluded", f"The robots.txt of {self.origin} asks not to read {url}.")
        return None

    def take_turn(self) -> None:
        """Wait until the host's next request is due."""
        pause = self.pause
        if pause <= 0:
            return
        with self._lock:
            now = time.monotonic()
            due = max(now, self._next)
            self._next = due + pause
        if due > now:
            self._sleep(due - now)

    def note(self, *, answered: bool) -> None:
        """Remember whether the host answered."""
        with self._lock:
            self._failures = 0 if answered else self._failures + 1


class DownHost(Host):
    """An origin whose robots.txt could not be had: nothing of it is asked, since nobody knows what it allows."""

    def __init__(self, origin: str, failure: Failed) -> None:
        super().__init__(origin, None)
        self._failure = failure

    def refusal(self, url: str) -> Failed | None:
        """Always a refusal."""
        return Failed("unreachable", f"{url} was not asked: {self._failure.detail}")


def robots_address(url: str) -> str:
    """Where the rules for `url` stand."""
    return f"{origin_of(url)}/robots.txt"


def _parsed(robots: bytes) -> "Protego":
    from protego import Protego

    return Protego.parse(robots[:MAX_ROBOTS_BYTES].decode("utf-8", "replace"))
