"""What changes outside: new projects, and sources whose contents are no longer what was read."""

import json
from pathlib import Path

import dagster as dg
from dagster import ResourceParam

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.errors import DestinyError
from destiny_assets.partitions import PROJECTS
from destiny_assets.ports import DocumentStore
from destiny_assets.stages.sweep import NOTHING, sources_mark
from jobs.ingest import ingest_project


@dg.sensor(minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.RUNNING)
def on_project_added(
    context: dg.SensorEvaluationContext, ledger: ResourceParam[PostgresLedger]
) -> dg.SensorResult | dg.SkipReason:
    """Make every project of the ledger a partition, and a removed one none. Requests no runs: `on_source_changed` does."""
    known = set(context.instance.get_dynamic_partitions(str(PROJECTS.name)))
    projects = set(ledger.projects.names())
    if projects == known:
        return dg.SkipReason("every project is a partition already")
    requests: list[dg.AddDynamicPartitionsRequest | dg.DeleteDynamicPartitionsRequest] = []
    if projects - known:
        requests.append(PROJECTS.build_add_request(sorted(projects - known)))
    if known - projects:
        requests.append(PROJECTS.build_delete_request(sorted(known - projects)))
    return dg.SensorResult(dynamic_partitions_requests=requests)


@dg.sensor(job=ingest_project, minimum_interval_seconds=300, default_status=dg.DefaultSensorStatus.RUNNING)
def on_source_changed(
    context: dg.SensorEvaluationContext,
    ledger: ResourceParam[PostgresLedger],
    originals: ResourceParam[DocumentStore],
    cache: ResourceParam[Path],
) -> dg.SensorResult | dg.SkipReason:
    """One sweep over the sources of all projects; a project is ingested when what they list differs from the last sweep.

    The cursor holds one mark a project, so that unchanged sources wake nothing, and a source that can't be listed leaves its
    project's mark as it was.
    """
    before: dict[str, str] = json.loads(context.cursor or "{}")
    partitions = set(context.instance.get_dynamic_partitions(str(PROJECTS.name)))
    after: dict[str, str] = {}
    requests = []
    for project in ledger.projects.names():
        if project not in partitions:
            continue
        try:
            mark = sources_mark(ledger, originals, cache, project)
        except DestinyError as error:
            context.log.warning(f"The sources of {project!r} could not be listed: {error}")
            mark = before.get(project, NOTHING)
        after[project] = mark
        if mark != before.get(project, NOTHING):
            # A mark may come back (a folder unmounted and mounted again): what was before it makes the key new.
            requests.append(dg.RunRequest(run_key=f"{project}:{before.get(project, '')}:{mark}", partition_key=project))
    if not requests and after == before:
        return dg.SkipReason("no source changed")
    return dg.SensorResult(run_requests=requests, cursor=json.dumps(after, sort_keys=True))
