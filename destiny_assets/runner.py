"""Running Dagster jobs from a process of our own, on the instance that the Dagster UI shows."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

from destiny_assets.ports import Progress
from destiny_assets.settings import URL_VARIABLES, Settings

if TYPE_CHECKING:
    import dagster as dg

DAGSTER_SCHEMA = "dagster"

# A run writes some 250 events, each a transaction. Waiting for the disk took 9 ms each on a busy machine and 1 without; a power cut may
# cost the events of the last second, of which no knowledge depends: a run without its end is ended by the next (`run_leases`).
_DAGSTER_SESSION = f"-csearch_path={DAGSTER_SCHEMA} -csynchronous_commit=off"
# Runs, schedules and sensors live in the ledger's PostgreSQL, in a schema of their own. Two steps of a pool at a time: enough for two
# projects side by side, few enough for two cores.
_DAGSTER_YAML = """\
storage:
  custom:
    module: destiny_assets.run_storage
    class: PooledPostgresStorage
    config:
      postgres_url:
        env: DESTINY_DAGSTER_POSTGRES_URL
concurrency:
  pools:
    default_limit: 2
telemetry:
  enabled: false
nux:
  enabled: false
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of a job did. `failures` says in words what stopped it; `reports` is what each stage told the ledger."""

    run_id: str
    succeeded: bool
    failures: list[str]
    failed_checks: list[str]
    passed_checks: int
    seconds: float
    reports: Mapping[str, Mapping[str, Any]]


def dagster_environment(settings: Settings) -> dict[str, str]:
    """The environment variables with which any Dagster process serves this home; makes the folder they name."""
    folder = settings.home / "dagster"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = folder / "dagster.yaml"
    if not config.exists() or config.read_text("utf-8") != _DAGSTER_YAML:
        config.write_text(_DAGSTER_YAML, "utf-8")
    stores = settings.stores
    urls = (stores.documents_url, stores.postgres_url, stores.qdrant_url, stores.neo4j_url)
    joint = "&" if "?" in stores.postgres_url else "?"
    return {
        **dict(zip(URL_VARIABLES, urls, strict=True)),
        "DESTINY_HOME": str(settings.home),
        "DAGSTER_HOME": str(folder),
        "DESTINY_DAGSTER_POSTGRES_URL": f"{stores.postgres_url}{joint}options={quote(_DAGSTER_SESSION)}",
        # Dagster and dbt report their use to their makers unless told not to.
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
    }


@contextmanager
def dagster_instance(settings: Settings, *, kept: bool = True) -> Iterator["dg.DagsterInstance"]:
    """The instance of this home, its schema made when it is not there; one in memory when the runs need not be `kept`."""
    import psycopg
    from dagster import DagsterInstance

    if not kept:
        os.environ.update(dagster_environment(settings))
        with DagsterInstance.ephemeral() as instance:
            yield instance
        return
    with psycopg.connect(settings.stores.postgres_url, autocommit=True) as connection:
        connection.execute(f"create schema if not exists {DAGSTER_SCHEMA}")
    os.environ.update(dagster_environment(settings))
    with DagsterInstance.from_config(str(Path(os.environ["DAGSTER_HOME"]))) as instance:
        yield instance


def run_job(
    settings: Settings,
    job: str,
    *,
    project: str | None,
    progress: Progress,
    kept: bool = True,
    resources: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
) -> Outcome:
    """Run a job in this process to its end; a failed run is an outcome, not an exception. Raises `KeyboardInterrupt` when it is stopped.

    A run that is not `kept` is not shown in the Dagster UI. `resources` replaces some by name, `tags` are the run's.
    """
    import time
    import warnings

    from dagster import AssetCheckSeverity, BetaWarning

    from destiny_assets.adapters.postgres.ledger import PostgresLedger
    from destiny_assets.definitions import build_definitions
    from destiny_assets.partitions import PROJECTS
    from destiny_assets.run_leases import end_killed_runs, process_lease

    run_id = str(uuid4())
    with (
        dagster_instance(settings, kept=kept) as instance,
        PostgresLedger(settings.stores.postgres_url, pool_size=2) as ledger,
        process_lease(settings.stores.postgres_url, run_id) as lease_tags,
    ):
        for killed in end_killed_runs(instance, ledger):
            if of := killed.tags.get("dagster/partition"):
                ledger.generations.reject(of, killed.run_id, "the run was killed")
        if project is not None:
            # The sensor on_project_added would do it too, a minute later.
            instance.add_dynamic_partitions(str(PROJECTS.name), [project])
        definitions = build_definitions(resources={"progress": progress, **(resources or {})}, marts=project is None)
        began = time.perf_counter()
        # dbt's every line comes to standard output, which belongs to the command's own answer.
        with (
            _log_of(settings).open("a", encoding="utf-8") as log,
            redirect_stdout(log),
            warnings.catch_warnings(),
        ):
            # Of its own copies of our sensors; nobody who ingests can act on it.
            warnings.simplefilter("ignore", BetaWarning)
            result = definitions.resolve_job_def(job).execute_in_process(
                instance=instance,
                partition_key=project,
                raise_on_error=False,
                tags={**(tags or {}), **lease_tags},
                run_id=run_id,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
        if any(_says_stopped(event) for event in result.all_events):
            raise KeyboardInterrupt
        seconds = time.perf_counter() - began
        evaluations = result.get_asset_check_evaluations()
        failed = [check for check in evaluations if not check.passed and check.severity is AssetCheckSeverity.ERROR]
        failures = [f"{check.check_name}: {check.description or 'failed'}" for check in failed]
        failures += [_reason(event) for event in result.all_events if event.is_step_failure]
        if project is not None and not result.success:
            ledger.generations.reject(project, result.run_id, "; ".join(failures) or "the run failed")
        return Outcome(
            run_id=result.run_id,
            succeeded=result.success,
            failures=failures,
            failed_checks=[check.check_name for check in failed],
            passed_checks=sum(check.passed for check in evaluations),
            seconds=round(seconds, 2),
            reports=ledger.generations.reports(project, result.run_id) if project else {},
        )


def _log_of(settings: Settings) -> Path:
    folder = settings.home / "logs"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / "jobs.log"


def _says_stopped(event: Any) -> bool:
    """Whether a run ended through Ctrl-C or SIGTERM, which Dagster reports as a failure of the run."""
    from dagster import DagsterExecutionInterruptedError

    error = event.job_failure_data.error if event.is_run_failure else None
    return error is not None and error.cls_name == DagsterExecutionInterruptedError.__name__


def _reason(event: Any) -> str:
    """The innermost message of a step's failure: what a person can act on."""
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    text = error.message.strip() if error else "failed"
    return f"{event.step_key}: {text}"
