"""The source kind ``decisions``: logs of JSON lines, and folders of decision records and proposals.

Each line of a ``.jsonl`` file is a document of its own, ``log.jsonl/ID``. Every other file is read as the `files` kind
reads it, with one exception: a proposal in two files (``kep.yaml`` beside ``README.md``) is one document.
"""

import posixpath
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from destiny_assets.adapters.files_source import open_files_source
from destiny_assets.adapters.json_lines import BadLine, Entry, JsonLinesFiles, Line, at_line, bad_line
from destiny_assets.domain.decisions import DECISION_LINE, read_line
from destiny_assets.domain.documents import SourceContent, SourceItem
from destiny_assets.errors import UnreadableDocumentError
from destiny_assets.ports import SourceReader

_METADATA = "kep.yaml"
_TEXT = "README.md"


def open_decisions_source(uri: str, options: Mapping[str, str]) -> SourceReader:
    """The decisions at `uri`: a path, a glob or an object-store URL, with the options of a source of files.

    Raises `ConfigurationError` as `open_files_source` does.
    """
    return JsonLinesFiles(TwoFileProposals(open_files_source(uri, options)), decision_entries, DECISION_LINE)


def decision_entries(lines: list[Line]) -> Iterator[Entry | BadLine]:
    """One document a line. Of several lines with one id the first good one stands, the others are bad.

    A log is written by appending, often by machines: were the last one to stand, any writer could change what another
    decided without a trace. To change a decision is to write one that supersedes it.
    """
    errors = {line.number: error for line in lines if (error := _error(line)) is not None}
    standing: dict[str, int] = {}
    for line in sorted(lines, key=lambda line: line.number in errors):
        if id_ := _id(line):
            standing.setdefault(id_, line.number)
    for line in lines:
        id_, error = _id(line), errors.get(line.number)
        if id_ and standing[id_] != line.number:
            repeated = f"it repeats the id {id_!r} of line {standing[id_]}, which stands. Supersede it under a new id."
            yield bad_line(line, UnreadableDocumentError("duplicate", repeated))
        elif id_:
            yield Entry(quote(id_, safe=" "), line.data, at_line(line, error) if error else None)
        else:
            yield bad_line(line, error or UnreadableDocumentError("broken", "it has no id."))


def _id(line: Line) -> str:
    value = line.value.get("id")
    return str(value).strip() if isinstance(value, str | int) else ""


def _error(line: Line) -> UnreadableDocumentError | None:
    try:
        read_line(line.value)
    except UnreadableDocumentError as error:
        return error
    return None


class TwoFileProposals:
    """A `SourceReader` over another that joins ``kep.yaml`` and the ``README.md`` beside it.

    The joined document has the metadata as front matter, so that its bytes hold all that is derived from them.
    """

    def __init__(self, files: SourceReader) -> None:
        self._files = files
        self._joined: dict[str, tuple[SourceItem, SourceItem]] = {}

    def mark(self) -> str | None:
        """That of the files."""
        return self._files.mark()

    def scan(self) -> Iterator[SourceItem]:
        """Every file there is now, joined pairs under the name of the text; raises `StoreUnavailableError`."""
        self._joined.clear()
        items = {item.uri: item for item in self._files.scan()}
        pairs = {
            _beside(uri, _TEXT): uri
            for uri in items
            if posixpath.basename(uri) == _METADATA and _beside(uri, _TEXT) in items
        }
        for uri, item in items.items():
            if uri in pairs:
                metadata = items[pairs[uri]]
                size = len(_front_matter(b"")) + metadata.size + item.size
                joined = SourceItem(uri, f"{metadata.fingerprint}+{item.fingerprint}", size, item.modified_at)
                self._joined[uri] = (metadata, item)
                yield joined
            elif _beside(uri, _TEXT) not in pairs or posixpath.basename(uri) != _METADATA:
                yield item

    def read(self, item: SourceItem) -> SourceContent:
        """The bytes of one item; a pair is joined once `scan` has found it. Raises `UnreadableDocumentError`."""
        if item.uri not in self._joined:
            return self._files.read(item)
        metadata, text = (self._files.read(part).data for part in self._joined[item.uri])
        return SourceContent(_front_matter(metadata) + text)


def _beside(uri: str, name: str) -> str:
    return posixpath.join(posixpath.dirname(uri), name)


def _front_matter(metadata: bytes) -> bytes:
    return b"---\n" + metadata + b"\n---\n"
