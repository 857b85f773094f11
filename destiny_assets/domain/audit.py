"""Audit events and the chain that holds them: each digest covers the event and the digest before it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

FIRST = bytes(32)
"""The digest before the first event."""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who did what to which project (None: to no single one). `detail` holds texts, whole numbers, truth values, lists and objects."""

    id: int
    at: datetime
    actor: str
    action: str
    project: str | None
    detail: Mapping[str, Any]
    digest: bytes


@dataclass(frozen=True, slots=True)
class AuditProof:
    """What verifying found. `head` is the last good digest in hex; `broken` the id of the first event that does not follow from it."""

    ok: bool
    events: int
    head: str
    broken: int | None


def event_digest(
    previous: bytes, at: datetime, actor: str, action: str, project: str | None, detail: Mapping[str, Any]
) -> bytes:
    """SHA-256 over the digest before and the event as JSON with sorted keys."""
    told = [at.astimezone(UTC).isoformat(timespec="microseconds"), actor, action, project, detail]
    text = json.dumps(told, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(previous + text.encode()).digest()


def verify_chain(events: Iterable[AuditEvent]) -> AuditProof:
    """Follow a chain from its first event to the first that breaks it, or to its end.

    A chain that lost its last events is still whole: keep `head` elsewhere to notice that.
    """
    head, count = FIRST, 0
    for event in events:
        digest = event_digest(head, event.at, event.actor, event.action, event.project, event.detail)
        if digest != event.digest:
            return AuditProof(False, count, head.hex(), event.id)
        head, count = digest, count + 1
    return AuditProof(True, count, head.hex(), None)
