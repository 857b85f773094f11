"""The jobs people and sensors start, and the calendar."""

import dagster as dg

from destiny_assets.partitions import PROJECTS

ingest_project = dg.define_asset_job(
    "ingest_project",
    selection=dg.AssetSelection.groups("ingest", "understand", "link", "trust", "benchmark", "publish", "reports"),
    description="Bring one project up to date, check it, and publish a generation.",
    # One process a run: it holds the project's lock and the model from the first step to the last, and a step does not spend
    # four seconds on imports. Projects run side by side as runs.
    executor_def=dg.in_process_executor,
    tags={"destiny/job": "ingest"},
)

benchmark_project = dg.define_asset_job(
    "benchmark_project",
    selection=dg.AssetSelection.groups("benchmark", "reports"),
    description="Put the golden questions of one project to the generation that readers see now, its truth suites to the model of trust, and "
    "write its report anew.",
    tags={"destiny/job": "benchmark"},
)

build_marts = dg.define_asset_job(
    "build_marts",
    selection=dg.AssetSelection.groups("marts"),
    description="Build the dbt marts on the ledger, and run their tests.",
    tags={"destiny/job": "marts"},
)


@dg.schedule(job=ingest_project, cron_schedule="0 3 * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
def nightly_ingest(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
    """Every project once a night, whether or not a sensor saw it change."""
    when = context.scheduled_execution_time.date().isoformat()
    return [
        dg.RunRequest(run_key=f"{project}:{when}", partition_key=project)
        for project in context.instance.get_dynamic_partitions(PROJECTS.name or "")
    ]
