"""What happens to runs."""

import dagster as dg
from dagster import ResourceParam

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.run_leases import end_killed_runs
from jobs.ingest import build_marts, ingest_project


@dg.run_failure_sensor(monitored_jobs=[ingest_project], default_status=dg.DefaultSensorStatus.RUNNING)
def on_run_failure(context: dg.RunFailureSensorContext, ledger: ResourceParam[PostgresLedger]) -> None:
    """Write the reason on the generation that was being built; readers keep the one they have, the next run builds on."""
    project = context.dagster_run.tags.get("dagster/partition")
    reason = context.failure_event.message or "the run failed"
    context.log.error(f"Ingest of {project} failed in run {context.dagster_run.run_id}: {reason}")
    if project:
        ledger.generations.reject(project, context.dagster_run.run_id, reason)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[ingest_project],
    request_job=build_marts,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def on_generation_published(
    context: dg.RunStatusSensorContext, ledger: ResourceParam[PostgresLedger]
) -> dg.RunRequest | dg.SkipReason:
    """Build the marts after a run that published something; a run that found nothing new wakes nothing."""
    run = context.dagster_run
    project = run.tags.get("dagster/partition", "")
    if not ledger.generations.reports(project, run.run_id).get("published_generation", {}).get("published"):
        return dg.SkipReason(f"run {run.run_id} of {project!r} published nothing new")
    return dg.RunRequest(run_key=run.run_id)


@dg.sensor(minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.RUNNING)
def on_run_killed(context: dg.SensorEvaluationContext, ledger: ResourceParam[PostgresLedger]) -> dg.SkipReason:
    """End the runs whose process is gone: nobody else would, and what they hold in the pools would stop those after them."""
    ended = end_killed_runs(context.instance, ledger)
    if not ended:
        return dg.SkipReason("no run was killed")
    return dg.SkipReason("killed and now ended: " + ", ".join(f"{run.job_name} {run.run_id}" for run in ended))
