"""The real Neo4j of the session, for the suites that must hold on it too."""

from collections.abc import Iterator

import pytest

from tests.conformance.neo4j.server import real_neo4j


@pytest.fixture(scope="session")
def neo4j_url() -> Iterator[str]:
    """The address of a real Neo4j 5 Community server; skips where there is none."""
    with real_neo4j() as url:
        yield url
