"""Sensors and schedules: one tick each, on a real ledger and real folders."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, cast

import dagster as dg
import pytest

from destiny_assets.adapters.documents import DirectoryDocumentStore
from destiny_assets.adapters.embedders.factory import open_embedder
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.projects import Source
from destiny_assets.domain.pushing import PushedDocument
from destiny_assets.serving.pushing import Pushing
from jobs.ingest import nightly_ingest
from sensors.models import on_embedding_model_changed
from sensors.sources import on_project_added, on_source_changed
from sensors.trust import on_feedback, on_trust_fell
from tests.dagster.conftest import Execute
from tests.fakes.web_server import serving_site
from tests.stages.growing import Growth, Layers, growing


class Watch:
    """Ticks of `on_source_changed`, each with the cursor of the one before, as the daemon does it."""

    def __init__(self, ledger: PostgresLedger, instance: dg.DagsterInstance, folder: Path) -> None:
        self.ledger = ledger
        self.instance = instance
        self.originals = DirectoryDocumentStore(folder)
        self.resources = {"ledger": ledger, "originals": self.originals, "cache": folder / "cache"}
        self.cursor: str | None = None
        self.run_keys: list[str | None] = []

    def tick(self) -> list[str | None]:
        """The projects for which a run is requested and not dropped as one that was requested before."""
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        result = on_source_changed(context, **self.resources)
        if isinstance(result, dg.SkipReason):
            return []
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        requests = [request for request in result.run_requests or () if request.run_key not in self.run_keys]
        self.run_keys += [request.run_key for request in requests]
        return [request.partition_key for request in requests]


@pytest.fixture
def watch(empty_ledger: PostgresLedger, instance: dg.DagsterInstance, tmp_path: Path) -> Watch:
    """Two projects with a folder of one file each, both partitions already."""
    for name in ("alpha", "beta"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.md").write_text("# A\n\nSome text.\n")
        empty_ledger.projects.add(name)
        empty_ledger.projects.add_source(name, Source("folder", "files", str(tmp_path / name)))
    instance.add_dynamic_partitions("projects", ["alpha", "beta"])
    return Watch(empty_ledger, instance, tmp_path / "documents")


class TestProjects:
    """`on_project_added`: partitions follow the ledger."""

    def test_projects_become_partitions_and_removed_ones_none_and_no_run_is_requested(
        self, empty_ledger: PostgresLedger, instance: dg.DagsterInstance
    ) -> None:
        instance.add_dynamic_partitions("projects", ["gone", "kept"])
        for name in ("kept", "one", "two"):
            empty_ledger.projects.add(name)
        result = on_project_added(dg.build_sensor_context(instance=instance), ledger=empty_ledger)
        assert isinstance(result, dg.SensorResult)
        assert not result.run_requests
        added, deleted = result.dynamic_partitions_requests or ()
        assert isinstance(added, dg.AddDynamicPartitionsRequest)
        assert isinstance(deleted, dg.DeleteDynamicPartitionsRequest)
        assert (list(added.partition_keys), list(deleted.partition_keys)) == (["one", "two"], ["gone"])

    def test_nothing_is_asked_for_where_partitions_and_projects_agree(
        self, empty_ledger: PostgresLedger, instance: dg.DagsterInstance
    ) -> None:
        empty_ledger.projects.add("one")
        instance.add_dynamic_partitions("projects", ["one"])
        result = on_project_added(dg.build_sensor_context(instance=instance), ledger=empty_ledger)
        assert isinstance(result, dg.SkipReason)


class TestSources:
    """`on_source_changed`: one run for each project whose sources list something else than before."""

    def test_the_first_sweep_asks_for_every_project_once(self, watch: Watch) -> None:
        assert watch.tick() == ["alpha", "beta"]
        assert watch.tick() == []

    def test_an_unchanged_sweep_is_skipped_and_says_so(self, watch: Watch) -> None:
        watch.tick()
        context = dg.build_sensor_context(instance=watch.instance, cursor=watch.cursor)
        assert isinstance(on_source_changed(context, **watch.resources), dg.SkipReason)

    def test_a_touched_file_asks_for_exactly_its_project(self, watch: Watch, tmp_path: Path) -> None:
        watch.tick()
        os.utime(tmp_path / "beta" / "a.md", (1, 1))
        assert watch.tick() == ["beta"]

    @pytest.mark.parametrize("change", ["added", "deleted"])
    def test_an_added_or_deleted_file_asks_for_exactly_its_project(
        self, watch: Watch, tmp_path: Path, change: str
    ) -> None:
        watch.tick()
        if change == "added":
            (tmp_path / "alpha" / "b.md").write_text("# B\n\nMore.\n")
        else:
            (tmp_path / "alpha" / "a.md").unlink()
        assert watch.tick() == ["alpha"]

    def test_a_file_taken_away_and_put_back_asks_each_time(self, watch: Watch, tmp_path: Path) -> None:
        watch.tick()
        away = (tmp_path / "alpha" / "a.md").rename(tmp_path / "a.md")
        assert watch.tick() == ["alpha"]
        away.rename(tmp_path / "alpha" / "a.md")
        assert watch.tick() == ["alpha"]

    def test_a_source_that_cannot_be_listed_wakes_nothing_until_it_is_back_changed(
        self, watch: Watch, tmp_path: Path
    ) -> None:
        watch.tick()
        cursor = watch.cursor
        away = (tmp_path / "alpha").rename(tmp_path / "away")
        assert watch.tick() == []
        assert watch.cursor == cursor
        away.rename(tmp_path / "alpha")
        assert watch.tick() == []
        os.utime(tmp_path / "alpha" / "a.md", (1, 1))
        assert watch.tick() == ["alpha"]

    def test_a_source_that_cannot_be_listed_does_not_keep_others_from_being_seen(
        self, watch: Watch, tmp_path: Path
    ) -> None:
        (tmp_path / "alpha").rename(tmp_path / "away")
        assert watch.tick() == ["beta"]

    def test_a_pushed_document_asks_for_exactly_its_project(self, watch: Watch) -> None:
        watch.tick()
        pushing = Pushing(watch.ledger, watch.originals)
        pushing.add("beta", PushedDocument("note", "Some text."), source="pushed")
        assert watch.tick() == ["beta"]
        pushing.add("beta", PushedDocument("note", "Some text."), source="pushed")
        assert watch.tick() == []
        pushing.forget("beta", "note")
        assert watch.tick() == ["beta"]

    def test_a_web_site_asks_for_its_project_when_it_is_time_and_is_not_asked_itself(self, watch: Watch) -> None:
        watch.tick()
        with serving_site() as site:
            options = {"private_hosts": "127.0.0.1", "refresh": "5256000"}
            watch.ledger.projects.add_source("beta", Source("site", "web", f"{site.root}/a", options))
            assert watch.tick() == ["beta"]
            assert watch.tick() == []
            assert site.asked() == []

    def test_a_project_without_sources_or_partition_is_left_alone(self, watch: Watch, tmp_path: Path) -> None:
        watch.ledger.projects.add("bare")
        watch.instance.add_dynamic_partitions("projects", ["bare"])
        watch.ledger.projects.add("late")
        watch.ledger.projects.add_source("late", Source("folder", "files", str(tmp_path / "alpha")))
        assert watch.tick() == ["alpha", "beta"]
        watch.instance.add_dynamic_partitions("projects", ["late"])
        assert watch.tick() == ["late"]

    def test_a_removed_project_leaves_the_cursor(self, watch: Watch) -> None:
        watch.tick()
        watch.ledger.projects.remove("beta")
        watch.tick()
        assert set(json.loads(watch.cursor or "{}")) == {"alpha"}


def test_every_project_is_ingested_once_a_night(tmp_path: Path) -> None:
    asked: list[list[dg.RunRequest]] = []
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        instance.add_dynamic_partitions("projects", ["alpha", "beta"])
        for day in (1, 1, 2):
            night = datetime(2026, 11, day, 3, tzinfo=UTC)
            with dg.build_schedule_context(instance=instance, scheduled_execution_time=night) as context:
                asked.append(cast("list[dg.RunRequest]", nightly_ingest(context)))
    assert [[request.partition_key for request in some] for some in asked] == [["alpha", "beta"]] * 3
    keys = [[request.run_key for request in some] for some in asked]
    assert keys[0] == keys[1]
    assert not set(keys[0]) & set(keys[2])


class TestModels:
    """`on_embedding_model_changed`: a project embedded with another model than is configured is ingested, once."""

    def test_another_model_than_configured_asks_once_a_generation_and_the_configured_one_never(
        self, growth: Growth, instance: dg.DagsterInstance
    ) -> None:
        def tick() -> dg.SensorResult | dg.SkipReason:
            return on_embedding_model_changed(dg.build_sensor_context(instance=instance), ledger=growth.layers.ledger)  # type: ignore[no-any-return]

        instance.add_dynamic_partitions("projects", [growth.project])
        assert isinstance(tick(), dg.SkipReason), "nothing is published yet"
        growth.run()
        keys = []
        for _ in range(2):
            result = tick()
            assert isinstance(result, dg.SensorResult)
            ((request),) = result.run_requests or ()
            assert request.partition_key == growth.project
            keys.append(request.run_key)
        assert keys[0] == keys[1], "Dagster drops a request whose key it knows"
        growth.embedder = open_embedder("minilm")
        growth.run()
        assert isinstance(tick(), dg.SkipReason)


class TestTrust:
    """`on_feedback` asks for what labels bear on, `on_trust_fell` tells which decisions are newly at risk."""

    OLD = "# Prices of the post in 2020\n\n| Parcel | Price |\n|---|---|\n| Small | 3 crowns |\n| Large | 9 crowns |\n"
    DECISION: ClassVar = {"id": "D-1", "title": "Sold at the counter", "agent": "Ann", "rests_on": ["Small | price"]}

    @pytest.fixture
    def post(self, layers: Layers, instance: dg.DagsterInstance, tmp_path: Path) -> Iterator[Growth]:
        documents = {"old.md": self.OLD, "log.jsonl": json.dumps(self.DECISION)}
        with growing(layers, tmp_path / "post", documents, kind="decisions") as growth:
            instance.add_dynamic_partitions("projects", [growth.project])
            yield growth

    def tick(
        self, sensor: dg.SensorDefinition, post: Growth, instance: dg.DagsterInstance, cursor: str | None
    ) -> tuple[dg.SensorResult | None, str | None]:
        """What the sensor asks for, and its cursor; None where it skips."""
        context = dg.build_sensor_context(instance=instance, cursor=cursor)
        found = sensor(context, ledger=post.layers.ledger)
        if isinstance(found, dg.SkipReason):
            return None, cursor
        assert isinstance(found, dg.SensorResult)
        return found, found.cursor

    def test_several_labels_ask_for_one_run_which_counts_them_and_nothing_more_is_asked(
        self, post: Growth, instance: dg.DagsterInstance, execute_in: Callable[[Growth], Execute]
    ) -> None:
        run = execute_in(post)
        assert run().success
        nothing, cursor = self.tick(on_feedback, post, instance, None)
        assert nothing is None
        claims = {one.value: one.id for one in post.service().claims.shown(post.project, predicate="price").claims}
        post.layers.ledger.beliefs.label(post.project, {claims["3 crowns"]: False})
        post.layers.ledger.beliefs.label(post.project, {claims["9 crowns"]: True})
        result, cursor = self.tick(on_feedback, post, instance, cursor)
        assert result is not None
        ((request,),) = [result.run_requests or ()]
        assert (request.partition_key, request.tags["destiny/labels"]) == (post.project, "2")
        # Before the run has ended the same labels ask for no second one; another label does.
        assert self.tick(on_feedback, post, instance, cursor)[0] is None
        ran = run(tags=dict(request.tags))
        assert ran.success
        judged = post.layers.ledger.generations.reports(post.project, ran.run_id)
        assert (judged["documents"]["read"], judged["published_generation"]["published"]) == (0, True)
        assert judged["claim_probabilities"]["judged"] >= 2
        result, cursor = self.tick(on_feedback, post, instance, cursor)
        assert result is None or not result.run_requests
        assert self.tick(on_feedback, post, instance, cursor)[0] is None
        post.layers.ledger.beliefs.label(post.project, {claims["3 crowns"]: True})
        result, _ = self.tick(on_feedback, post, instance, cursor)
        assert result is not None
        assert [one.run_key == request.run_key for one in result.run_requests or ()] == [False]

    def test_a_fall_is_told_once_as_one_observation_and_wakes_no_run(
        self, post: Growth, instance: dg.DagsterInstance
    ) -> None:
        assert self.tick(on_trust_fell, post, instance, None)[0] is None, "nothing is published yet"
        post.run()
        result, cursor = self.tick(on_trust_fell, post, instance, None)
        assert result is not None
        assert not result.asset_events
        assert self.tick(on_trust_fell, post, instance, cursor)[0] is None
        post.delete("old.md")
        generation = post.run()
        result, cursor = self.tick(on_trust_fell, post, instance, cursor)
        assert result is not None
        assert not result.run_requests
        (event,) = result.asset_events
        assert (event.asset_key, event.partition) == (dg.AssetKey("decision_risks"), post.project)
        told = {name: value.value for name, value in event.metadata.items()}
        said = "it rests on 'Small: price = 3 crowns', which nobody says any more"
        assert told == {
            "generation": generation.number,
            "decisions": ["D-1"],
            "reasons": [{"key": "D-1", "uri": "log.jsonl/D-1", "said": said}],
            "newly_at_risk": 1,
        }
        assert self.tick(on_trust_fell, post, instance, cursor)[0] is None
        post.write("old.md", self.OLD)
        post.run()
        result, _ = self.tick(on_trust_fell, post, instance, cursor)
        assert result is not None
        assert not result.asset_events
