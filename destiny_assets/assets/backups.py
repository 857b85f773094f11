"""Backups, and the proof that they are worth something: each night one is taken, and the newest is restored elsewhere and asked."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from dagster import ResourceParam

from destiny_assets.adapters.backups import BackupFolder
from destiny_assets.adapters.documents import open_document_store
from destiny_assets.adapters.neo4j import connect
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.qdrant import QdrantVectorIndex
from destiny_assets.assets.shell import OWNERS, failing_in_words
from destiny_assets.ports import DocumentStore, Embedder, KnowledgeGraph, Progress
from destiny_assets.settings import KEPT_BACKUPS, URL_VARIABLES, Stores
from destiny_assets.stages.backup import Home, compared, make_backup, restore_backup

_CHECKS = ("layers_agree_after_restore", "counts_survive_restore", "answers_survive_restore")


@dg.asset(group_name="backup", kinds={"postgres", "file"}, owners=OWNERS, code_version="1")
def home_backups(
    context: dg.AssetExecutionContext,
    ledger: ResourceParam[PostgresLedger],
    originals: ResourceParam[DocumentStore],
    backups: ResourceParam[BackupFolder],
    progress: ResourceParam[Progress],
) -> dg.MaterializeResult[Any]:
    """One consistent copy of all projects in the folder that DESTINY_BACKUP_DIR names; the newest seven stay."""
    with failing_in_words(context):
        made = make_backup(ledger, originals, backups, keep=KEPT_BACKUPS, progress=progress)
    return dg.MaterializeResult(
        metadata={
            "backup": dg.MetadataValue.path(made["backup"]),
            "seconds": made["seconds"],
            "dagster/row_count": made["ledger"]["rows"],
            "ledger": dg.MetadataValue.json(made["ledger"]),
            "originals": dg.MetadataValue.json(made["originals"]),
            "projects": dg.MetadataValue.json(made["projects"]),
            "removed": made["removed"],
        }
    )


@dg.asset(
    group_name="backup",
    kinds={"postgres", "qdrant", "neo4j"},
    owners=OWNERS,
    code_version="1",
    deps=[home_backups],
    check_specs=[dg.AssetCheckSpec(name, asset="restore_drills") for name in _CHECKS],
)
def restore_drills(
    context: dg.AssetExecutionContext,
    ledger: ResourceParam[PostgresLedger],
    originals: ResourceParam[DocumentStore],
    vectors: ResourceParam[QdrantVectorIndex],
    graph: ResourceParam[KnowledgeGraph],
    embedder: ResourceParam[Embedder],
    backups: ResourceParam[BackupFolder],
    progress: ResourceParam[Progress],
) -> Iterator[dg.MaterializeResult[Any]]:
    """The newest backup restored into servers of its own and held against the live home; `rto_seconds` is what that took from nothing."""
    whole = backups.backups()
    if not whole:
        raise dg.Failure(
            description="There is no backup to restore yet. Run the job backup_home first.", allow_retries=False
        )
    newest = whole[0]
    began = time.perf_counter()
    age = (datetime.now(UTC) - datetime.fromisoformat(newest.manifest.made_at)).total_seconds()
    with failing_in_words(context), _scratch_home() as scratch:
        done = restore_backup(newest, scratch, replace=False, progress=progress)
        rto = time.perf_counter() - began
        found = compared(Home(ledger, originals, vectors, graph), scratch, newest, embedder)
    answers = all(
        project["same_dense_rankings"] == project["dense_rankings"]
        and (project["moved_on"] or project["same_rankings"] == project["rankings"])
        for project in found.values()
    )
    verdicts = (bool(done["ok"]), all(project["same_counts"] for project in found.values()), answers)
    yield dg.MaterializeResult(
        metadata={
            "backup": dg.MetadataValue.path(newest.folder),
            "rpo_seconds": round(age, 1),
            "rto_seconds": round(rto, 1),
            "backup_seconds": newest.manifest.seconds,
            "seconds": dg.MetadataValue.json(done["seconds"]),
            "restored": dg.MetadataValue.json(done["projects"]),
            "compared": dg.MetadataValue.json(found),
            "missing_originals": dg.MetadataValue.json(done["missing_originals"]),
        },
        check_results=[
            dg.AssetCheckResult(check_name=name, passed=passed, metadata={"compared": dg.MetadataValue.json(found)})
            for name, passed in zip(_CHECKS, verdicts, strict=True)
        ],
    )


@contextmanager
def _scratch_home() -> Iterator[Home]:
    """Four empty layers on servers of their own, gone afterwards."""
    from destiny_assets.local import supervisor

    # A short path: PostgreSQL's socket lies below it.
    folder = Path(tempfile.mkdtemp(prefix="destiny-drill-"))
    try:
        urls = supervisor.start(folder)
        stores = Stores(*(urls[name] for name in URL_VARIABLES))
        with (
            PostgresLedger(stores.postgres_url, pool_size=2) as ledger,
            QdrantVectorIndex(stores.qdrant_url) as vectors,
            connect(stores.neo4j_url) as graph,
        ):
            yield Home(ledger, open_document_store(stores.documents_url), vectors, graph)
    finally:
        supervisor.stop(folder)
        shutil.rmtree(folder)
