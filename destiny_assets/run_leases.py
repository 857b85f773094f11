"""Which runs are alive. A run holds a lease in PostgreSQL; one that holds none and is not ended was killed, and is ended here.

Dagster's own run monitoring can't tell: it asks the launcher of a run for its health, the local launcher has no answer, and a run that
`destiny ingest` started has no launcher at all. Such a run stays "started" for good and keeps its slots in the pools, so that after two
kills in one pool no later run would get beyond that pool. Nothing else about runs lives here.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dagster as dg

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.locks import lease, unleased

LEASE_TAG = "destiny/lease"
_OF_PROCESS = "process"
_OF_RESOURCES = "resources"

# The lease of a run that the daemon launched goes with the run's resources, moments before Dagster writes that the run ended.
_TEARDOWN_SECONDS = 5.0

_UNFINISHED = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


@contextmanager
def process_lease(url: str, run_id: str) -> Iterator[Mapping[str, str]]:
    """Hold the lease of a run from before it is created until after its end; yields the tags to create it with."""
    with lease(url, run_id):
        yield {LEASE_TAG: _OF_PROCESS}


@contextmanager
def resource_lease(url: str, run: dg.DagsterRun | None, instance: dg.DagsterInstance | None) -> Iterator[None]:
    """Hold the lease of a run that Dagster started, while it has its resources. Outside a run there is none to hold."""
    if run is None or instance is None or LEASE_TAG in run.tags:
        yield
        return
    with lease(url, run.run_id):
        # Not before the lease is held: the tag is what lets others take the run for dead.
        instance.add_run_tags(run.run_id, {LEASE_TAG: _OF_RESOURCES})
        yield


def end_killed_runs(instance: dg.DagsterInstance, ledger: PostgresLedger) -> list[dg.DagsterRun]:
    """End the runs whose process is gone, and give back the slots they held in the pools. Returns these runs.

    Looks only at runs that had a lease: other code locations may share the instance. Blocks for 5 s where it takes a second look.
    """
    suspects = _without_lease(instance, ledger)
    if any(run.tags[LEASE_TAG] == _OF_RESOURCES for run in suspects):
        time.sleep(_TEARDOWN_SECONDS)
        suspects = _without_lease(instance, ledger)
    for run in suspects:
        if run.status is dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, message="The process of this run is gone.")
        else:
            instance.report_run_failed(
                run,
                message="The process of this run was killed. What it was building stays unseen; the next run goes on.",
            )
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return suspects


def _without_lease(instance: dg.DagsterInstance, ledger: PostgresLedger) -> list[dg.DagsterRun]:
    runs = {run.run_id: run for run in instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED)) if LEASE_TAG in run.tags}
    # Asked after the runs were read: whoever is found without a lease had one, and gave it back.
    with ledger.transaction() as cursor:
        return [runs[run_id] for run_id in unleased(cursor, list(runs))]
