"""Dagster's own storage keeps its connections, but none for so long that it would outlive a restart of its server."""

import time
from pathlib import Path

import psycopg
from dagster import DagsterInstance
from dagster_postgres import PostgresRunStorage
from sqlalchemy import text

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.run_storage import RECYCLE_S
from destiny_assets.runner import dagster_instance
from destiny_assets.settings import EmbeddingSettings, Settings, Stores


def asked(instance: DagsterInstance, sql: str) -> str:
    """What the server says over the connection that comes next."""
    storage = instance.run_storage
    assert isinstance(storage, PostgresRunStorage)
    with storage.connect() as connection:
        return str(connection.execute(text(sql)).scalar_one())


def server_of(instance: DagsterInstance) -> int:
    """The process of the server that answers over the connection that comes next."""
    return int(asked(instance, "select pg_backend_pid()"))


def test_what_follows_one_event_goes_over_the_same_connection(stores: Stores, tmp_path: Path) -> None:
    with dagster_instance(Settings(tmp_path, stores, EmbeddingSettings(), None)) as instance:
        assert len({server_of(instance) for _ in range(3)}) == 1


def test_a_connection_that_a_restart_broke_is_not_met_again(stores: Stores, tmp_path: Path) -> None:
    with dagster_instance(Settings(tmp_path, stores, EmbeddingSettings(), None)) as instance:
        broken = server_of(instance)
        with psycopg.connect(stores.postgres_url, autocommit=True) as other:
            other.execute("select pg_terminate_backend(%s)", [broken])
        # No server is back sooner.
        time.sleep(RECYCLE_S + 0.5)
        assert server_of(instance) != broken


def test_events_of_runs_do_not_wait_for_the_disk_and_knowledge_does(stores: Stores, tmp_path: Path) -> None:
    with dagster_instance(Settings(tmp_path, stores, EmbeddingSettings(), None)) as instance:
        assert asked(instance, "show synchronous_commit") == "off"
    with PostgresLedger(stores.postgres_url, pool_size=1) as ledger, ledger.transaction() as cursor:
        assert cursor.execute("show synchronous_commit").fetchone() == {"synchronous_commit": "on"}
