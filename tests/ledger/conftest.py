"""A ledger on a real PostgreSQL, and projects that are gone after the test."""

import secrets
from collections.abc import Callable, Iterator

import pytest

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.settings import Stores


@pytest.fixture(scope="package")
def ledger(stores: Stores) -> Iterator[PostgresLedger]:
    with PostgresLedger(stores.postgres_url, pool_size=4) as opened:
        opened.migrate()
        yield opened


@pytest.fixture
def new_project(ledger: PostgresLedger) -> Iterator[Callable[[], str]]:
    """Makes projects of random names."""
    made: list[str] = []

    def make() -> str:
        made.append(f"ledger-{secrets.token_hex(5)}")
        ledger.projects.add(made[-1])
        return made[-1]

    yield make
    for project in made:
        ledger.projects.remove(project)


@pytest.fixture
def project(new_project: Callable[[], str]) -> str:
    return new_project()
