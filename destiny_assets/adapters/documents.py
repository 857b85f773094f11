"""Original bytes by content hash: in a directory, or in any object store that obstore reaches (S3, GCS, Azure).

Keys are ``<project>/<first two digits>/<sha256>``. What a document says, and which version is current, is the ledger's.
"""

import hashlib
import os
import re
import tempfile
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from destiny_assets.errors import ConfigurationError, DamagedOriginalError, NotFoundError, StoreUnavailableError
from destiny_assets.settings import without_secrets
from destiny_assets.telemetry import calling

if TYPE_CHECKING:
    from obstore.store import ObjectStore

    from destiny_assets.ports import DocumentStore

_PROJECT = re.compile(r"\w[\w.-]{0,127}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MESSAGE_CHARACTERS = 200
_ASKED_FOR = 100
_STATUS = re.compile(r"status code: (\d{3} [A-Za-z ]+)")


def open_document_store(url: str) -> "DocumentStore":
    """The store at ``file:///folder``, ``s3://bucket/prefix``, ``gs://…`` or ``az://…``; credentials from the environment.

    Raises `ConfigurationError` when the URL names no store.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost") or not parts.path.strip("/"):
            raise ConfigurationError(f"{url} names no local folder. Write it as file:///path/to/folder.")
        return DirectoryDocumentStore(Path(unquote(parts.path)))
    return ObjectDocumentStore(open_object_store(url))


def open_object_store(url: str) -> "ObjectStore":
    """The object store a URL names; raises `ConfigurationError` when it names none or lacks an account."""
    from obstore.exceptions import BaseError
    from obstore.store import from_url

    try:
        return from_url(url)
    except (BaseError, OSError, ValueError) as error:
        # obstore repeats the URL with its password; its own traceback would too.
        detail = first_line(error).replace(url, without_secrets(url))
        raise ConfigurationError(
            f"{without_secrets(url)} cannot be opened ({detail}). "
            "Write file:///folder, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix, "
            "with the provider's credentials in the environment."
        ) from None


def first_line(error: Exception) -> str:
    """What an obstore error says in short: the server's status where it has one; the rest is a dump of its internals."""
    line = str(error).partition("\n")[0]
    status = _STATUS.search(line)
    return f"the store answers {status[1].strip()}" if status else line[:_MESSAGE_CHARACTERS]


class DirectoryDocumentStore:
    """Documents as files. A file appears whole or not at all, also after a power cut: written aside, synced, renamed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        # Folders that are known to be on disk: looking again for each file cost as much as writing it.
        self._there: set[Path] = set()
        self._making = threading.Lock()

    @calling("originals", "put")
    def put(self, project: str, data: bytes) -> str:
        """Store `data` once and return its SHA-256 (64 hex digits); raises `StoreUnavailableError`."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._root / _key(project, sha256)
        try:
            if not path.is_file() or path.stat().st_size != len(data):
                self._write(path, data)
        except OSError as error:
            raise _unavailable(f"{path} cannot be written", error) from error
        return sha256

    def _write(self, path: Path, data: bytes) -> None:
        descriptor, aside = self._new_file(path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(aside).replace(path)
        except OSError:
            Path(aside).unlink(missing_ok=True)
            raise
        # Without this the name itself may be lost.
        _sync_folder(path.parent)

    def _new_file(self, folder: Path) -> tuple[int, str]:
        """An open file beside the ones in `folder`, which is made where it is not there, or not any more."""
        if folder in self._there:
            with suppress(FileNotFoundError):
                return tempfile.mkstemp(prefix=".writing-", dir=folder)
        # Alone: a folder that another thread has just made is not yet on disk before that thread is through here.
        with self._making:
            new_folders = [each for each in (folder, folder.parent, self._root) if not each.exists()]
            folder.mkdir(parents=True, exist_ok=True)
            for parent in {each.parent for each in new_folders}:
                _sync_folder(parent)
            self._there.add(folder)
        return tempfile.mkstemp(prefix=".writing-", dir=folder)

    @calling("originals", "get")
    def get(self, project: str, sha256: str) -> bytes:
        """The bytes with that hash; raises `NotFoundError`, `DamagedOriginalError`, `StoreUnavailableError`."""
        path = self._root / _key(project, sha256)
        try:
            return _verified(path.read_bytes(), sha256)
        except FileNotFoundError as error:
            raise _not_found(project, sha256) from error
        except OSError as error:
            raise _unavailable(f"{path} cannot be read", error) from error

    def missing(self, project: str, sha256s: Collection[str]) -> set[str]:
        """Those of the hashes that are not there."""
        return {sha256 for sha256 in sha256s if not (self._root / _key(project, sha256)).is_file()}

    def ids(self, project: str) -> Iterator[str]:
        """Every stored hash of a project, in no order; raises `StoreUnavailableError`."""
        try:
            for path in (self._root / _checked(project)).glob("??/*"):
                if _SHA256.fullmatch(path.name):
                    yield path.name
        except OSError as error:
            raise _unavailable(f"{self._root} cannot be listed", error) from error

    def delete(self, project: str, sha256s: Iterable[str]) -> int:
        """Remove those hashes; the number that were there. Raises `StoreUnavailableError`."""
        removed = 0
        for sha256 in sha256s:
            path = self._root / _key(project, sha256)
            try:
                path.unlink()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise _unavailable(f"{path} cannot be removed", error) from error
            removed += 1
        return removed


class ObjectDocumentStore:
    """Documents as objects; the store itself makes a write atomic."""

    def __init__(self, store: "ObjectStore") -> None:
        self._store = store

    @calling("originals", "put")
    def put(self, project: str, data: bytes) -> str:
        """Store `data` once and return its SHA-256 (64 hex digits); raises `StoreUnavailableError`."""
        import obstore
        from obstore.exceptions import BaseError

        sha256 = hashlib.sha256(data).hexdigest()
        key = _key(project, sha256)
        try:
            if self._size(key) != len(data):
                # In one request: parts of an upload that was killed would lie, and cost, where no listing shows them.
                obstore.put(self._store, key, data, use_multipart=False)
        except (BaseError, OSError) as error:
            raise _unavailable(f"Document {sha256} cannot be written", error) from error
        return sha256

    def _size(self, key: str) -> int | None:
        import obstore

        try:
            return obstore.head(self._store, key)["size"]
        except FileNotFoundError:
            return None

    @calling("originals", "get")
    def get(self, project: str, sha256: str) -> bytes:
        """The bytes with that hash; raises `NotFoundError`, `DamagedOriginalError`, `StoreUnavailableError`."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            return _verified(bytes(obstore.get(self._store, _key(project, sha256)).bytes()), sha256)
        except FileNotFoundError as error:
            raise _not_found(project, sha256) from error
        except (BaseError, OSError) as error:
            raise _unavailable(f"Document {sha256} cannot be read", error) from error

    def missing(self, project: str, sha256s: Collection[str]) -> set[str]:
        """Those of the hashes that are not there; raises `StoreUnavailableError`."""
        from obstore.exceptions import BaseError

        # A listing answers a thousand at once, whichever they are.
        if len(sha256s) > _ASKED_FOR:
            return set(sha256s) - set(self.ids(project))
        try:
            return {sha256 for sha256 in sha256s if self._size(_key(project, sha256)) is None}
        except (BaseError, OSError) as error:
            raise _unavailable(f"The documents of {project} cannot be looked up", error) from error

    def ids(self, project: str) -> Iterator[str]:
        """Every stored hash of a project, in no order; raises `StoreUnavailableError`."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            for batch in obstore.list(self._store, _checked(project)):
                for entry in batch:
                    name = entry["path"].rpartition("/")[2]
                    if _SHA256.fullmatch(name):
                        yield name
        except (BaseError, OSError) as error:
            raise _unavailable(f"The documents of {project} cannot be listed", error) from error

    def delete(self, project: str, sha256s: Iterable[str]) -> int:
        """Remove those hashes; the number that were there. Raises `StoreUnavailableError`."""
        import obstore
        from obstore.exceptions import BaseError

        removed = 0
        try:
            for sha256 in sha256s:
                key = _key(project, sha256)
                if self._size(key) is not None:
                    obstore.delete(self._store, key)
                    removed += 1
        except (BaseError, OSError) as error:
            raise _unavailable(f"Documents of {project} cannot be removed", error) from error
        return removed


def _checked(project: str) -> str:
    if not _PROJECT.fullmatch(project):
        raise NotFoundError(f"{project!r} is no name of a project: letters, digits, dot, hyphen and underscore only.")
    return project


def _key(project: str, sha256: str) -> str:
    if not _SHA256.fullmatch(sha256):
        raise NotFoundError(f"{sha256!r} is no document's hash; it has 64 hexadecimal digits.")
    return f"{_checked(project)}/{sha256[:2]}/{sha256}"


def _verified(data: bytes, sha256: str) -> bytes:
    if hashlib.sha256(data).hexdigest() != sha256:
        raise DamagedOriginalError(
            f"The stored bytes of document {sha256} are damaged. Read them again from the source with: destiny repair PROJECT --deep"
        )
    return data


def _not_found(project: str, sha256: str) -> NotFoundError:
    return NotFoundError(
        f"Project {project} has no stored document {sha256}. Bring it back with: destiny ingest {project}"
    )


def _unavailable(what: str, error: Exception) -> StoreUnavailableError:
    return StoreUnavailableError(f"{what}: {first_line(error)}. Check the document store with: destiny doctor")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
