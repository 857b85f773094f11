"""What people say of claims, and what becomes of decisions when trust falls."""

import hashlib
import json

import dagster as dg
from dagster import ResourceParam

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.partitions import PROJECTS
from jobs.ingest import ingest_project

# An event holds what a person reads at a glance; `destiny decisions` has the rest.
_NAMED = 50


@dg.sensor(job=ingest_project, minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.RUNNING)
def on_feedback(
    context: dg.SensorEvaluationContext, ledger: ResourceParam[PostgresLedger]
) -> dg.SensorResult | dg.SkipReason:
    """Ask for one ingest of each project with labels, given or taken back, or merges taken back, that its current generation does not count.

    The run reads no document again and judges the slots that the labels bear on. The cursor holds what was waiting when a project was
    last asked for: the same labels ask once, also where the run could not count them, and another label asks again.
    """
    before: dict[str, str] = json.loads(context.cursor or "{}")
    partitions = set(context.instance.get_dynamic_partitions(str(PROJECTS.name)))
    after: dict[str, str] = {}
    requests = []
    for project in ledger.projects.names():
        current = ledger.generations.current(project)
        waiting: dict[str, bool | None] = {}
        if current:
            waiting |= ledger.beliefs.labels_not_counted(project, current.number)
            waiting |= dict.fromkeys(ledger.merges.undone_and_shown(project, current.number), False)
        if project not in partitions or current is None or not waiting:
            continue
        mark = hashlib.sha256(json.dumps([current.number, waiting], sort_keys=True).encode()).hexdigest()
        after[project] = mark
        if before.get(project) != mark:
            context.log.info(f"{project}: {len(waiting)} words of people are not counted yet")
            tags = {"destiny/labels": str(len(waiting))}
            requests.append(dg.RunRequest(run_key=f"{project}:{mark}", partition_key=project, tags=tags))
    if not requests and after == before:
        return dg.SkipReason("every word of people is counted, or was asked for")
    return dg.SensorResult(run_requests=requests, cursor=json.dumps(after, sort_keys=True))


@dg.sensor(minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.RUNNING)
def on_trust_fell(
    context: dg.SensorEvaluationContext, ledger: ResourceParam[PostgresLedger]
) -> dg.SensorResult | dg.SkipReason:
    """Report the decisions that a newly published generation puts at risk: one observation of `decision_risks` a project.

    Requests no run: the generation that shows the fall has marked its decisions. The cursor holds the generation of each project that
    was looked at last, so that a fall is told once, and a project whose generation is the same is not looked at.
    """
    before: dict[str, int] = json.loads(context.cursor or "{}")
    partitions = set(context.instance.get_dynamic_partitions(str(PROJECTS.name)))
    after: dict[str, int] = {}
    events = []
    for project in ledger.projects.names():
        current = ledger.generations.current(project)
        if project not in partitions or current is None:
            continue
        after[project] = current.number
        seen = before.get(project, 0)
        fallen = [] if seen == current.number else ledger.grounds.newly_at_risk(project, current.number, seen)
        if not fallen:
            continue
        keys = list(dict.fromkeys(one["key"] for one in fallen))
        context.log.warning(f"{project}, generation {current.number}: at risk are {', '.join(keys[:_NAMED])}")
        events.append(
            dg.AssetObservation(
                "decision_risks",
                partition=project,
                description=f"{len(keys)} decisions of {project} are newly at risk.",
                metadata={
                    "generation": current.number,
                    "decisions": dg.MetadataValue.json(keys[:_NAMED]),
                    "reasons": dg.MetadataValue.json(fallen[:_NAMED]),
                    "newly_at_risk": len(keys),
                },
            )
        )
    if not events and after == before:
        return dg.SkipReason("no trust fell: every project shows the generation that was looked at")
    return dg.SensorResult(asset_events=events, cursor=json.dumps(after, sort_keys=True))
