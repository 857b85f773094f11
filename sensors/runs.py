"""What happens to runs."""

import dagster as dg
from dagster import ResourceParam

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from jobs.ingest import ingest_project


@dg.run_failure_sensor(monitored_jobs=[ingest_project], default_status=dg.DefaultSensorStatus.RUNNING)
def on_run_failure(context: dg.RunFailureSensorContext, ledger: ResourceParam[PostgresLedger]) -> None:
    """Write the reason on the generation that was being built; readers keep the one they have, the next run builds on."""
    project = context.dagster_run.tags.get("dagster/partition")
    reason = context.failure_event.message or "the run failed"
    context.log.error(f"Ingest of {project} failed in run {context.dagster_run.run_id}: {reason}")
    if project:
        ledger.generations.reject(project, context.dagster_run.run_id, reason)
