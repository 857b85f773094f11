"""One contract for every place original bytes may lie."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from obstore.store import LocalStore, MemoryStore

from destiny_assets.adapters.documents import DirectoryDocumentStore, ObjectDocumentStore, open_document_store
from destiny_assets.errors import ConfigurationError, NotFoundError, StoreUnavailableError
from destiny_assets.ports import DocumentStore

STORES: dict[str, Callable[[Path], DocumentStore]] = {
    "directory": lambda folder: DirectoryDocumentStore(folder / "documents"),
    "directory by url": lambda folder: open_document_store((folder / "with space").as_uri()),
    "objects in memory": lambda _: ObjectDocumentStore(MemoryStore()),
    "objects on disk": lambda folder: ObjectDocumentStore(LocalStore(folder)),
}


@pytest.fixture(params=[*STORES, "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> DocumentStore:
    if request.param == "s3":
        return open_document_store(f"{request.getfixturevalue('bucket')}/originals")
    return STORES[request.param](tmp_path)


class TestDocumentStore:
    def test_what_was_put_is_got_back_by_its_hash(self, store: DocumentStore) -> None:
        sha256 = store.put("wiki", b"bytes \x00\xff")
        assert sha256 == hashlib.sha256(b"bytes \x00\xff").hexdigest()
        assert store.get("wiki", sha256) == b"bytes \x00\xff"

    def test_the_same_bytes_are_kept_once(self, store: DocumentStore) -> None:
        assert store.put("wiki", b"a") == store.put("wiki", b"a")
        assert len(list(store.ids("wiki"))) == 1

    def test_no_bytes_are_bytes_too(self, store: DocumentStore) -> None:
        assert store.get("wiki", store.put("wiki", b"")) == b""

    def test_projects_do_not_see_each_other(self, store: DocumentStore) -> None:
        sha256 = store.put("wiki", b"a")
        with pytest.raises(NotFoundError, match="wiki-2"):
            store.get("wiki-2", sha256)
        assert list(store.ids("wiki-2")) == []

    def test_every_stored_hash_is_listed(self, store: DocumentStore) -> None:
        stored = {store.put("wiki", str(number).encode()) for number in range(50)}
        assert set(store.ids("wiki")) == stored

    def test_deleting_counts_what_was_there(self, store: DocumentStore) -> None:
        first, second = store.put("wiki", b"1"), store.put("wiki", b"2")
        assert store.delete("wiki", [first, "0" * 64, first]) == 1
        assert list(store.ids("wiki")) == [second]

    @pytest.mark.parametrize("others", [2, 150])
    def test_what_is_not_there_is_told_from_what_is(self, store: DocumentStore, others: int) -> None:
        there = {store.put("wiki", str(number).encode()) for number in range(3)}
        absent = {f"{number:064x}" for number in range(others)}
        assert store.missing("wiki", [*there, *absent]) == absent
        assert store.missing("wiki-2", there) == there

    def test_a_store_whose_files_were_all_removed_takes_them_again(self, store: DocumentStore, tmp_path: Path) -> None:
        sha256 = store.put("wiki", b"a")
        for place in tmp_path.iterdir():
            shutil.rmtree(place)
        store.delete("wiki", [sha256])
        assert store.put("wiki", b"a") == sha256
        assert store.get("wiki", sha256) == b"a"

    def test_a_project_nobody_wrote_to_is_empty(self, store: DocumentStore) -> None:
        assert list(store.ids("nothing")) == []
        assert store.delete("nothing", ["0" * 64]) == 0

    @pytest.mark.parametrize("project", ["..", "a/b", "", "/etc", "a\n"])
    def test_a_project_is_never_a_way_out_of_the_store(self, store: DocumentStore, project: str) -> None:
        with pytest.raises(NotFoundError):
            store.put(project, b"a")

    @pytest.mark.parametrize("sha256", ["", "../../x", "0" * 63, "G" * 64])
    def test_what_is_no_hash_is_not_found(self, store: DocumentStore, sha256: str) -> None:
        with pytest.raises(NotFoundError):
            store.get("wiki", sha256)

    def test_writers_of_the_same_bytes_do_not_disturb_each_other(self, store: DocumentStore) -> None:
        with ThreadPoolExecutor(8) as pool:
            hashes = set(pool.map(lambda _: store.put("wiki", b"x" * 100_000), range(40)))
        assert len(hashes) == 1
        assert store.get("wiki", hashes.pop()) == b"x" * 100_000


def test_putting_again_does_not_write_again(tmp_path: Path) -> None:
    store = DirectoryDocumentStore(tmp_path)
    sha256 = store.put("wiki", b"a")
    path = tmp_path / "wiki" / sha256[:2] / sha256
    os.utime(path, (1, 1))
    store.put("wiki", b"a")
    assert path.stat().st_mtime == 1


def test_a_torn_file_is_written_anew(tmp_path: Path) -> None:
    store = DirectoryDocumentStore(tmp_path)
    sha256 = store.put("wiki", b"abc")
    (tmp_path / "wiki" / sha256[:2] / sha256).write_bytes(b"")
    store.put("wiki", b"abc")
    assert store.get("wiki", sha256) == b"abc"


def test_damaged_bytes_are_never_handed_out(tmp_path: Path) -> None:
    store = DirectoryDocumentStore(tmp_path)
    sha256 = store.put("wiki", b"abc")
    (tmp_path / "wiki" / sha256[:2] / sha256).write_bytes(b"abd")
    with pytest.raises(StoreUnavailableError, match="damaged"):
        store.get("wiki", sha256)


def test_a_killed_writer_leaves_nothing_that_is_listed(tmp_path: Path) -> None:
    store = DirectoryDocumentStore(tmp_path)
    sha256 = store.put("wiki", b"abc")
    (tmp_path / "wiki" / sha256[:2] / ".writing-x1").write_bytes(b"ab")
    assert list(store.ids("wiki")) == [sha256]


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailableError, match="cannot be written"):
        DirectoryDocumentStore(tmp_path / "file").put("wiki", b"a")


@pytest.mark.parametrize("url", ["ftp://host/x", "documents", "file://", "file://host/x"])
def test_a_url_that_names_no_store_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_document_store(url)


def test_a_refused_url_does_not_show_its_password() -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_document_store("ftp://user:hunter2@host/x")
    assert "hunter2" not in str(caught.value)


def test_more_hashes_than_a_page_holds_are_listed_and_read_page_by_page(bucket: str) -> None:
    store = open_document_store(bucket)
    with ThreadPoolExecutor(16) as threads:
        stored = set(threads.map(lambda number: store.put("wiki", b"%d" % number), range(1_050)))
    listing = store.ids("wiki")
    assert isinstance(listing, Iterator)
    assert set(listing) == stored
    assert store.delete("wiki", list(stored)[:20]) == 20
    assert len(list(store.ids("wiki"))) == 1_030


def test_an_original_of_many_megabytes_goes_to_a_bucket_whole(bucket: str) -> None:
    data = bytes(range(256)) * 48_000
    store = open_document_store(bucket)
    assert store.get("wiki", store.put("wiki", data)) == data


def test_a_bucket_that_refuses_us_is_told_in_a_sentence_without_the_secret(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2-is-wrong")
    store = open_document_store(bucket)
    for ask in (lambda: store.put("wiki", b"a"), lambda: list(store.ids("wiki")), lambda: store.get("wiki", "0" * 64)):
        with pytest.raises(StoreUnavailableError, match="the store answers 403 Forbidden") as caught:
            ask()
        assert "hunter2" not in str(caught.value)
        assert "<?xml" not in str(caught.value)
