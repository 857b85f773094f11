"""One contract for every kind of source, wherever its documents lie: what is listed, what changes, what is gone."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import obstore
import pytest
from obstore.store import from_url

from destiny_assets.adapters.postgres.projects import Source
from destiny_assets.adapters.source_context import SourceContext
from destiny_assets.adapters.sources import KINDS, open_source
from destiny_assets.domain.documents import SourceItem
from destiny_assets.domain.pushing import PushedDocument
from destiny_assets.errors import ConfigurationError, UnreadableDocumentError
from destiny_assets.ports import SourceReader
from destiny_assets.serving.pushing import Pushing
from tests.fakes.web_server import serving_site
from tests.stages.growing import Growth

TEXTS = {
    "a.md": b"# A\n\nOne.\n",
    "docs/b.md": b"# B\n\nTwo.\n",
    "docs/c \xc3\xa4.md".encode("latin-1").decode(): b"# C\n",
}


@dataclass
class Place:
    """Where documents of one kind of source lie: how they come and go, and what reads them."""

    kind: str
    uri: str
    put: Callable[[str, bytes], object]
    delete: Callable[[str], object]
    context: SourceContext
    options: dict[str, str]
    before: str = ""
    """What the source puts before a document's name."""

    def reader(self) -> SourceReader:
        return open_source(self.kind, self.uri, self.options, self.context)

    def items(self) -> dict[str, SourceItem]:
        return {item.uri.removeprefix(self.before): item for item in self.reader().scan()}


@contextmanager
def on_disk(context: SourceContext, folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    def put(name: str, data: bytes) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    yield Place("files", str(folder), put, lambda name: (folder / name).unlink(), context, {})


@contextmanager
def in_a_bucket(context: SourceContext, folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    bucket = request.getfixturevalue("bucket")
    store = from_url(f"{bucket}/below")
    yield Place(
        "files",
        f"{bucket}/below",
        lambda name, data: obstore.put(store, name, data),
        lambda name: obstore.delete(store, name),
        context,
        {},
    )


@contextmanager
def on_the_web(context: SourceContext, folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    with serving_site() as site:
        addresses: dict[str, str] = {}

        def relist() -> None:
            site.put("/list.txt", "# ours\n" + "".join(f"{site.root}{path}\n" for path in addresses.values()))

        def put(name: str, data: bytes) -> None:
            addresses[name] = "/" + name.replace(" ", "%20").replace("ä", "%C3%A4")
            site.put(addresses[name], data, content_type="text/markdown")
            relist()

        def delete(name: str) -> None:
            del site.pages[addresses.pop(name)]
            addresses.setdefault("a.md", "/a.md")
            relist()

        options = {"private_hosts": "127.0.0.1"}
        yield Place("web", f"{site.root}/list.txt", put, delete, context, options, f"{site.root}/")


@contextmanager
def pushed(context: SourceContext, folder: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    pushing = Pushing(context.ledger, context.originals)
    yield Place(
        "pushed",
        "pushed:place",
        lambda name, data: pushing.add(context.project, PushedDocument(name, data), source=context.name),
        lambda name: pushing.forget(context.project, name),
        context,
        {},
    )


PLACES: dict[str, Callable[[SourceContext, Path, pytest.FixtureRequest], AbstractContextManager[Place]]] = {
    "disk": on_disk,
    "s3": in_a_bucket,
    "web": on_the_web,
    "pushed": pushed,
}


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, growth: Growth, tmp_path: Path) -> Iterator[Place]:
    layers = growth.layers
    kind = {"disk": "files", "s3": "files"}.get(request.param, request.param)
    layers.ledger.projects.add_source(growth.project, Source("place", kind, f"{kind}:place"))
    context = SourceContext(growth.project, "place", layers.ledger, layers.originals, tmp_path / "cache")
    (tmp_path / "place").mkdir()
    with PLACES[request.param](context, tmp_path / "place", request) as made:
        for name, data in TEXTS.items():
            made.put(name, data)
        yield made


def names(place: Place) -> list[str]:
    return sorted(name.replace("%20", " ").replace("%C3%A4", "ä") for name in place.items())


def test_every_document_is_listed_and_reads_as_it_was_put(place: Place) -> None:
    reader = place.reader()
    items = list(reader.scan())
    assert names(place) == sorted(TEXTS)
    assert sorted(reader.read(item).data for item in items) == sorted(TEXTS.values())
    assert all(item.size == len(reader.read(item).data) for item in items)
    assert all(item.modified_at is None or item.modified_at.tzinfo for item in items)


def test_scanning_twice_gives_the_same(place: Place) -> None:
    assert place.items() == place.items()


def test_only_a_changed_document_has_another_fingerprint(place: Place) -> None:
    before = place.items()
    place.put("a.md", b"# A\n\nAnother one.\n")
    after = place.items()
    assert {name for name in before if before[name].fingerprint != after[name].fingerprint} == {"a.md"}


def test_a_deleted_document_is_not_listed_and_a_renamed_one_has_its_new_name(place: Place) -> None:
    place.items()
    place.delete("docs/b.md")
    assert names(place) == sorted(set(TEXTS) - {"docs/b.md"})
    place.put("docs/new.md", TEXTS["docs/b.md"])
    assert names(place) == sorted({*TEXTS, "docs/new.md"} - {"docs/b.md"})


def test_what_was_never_listed_is_unreachable(place: Place) -> None:
    reader = place.reader()
    list(reader.scan())
    with pytest.raises(UnreadableDocumentError) as caught:
        reader.read(SourceItem(f"{place.before}never.md", "1", 3))
    assert caught.value.reason == "unreachable"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_option_that_no_kind_has_is_refused(growth: Growth, tmp_path: Path, kind: str) -> None:
    layers = growth.layers
    context = SourceContext(growth.project, "x", layers.ledger, layers.originals, tmp_path)
    with pytest.raises(ConfigurationError):
        open_source(kind, "https://a.example/", {"no-such-option": "1"}, context)
