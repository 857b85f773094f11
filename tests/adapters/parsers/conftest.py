"""Where the labelled documents are."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of labelled data, which is not part of the repository."""
    folder = Path(os.environ.get("DESTINY_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"NOT TESTED: the labelled data is not in {folder}; name its folder in DESTINY_SHARED_DATA")
    return folder
