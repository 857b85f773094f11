"""Dagster's own storage keeps its connections."""

from pathlib import Path

from dagster_postgres import PostgresRunStorage
from sqlalchemy import text

from destiny_assets.runner import dagster_instance
from destiny_assets.settings import EmbeddingSettings, Settings, Stores


def test_what_follows_one_event_goes_over_the_same_connection(stores: Stores, tmp_path: Path) -> None:
    with dagster_instance(Settings(tmp_path, stores, EmbeddingSettings(), None)) as instance:
        storage = instance.run_storage
        assert isinstance(storage, PostgresRunStorage)
        servers = set()
        for _ in range(3):
            with storage.connect() as connection:
                servers.add(connection.execute(text("select pg_backend_pid()")).scalar())
    assert len(servers) == 1
