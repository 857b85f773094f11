"""Runs whose process was killed are ended, and what they held in the pools is given back; runs that live are left alone."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from destiny_assets.run_leases import LEASE_TAG, end_killed_runs, process_lease, resource_lease
from sensors.runs import on_run_killed
from tests.stages.growing import Layers


@pytest.fixture
def pooled(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance with one slot in the pool ``postgres``."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        instance.event_log_storage.set_concurrency_slots("postgres", 1)
        yield instance


def started(instance: dg.DagsterInstance, run_id: str | None = None, **tags: str) -> dg.DagsterRun:
    """A run that began a step of the pool."""
    run = instance.create_run_for_job(dg.GraphDefinition("work", node_defs=[]).to_job(), run_id=run_id, tags=tags)
    instance.handle_new_event(
        dg.EventLogEntry(
            error_info=None,
            level=20,
            user_message="",
            run_id=run.run_id,
            timestamp=0.0,
            dagster_event=dg.DagsterEvent(event_type_value="PIPELINE_START", job_name="work"),
        )
    )
    instance.event_log_storage.claim_concurrency_slot("postgres", run.run_id, "documents")
    return run


def claimed(instance: dg.DagsterInstance) -> set[str]:
    return set(instance.event_log_storage.get_concurrency_info("postgres").active_run_ids)


def test_a_run_of_a_killed_process_fails_and_its_slot_is_free(pooled: dg.DagsterInstance, layers: Layers) -> None:
    run = started(pooled, **{LEASE_TAG: "process"})
    assert claimed(pooled) == {run.run_id}
    assert [ended.run_id for ended in end_killed_runs(pooled, layers.ledger)] == [run.run_id]
    assert pooled.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.FAILURE  # type: ignore[union-attr]
    assert claimed(pooled) == set()
    assert end_killed_runs(pooled, layers.ledger) == []


def test_a_run_that_lives_and_one_that_never_had_a_lease_are_left_alone(
    pooled: dg.DagsterInstance, layers: Layers
) -> None:
    stranger = started(pooled)
    run_id = "11111111-2222-4333-8444-555555555555"
    with process_lease(layers.stores.postgres_url, run_id) as tags:
        started(pooled, run_id, **tags)
        assert end_killed_runs(pooled, layers.ledger) == []
    assert [run.run_id for run in end_killed_runs(pooled, layers.ledger)] == [run_id]
    assert claimed(pooled) == {stranger.run_id}


def test_a_run_of_the_daemon_holds_its_lease_with_its_resources(pooled: dg.DagsterInstance, layers: Layers) -> None:
    run = started(pooled)
    with resource_lease(layers.stores.postgres_url, run, pooled):
        assert pooled.get_run_by_id(run.run_id).tags[LEASE_TAG] == "resources"  # type: ignore[union-attr]
        assert end_killed_runs(pooled, layers.ledger) == []
    said = on_run_killed(dg.build_sensor_context(instance=pooled), ledger=layers.ledger)
    assert isinstance(said, dg.SkipReason)
    assert run.run_id in str(said.skip_message)
    assert claimed(pooled) == set()


def test_a_run_that_was_being_cancelled_is_cancelled(pooled: dg.DagsterInstance, layers: Layers) -> None:
    run = started(pooled, **{LEASE_TAG: "process"})
    pooled.report_run_canceling(run)
    end_killed_runs(pooled, layers.ledger)
    assert pooled.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.CANCELED  # type: ignore[union-attr]
