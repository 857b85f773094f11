"""The source kind ``git``: the files of a repository at one reference, and its commits and tags, read from git's objects.

A file's uri is its path, a commit's ``commits/<id>``, a tag's ``tags/<name>``. No working tree is looked at, so a bare repository is
as good. Symbolic links are left out, as what they lead to is listed under its own name. How git is called is in `adapters.git`.
"""

import hashlib
import json
import os
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from destiny_assets.adapters.files_source import Selection, is_skipped, selection_of
from destiny_assets.adapters.git.blame import ARGUMENTS as BLAME
from destiny_assets.adapters.git.blame import moment, read_blame
from destiny_assets.adapters.git.command import Conversation, Git, GitError
from destiny_assets.adapters.git.history import PathHistory, path_histories
from destiny_assets.adapters.git.records import (
    COMMIT_FORMAT,
    TAG_FORMAT,
    Tag,
    commit_document,
    read_commit,
    read_tags,
    shown_path,
    tag_document,
)
from destiny_assets.adapters.git.repository import Copy, Folder, is_elsewhere
from destiny_assets.adapters.parsers.limits import check_size
from destiny_assets.domain.documents import LineAuthorship, SourceContent, SourceFacts, SourceItem
from destiny_assets.domain.source_kinds import check_options
from destiny_assets.errors import ConfigurationError, StoreUnavailableError, UnreadableDocumentError

if TYPE_CHECKING:
    from destiny_assets.ports import SourceReader

_COMMITS = 10_000
_SUBMODULE, _LINK = "160000", "120000"
_LFS = b"version https://git-lfs.github.com/spec/"
_LFS_BYTES = 1_024
# As git itself tells text from other bytes.
_BINARY_REACH = 8_000
_END = b"= end\n"


def open_git_source(uri: str, options: Mapping[str, str], cache: Path) -> "SourceReader":
    """The repository at `uri`: a folder, or a URL of which a bare copy is kept in `cache`.

    Options as `domain.source_kinds` tells them. Raises `ConfigurationError` for an option or value there is not.
    """
    check_options("git", options)
    ref = options.get("ref") or None
    if ref is not None and ref.startswith("-"):
        raise ConfigurationError(f"The option ref={ref} is no name of a branch, tag or commit.")
    place = Copy(uri, ref, cache) if is_elsewhere(uri) else Folder(uri)
    return GitSource(place, ref, options, cache)


def _bound(written: str) -> int | None:
    """How many commits: None for all."""
    if written in ("all", "no"):
        return None if written == "all" else 0
    if not written.isascii() or not written.isdigit():
        raise ConfigurationError(f"The option commits={written} must be a number, all or no.")
    return int(written)


def _is_wanted(written: str) -> bool:
    if written not in ("yes", "no"):
        raise ConfigurationError(f"The option blame={written} must be yes or no.")
    return written == "yes"


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    mode: str
    blob: str
    size: int
    history: PathHistory


@dataclass(slots=True)
class _Snapshot:
    """A repository at one commit; `ends` are commits where a shallow clone was cut, `setting` marks what colours all facts."""

    git: Git
    commit: str = ""
    ends: frozenset[str] = frozenset()
    setting: str = ""
    files: dict[str, _File] = field(default_factory=dict)
    commits: dict[str, tuple[str, int]] = field(default_factory=dict)
    tags: dict[str, Tag] = field(default_factory=dict)
    tagged: dict[str, list[str]] = field(default_factory=dict)


class GitSource:
    """One repository at one reference; thread-safe. What was scanned is what is read, whatever moves meanwhile."""

    def __init__(self, place: Folder | Copy, ref: str | None, options: Mapping[str, str], cache: Path) -> None:
        self._place = place
        self._ref = ref
        self._options = dict(options)
        self._cache = cache
        self._selection: Selection = selection_of(options)
        self._commits = _bound(options.get("commits", str(_COMMITS)))
        self._blame = _is_wanted(options.get("blame", "yes"))
        self._snapshot: _Snapshot | None = None
        self._lock = threading.Lock()
        self._open: dict[tuple[str, ...], Conversation] = {}
        # Each may hold a history in memory.
        self._blaming = threading.Semaphore(os.cpu_count() or 1)

    def mark(self) -> str:
        """A hash of the commit that the reference names, of the tags, and of the options; raises `StoreUnavailableError`."""
        if isinstance(self._place, Copy):
            seen = self._place.mark()
        else:
            git, default = self._git()
            tags = git.run("for-each-ref", "refs/tags", "--format=%(objectname) %(refname)").decode("utf-8", "replace")
            seen = json.dumps([self._commit(git, default), tags, sorted(_ends(git))])
        return hashlib.sha256(json.dumps([seen, sorted(self._options.items())]).encode()).hexdigest()

    def scan(self) -> Iterator[SourceItem]:
        """Files in order of paths, then commits, newest first, then tags; raises `StoreUnavailableError`."""
        with self._lock:
            snapshot = self._snapshot = self._read_snapshot()
            self._open.clear()
        for uri, file in snapshot.files.items():
            mark = f"{file.blob[:20]} {file.history.commit[:20]} {snapshot.setting}"
            yield SourceItem(uri, mark, file.size, moment(file.history.changed))
        for uri, (commit, seconds) in snapshot.commits.items():
            mark = f"{commit} {snapshot.setting} {','.join(snapshot.tagged.get(commit, ()))}"
            yield SourceItem(uri, mark, 0, moment(seconds))
        for uri, tag in snapshot.tags.items():
            yield SourceItem(uri, f"{tag.id} {tag.commit}", 0, tag.tagged_at)

    def read(self, item: SourceItem) -> SourceContent:
        """One file, commit or tag; raises `UnreadableDocumentError` ("huge" before any byte is read, "unsupported", "unreachable")."""
        check_size(item.size, item.uri)
        try:
            with self._lock:
                snapshot = self._snapshot = self._snapshot or self._read_snapshot()
            if item.uri in snapshot.files:
                return self._read_file(snapshot, item.uri, snapshot.files[item.uri])
            if item.uri in snapshot.commits:
                commit = snapshot.commits[item.uri][0]
                tags = snapshot.tagged.get(commit, [])
                return commit_document(
                    read_commit(self._told(snapshot, commit)), tags, parents_missing=commit in snapshot.ends
                )
            if item.uri in snapshot.tags:
                return tag_document(snapshot.tags[item.uri])
        except StoreUnavailableError as error:
            raise UnreadableDocumentError("unreachable", f"{item.uri} cannot be read: {error}") from error
        raise UnreadableDocumentError("unreachable", f"{item.uri} is no longer part of this source.")

    def _git(self) -> tuple[Git, str]:
        folder, default = self._place.current()
        return Git(folder), default

    def _commit(self, git: Git, default: str) -> str:
        """The id of the commit to read, "" in a repository that has none yet."""
        name = self._ref or default
        try:
            found = git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        except GitError as error:
            branches = git.run("for-each-ref", "--count=8", "--format=%(refname:short)", "refs/heads", "refs/tags")
            known = branches.decode("utf-8", "replace").split()
            if not known and self._ref is None:
                return ""
            there = f"It has {', '.join(known)}" if known else "It has no branch yet"
            raise StoreUnavailableError(
                f"The repository {self._place.shown} has no commit {self._ref or 'that its HEAD leads to'}. {there}: "
                "name one with --option ref=…"
            ) from error
        return found.decode("ascii").strip()

    def _read_snapshot(self) -> _Snapshot:
        git, default = self._git()
        commit = self._commit(git, default)
        if not commit:
            return _Snapshot(git)
        # A bare repository's own .mailmap is the one at its HEAD.
        git = Git(git.folder, (f"mailmap.blob={commit}:.mailmap",))
        snapshot = _Snapshot(git, commit, _ends(git))
        self._list_files(snapshot)
        for tag in read_tags(git.run("for-each-ref", f"--merged={commit}", f"--format={TAG_FORMAT}", "refs/tags")):
            snapshot.tagged.setdefault(tag.commit, []).append(tag.name)
            snapshot.tags[_free(f"tags/{shown_path(tag.name)}", snapshot.files)] = tag
        if self._commits != 0:
            bound = () if self._commits is None else (f"--max-count={self._commits}",)
            for line in git.run("rev-list", "--topo-order", "--timestamp", *bound, commit).decode("ascii").splitlines():
                seconds, name = line.split()
                snapshot.commits[_free(f"commits/{name}", snapshot.files)] = name, int(seconds)
        return snapshot

    def _list_files(self, snapshot: _Snapshot) -> None:
        git, commit = snapshot.git, snapshot.commit
        listed: list[tuple[str, str, str, int]] = []
        mailmap = ""
        for entry in git.run("ls-tree", "-r", "-l", "-z", "--full-tree", commit).split(b"\0")[:-1]:
            about, _, name = entry.partition(b"\t")
            mode, _, blob, length = about.decode("ascii").split()
            path = name.decode("utf-8", "surrogateescape")
            mailmap = blob if path == ".mailmap" else mailmap
            parts = PurePosixPath(path).parts
            if mode != _LINK and not any(map(is_skipped, parts)) and self._selection.takes(path):
                listed.append((path, mode, blob, 0 if length == "-" else int(length)))
        colours = [sorted(snapshot.ends), mailmap, self._blame]
        snapshot.setting = hashlib.sha256(json.dumps(colours).encode()).hexdigest()[:8]
        read = json.dumps([str(git.folder), self._ref, sorted(snapshot.ends)])
        kept = self._cache / f"{hashlib.sha256(read.encode()).hexdigest()[:20]}.json"
        histories = path_histories(git, kept, commit, {path for path, *_ in listed}, snapshot.ends)
        for path, mode, blob, size in listed:
            snapshot.files[shown_path(path)] = _File(path, mode, blob, size, histories[path])

    def _read_file(self, snapshot: _Snapshot, uri: str, file: _File) -> SourceContent:
        if file.mode == _SUBMODULE:
            raise UnreadableDocumentError(
                "unsupported",
                f"{uri} is a submodule: another repository, at commit {file.blob}. Attach that one as a source of its own.",
            )
        data = self._blob(snapshot, uri, file)
        if len(data) <= _LFS_BYTES and data.startswith(_LFS):
            raise UnreadableDocumentError(
                "unsupported",
                f"{uri} is a pointer of Git LFS; what it points to is not in the repository. Attach a checkout as files.",
            )
        lines, unknown = self._lines(snapshot, file, data)
        fields = {"commit": file.history.commit, "renamed_from": file.history.renamed_from, "blame": unknown}
        share = Counter[str]()
        for part in lines:
            share[part.author] += part.last - part.first + 1
        cut = file.history.commit in snapshot.ends
        facts = SourceFacts(
            authors=tuple(author for author, _ in share.most_common() if author),
            created_at=None if file.history.created is None else moment(file.history.created),
            updated_at=None if cut else moment(file.history.changed),
            fields={name: shown_path(value) for name, value in fields.items() if value},
            lines=lines,
        )
        return SourceContent(data, facts=facts)

    def _blob(self, snapshot: _Snapshot, uri: str, file: _File) -> bytes:
        talk = self._talk(snapshot, ("cat-file", "--batch"))
        with talk.ask(file.blob.encode("ascii") + b"\n") as answer:
            about = answer.readline().split()
            if about[1:2] == [b"missing"]:
                raise UnreadableDocumentError(
                    "unreachable", f"{uri}: object {file.blob} is not in the repository, which may be a partial clone."
                )
            data = answer.read(file.size)
            if len(data) < file.size or answer.read(1) != b"\n":
                raise GitError(f"git cat-file stopped before the end of object {file.blob}")
        return data

    def _told(self, snapshot: _Snapshot, commit: str) -> bytes:
        arguments = ("--root", "--always", "-r", "-z", "-M", "-c", "--raw", "--no-abbrev", "--no-ext-diff")
        talk = self._talk(snapshot, ("diff-tree", "--stdin", *arguments, f"--format={COMMIT_FORMAT}"))
        told = bytearray()
        # The command repeats at once a line that names no object, so that an end can be seen.
        with talk.ask(f"{commit}\n".encode() + _END) as answer:
            while not told.endswith(b"\0" + _END):
                line = answer.readline()
                if not line:
                    raise GitError(f"git diff-tree stopped before the end of commit {commit}")
                told += line
        return bytes(told.removesuffix(b"\0" + _END))

    def _talk(self, snapshot: _Snapshot, command: tuple[str, ...]) -> Conversation:
        with self._lock:
            talk = self._open.get(command)
            if talk is None or talk.ended:
                talk = self._open[command] = snapshot.git.open(*command)
            return talk

    def _lines(self, snapshot: _Snapshot, file: _File, data: bytes) -> tuple[tuple[LineAuthorship, ...], str]:
        """Who wrote which lines, and why that is not known where it is not."""
        if not self._blame or not data or b"\0" in data[:_BINARY_REACH]:
            return (), ""
        try:
            with self._blaming:
                told = snapshot.git.run(*BLAME, snapshot.commit, "--", file.path)
        except GitError as error:
            return (), f"not known: {error}"
        return read_blame(told, snapshot.ends), ""


def _ends(git: Git) -> frozenset[str]:
    """The commits whose parents a shallow clone lacks."""
    if git.run("rev-parse", "--is-shallow-repository").strip() != b"true":
        return frozenset()
    path = git.run("rev-parse", "--git-path", "shallow").decode("utf-8", "surrogateescape").removesuffix("\n")
    return frozenset((git.folder / path).read_text("ascii").split())


def _free(uri: str, taken: Mapping[str, object]) -> str:
    """`uri`, unless a file of the repository has it."""
    return _free(f"refs/{uri}", taken) if uri in taken else uri
