"""One home for the tests of a file that disturb their servers: never the session's, which the other tests rely on."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from destiny_assets.local import supervisor


@pytest.fixture(scope="module")
def own_home() -> Iterator[Path]:
    """A home whose servers this file's tests may stop, kill and freeze; a test that does starts them again itself."""
    home = Path(tempfile.mkdtemp(prefix="destiny-"))
    try:
        supervisor.start(home)
        yield home
    finally:
        supervisor.stop(home)
        shutil.rmtree(home)
