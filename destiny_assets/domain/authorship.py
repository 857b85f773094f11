"""Who wrote a part of a text, from who wrote which of its spans."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from destiny_assets.domain.documents import Authorship


@dataclass(frozen=True, slots=True)
class Written:
    """Authors of a part of a text, who wrote most of it first; when its newest span was written, and what that came with."""

    authors: tuple[str, ...] = ()
    written_at: datetime | None = None
    revision: str = ""


def written(authorship: Sequence[Authorship], start: int, end: int) -> Written:
    """Who wrote ``text[start:end]``; `authorship` ascends and does not overlap."""
    characters: Counter[str] = Counter()
    newest: Authorship | None = None
    for part in authorship[bisect_right(authorship, start, key=lambda part: part.end) :]:
        if part.start >= end:
            break
        characters[part.author] += min(part.end, end) - max(part.start, start)
        if newest is None or (part.written_at and (newest.written_at is None or part.written_at > newest.written_at)):
            newest = part
    if newest is None:
        return Written()
    return Written(tuple(name for name, _ in characters.most_common()), newest.written_at, newest.revision)
