"""What a history says of each path: the last commit that changed it, when it began, and what it was called before.

One pass over ``git log``, newest first, with git's own rename detection. What it found is kept beside the copies, so that
the next pass reads only commits that are new.
"""

import contextlib
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

from destiny_assets.adapters.git.command import Git, GitError

_SECONDS = 3_600.0
_FORMAT = 1
_COMMIT = b"\x01"


@dataclass(frozen=True, slots=True)
class Change:
    """One path in a commit: `kind` is git's letter (A, M, D, R, C, T), `before` the other name of what was renamed or copied."""

    kind: str
    path: str
    before: str | None = None


@dataclass(slots=True)
class PathHistory:
    """`commit` changed the path last, at `changed`; at `created` the file began, under whatever name (seconds since 1970)."""

    commit: str
    changed: int
    created: int | None = None
    renamed_from: str | None = None


def changes(tokens: Iterable[bytes]) -> Iterator[Change | tuple[str, int]]:
    """The answer to ``git log --raw -z --format=%x01%H %at``: (commit, seconds) before the changes of each commit."""
    parts = iter(tokens)
    for part in parts:
        line = part.lstrip(b"\n")
        if line.startswith(_COMMIT):
            commit, seconds = line[1:].decode("ascii").split()
            yield commit, int(seconds)
        elif line.startswith(b":"):
            kinds = line.rsplit(b" ", 1)[1].decode("ascii").rstrip("0123456789")
            # A merge has a letter for each parent; what all of them lack is new.
            kind = kinds if len(kinds) == 1 else "A" if set(kinds) == {"A"} else "D" if set(kinds) == {"D"} else "M"
            path = _path(next(parts))
            yield Change(kind, _path(next(parts)), path) if kind in "RC" else Change(kind, path)


def path_histories(
    git: Git, kept: Path, commit: str, paths: Collection[str], ends: Collection[str]
) -> dict[str, PathHistory]:
    """The history of each of `paths`, all of them there at `commit`; `ends` are commits whose parents a shallow clone lacks.

    What was found is kept in the file `kept`. Raises `GitError`.
    """
    known_commit, known = _load(kept)
    found: dict[str, PathHistory] | None = None
    if known_commit == commit and known.keys() >= set(paths):
        return known
    if known_commit and _is_ancestor(git, known_commit, commit):
        found = _pass(git, (f"{known_commit}..{commit}",), paths, known, ends)
    if found is None:
        found = _pass(git, (commit,), paths, {}, ends) or {}
    _save(kept, commit, found)
    return found


def _pass(
    git: Git,
    revisions: tuple[str, ...],
    paths: Collection[str],
    known: Mapping[str, PathHistory],
    ends: Collection[str],
) -> dict[str, PathHistory] | None:
    """None when the new commits and what is known do not explain all paths together."""
    wanted, found = set(paths), dict[str, PathHistory]()
    # Names under which a file that is still there went before, as long as its beginning is not reached.
    followed: dict[str, list[str]] = {}
    now, at = "", 0
    arguments = ("log", "--topo-order", "--raw", "-z", "-M", "-c", "--no-abbrev", "--format=%x01%H %at")
    with git.stream(*arguments, *revisions, "--", seconds=_SECONDS) as tokens:
        for change in changes(tokens):
            if isinstance(change, tuple):
                now, at = change
                continue
            if change.path in wanted and change.path not in found:
                found[change.path] = PathHistory(now, at)
                followed.setdefault(change.path, []).append(change.path)
            if change.kind in "AR" and (files := followed.pop(change.path, None)):
                for file in files:
                    _begin(found[file], change, at, known_end=now not in ends)
                if change.kind == "R" and change.before:
                    followed.setdefault(change.before, []).extend(files)
    for name, files in followed.items():
        for file in files:
            if before := known.get(name):
                found[file].created = before.created
                found[file].renamed_from = found[file].renamed_from or before.renamed_from
    rest = {path: known.get(path) for path in wanted - found.keys()}
    if any(before is None for before in rest.values()) and known:
        return None
    return found | {path: before for path, before in rest.items() if before}


def _begin(file: PathHistory, change: Change, at: int, *, known_end: bool) -> None:
    if change.kind == "R":
        file.renamed_from = file.renamed_from or change.before
    elif known_end:
        file.created = at


def _is_ancestor(git: Git, old: str, new: str) -> bool:
    try:
        git.run("merge-base", "--is-ancestor", old, new)
    except GitError:
        return False
    return True


def _path(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _load(file: Path) -> tuple[str, dict[str, PathHistory]]:
    try:
        kept = json.loads(file.read_text("utf-8"))
        if kept["format"] != _FORMAT:
            return "", {}
        return kept["commit"], {path: PathHistory(*entry) for path, entry in kept["paths"].items()}
    except (OSError, ValueError, KeyError, TypeError):
        # Kept for speed only: a file that is gone or damaged is made anew.
        return "", {}


def _save(file: Path, commit: str, found: Mapping[str, PathHistory]) -> None:
    kept = {"format": _FORMAT, "commit": commit, "paths": {path: astuple(entry) for path, entry in found.items()}}
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(kept), "utf-8")
        draft.replace(file)
