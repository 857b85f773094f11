"""One contract for every kind of source, then what only a disk has: links, odd names, folders that vanish."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import obstore
import pytest
from obstore.store import MemoryStore, S3Store, from_url

from destiny_assets.adapters import sources
from destiny_assets.adapters.decisions_source import open_decisions_source
from destiny_assets.adapters.files_source import LocalFiles, ObjectFiles, Selection, open_files_source
from destiny_assets.adapters.git_source import open_git_source
from destiny_assets.adapters.parsers.limits import MAX_BYTES
from destiny_assets.adapters.transcripts_source import open_transcripts_source
from destiny_assets.domain.documents import SourceItem
from destiny_assets.domain.source_kinds import KINDS, check_options
from destiny_assets.errors import ConfigurationError, StoreUnavailableError, UnreadableDocumentError
from destiny_assets.ports import SourceReader
from tests.adapters.repositories import Repository

FILES = {
    "README.md": b"# Read me",
    "docs/a.md": b"# A",
    "docs/deep/b.rst": b"B\n=",
    "docs/with space \xc3\xa4.txt".encode("latin-1").decode(): b"text",
    ".hidden": b"no",
    ".git/config": b"no",
    "docs/.cache/x.md": b"no",
    "node_modules/pkg/readme.md": b"no",
    "docs/__pycache__/x.pyc": b"no",
    "docs/~$report.docx": b"no",
    "docs/a.md~": b"no",
}
VISIBLE = ["README.md", "docs/a.md", "docs/deep/b.rst", "docs/with space ä.txt"]


def local(folder: Path, files: dict[str, bytes]) -> SourceReader:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return LocalFiles(folder, Selection())


def in_memory(folder: Path, files: dict[str, bytes]) -> SourceReader:
    store = MemoryStore()
    for name, data in files.items():
        obstore.put(store, name, data)
    return ObjectFiles(store, Selection(), "memory")


def in_git(folder: Path, files: dict[str, bytes]) -> SourceReader:
    repository = Repository.create(folder / "repository")
    for name, data in files.items():
        if not name.startswith(".git/"):  # Git can't hold its own folder.
            repository.write(name, data)
    if files:
        repository.commit("first")
    return open_git_source(str(repository.folder), {"commits": "no"}, folder / "cache")


def of_decisions(folder: Path, files: dict[str, bytes]) -> SourceReader:
    local(folder, files)
    return open_decisions_source(str(folder), {})


def of_transcripts(folder: Path, files: dict[str, bytes]) -> SourceReader:
    local(folder, files)
    return open_transcripts_source(str(folder), {})


READERS: dict[str, Callable[[Path, dict[str, bytes]], SourceReader]] = {
    "disk": local,
    "objects": in_memory,
    "git": in_git,
    "decisions": of_decisions,
    "transcripts": of_transcripts,
}


@pytest.fixture(params=READERS)
def make(request: pytest.FixtureRequest) -> Callable[[Path, dict[str, bytes]], SourceReader]:
    return READERS[request.param]


class TestSourceReader:
    def test_documents_are_found_and_hidden_files_are_not(
        self, make: Callable[..., SourceReader], tmp_path: Path
    ) -> None:
        items = list(make(tmp_path, FILES).scan())
        assert sorted(item.uri for item in items) == VISIBLE

    def test_every_item_reads_as_it_was_listed(self, make: Callable[..., SourceReader], tmp_path: Path) -> None:
        reader = make(tmp_path, FILES)
        for item in reader.scan():
            data = reader.read(item).data
            assert data == FILES[item.uri]
            assert item.size in (0, len(data))
            assert item.modified_at is not None
            assert item.modified_at.tzinfo is not None

    def test_scanning_twice_gives_the_same(self, make: Callable[..., SourceReader], tmp_path: Path) -> None:
        reader = make(tmp_path, FILES)
        assert list(reader.scan()) == list(reader.scan())

    def test_a_mark_stays_while_the_listing_does(self, make: Callable[..., SourceReader], tmp_path: Path) -> None:
        reader = make(tmp_path, FILES)
        assert reader.mark() == reader.mark()

    def test_a_file_too_large_is_refused_from_its_listing(
        self, make: Callable[..., SourceReader], tmp_path: Path
    ) -> None:
        reader = make(tmp_path, {})
        with pytest.raises(UnreadableDocumentError) as caught:
            reader.read(SourceItem("never-there.bin", "1", MAX_BYTES + 1))
        assert caught.value.reason == "huge"

    def test_a_file_gone_since_the_scan_is_unreachable(self, make: Callable[..., SourceReader], tmp_path: Path) -> None:
        with pytest.raises(UnreadableDocumentError) as caught:
            make(tmp_path, FILES).read(SourceItem("gone.md", "1", 3))
        assert caught.value.reason == "unreachable"


def test_a_changed_file_has_another_fingerprint_and_an_unchanged_one_has_not(tmp_path: Path) -> None:
    reader = local(tmp_path, FILES)
    before = {item.uri: item.fingerprint for item in reader.scan()}
    (tmp_path / "docs/a.md").write_bytes(b"# B")
    os.utime(tmp_path / "docs/a.md", ns=(1, 1))
    after = {item.uri: item.fingerprint for item in reader.scan()}
    assert {uri for uri in before if before[uri] != after[uri]} == {"docs/a.md"}


def test_links_that_loop_or_lead_outside_are_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    reader = local(root, {"real/a.md": b"a"})
    (tmp_path / "secret.md").write_text("secret")
    (root / "loop").symlink_to(root)
    (root / "real" / "up").symlink_to("..")
    (root / "outside.md").symlink_to(tmp_path / "secret.md")
    (root / "self.md").symlink_to("self.md")
    (root / "inside.md").symlink_to("real/a.md")
    assert [item.uri for item in reader.scan()] == ["inside.md", "real/a.md"]
    with pytest.raises(UnreadableDocumentError):
        reader.read(SourceItem("outside.md", "1", 6))
    with pytest.raises(UnreadableDocumentError):
        reader.read(SourceItem("../secret.md", "1", 6))


def test_pipes_are_not_documents(tmp_path: Path) -> None:
    reader = local(tmp_path, {"a.md": b"a"})
    os.mkfifo(tmp_path / "pipe.md")
    assert [item.uri for item in reader.scan()] == ["a.md"]


def test_a_tagged_cache_folder_is_skipped(tmp_path: Path) -> None:
    reader = local(tmp_path, {"a.md": b"a", "build/CACHEDIR.TAG": b"Signature", "build/b.md": b"b"})
    assert [item.uri for item in reader.scan()] == ["a.md"]


def test_a_name_that_is_not_utf_8_can_be_stored_and_read(tmp_path: Path) -> None:
    reader = local(tmp_path, {})
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")).write_bytes(b"x")
    (item,) = reader.scan()
    assert item.uri == "caf\\xe9.txt"
    assert reader.read(item).data == b"x"


def test_a_missing_folder_stops_the_scan_instead_of_looking_empty(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="not there"):
        list(open_files_source(str(tmp_path / "missing"), {}).scan())


@pytest.mark.skipif(os.geteuid() == 0, reason="NOT TESTED: root may list every folder")
def test_a_folder_that_may_not_be_listed_stops_the_scan(tmp_path: Path) -> None:
    reader = local(tmp_path, {"closed/a.md": b"a"})
    (tmp_path / "closed").chmod(0)
    try:
        with pytest.raises(StoreUnavailableError, match="closed"):
            list(reader.scan())
    finally:
        (tmp_path / "closed").chmod(0o700)


@pytest.mark.parametrize(
    ("suffix", "options", "expected"),
    [
        ("", {}, VISIBLE),
        ("/*.md", {}, ["README.md"]),
        ("/**/*.md", {}, ["README.md", "docs/a.md"]),
        ("/docs", {}, ["a.md", "deep/b.rst", "with space ä.txt"]),
        ("/docs/[ab].md", {}, ["a.md"]),
        ("/docs/[!a].md", {}, []),
        ("/README.md", {}, ["README.md"]),
        ("", {"include": "*.md, *.rst"}, ["README.md", "docs/a.md", "docs/deep/b.rst"]),
        ("", {"exclude": "deep"}, ["README.md", "docs/a.md", "docs/with space ä.txt"]),
        ("", {"exclude": "docs/**"}, ["README.md"]),
        ("", {"include": "docs/*", "exclude": "*.txt"}, ["docs/a.md"]),
    ],
)
def test_paths_and_globs_choose_the_files(
    tmp_path: Path, suffix: str, options: dict[str, str], expected: list[str]
) -> None:
    local(tmp_path, FILES)
    for uri in (f"{tmp_path}{suffix}", f"file://{tmp_path}{suffix}"):
        assert sorted(item.uri for item in open_files_source(uri, options).scan()) == expected


def test_a_folder_with_a_wildcard_in_its_name_is_a_folder(tmp_path: Path) -> None:
    local(tmp_path / "v[1]", {"a.md": b"a"})
    assert [item.uri for item in open_files_source(f"{tmp_path}/v[1]", {}).scan()] == ["a.md"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_unknown_option_is_refused_by_name(kind: str) -> None:
    with pytest.raises(ConfigurationError, match=f"kind {kind} has no option depth"):
        check_options(kind, {"depth": "3"})


def test_an_unknown_kind_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match="files, git"):
        check_options("carrier-pigeon", {})


def test_every_kind_that_can_be_opened_is_explained() -> None:
    assert KINDS.keys() == sources.KINDS.keys()


def test_an_object_store_that_does_not_answer_is_unavailable() -> None:
    store = S3Store(
        "bucket",
        endpoint="http://127.0.0.1:9",
        region="us-east-1",
        skip_signature=True,
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    reader = ObjectFiles(store, Selection(), "s3://bucket")
    with pytest.raises(StoreUnavailableError, match="s3://bucket cannot be listed"):
        list(reader.scan())
    with pytest.raises(UnreadableDocumentError) as caught:
        reader.read(SourceItem("a.md", "1", 3))
    assert caught.value.reason == "unreachable"


def test_an_address_in_a_bucket_opens_as_objects() -> None:
    assert isinstance(open_files_source("s3://bucket/prefix/**/*.md", {}), ObjectFiles)


class TestBuckets:
    """Files in a real S3-speaking server, reached as a user would: by URL and environment."""

    def test_prefixes_and_globs_choose_the_objects(self, bucket: str) -> None:
        store = from_url(bucket)
        for name in ("docs/a.md", "docs/deep/b.md", "docs/deep/c.txt", "other/d.md", ".hidden/e.md"):
            obstore.put(store, name, name.encode())
        for uri, expected in (
            (f"{bucket}/docs", ["a.md", "deep/b.md", "deep/c.txt"]),
            (f"{bucket}/**/*.md", ["docs/a.md", "docs/deep/b.md", "other/d.md"]),
            (f"{bucket}/docs/*.md", ["a.md"]),
        ):
            reader = open_files_source(uri, {})
            items = sorted(reader.scan(), key=lambda item: item.uri)
            assert [item.uri for item in items] == expected
            assert all(reader.read(item).data.decode().endswith(item.uri) for item in items)

    def test_more_objects_than_a_page_holds_are_all_found(self, bucket: str) -> None:
        store = from_url(bucket)
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(lambda number: obstore.put(store, f"{number % 7}/{number}.txt", b"x"), range(1_050)))
        assert len({item.uri for item in open_files_source(bucket, {}).scan()}) == 1_050

    def test_refused_credentials_are_told_without_the_secret(
        self, bucket: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2-is-wrong")
        with pytest.raises(
            StoreUnavailableError, match=r"403 Forbidden\. Check the address and the credentials"
        ) as caught:
            list(open_files_source(bucket, {}).scan())
        assert "hunter2" not in str(caught.value)
