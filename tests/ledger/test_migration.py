"""The schema is brought up to date once, however many processes try."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from alembic.script import ScriptDirectory
from psycopg import sql

from destiny_assets.adapters import migrations
from destiny_assets.adapters.postgres.ledger import PostgresLedger, newest_revision
from destiny_assets.adapters.postgres.versioned import DERIVED
from destiny_assets.errors import StoreUnavailableError
from destiny_assets.settings import Stores

_MIGRATE = """
import sys
from destiny_assets.adapters.postgres.ledger import PostgresLedger
with PostgresLedger(sys.stdin.read(), pool_size=1) as ledger:
    ledger.migrate()
"""


@pytest.fixture
def empty_database(stores: Stores) -> Iterator[str]:
    name = f"empty_{uuid4().hex[:8]}"
    with psycopg.connect(stores.postgres_url, autocommit=True) as server:
        server.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            yield urlsplit(stores.postgres_url)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def test_several_processes_may_migrate_an_empty_database_at_once(empty_database: str) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", _MIGRATE], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(empty_database)
        process.stdin.close()
    complaints = [process.stderr.read() for process in processes if process.stderr is not None]
    assert [process.wait(60) for process in processes] == [0, 0, 0], complaints
    for process in processes:
        if process.stderr is not None:
            process.stderr.close()
    with PostgresLedger(empty_database, pool_size=1) as ledger:
        assert ledger.projects.names() == []


def test_migrating_again_keeps_what_is_there(empty_database: str) -> None:
    with PostgresLedger(empty_database, pool_size=1) as ledger:
        ledger.migrate()
        ledger.projects.add("kept")
        ledger.migrate()
        assert ledger.projects.names() == ["kept"]


def test_a_schema_at_the_newest_revision_is_known_without_alembic(empty_database: str) -> None:
    with PostgresLedger(empty_database, pool_size=1) as ledger:
        ledger.migrate()
    program = f"{_MIGRATE}print('alembic' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", program], input=empty_database, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"


def test_the_newest_revision_is_the_one_alembic_ends_at() -> None:
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert script.get_heads() == [newest_revision()]


def test_every_derived_table_has_the_columns_that_versioning_writes(ledger: PostgresLedger) -> None:
    with ledger.transaction() as cursor:
        rows = cursor.execute(
            "select table_name, column_name from information_schema.columns where table_schema = 'destiny'"
        ).fetchall()
    columns: dict[str, set[str]] = {}
    for row in rows:
        columns.setdefault(row["table_name"], set()).add(row["column_name"])
    for table in DERIVED:
        assert {"project", "id", "born", "died", *table.columns} <= columns[table.name]


def test_a_ledger_that_does_not_answer_is_said_so_without_the_password() -> None:
    with (
        PostgresLedger("postgresql://destiny:top-secret@127.0.0.1:1/destiny", pool_size=1) as ledger,
        pytest.raises(StoreUnavailableError, match="does not answer") as raised,
    ):
        ledger.migrate()
    assert "top-secret" not in str(raised.value)


def test_what_the_server_itself_can_not_do_is_told_in_its_words(ledger: PostgresLedger) -> None:
    with (
        pytest.raises(StoreUnavailableError, match="can't go on: target lists can have at most 1664 entries"),
        ledger.transaction() as cursor,
    ):
        cursor.execute("select " + ", ".join(["1"] * 1_665))
