"""What the sources of JSON lines promise beyond the contract of every source: lines are items, and bad ones fail alone."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import obstore
import pytest
from obstore.store import MemoryStore

from destiny_assets.adapters.decisions_source import decision_entries, open_decisions_source
from destiny_assets.adapters.files_source import ObjectFiles, Selection, open_files_source
from destiny_assets.adapters.json_lines import JsonLinesFiles
from destiny_assets.adapters.parsers.reader import DocumentReader
from destiny_assets.adapters.transcripts_source import open_transcripts_source
from destiny_assets.domain.decisions import DECISION_LINE
from destiny_assets.domain.documents import SourceContent, SourceItem
from destiny_assets.errors import StoreUnavailableError, UnreadableDocumentError
from destiny_assets.ports import SourceReader


@dataclass(frozen=True)
class Kind:
    """A kind of source with two good lines and what a third one adds; `names` are the uris of the documents."""

    name: str
    lines: tuple[Mapping[str, object], ...]
    names: tuple[str, ...]
    more: Mapping[str, object]
    changed: set[str]


KINDS = {
    "decisions": Kind(
        "decisions",
        ({"id": "D-1", "title": "One"}, {"id": "a/b", "title": "Two"}),
        ("log.jsonl/D-1", "log.jsonl/a%2Fb"),
        {"id": "D-3", "title": "Three"},
        {"log.jsonl/D-3"},
    ),
    "transcripts": Kind(
        "transcripts",
        (
            {"speaker": "Ann", "text": "Hello", "conversation": "x"},
            {"user": "Bob", "content": "Hi", "channel": {"name": "y"}},
        ),
        ("log.jsonl/x", "log.jsonl/y"),
        {"speaker": "Ann", "text": "Bye", "conversation": "x"},
        {"log.jsonl/x"},
    ),
}


OPENERS = {"decisions": open_decisions_source, "transcripts": open_transcripts_source}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


def written(*lines: object) -> str:
    return "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)


def source(folder: Path, kind: Kind, text: str | bytes) -> SourceReader:
    (folder / "log.jsonl").write_bytes(text if isinstance(text, bytes) else text.encode())
    return OPENERS[kind.name](str(folder), {})


def failures(reader: SourceReader) -> dict[str, tuple[str, str]]:
    found = {}
    for item in reader.scan():
        try:
            reader.read(item)
        except UnreadableDocumentError as error:
            found[item.uri] = (error.reason, error.detail)
    return found


def test_every_line_or_conversation_is_a_document_that_can_be_read(tmp_path: Path, kind: Kind) -> None:
    reader = source(tmp_path, kind, written(*kind.lines))
    items = list(reader.scan())
    assert tuple(item.uri for item in items) == kind.names
    for item in items:
        content = reader.read(item)
        assert item.size == len(content.data)
        parsed = DocumentReader().parse(content.data, uri=item.uri, media_type=content.media_type)
        assert parsed.text
        assert parsed.media_type == content.media_type


def test_an_item_is_read_without_a_scan_before(tmp_path: Path, kind: Kind) -> None:
    (item, *_) = source(tmp_path, kind, written(*kind.lines)).scan()
    assert OPENERS[kind.name](str(tmp_path), {}).read(item).data


def test_an_appended_line_changes_its_own_document_only(tmp_path: Path, kind: Kind) -> None:
    before = {item.uri: item.fingerprint for item in source(tmp_path, kind, written(*kind.lines)).scan()}
    after = {item.uri: item.fingerprint for item in source(tmp_path, kind, written(*kind.lines, kind.more)).scan()}
    assert {uri for uri in after if before.get(uri) != after[uri]} == kind.changed


def test_the_mark_changes_when_a_file_does_and_not_before(tmp_path: Path, kind: Kind) -> None:
    reader = source(tmp_path, kind, written(*kind.lines))
    before = reader.mark()
    assert before == reader.mark()
    assert source(tmp_path, kind, written(*kind.lines, kind.more)).mark() != before


def test_a_bad_line_fails_alone_with_its_number(tmp_path: Path, kind: Kind) -> None:
    text = written(kind.lines[0], "{no json", "[1]", kind.lines[1]).encode() + b'{"caf\xe9": 1}\n\n'
    reader = source(tmp_path, kind, b"\xef\xbb\xbf" + text)
    found = failures(reader)
    assert {uri: reason for uri, (reason, _) in found.items()} == dict.fromkeys(
        ("log.jsonl:2", "log.jsonl:3", "log.jsonl:5"), "broken"
    )
    assert all(f"line {uri[-1]}:" in detail for uri, (_, detail) in found.items())
    assert {item.uri for item in reader.scan()} - found.keys() == set(kind.names)


def test_a_file_without_any_json_fails_once(tmp_path: Path, kind: Kind) -> None:
    assert failures(source(tmp_path, kind, "one\ntwo\n")) == {"log.jsonl": ("broken", "No line of log.jsonl is JSON.")}


def test_other_files_are_read_as_they_are(tmp_path: Path, kind: Kind) -> None:
    (tmp_path / "notes.md").write_text("# Notes\n")
    reader = source(tmp_path, kind, written(*kind.lines))
    (item,) = (item for item in reader.scan() if item.uri == "notes.md")
    content = reader.read(item)
    assert (content.data, content.media_type) == (b"# Notes\n", None)


def test_a_log_in_a_bucket_is_read_line_by_line() -> None:
    store = MemoryStore()
    obstore.put(store, "team/log.ndjson", written(*KINDS["decisions"].lines).encode())
    reader = JsonLinesFiles(ObjectFiles(store, Selection(), "memory"), decision_entries, DECISION_LINE)
    assert [item.uri for item in reader.scan()] == ["team/log.ndjson/D-1", "team/log.ndjson/a%2Fb"]


class Unreadable:
    """A source of files that can be listed and not read."""

    def __init__(self, files: SourceReader) -> None:
        self._files = files

    def mark(self) -> str | None:
        return self._files.mark()

    def scan(self) -> Iterator[SourceItem]:
        return self._files.scan()

    def read(self, item: SourceItem) -> SourceContent:
        raise UnreadableDocumentError("unreachable", f"{item.uri} cannot be read: permission denied.")


def test_a_log_that_cannot_be_read_does_not_look_emptied(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(written(*KINDS["decisions"].lines))
    files = Unreadable(open_files_source(str(tmp_path), {}))
    with pytest.raises(StoreUnavailableError, match="as they were last read"):
        list(JsonLinesFiles(files, decision_entries, DECISION_LINE).scan())


def test_of_two_lines_with_one_id_the_first_good_one_stands(tmp_path: Path) -> None:
    first, again = {"id": "D-1", "title": "One"}, {"id": "D-1", "title": "Another"}
    reader = source(tmp_path, KINDS["decisions"], written({**first, "importance": 9}, first, again))
    found = failures(reader)
    assert {uri: reason for uri, (reason, _) in found.items()} == {
        "log.jsonl:1": "duplicate",
        "log.jsonl:3": "duplicate",
    }
    assert [reader.read(item).data for item in reader.scan() if item.uri not in found] == [json.dumps(first).encode()]


def test_a_proposal_in_two_files_is_one_document(tmp_path: Path) -> None:
    folder = tmp_path / "keps" / "sig-node" / "1234-pods"
    folder.mkdir(parents=True)
    (folder / "kep.yaml").write_text(
        'title: Pods\nkep-number: 1234\nauthors:\n  - "@ann"\nstatus: implementable\nreplaces:\n  - "/keps/sig-node/12-old"\n'
    )
    (folder / "README.md").write_text("# KEP-1234: Pods\n\n## Summary\n\nPods are good.\n")
    reader = open_decisions_source(str(tmp_path), {})
    (item,) = reader.scan()
    content = reader.read(item)
    assert (item.uri, item.size) == ("keps/sig-node/1234-pods/README.md", len(content.data))
    parsed = DocumentReader().parse(content.data, uri=item.uri)
    assert (parsed.title, parsed.status, parsed.authors) == ("Pods", "accepted", ("ann",))
    assert [(link.relation, link.target) for link in parsed.links] == [("supersedes", "/keps/sig-node/12-old")]
    (folder / "kep.yaml").write_text("title: Pods\nkep-number: 1234\nstatus: withdrawn\n")
    (again,) = reader.scan()
    assert again.fingerprint != item.fingerprint
