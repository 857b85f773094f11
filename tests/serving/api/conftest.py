"""One server, one project of two generations for tests that read, and keys of each role to it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.serving.api.opened import Opened, opened_over
from tests.stages.growing import DOCUMENTS, Growth, Layers, growing

STAMPS = "handbook/stamps.md"


@pytest.fixture(scope="package")
def opened(layers: Layers, stores_home: Path) -> Iterator[Opened]:
    with opened_over(layers, stores_home) as server:
        yield server


@pytest.fixture(scope="package")
def grown(layers: Layers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Growth]:
    """In the second generation stamps cost four crowns, rain is gone and ink is new."""
    with growing(layers, tmp_path_factory.mktemp("api") / "documents") as growth:
        growth.run()
        growth.write(STAMPS, DOCUMENTS[STAMPS].replace("three crowns", "four crowns"))
        growth.write("notes/ink.md", "# Ink\n\nBlue ink fades within a year.\n")
        growth.delete("notes/rain.txt")
        growth.run()
        yield growth


@pytest.fixture(scope="package")
def reader(opened: Opened, grown: Growth) -> Iterator[httpx.Client]:
    with opened.client(f"{grown.project}=reader") as client:
        yield client


@pytest.fixture(scope="package")
def admin(opened: Opened) -> Iterator[httpx.Client]:
    with opened.client("*=admin") as client:
        yield client
