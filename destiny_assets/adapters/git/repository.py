"""Where a repository is: a folder of this machine as it is, or a bare copy of one that is elsewhere.

Copies lie in a cache folder and are brought up to date by fetching, one process at a time. What is in a
repository is not read here.
"""

import fcntl
import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from destiny_assets.adapters.git.command import Git, GitError
from destiny_assets.errors import StoreUnavailableError
from destiny_assets.settings import without_secrets

_LIST_SECONDS = 60.0
_FETCH_SECONDS = 3_600.0
_REMOTE_HEAD = "refs/destiny/HEAD"
_SHORT_ADDRESS = re.compile(r"[\w.-]+@[\w.-]+:.+")
# A transfer below 1,000 bytes a second for a minute has died.
_NETWORK = ("http.lowSpeedLimit=1000", "http.lowSpeedTime=60", "transfer.fsckObjects=false")
# The helper reads its environment, so that no process list shows a password.
_HELPER = 'credential.helper=!f() { test "$1" = get && echo "username=$DESTINY_GIT_USER" && echo "password=$DESTINY_GIT_PASSWORD"; }; f'


@dataclass(frozen=True, slots=True)
class Address:
    """A repository's URL without its password, and what to log in with."""

    url: str
    credentials: Mapping[str, str]

    @property
    def shown(self) -> str:
        """The URL for people."""
        return without_secrets(self.url)


def is_elsewhere(uri: str) -> bool:
    """Whether an address names a repository to copy (``https://…``, ``ssh://…``, ``git@host:path``), not a folder."""
    scheme = urlsplit(uri).scheme if "://" in uri else ""
    return (len(scheme) > 1 and scheme != "file") or (
        _SHORT_ADDRESS.fullmatch(uri) is not None and not Path(uri).exists()
    )


def address(uri: str) -> Address:
    """Where to fetch from; user and password of an http(s) URL travel apart from it."""
    parts = urlsplit(uri) if "://" in uri else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.username:
        return Address(uri, {})
    login = {"DESTINY_GIT_USER": unquote(parts.username), "DESTINY_GIT_PASSWORD": unquote(parts.password or "")}
    return Address(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])), login)


class Folder:
    """A repository of this machine, bare or not, read where it is."""

    def __init__(self, uri: str) -> None:
        """`uri` is a path or a ``file://`` URL."""
        parts = urlsplit(uri)
        self._path = Path(unquote(parts.path) if parts.scheme == "file" else uri).expanduser().absolute()
        self.shown = str(self._path)

    def current(self) -> tuple[Path, str]:
        """The folder of the objects, and the name of the default commit; raises `StoreUnavailableError`."""
        if not self._path.is_dir():
            raise StoreUnavailableError(f"The repository {self._path} is not there. Mount it, or change the source.")
        ceiling = {"GIT_CEILING_DIRECTORIES": str(self._path.resolve().parent)}
        try:
            found = Git(None).run("rev-parse", "--absolute-git-dir", folder=self._path, more=ceiling)
        except GitError as error:
            if "not a git repository" not in str(error):
                raise StoreUnavailableError(f"The repository {self._path} cannot be read: {error}") from error
            raise StoreUnavailableError(
                f"{self._path} is no git repository. Name the folder that `git rev-parse --show-toplevel` shows, "
                "and choose a part of it with --option include=…, or attach the folder as files."
            ) from error
        return Path(found.decode("utf-8", "surrogateescape").removesuffix("\n")), "HEAD"


class Copy:
    """A bare copy of a repository that is elsewhere, with all its branches and tags."""

    def __init__(self, uri: str, ref: str | None, cache: Path) -> None:
        """`ref` is what is read of it, None for the default branch: other branches may move as they like."""
        self._address = address(uri)
        self._ref = ref
        self.shown = self._address.shown
        self._folder = cache / hashlib.sha256(self._address.url.encode()).hexdigest()[:20]

    def current(self) -> tuple[Path, str]:
        """The copy after fetching what is new, and the name of its default commit; raises `StoreUnavailableError`."""
        listed = self._listed()
        mark = self._mark(listed)
        with self._alone():
            seen = self._folder / f"destiny-{hashlib.sha256((self._ref or '').encode()).hexdigest()[:8]}"
            if not seen.is_file() or seen.read_text() != mark:
                self._fetch(with_head="HEAD" in listed)
                seen.write_text(mark)
        return self._folder, _REMOTE_HEAD

    def mark(self) -> str:
        """A hash of the references that are read, as they are there now; raises `StoreUnavailableError`."""
        return self._mark(self._listed())

    def _mark(self, listed: Mapping[str, str]) -> str:
        own = {self._ref or "HEAD", f"refs/heads/{self._ref}", f"refs/tags/{self._ref}"}
        # A commit's id, or an expression, is no name: then any branch may be what it is read from.
        read = {name: id_ for name, id_ in listed.items() if name in own or name.startswith("refs/tags/")}
        return hashlib.sha256(repr(sorted((read if own & read.keys() else listed).items())).encode()).hexdigest()

    def _listed(self) -> dict[str, str]:
        """Ids of the default branch, the branches and the tags there, by name."""
        wanted = ("--", self._address.url, "HEAD", "refs/heads/*", "refs/tags/*")
        lines = self._call(Git(None, self._settings()), "ls-remote", *wanted, seconds=_LIST_SECONDS)
        pairs = (line.split("\t", 1) for line in lines.decode("utf-8", "replace").splitlines() if "\t" in line)
        return {name: id_ for id_, name in pairs}

    def _fetch(self, *, with_head: bool) -> None:
        if not (self._folder / "HEAD").is_file():
            Git(None).run("init", "--quiet", "--bare", str(self._folder))
        wanted = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
        if with_head:
            wanted.append(f"+HEAD:{_REMOTE_HEAD}")
        git = Git(self._folder, self._settings())
        options = ("--quiet", "--prune", "--no-tags", "--no-auto-maintenance", "--no-write-fetch-head")
        self._call(git, "fetch", *options, "--", self._address.url, *wanted, seconds=_FETCH_SECONDS)
        # Which paths each commit changed, so that blame need not compare trees: 2 to 3 times as fast.
        git.run("commit-graph", "write", "--reachable", "--changed-paths", seconds=_FETCH_SECONDS)

    def _call(self, git: Git, *arguments: str, seconds: float) -> bytes:
        try:
            return git.run(*arguments, seconds=seconds, more=self._address.credentials)
        except GitError as error:
            raise StoreUnavailableError(
                f"{self.shown} cannot be fetched: {error}. Check the address, the network and the credentials."
            ) from error

    def _settings(self) -> tuple[str, ...]:
        return (*_NETWORK, "credential.helper=", _HELPER) if self._address.credentials else _NETWORK

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        with self._folder.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
