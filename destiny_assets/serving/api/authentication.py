"""Who is calling: an API key, a session of the pages or a token of the identity provider becomes a `Caller`. Bad ones cost next to nothing."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from destiny_assets.adapters.oidc import OidcTokens
from destiny_assets.adapters.postgres.api_keys import ApiKeys
from destiny_assets.domain.access import Caller
from destiny_assets.domain.api_keys import key_print
from destiny_assets.domain.page_sessions import session_digest
from destiny_assets.domain.rates import TokenBucket

_Value = TypeVar("_Value")

KNOWN_SECONDS = 5.0
"""A revoked key opens nothing after this long."""
_UNKNOWN_SECONDS = 10.0
_REMEMBERED = 10_000
_MOST_CHARACTERS = 8_192
# Keys that look right and are not known: so many a second are looked up, whoever sends them. Keys seen before are not counted.
_LOOKUPS = 50.0
_BURST_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Unknown:
    """A key, session or token that opens nothing."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Too many unknown keys at once: nobody can tell now whether this one opens anything."""


Verdict = Caller | Unknown | Busy


class _Memory(Generic[_Value]):
    """Values by digest, each for some seconds, the oldest going when there are too many. Not thread-safe."""

    def __init__(self) -> None:
        self._held: OrderedDict[bytes, tuple[float, _Value]] = OrderedDict()

    def put(self, digest: bytes, value: _Value, until: float) -> None:
        self._held[digest] = (until, value)
        self._held.move_to_end(digest)
        while len(self._held) > _REMEMBERED:
            self._held.popitem(last=False)

    def get(self, digest: bytes) -> tuple[float, _Value] | None:
        return self._held.get(digest)

    def drop(self, digest: bytes) -> None:
        self._held.pop(digest, None)


class Authenticator:
    """Recognises callers; thread-safe. Memory first (`recall`), then the stores (`verify`, which may wait)."""

    def __init__(
        self, keys: ApiKeys, tokens: OidcTokens | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`tokens` verifies those of an identity provider, where one is configured."""
        self._keys = keys
        self._tokens = tokens
        self._clock = clock
        self._lock = threading.Lock()
        self._known: _Memory[Caller] = _Memory()
        self._unknown: _Memory[None] = _Memory()
        self._lookups = TokenBucket(_LOOKUPS, _LOOKUPS * _BURST_SECONDS, clock())
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def recall(self, credential: str) -> Verdict | None:
        """What can be told without asking anybody; None when somebody has to be asked."""
        if len(credential) > _MOST_CHARACTERS or not credential.isascii():
            return Unknown()
        digest, now = _digest(credential), self._clock()
        with self._lock:
            known = self._known.get(digest)
            if known and known[0] > now:
                return known[1]
            unknown = self._unknown.get(digest)
            if unknown and unknown[0] > now:
                return Unknown()
        if key_print(credential) is not None or session_digest(credential) is not None:
            with self._lock:
                return None if known or not self._lookups.take(now) else Busy()
        if self._tokens is not None and self._tokens.could_be(credential):
            return None
        return Unknown()

    def verify(self, credential: str) -> Verdict:
        """Ask the ledger, or check the signature. Raises `StoreUnavailableError` where nobody answers."""
        digest, printed = _digest(credential), key_print(credential)
        seconds = KNOWN_SECONDS
        if printed is not None:
            caller = self._keys.caller(printed)
        elif (session := session_digest(credential)) is not None:
            caller = self._keys.caller_of_session(session)
        elif self._tokens is not None:
            caller, seconds = self._tokens.caller(credential)
        else:
            caller = None
        now = self._clock()
        with self._lock:
            if caller is None:
                self._known.drop(digest)
                self._unknown.put(digest, None, now + _UNKNOWN_SECONDS)
                return Unknown()
            self._known.put(digest, caller, now + min(seconds, KNOWN_SECONDS))
        return caller

    def forget(self, credential: str) -> None:
        """Recognise it no longer from memory: it was ended here and now."""
        with self._lock:
            self._known.drop(_digest(credential))

    def wait(self, caller: Caller) -> float:
        """Count one request of a caller: 0.0 when it may go on, else the seconds until it may."""
        now = self._clock()
        with self._lock:
            bucket = self._buckets.get(caller.id)
            if bucket is None or bucket.rate != caller.rate:
                bucket = self._buckets[caller.id] = TokenBucket(
                    caller.rate, max(1.0, caller.rate * _BURST_SECONDS), now
                )
            self._buckets.move_to_end(caller.id)
            while len(self._buckets) > _REMEMBERED:
                self._buckets.popitem(last=False)
            return bucket.take(now)


def _digest(credential: str) -> bytes:
    return hashlib.sha256(credential.encode()).digest()
