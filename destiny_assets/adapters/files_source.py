"""The source kind ``files``: a folder, a file or a glob, on disk or in an object store.

Finds and reads files; what is in them is the parsers' business. A file's uri is its path below the source's root, with
``/`` between the parts, so that a moved root keeps every document's identity.
"""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from destiny_assets.adapters.documents import first_line, open_object_store
from destiny_assets.adapters.parsers.limits import MAX_BYTES, check_size
from destiny_assets.domain.documents import SourceContent, SourceItem
from destiny_assets.domain.source_kinds import check_options
from destiny_assets.errors import ConfigurationError, StoreUnavailableError, UnreadableDocumentError
from destiny_assets.settings import without_secrets

if TYPE_CHECKING:
    from obstore.store import ObjectStore

    from destiny_assets.ports import SourceReader

_SKIPPED_NAMES = frozenset({"__pycache__", "__MACOSX", "node_modules", "CVS", "_darcs", "Thumbs.db", "desktop.ini"})
# Files that programs leave beside the ones they work on.
_LEFT_OVER = re.compile(r"~\$.*|.*~|.*\.(?:pyc|swp|tmp|part|crdownload)")
_CACHE_TAG = "CACHEDIR.TAG"
_GLOB_MARKS = re.compile(r"[*?\[]")
_ESCAPED_BYTE = re.compile(r"\\x([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which paths below the root belong to the source: any of `include` (all when empty) and none of `exclude`."""

    include: tuple[re.Pattern[str], ...] = ()
    exclude: tuple[re.Pattern[str], ...] = ()

    def takes(self, path: str) -> bool:
        """Whether the file at `path` (relative, with ``/``) is one of the source's."""
        if self.include and not any(pattern.fullmatch(path) for pattern in self.include):
            return False
        return not any(self.excludes(str(part)) for part in (path, *PurePosixPath(path).parents))

    def excludes(self, path: str) -> bool:
        """Whether the file or folder at `path` is left out by its own name."""
        return any(pattern.fullmatch(path) for pattern in self.exclude)


def open_files_source(uri: str, options: Mapping[str, str]) -> "SourceReader":
    """The files at `uri`: a path, ``file://``, ``s3://``, ``gs://`` or ``az://``, each with a glob at its end if wanted.

    Options `include` and `exclude` are globs parted by commas (``**`` crosses folders; one without ``/`` meets that name
    anywhere; an excluded folder is not entered). Raises `ConfigurationError` for an unknown option or a URL that names no store.
    """
    check_options("files", options)
    chosen = selection_of(options)
    include, exclude = chosen.include, chosen.exclude
    parts = urlsplit(uri)
    # One letter is a drive, not a scheme.
    if len(parts.scheme) > 1 and parts.scheme != "file":
        root, glob = _split_glob(uri)
        return ObjectFiles(
            open_object_store(root), Selection(include or _pattern_of(glob), exclude), without_secrets(root)
        )
    path = unquote(parts.path) if parts.scheme == "file" else uri
    root, glob = ("", "") if not path else _split_glob(str(Path(path).expanduser().absolute()))
    if not path:
        raise ConfigurationError("A source of files needs a folder, a file or a glob.")
    folder = Path(root)
    if folder.is_file():
        return LocalFiles(folder.parent, Selection((re.compile(re.escape(folder.name)),), exclude))
    return LocalFiles(folder, Selection(include or _pattern_of(glob), exclude))


def selection_of(options: Mapping[str, str]) -> Selection:
    """What the options `include` and `exclude` choose."""
    return Selection(*(_patterns(options.get(name, "")) for name in ("include", "exclude")))


def _split_glob(uri: str) -> tuple[str, str]:
    """The part before the first segment with a wildcard, and the rest; a path that exists is no glob."""
    if not _GLOB_MARKS.search(uri) or Path(uri).exists():
        return uri, ""
    segments = uri.split("/")
    first = next(place for place, segment in enumerate(segments) if _GLOB_MARKS.search(segment))
    return "/".join(segments[:first]) or "/", "/".join(segments[first:])


def _pattern_of(glob: str) -> tuple[re.Pattern[str], ...]:
    return (_compiled(glob),) if glob else ()


def _patterns(written: str) -> tuple[re.Pattern[str], ...]:
    globs = [glob.strip() for glob in written.split(",") if glob.strip()]
    return tuple(_compiled(glob if "/" in glob else f"**/{glob}") for glob in globs)


def _compiled(glob: str) -> re.Pattern[str]:
    meanings = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]/]+\])", glob.removeprefix("/"))
    return re.compile("".join(meanings.get(p) or (_set_of(p) if p.startswith("[") else re.escape(p)) for p in pieces))


def _set_of(written: str) -> str:
    inside = written[1:-1].replace("\\", "\\\\").replace("[", "\\[")
    return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"


def is_skipped(name: str) -> bool:
    """Whether a file or folder of that name holds nobody's words: hidden, a cache, or left over by a program."""
    return name.startswith(".") or name in _SKIPPED_NAMES or _LEFT_OVER.fullmatch(name) is not None


class LocalFiles:
    """Files below a folder. Linked folders are not entered, linked files only count when they lead inside the folder."""

    def __init__(self, root: Path, selection: Selection) -> None:
        self._root = root.resolve()
        self._selection = selection

    def mark(self) -> None:
        """Only a listing shows what changed in a folder."""

    def scan(self) -> Iterator[SourceItem]:
        """Every file there is now, in order of paths, hidden files and caches left out.

        Raises `StoreUnavailableError` when a folder can't be listed: what is in it would otherwise look deleted.
        """
        if not self._root.is_dir():
            raise StoreUnavailableError(f"The folder {self._root} is not there. Mount it, or change the source.")
        yield from self._scan_folder(self._root, "")

    def _scan_folder(self, folder: Path, below: str) -> Iterator[SourceItem]:
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreUnavailableError(
                f"The folder {folder} cannot be listed ({error.strerror}). Make it readable, or exclude it with a glob."
            ) from error
        if below and any(entry.name == _CACHE_TAG for entry in entries):
            return
        for entry in entries:
            if is_skipped(entry.name):
                continue
            path = f"{below}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                if not self._selection.excludes(path):
                    yield from self._scan_folder(Path(entry.path), f"{path}/")
            elif self._selection.takes(path) and (item := self._item(entry, path)) is not None:
                yield item

    def _item(self, entry: os.DirEntry[str], path: str) -> SourceItem | None:
        try:
            if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(self._root):
                return None
            status = entry.stat()
        except (OSError, RuntimeError):  # Gone since it was listed, or a link that leads to itself.
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        return SourceItem(
            uri=os.fsencode(path).decode("utf-8", "backslashreplace"),
            fingerprint=f"{status.st_size}-{status.st_mtime_ns}",
            size=status.st_size,
            modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
        )

    def read(self, item: SourceItem) -> SourceContent:
        """The bytes of one file; raises `UnreadableDocumentError` ("huge" before any byte is read, "unreachable")."""
        check_size(item.size, item.uri)
        try:
            path = self._path(item.uri)
            if not path.resolve().is_relative_to(self._root) or not path.is_file():
                raise UnreadableDocumentError("unreachable", f"{item.uri} is no longer a file of this source.")
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except (OSError, RuntimeError) as error:
            raise UnreadableDocumentError("unreachable", f"{item.uri} cannot be read: {error}") from error
        check_size(len(data), item.uri)
        return SourceContent(data)

    def _path(self, uri: str) -> Path:
        path = self._root / uri
        if path.exists():
            return path
        # A name that is not UTF-8 is listed with its odd bytes written as \xNN.
        written = _ESCAPED_BYTE.sub(lambda byte: chr(0xDC00 + int(byte[1], 16)), uri)
        return self._root / written


class ObjectFiles:
    """Objects below a prefix of a bucket. Fingerprints are entity tags where the store gives them."""

    def __init__(self, store: "ObjectStore", selection: Selection, name: str) -> None:
        self._store = store
        self._selection = selection
        self._name = name

    def mark(self) -> None:
        """Only a listing shows what changed in a bucket."""

    def scan(self) -> Iterator[SourceItem]:
        """Every object there is now, hidden names and caches left out; raises `StoreUnavailableError`."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            for batch in obstore.list(self._store):
                for entry in batch:
                    path = entry["path"]
                    if any(is_skipped(part) for part in PurePosixPath(path).parts) or not self._selection.takes(path):
                        continue
                    tag = (entry.get("e_tag") or "").strip('"')
                    yield SourceItem(
                        uri=path,
                        fingerprint=tag or f"{entry['size']}-{entry['last_modified'].isoformat()}",
                        size=entry["size"],
                        modified_at=entry["last_modified"],
                    )
        except (BaseError, OSError) as error:
            raise StoreUnavailableError(
                f"{self._name} cannot be listed: {first_line(error)}. Check the address and the credentials."
            ) from error

    def read(self, item: SourceItem) -> SourceContent:
        """The bytes of one object; raises `UnreadableDocumentError` ("huge" before any byte is read, "unreachable")."""
        import obstore
        from obstore.exceptions import BaseError

        check_size(item.size, item.uri)
        try:
            answer = obstore.get(self._store, item.uri)
            check_size(answer.meta["size"], item.uri)
            return SourceContent(bytes(answer.bytes()))
        except (BaseError, OSError) as error:
            raise UnreadableDocumentError("unreachable", f"{item.uri} cannot be read: {first_line(error)}") from error
