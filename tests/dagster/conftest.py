"""A growing project, Dagster instances that are gone after the test, and definitions over the session's real stores."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import dagster as dg
import psycopg
import pytest
from psycopg import sql

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.definitions import build_definitions
from destiny_assets.domain.report.folder import ReportsFolder
from destiny_assets.settings import Stores
from resources.stores import WriterResource
from tests.stages.growing import Growth, Silence

Execute = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def execute(growth: Growth, execute_in: Callable[[Growth], Execute]) -> Execute:
    """Runs a job for the growing project on the real stores, with the fast embedder."""
    return execute_in(growth)


@pytest.fixture
def execute_in(instance: dg.DagsterInstance, tmp_path: Path) -> Callable[[Growth], Execute]:
    """The same for another growing project."""
    return lambda growth: _executing(growth, instance, tmp_path)


def _executing(growth: Growth, instance: dg.DagsterInstance, tmp_path: Path) -> Execute:
    def run(
        job: str = "ingest_project", tags: Mapping[str, str] | None = None, **replaced: Any
    ) -> dg.ExecuteInProcessResult:
        layers = growth.layers
        resources = {
            "ledger": layers.ledger,
            "writer": WriterResource(url=layers.stores.postgres_url),
            "originals": layers.originals,
            "vectors": layers.vectors,
            "graph": layers.graph,
            "embedder": growth.embedder,
            "progress": Silence(),
            "reports": ReportsFolder(tmp_path / "reports"),
            "cache": tmp_path / "cache",
            **replaced,
        }
        instance.add_dynamic_partitions("projects", [growth.project])
        definition = build_definitions(resources=resources, marts=False).resolve_job_def(job)
        return definition.execute_in_process(
            instance=instance,
            partition_key=growth.project if definition.partitions_def else None,
            raise_on_error=False,
            tags=dict(tags or {}),
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )

    return run


@pytest.fixture
def empty_ledger(stores: Stores) -> Iterator[PostgresLedger]:
    """A ledger in a database of its own: sensors look at all projects there are."""
    name = f"sensors_{uuid4().hex[:8]}"
    with psycopg.connect(stores.postgres_url, autocommit=True) as server:
        server.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            with PostgresLedger(
                urlsplit(stores.postgres_url)._replace(path=f"/{name}").geturl(), pool_size=2
            ) as opened:
                opened.migrate()
                yield opened
        finally:
            server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
