"""Drift is noticed and mended without being asked, and old generations are vacuumed: one sensor tick, one run."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import dagster as dg
import pytest

from jobs.care import weekly_vacuum
from sensors.layers import on_layer_drift
from tests.dagster.conftest import Execute
from tests.stages.growing import DOCUMENTS, Growth

STAMPS = "handbook/stamps.md"


class Watch:
    """Ticks of `on_layer_drift` for the growing project, each with the cursor of the one before."""

    def __init__(self, growth: Growth, instance: dg.DagsterInstance) -> None:
        self.growth = growth
        self.instance = instance
        self.cursor: str | None = None

    def tick(self) -> list[dg.RunRequest]:
        """The runs asked for of this project; other tests' projects are no partitions here."""
        layers = self.growth.layers
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        result = on_layer_drift(
            context, ledger=layers.ledger, originals=layers.originals, vectors=layers.vectors, graph=layers.graph
        )
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        requests = list(result.run_requests or ())
        assert bool(requests) != bool(result.skip_reason)
        assert all(request.partition_key == self.growth.project for request in requests)
        return requests

    def remember(self, **state: str) -> None:
        """Change what the cursor says of the project."""
        cursor = json.loads(self.cursor or "{}")
        cursor[self.growth.project] |= state
        self.cursor = json.dumps(cursor)


@pytest.fixture
def watch(growth: Growth, instance: dg.DagsterInstance) -> Watch:
    growth.run()
    instance.add_dynamic_partitions("projects", [growth.project])
    return Watch(growth, instance)


def long_ago() -> str:
    return (datetime.now(UTC) - timedelta(days=2)).isoformat()


class TestDrift:
    """`on_layer_drift` asks for a repair when a layer is not what the ledger says."""

    def test_layers_that_agree_wake_nothing(self, watch: Watch) -> None:
        assert watch.tick() == []
        assert watch.tick() == []

    def test_a_lost_point_asks_once_is_mended_by_the_run_and_asks_no_more(
        self, watch: Watch, execute: Execute, growth: Growth
    ) -> None:
        watch.tick()
        points = growth.points()
        current = growth.layers.ledger.generations.current(growth.project)
        growth.layers.vectors.remove(current.collection or "" if current else "", sorted(points)[:2])
        (request,) = watch.tick()
        assert request.tags["destiny/drift"] == f"vectors: {len(points) - 2} for {len(points)}"
        assert watch.tick() == []
        run = execute("repair_project")
        assert run.success
        assert growth.points() == points
        (output,) = [event for event in run.all_events if event.is_successful_output]
        metadata = output.step_output_data.metadata
        assert metadata["mended"].value == 2
        assert metadata["vectors"].value == {"missing": 2, "extra": 0, "stale": 0}
        assert metadata["model_calls"].value == 0
        assert watch.tick() == []

    def test_an_edited_node_is_seen_by_the_next_look_at_contents(self, watch: Watch, growth: Growth) -> None:
        watch.tick()
        key = f"{growth.project}/{min(id_ for id_, held in growth.nodes().items() if 'uri' in held)}"
        with growth.layers.graph._driver.session(database=growth.layers.graph._database) as session:
            session.run("MATCH (n:Document) WHERE n.key = $key SET n.title = 'x'", key=key).consume()
        assert watch.tick() == []
        watch.remember(looked_at=long_ago())
        (request,) = watch.tick()
        assert request.tags["destiny/drift"] == "graph: 1 stale"

    def test_a_drift_that_stays_asks_again_only_hours_later(self, watch: Watch, growth: Growth) -> None:
        watch.tick()
        growth.layers.graph.remove(growth.project, [min(id_ for id_, held in growth.nodes().items() if "uri" in held)])
        assert len(watch.tick()) == 1
        assert watch.tick() == []
        watch.remember(asked_at=long_ago())
        assert len(watch.tick()) == 1

    def test_a_project_with_nothing_published_or_no_partition_is_left_alone(
        self, growth: Growth, instance: dg.DagsterInstance
    ) -> None:
        watch = Watch(growth, instance)
        instance.add_dynamic_partitions("projects", [growth.project])
        assert watch.tick() == []
        growth.run()
        instance.delete_dynamic_partition("projects", growth.project)
        assert watch.tick() == []


def test_a_repair_that_leaves_something_fails_and_says_what_to_do(execute: Execute, growth: Growth) -> None:
    growth.run()
    growth.write(STAMPS, DOCUMENTS[STAMPS].replace("three", "four"))
    growth.run()
    current = growth.layers.ledger.documents.hashes(growth.project, 2)
    (old,) = growth.layers.ledger.documents.hashes(growth.project, 1) - current
    growth.layers.originals.delete(growth.project, [old])
    run = execute("repair_project")
    assert not run.success
    (failure,) = [event for event in run.all_events if event.is_step_failure]
    assert "backup" in str(failure.step_failure_data.user_failure_data)


def test_the_vacuum_job_keeps_what_the_window_keeps(execute: Execute, growth: Growth) -> None:
    growth.run()
    growth.delete(STAMPS)
    growth.run()
    run = execute("vacuum_project")
    assert run.success
    (output,) = [event for event in run.all_events if event.is_successful_output]
    assert output.step_output_data.metadata["oldest"].value == 1
    assert growth.layers.ledger.generations.readable(growth.project, 1).number == 1


def test_every_project_is_vacuumed_once_a_week(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        instance.add_dynamic_partitions("projects", ["alpha", "beta"])
        night = datetime(2026, 11, 1, 5, tzinfo=UTC)
        with dg.build_schedule_context(instance=instance, scheduled_execution_time=night) as context:
            asked = cast("list[dg.RunRequest]", weekly_vacuum(context))
    assert [request.partition_key for request in asked] == ["alpha", "beta"]
    assert len({request.run_key for request in asked}) == 2
