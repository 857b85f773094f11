"""A growing project for every test of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from destiny_assets.settings import Stores
from tests.stages.growing import Growth, Layers, growing, open_layers


@pytest.fixture(scope="package")
def layers(stores: Stores) -> Iterator[Layers]:
    with open_layers(stores) as opened:
        yield opened


@pytest.fixture
def growth(layers: Layers, tmp_path: Path) -> Iterator[Growth]:
    with growing(layers, tmp_path / "documents") as project:
        yield project
