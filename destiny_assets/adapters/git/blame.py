"""Who wrote each line of a file, as `git blame` tells it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from destiny_assets.domain.documents import LineAuthorship

ARGUMENTS = ("blame", "--incremental", "--root", "--no-progress")


@dataclass(slots=True)
class _Commit:
    author: str = ""
    seconds: int | None = None


def read_blame(answer: bytes, ends: Collection[str] = ()) -> tuple[LineAuthorship, ...]:
    """The lines of ``git blame --incremental``, ascending, neighbours of one commit joined.

    Lines that come from `ends`, where a shallow clone was cut, are anybody's: they have no author.
    """
    commits: dict[str, _Commit] = {}
    groups: list[tuple[int, int, str]] = []
    commit = _Commit()
    for line in answer.split(b"\n"):
        word, _, rest = line.partition(b" ")
        if len(word) >= 40 and len(numbers := rest.split()) == 3:
            name = word.decode("ascii")
            groups.append((int(numbers[1]), int(numbers[1]) + int(numbers[2]) - 1, name))
            commit = commits.setdefault(name, _Commit())
        elif word == b"author":
            commit.author = rest.decode("utf-8", "replace").strip()
        elif word == b"author-time":
            commit.seconds = int(rest)
    joined: list[tuple[int, int, str]] = []
    for first, last, name in sorted(groups):
        if joined and joined[-1][2] == name:
            first = joined.pop()[0]
        joined.append((first, last, name))
    return tuple(_line(first, last, name, commits[name], name in ends) for first, last, name in joined)


def moment(seconds: int) -> datetime | None:
    """A time of git's; None for what no calendar has."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _line(first: int, last: int, name: str, commit: _Commit, cut: bool) -> LineAuthorship:
    if cut:
        return LineAuthorship(first, last, "")
    return LineAuthorship(first, last, commit.author, None if commit.seconds is None else moment(commit.seconds), name)
