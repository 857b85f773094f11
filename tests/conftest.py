"""Real servers for every test that wants them: started once a session, stopped whatever happens."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from destiny_assets.local import supervisor
from destiny_assets.settings import URL_VARIABLES, Stores
from tests.fakes.object_server import ObjectServer, serving_objects
from tests.stages.growing import Growth, Layers, growing, open_layers


@contextmanager
def _temporary_home() -> Iterator[Path]:
    # Not under pytest's own temporary folder: its path is long for a Unix socket, and pytest closes it to other
    # accounts, while PostgreSQL runs as one when the tests run as root.
    home = Path(tempfile.mkdtemp(prefix="destiny-"))
    try:
        yield home
    finally:
        supervisor.stop(home)
        shutil.rmtree(home)


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty home folder of the test's own; servers started in it are stopped after the test."""
    with _temporary_home() as folder:
        yield folder


@pytest.fixture(scope="session")
def stores_home() -> Iterator[Path]:
    """The home folder of the session's servers, with its `connections.json`."""
    with _temporary_home() as folder:
        supervisor.start(folder)
        yield folder


@pytest.fixture(scope="session")
def stores(stores_home: Path) -> Stores:
    """The session's servers, shared by all tests: leave nothing behind that another test could trip over."""
    urls = supervisor.start(stores_home)
    return Stores(*(urls[name] for name in URL_VARIABLES))


@pytest.fixture(scope="session")
def layers(stores: Stores) -> Iterator[Layers]:
    """The four layers of the session's servers, opened once."""
    with open_layers(stores) as opened:
        yield opened


@pytest.fixture(scope="session")
def object_server() -> Iterator[ObjectServer]:
    """An S3-speaking server, started once a session."""
    with serving_objects() as server:
        yield server


@pytest.fixture
def bucket(object_server: ObjectServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty place in a bucket, with the environment that a user would set to reach it."""
    for name, value in object_server.environment.items():
        monkeypatch.setenv(name, value)
    return object_server.place()


@pytest.fixture
def growth(layers: Layers, tmp_path: Path) -> Iterator[Growth]:
    """A small project of the test's own, over all four layers."""
    with growing(layers, tmp_path / "documents") as project:
        yield project
