"""Files of JSON lines whose lines, or groups of lines, are documents of their own.

Finding and reading files is the `files` kind's business; how lines are grouped is each kind's own (`Grouping`). A line that
can't be read becomes an item that fails by itself under ``file:line``, so that the rest of its file is read.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

from destiny_assets.domain.documents import SourceContent, SourceItem
from destiny_assets.errors import StoreUnavailableError, UnreadableDocumentError
from destiny_assets.ports import SourceReader

_BELOW = re.compile(r"(?P<file>.+?\.(?:jsonl|ndjson))(?:[/:].+)?", re.IGNORECASE | re.DOTALL)
_RULES = "lines/1"
"""Part of every mark: raise it when files would be taken apart otherwise."""

_SUFFIXES = (".jsonl", ".ndjson")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """One line that holds a JSON object; `number` counts from 1."""

    number: int
    data: bytes
    value: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that can't be read, and why."""

    number: int
    data: bytes
    error: UnreadableDocumentError


@dataclass(frozen=True, slots=True)
class Entry:
    """One document of a file, or what stands where one should be; `name` is what its uri ends with, "" for the whole file."""

    name: str
    data: bytes
    error: UnreadableDocumentError | None = None


Grouping = Callable[[list[Line]], Iterable[Entry | BadLine]]
"""Makes documents of a file's good lines; may find more of them bad."""


class JsonLinesFiles:
    """A `SourceReader` over another: files of JSON lines are taken apart, every other file is passed on as it is."""

    def __init__(self, files: SourceReader, grouping: Grouping, media_type: str) -> None:
        self._files = files
        self._grouping = grouping
        self._media_type = media_type
        self._listed: dict[str, SourceItem] = {}
        # Threads read the items of one or two files at a time; each file is taken apart by one of them.
        self._parsed = lru_cache(maxsize=2)(self._read_entries)
        self._locks: dict[str, Lock] = {}

    def mark(self) -> str | None:
        """The hash of the files' listing: where it is the same no line needs to be looked at. Raises `StoreUnavailableError`."""
        return self._files.mark() or _marked(f"{_RULES} {item.uri} {item.fingerprint}" for item in self._files.scan())

    def scan(self) -> Iterator[SourceItem]:
        """Every document there is now, an entry's fingerprint being the hash of its own lines.

        Raises `StoreUnavailableError` for a file of lines that can't be read: what is in it would otherwise look deleted.
        """
        self._parsed.cache_clear()
        self._listed.clear()
        for item in self._files.scan():
            if not item.uri.lower().endswith(_SUFFIXES):
                yield item
                continue
            self._listed[item.uri] = item
            try:
                entries = self._entries(item.uri)
            except UnreadableDocumentError as error:
                raise StoreUnavailableError(f"{error.detail} Its lines stay as they were last read.") from error
            for uri, entry in entries.items():
                mark = hashlib.sha256(entry.data).hexdigest()[:32]
                yield SourceItem(uri, mark, len(entry.data), item.modified_at)

    def read(self, item: SourceItem) -> SourceContent:
        """The lines of one item; raises `UnreadableDocumentError` with the line's number where one is bad."""
        below = _BELOW.fullmatch(item.uri)
        if below is None:
            return self._files.read(item)
        entry = self._entries(below["file"]).get(item.uri)
        if entry is None:
            raise UnreadableDocumentError("unreachable", f"{item.uri} is no longer there.")
        if entry.error is not None:
            raise entry.error
        return SourceContent(entry.data, self._media_type)

    def _entries(self, file: str) -> dict[str, Entry]:
        with self._locks.setdefault(file, Lock()):
            return self._parsed(file)

    def _read_entries(self, file: str) -> dict[str, Entry]:
        content = self._files.read(self._listed.get(file, SourceItem(file, "", 0)))
        good, bad = _lines(content.data)
        if bad and not good:
            return {file: Entry("", content.data, UnreadableDocumentError("broken", f"No line of {file} is JSON."))}
        found: dict[str, Entry] = {}
        for entry in self._grouping(good):
            if isinstance(entry, BadLine):
                bad.append(entry)
            elif entry.error is not None:
                found[_uri(file, entry.name)] = Entry(entry.name, entry.data, _in_file(file, entry.error))
            else:
                found[_uri(file, entry.name)] = entry
        for line in bad:
            found[f"{file}:{line.number}"] = Entry("", line.data, _in_file(file, line.error))
        return found


def bad_line(line: Line, error: UnreadableDocumentError) -> BadLine:
    """A line that is JSON and still not what it should be."""
    return BadLine(line.number, line.data, at_line(line, error))


def at_line(line: Line, error: UnreadableDocumentError) -> UnreadableDocumentError:
    """The error, saying on which line it is."""
    return UnreadableDocumentError(error.reason, f"line {line.number}: {error.detail}")


def _marked(listed: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in listed:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def _in_file(file: str, error: UnreadableDocumentError) -> UnreadableDocumentError:
    return UnreadableDocumentError(error.reason, f"{file}, {error.detail}")


def _uri(file: str, name: str) -> str:
    return f"{file}/{name}" if name else file


def _lines(data: bytes) -> tuple[list[Line], list[BadLine]]:
    good, bad = [], []
    for number, raw in enumerate(data.removeprefix(_BYTE_ORDER_MARK).split(b"\n"), start=1):
        written = raw.strip()
        if not written:
            continue
        try:
            value = json.loads(written.decode("utf-8"))
        except UnicodeDecodeError:
            problem = "it is not UTF-8."
        except (ValueError, RecursionError) as error:
            problem = f"it is no JSON ({getattr(error, 'msg', type(error).__name__)})."
        else:
            if isinstance(value, dict):
                good.append(Line(number, written, value))
                continue
            problem = "it is JSON, but no object {…}."
        bad.append(BadLine(number, written, UnreadableDocumentError("broken", f"line {number}: {problem}")))
    return good, bad
