"""What a reader restricts a search to, and which hits are held back. Values only; how a store applies them is not known here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions on a document, all of which must hold; several values of one are alternatives, none is no condition.

    `kinds` are kinds of sources (files, git, ...). A document's time is its last change, else its creation; one without either
    is outside every range. `since` is included, `until` is not. `where` are (name, value) pairs of front matter, compared without
    case; so are authors, statuses and tags.
    """

    sources: Sequence[str] = ()
    kinds: Sequence[str] = ()
    authors: Sequence[str] = ()
    statuses: Sequence[str] = ()
    tags: Sequence[str] = ()
    where: Sequence[tuple[str, str]] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def on_documents(self) -> bool:
        """Whether anything but the source is asked for: that depends on the generation, a source does not."""
        return bool(self.authors or self.statuses or self.tags or self.where or self.since or self.until)

    def __bool__(self) -> bool:
        return bool(self.sources or self.kinds) or self.on_documents


class Mode(StrEnum):
    """How much is held back: nothing, what is likely wrong, or all that is superseded, dropped or doubtful."""

    ALL = "all"
    BALANCED = "balanced"
    STRICT = "strict"


_LEAST_TRUST = {Mode.ALL: 0.0, Mode.BALANCED: 0.2, Mode.STRICT: 0.5}
_DROPPED = frozenset({"rejected", "withdrawn", "deferred", "deprecated", "superseded", "draft"})


def withheld_because(
    mode: Mode, *, trust: float, status: str | None, superseded_by: Sequence[str], least_trust: float = 0.0
) -> str | None:
    """Why a hit is held back, in words; None when it is shown.

    `balanced` holds back what is superseded and what is trusted below 0.2; `strict` also documents that never came or are no
    longer in force, and what is trusted below 0.5. `least_trust` counts in every mode.
    """
    if mode is not Mode.ALL and superseded_by:
        return f"superseded by {', '.join(superseded_by)}"
    if mode is Mode.STRICT and status in _DROPPED:
        return f"its status is {status}"
    least = max(least_trust, _LEAST_TRUST[mode])
    return f"trusted {trust:.2f}, below {least:g}" if trust < least else None
