"""Backups as files: a folder of dated backups that share their originals. What goes into one is `stages.backup`'s business.

    FOLDER/originals/<project>/<two digits>/<sha256>     every original that some backup names, once
    FOLDER/2026-11-24T03-30-00Z/manifest.json            one backup: whole, or not there under its name
    FOLDER/2026-11-24T03-30-00Z/ledger/<table>.copy.gz   a table in PostgreSQL's COPY text format, in the order of its key
    FOLDER/2026-11-24T03-30-00Z/originals.tsv.gz         project, sha256 of the originals it names

A backup is written under a name that begins with a dot and renamed when everything is on the disk.
"""

import fcntl
import gzip
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

from destiny_assets.adapters.documents import DirectoryDocumentStore
from destiny_assets.errors import ConfigurationError, ConflictError, NotFoundError

FORMAT = 1
_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ(?:-\d+)?")
_MANIFEST, _ORIGINALS_LIST, _ORIGINALS = "manifest.json", "originals.tsv.gz", "originals"
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class TableFile:
    """One table: its columns in the order of the file, its rows, and the compressed file's size and hash."""

    name: str
    columns: list[str]
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. `tables` are in an order in which they can be filled; `made_at` is the moment it shows (ISO 8601).

    `projects` maps a project to its published generation and counts at that moment; `missing` lists originals (project/sha256) that
    the ledger named and the document store no longer had.
    """

    format: int
    destiny: str
    revision: str
    made_at: str
    seconds: float
    tables: list[TableFile]
    projects: dict[str, dict[str, Any]]
    originals: int
    originals_bytes: int
    originals_sha256: str
    missing: list[str]


@dataclass(frozen=True, slots=True)
class Backup:
    """One whole backup on disk."""

    folder: Path
    manifest: Manifest

    @property
    def originals(self) -> DirectoryDocumentStore:
        """The originals, shared with the other backups of the folder."""
        return DirectoryDocumentStore(self.folder.parent / _ORIGINALS)

    def rows(self, table: str) -> Iterator[bytes]:
        """A table's COPY text, decompressed, block by block."""
        with gzip.open(self.folder / "ledger" / f"{table}.copy.gz", "rb") as file:
            while block := file.read(_BLOCK):
                yield block

    def named_originals(self) -> Iterator[tuple[str, str]]:
        """(project, sha256) of every original that the backup names."""
        with gzip.open(self.folder / _ORIGINALS_LIST, "rt", encoding="utf-8") as lines:
            for line in lines:
                project, sha256 = line.rstrip("\n").split("\t")
                yield project, sha256

    def verify(self) -> None:
        """Raises `ConflictError` naming the first file whose bytes are not those that were written, or an original that is gone."""
        files = {f"ledger/{table.name}.copy.gz": table.sha256 for table in self.manifest.tables}
        files[_ORIGINALS_LIST] = self.manifest.originals_sha256
        for name, expected in files.items():
            path = self.folder / name
            if not path.is_file() or _sha256(path) != expected:
                raise ConflictError(f"{path} is damaged or gone: restore another backup of {self.folder.parent}.")
        missing = set(self.manifest.missing)
        for project, sha256 in self.named_originals():
            # Reading verifies the bytes against their name.
            if f"{project}/{sha256}" not in missing:
                self.originals.get(project, sha256)


class BackupFolder:
    """The backups of one Destiny. Safe to be killed at any moment; one process at a time writes."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def backups(self) -> list[Backup]:
        """Every whole backup, newest first."""
        if not self._root.is_dir():
            return []
        return [_read(path) for path in sorted(self._root.iterdir(), reverse=True) if _NAME.fullmatch(path.name)]

    @property
    def originals(self) -> DirectoryDocumentStore:
        """The originals of all backups."""
        return DirectoryDocumentStore(self._root / _ORIGINALS)

    @contextmanager
    def writing(self) -> Iterator["BackupWriter"]:
        """A backup in the making; nothing of it is left when the block raises. Raises `ConflictError` while another is made."""
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._root / ".lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ConflictError(
                    f"Another backup into {self._root} is under way. Wait for it, and try again."
                ) from error
            for leftover in self._root.glob(".making-*"):
                shutil.rmtree(leftover)
            folder = self._root / f".making-{secrets.token_hex(4)}"
            (folder / "ledger").mkdir(parents=True, mode=0o700)
            try:
                yield BackupWriter(self._root, folder)
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def prune(self, keep: int) -> int:
        """Remove all but the newest `keep` backups, then the originals that none of these names; the number of backups removed."""
        found = self.backups()
        for backup in found[keep:]:
            aside = self._root / f".making-{backup.folder.name}"
            backup.folder.rename(aside)
            shutil.rmtree(aside)
        if len(found) > keep:
            named = {pair for backup in found[:keep] for pair in backup.named_originals()}
            for project in (path.name for path in (self._root / _ORIGINALS).iterdir()):
                stale = [sha256 for sha256 in self.originals.ids(project) if (project, sha256) not in named]
                self.originals.delete(project, stale)
        return max(0, len(found) - keep)


class BackupWriter:
    """A backup in the making."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._root, self._folder = root, folder

    def table(
        self, name: str, columns: list[str], rows: int, blocks: Iterable[bytes | bytearray | memoryview]
    ) -> TableFile:
        """Write one table from its COPY text."""
        path = self._folder / "ledger" / f"{name}.copy.gz"
        with _compressed(path) as file:
            for block in blocks:
                file.write(block)
        return TableFile(name, columns, rows, path.stat().st_size, _sha256(path))

    def originals(self, named: Iterable[tuple[str, str]]) -> str:
        """Write the list of originals; its SHA-256."""
        path = self._folder / _ORIGINALS_LIST
        with _compressed(path) as file:
            for project, sha256 in named:
                file.write(f"{project}\t{sha256}\n".encode())
        return _sha256(path)

    def finish(self, manifest: Manifest) -> Backup:
        """Give the backup its name, once all of it is on the disk."""
        path = self._folder / _MANIFEST
        path.write_text(json.dumps(asdict(manifest), indent=1), "utf-8")
        for folder, _, names in os.walk(self._folder):
            for name in (*names, "."):
                _sync(Path(folder) / name)
        name = datetime.fromisoformat(manifest.made_at).astimezone(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
        final, number = self._root / name, 1
        while final.exists():
            number += 1
            final = self._root / f"{name}-{number}"
        self._folder.rename(final)
        _sync(self._root)
        return Backup(final, manifest)


def open_backup(folder: Path) -> Backup:
    """The backup at `folder`, or the newest one of a folder of backups; raises `NotFoundError`, `ConfigurationError`."""
    if (folder / _MANIFEST).is_file():
        return _read(folder.resolve())
    found = BackupFolder(folder.resolve()).backups()
    if not found:
        raise NotFoundError(f"{folder} holds no whole backup. Make one with: destiny backup {folder}")
    return found[0]


def _read(folder: Path) -> Backup:
    try:
        stored = json.loads((folder / _MANIFEST).read_text("utf-8"))
        if stored["format"] != FORMAT:
            raise ConfigurationError(
                f"{folder} is of another format than this Destiny reads: use the one that made it."
            )
        return Backup(folder, Manifest(**{**stored, "tables": [TableFile(**table) for table in stored["tables"]]}))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"The manifest of {folder} cannot be read ({error}): restore another backup."
        ) from error


@contextmanager
def _compressed(path: Path) -> Iterator[IO[bytes]]:
    # No name and no time inside, so that the same rows make the same file.
    with path.open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as file:
        yield cast("IO[bytes]", file)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
