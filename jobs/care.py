"""Jobs that look after what is there: mend a layer that drifted, and remove what is past its retention."""

import os
from pathlib import Path
from typing import Any

import dagster as dg
from dagster import ResourceParam

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.locks import WriteRight
from destiny_assets.adapters.qdrant import QdrantVectorIndex
from destiny_assets.errors import DestinyError, StoreUnavailableError
from destiny_assets.partitions import PROJECTS
from destiny_assets.ports import DocumentStore, KnowledgeGraph, Progress
from destiny_assets.settings import retention_days
from destiny_assets.stages.repair import repair_project as mend_project
from destiny_assets.stages.vacuum import vacuum_project as sweep_project

DEEP = "destiny/deep"
"""The tag of a run that shall compare every vector and every original whole."""


@dg.op(out=dg.Out(dg.Nothing), retry_policy=dg.RetryPolicy(max_retries=2, delay=5), pool="qdrant")
def mend_layers(
    context: dg.OpExecutionContext,
    writer: ResourceParam[WriteRight],
    ledger: ResourceParam[PostgresLedger],
    originals: ResourceParam[DocumentStore],
    vectors: ResourceParam[QdrantVectorIndex],
    graph: ResourceParam[KnowledgeGraph],
    progress: ResourceParam[Progress],
    cache: ResourceParam[Path],
) -> None:
    """Bring every layer of a project back to what the ledger says; what was mended is this step's metadata."""
    deep = context.run.tags.get(DEEP) == "true"
    try:
        report = mend_project(ledger, originals, vectors, graph, writer.project, progress, cache, deep=deep)
    except DestinyError as error:
        raise _failure(error) from error
    document = report.document()
    context.add_output_metadata(
        {
            "mended": report.written,
            **{layer: dg.MetadataValue.json(counts) for layer, counts in report.mended.items()},
            "items": dg.MetadataValue.json(document["items"]),
            "left": dg.MetadataValue.json(document["left"]),
            "model_calls": report.model_calls,
        }
    )
    if report.left:
        first = report.left[0]
        raise dg.Failure(
            description=f"{len(report.left)} items could not be mended, the first a {first.kind} {first.id}: {first.todo}",
            allow_retries=False,
        )


@dg.op(out=dg.Out(dg.Nothing), retry_policy=dg.RetryPolicy(max_retries=2, delay=5), pool="postgres")
def sweep_layers(
    context: dg.OpExecutionContext,
    writer: ResourceParam[WriteRight],
    ledger: ResourceParam[PostgresLedger],
    originals: ResourceParam[DocumentStore],
    vectors: ResourceParam[QdrantVectorIndex],
    graph: ResourceParam[KnowledgeGraph],
) -> None:
    """Remove what no generation within ``DESTINY_RETENTION_DAYS`` shows; the counts are this step's metadata."""
    try:
        keep_days = retention_days(os.environ)
        facts = sweep_project(ledger, originals, vectors, graph, writer.project, keep_days)
    except DestinyError as error:
        raise _failure(error) from error
    shown: dict[str, Any] = {
        name: dg.MetadataValue.json(value) if isinstance(value, dict | list) else value for name, value in facts.items()
    }
    context.add_output_metadata({name: value for name, value in shown.items() if value is not None})


@dg.job(partitions_def=PROJECTS, executor_def=dg.in_process_executor, tags={"destiny/job": "repair"})
def repair_project() -> None:
    """Mend what drifted in one project's layers. Started by the sensor `on_layer_drift`."""
    mend_layers()


@dg.job(partitions_def=PROJECTS, executor_def=dg.in_process_executor, tags={"destiny/job": "vacuum"})
def vacuum_project() -> None:
    """Remove one project's generations that are past their retention."""
    sweep_layers()


@dg.schedule(job=vacuum_project, cron_schedule="0 5 * * 0", default_status=dg.DefaultScheduleStatus.RUNNING)
def weekly_vacuum(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
    """Every project once a week."""
    when = context.scheduled_execution_time.date().isoformat()
    return [
        dg.RunRequest(run_key=f"vacuum:{project}:{when}", partition_key=project)
        for project in context.instance.get_dynamic_partitions(PROJECTS.name or "")
    ]


def _failure(error: DestinyError) -> dg.Failure:
    # Only what may pass by itself is worth trying again.
    return dg.Failure(description=str(error), allow_retries=isinstance(error, StoreUnavailableError))
