"""Ingest: from sources to document versions."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import dagster as dg
from dagster import ResourceParam

from destiny_assets.adapters.parsers.reader import DocumentReader
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.locks import WriteRight
from destiny_assets.assets.shell import OWNERS, run_stage
from destiny_assets.domain.generations import Generation
from destiny_assets.partitions import PROJECTS
from destiny_assets.ports import DocumentStore, Embedder, Progress
from destiny_assets.stages.ingest import ingest_sources
from destiny_assets.stages.understand import CHUNKING

sources = dg.AssetSpec(
    "sources",
    group_name="ingest",
    partitions_def=PROJECTS,
    kinds={"file"},
    owners=OWNERS,
    description="What the sources of a project hold, observed by the sensor `on_source_changed`. Destiny reads it, never writes it.",
)


@dg.asset(
    group_name="ingest",
    kinds={"postgres"},
    owners=OWNERS,
    code_version="1",
    deps=[sources],
    partitions_def=PROJECTS,
    pool="postgres",
    automation_condition=dg.AutomationCondition.eager(),
)
def documents(
    context: dg.AssetExecutionContext,
    writer: ResourceParam[WriteRight],
    ledger: ResourceParam[PostgresLedger],
    originals: ResourceParam[DocumentStore],
    reader: ResourceParam[DocumentReader],
    embedder: ResourceParam[Embedder],
    progress: ResourceParam[Progress],
    cache: ResourceParam[Path],
) -> dg.MaterializeResult[Any]:
    """Every document of the project as text with its structure; originals kept by hash, unreadable ones quarantined with a reason."""
    # Taken for the whole run, before anything is read.
    context.log.info(f"this run alone writes {writer.project}")

    def work(generation: Generation) -> dict[str, Any]:
        project, number = generation.project, generation.number
        # Of the stages after this one that may refuse a document as it is.
        codes = {"chunks": CHUNKING, "embeddings": embedder.model_id}
        facts = asdict(ingest_sources(ledger, originals, reader, project, number, progress, cache, codes=codes))
        return facts | ledger.documents.counts(project, number)

    return run_stage(
        context,
        ledger,
        "documents",
        lambda project: ledger.generations.open(project, context.run.run_id),
        work,
        rows="total",
    )
