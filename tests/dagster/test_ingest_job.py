"""The ingest job on real stores: everything runs, is checked and reported; what is wrong is never published."""

import json
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from destiny_assets.adapters.postgres.benchmarks import Suite
from destiny_assets.domain.gate import ACCEPT_WORSE
from destiny_assets.errors import ModelError
from destiny_assets.ports import TextKind, Vectors
from destiny_assets.runner import run_job
from destiny_assets.settings import EmbeddingSettings, Settings
from sensors.runs import on_generation_published, on_run_failure
from tests.dagster.conftest import Execute
from tests.dagster.test_definitions import ASSETS, BLOCKING, WARNING
from tests.fakes.chat_server import KEY, chatting
from tests.fakes.embedder import HashingEmbedder
from tests.stages.growing import DOCUMENTS, Growth, Silence

STAGES = ASSETS.keys() - {"sources", "home_backups", "restore_drills"}
SUITE = Suite("golden", {"q1": "what does a stamp cost"}, {"q1": {"handbook/stamps.md": 1}})


class Sabotage:
    """The `Progress` port of a test that does harm when a stage first says how far it is."""

    def __init__(self, stage: str, harm: Callable[[], object]) -> None:
        self._stage = stage
        self._harm: Callable[[], object] | None = harm

    def advance(self, stage: str, done: int, total: int) -> None:  # noqa: ARG002
        if stage == self._stage and self._harm is not None:
            harm, self._harm = self._harm, None
            harm()


def spoil_a_chunk(growth: Growth) -> None:
    with growth.layers.ledger.transaction() as cursor:
        cursor.execute("update chunk set text = 'x' || substr(text, 2) where project = %s", (growth.project,))


def lose_points(growth: Growth) -> None:
    (collection,) = growth.layers.vectors.collections(growth.project)
    growth.layers.vectors.remove(collection, list(growth.points())[:2])


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    """What each asset said of itself, by asset."""
    materialized = [
        event.step_materialization_data.materialization for event in result.get_asset_materialization_events()
    ]
    return {
        said.asset_key.to_user_string(): {name: value.value for name, value in said.metadata.items()}
        for said in materialized
    }


def test_a_model_that_is_named_reads_claims_and_the_asset_tells_its_tokens_and_calls(
    growth: Growth, execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"quote": "A stamp costs three crowns", "subject": "stamp", "predicate": "price", "value": "three crowns"}
    claim = {**told, "valid_from": None, "valid_to": None, "origin": "stated"}
    with chatting(json.dumps({"claims": [claim]})) as remote:
        monkeypatch.setenv("DESTINY_CLAIM_MODEL", "gpt-test")
        monkeypatch.setenv("DESTINY_CLAIM_MODEL_URL", remote.url)
        monkeypatch.setenv("DESTINY_CLAIM_MODEL_API_KEY", KEY)
        result = execute()
    assert result.success
    said = metadata(result)["claims"]
    assert said["model_calls"] == len(remote.requests) == said["model_passages"] > len(DOCUMENTS)
    assert said["model_tokens"] == 100 * len(remote.requests)
    # One document says so; told of any other passage, it is dropped.
    assert (said["model_found"], said["model_dropped"]) == (1, {"quote not in the passage": len(remote.requests) - 1})
    shown = growth.service().claims.shown(growth.project, predicate="price").claims
    assert [(one.subject, one.value) for one in shown] == [("folder/handbook/stamps.md > stamp", "three crowns")]


def test_every_stage_is_materialised_and_every_check_passes(growth: Growth, execute: Execute, tmp_path: Path) -> None:
    growth.layers.ledger.benchmarks.attach(growth.project, SUITE)
    result = execute()
    assert result.success
    said = metadata(result)
    assert set(said) == STAGES
    for stage in STAGES - {"project_report"}:
        assert said[stage]["generation"] == 1
        assert said[stage]["seconds"] >= 0
    assert said["documents"]["dagster/row_count"] == len(DOCUMENTS)
    assert said["chunks"]["dagster/row_count"] == said["vector_index"]["dagster/row_count"] > len(DOCUMENTS)
    assert said["embeddings"]["dagster/row_count"] == said["chunks"]["total"]
    assert said["entities"]["dagster/row_count"] == said["entities"]["entities"] > 0
    assert said["retrieval_benchmark"]["queries"] == 1
    checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert checks == dict.fromkeys({*BLOCKING, *WARNING}, True)
    current = growth.layers.ledger.generations.current(growth.project)
    assert current is not None
    assert (current.number, current.facts and current.facts["documents"]) == (1, len(DOCUMENTS))
    growth.require_agreement(current)
    assert growth.project in (tmp_path / "reports" / f"{growth.project}.html").read_text("utf-8")


def test_a_second_run_without_a_change_publishes_nothing_and_passes(growth: Growth, execute: Execute) -> None:
    execute()
    asked, points, nodes = growth.embedder.usage.calls, growth.points(), growth.nodes()
    result = execute()
    assert result.success
    said = metadata(result)["published_generation"]
    assert (said["published"], said["reason"], said["current"]) == (False, "nothing changed", 1)
    assert growth.embedder.usage.calls == asked
    assert (growth.points(), growth.nodes()) == (points, nodes)


@pytest.mark.parametrize(
    ("stage", "harm", "gate"),
    [("chunks", spoil_a_chunk, "chunks_stand_at_their_spans"), ("benchmark", lose_points, "layers_agree")],
)
def test_a_broken_rule_stops_the_run_and_readers_keep_what_they_have(
    growth: Growth,
    execute: Execute,
    instance: dg.DagsterInstance,
    stage: str,
    harm: Callable[[Growth], None],
    gate: str,
) -> None:
    ledger = growth.layers.ledger
    ledger.benchmarks.attach(growth.project, SUITE)
    first = growth.run()
    growth.write("notes/new.md", "# New\n\nThe new courier starts in June, and her name is Ingeborg.\n")
    result = execute(progress=Sabotage(stage, lambda: harm(growth)))
    assert not result.success
    failed = [check.check_name for check in result.get_asset_check_evaluations() if not check.passed]
    assert failed == [gate]
    assert "published_generation" not in metadata(result)
    assert ledger.generations.current(growth.project) == first
    context = dg.build_run_status_sensor_context(
        sensor_name="on_run_failure",
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        dagster_event=next(event for event in result.all_events if event.is_run_failure),
    )
    on_run_failure(context.for_run_failure(), ledger=ledger)
    rejected = ledger.generations.number(growth.project, 2)
    assert (rejected.state, bool(rejected.reason)) == ("rejected", True)
    assert "Ingeborg" not in " ".join(hit.text for hit in growth.service().search(growth.project, "Ingeborg").hits)


def test_a_run_after_a_rejected_one_publishes_the_same_generation_mended(growth: Growth, execute: Execute) -> None:
    growth.run()
    growth.write("notes/new.md", "# New\n\nThe new courier starts in June.\n")
    ledger = growth.layers.ledger
    ledger.benchmarks.attach(growth.project, SUITE)
    assert not execute(progress=Sabotage("benchmark", lambda: lose_points(growth))).success
    assert execute().success
    current = ledger.generations.current(growth.project)
    assert current is not None
    assert current.number == 2
    growth.require_agreement(current)


def test_a_failure_that_cannot_pass_is_not_tried_again_and_says_what_to_do(growth: Growth, execute: Execute) -> None:
    growth.layers.ledger.projects.remove(growth.project)
    result = execute()
    assert not result.success
    assert [event for event in result.all_events if event.is_step_up_for_retry] == []


class Failing(HashingEmbedder):
    """A model that is away for its first `times` calls."""

    def __init__(self, times: int) -> None:
        super().__init__("one")
        self._left = times

    def embed(self, texts: Sequence[str], kind: TextKind = "document") -> Vectors:
        if self._left:
            self._left -= 1
            raise ModelError("The endpoint of the model can't be reached. Check that it runs.")
        return super().embed(texts, kind)


@pytest.mark.parametrize(("times", "published"), [(1, True), (9, False)])
def test_a_failure_that_may_pass_is_tried_again_twice(
    growth: Growth, execute: Execute, times: int, published: bool
) -> None:
    growth.embedder = Failing(times)
    result = execute()
    assert result.success is published
    again = [event.step_key for event in result.all_events if event.is_step_up_for_retry]
    assert again == ["embeddings"] * min(times, 2)
    if not published:
        (failure,) = [event for event in result.all_events if event.is_step_failure]
        assert "The endpoint of the model can't be reached" in str(failure.step_failure_data.user_failure_data)


def test_a_run_that_is_stopped_stops_at_once_and_the_next_one_goes_on(growth: Growth, home: Path) -> None:
    settings = Settings(home, growth.layers.stores, EmbeddingSettings(), None)
    stop = Sabotage("chunks", lambda: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(KeyboardInterrupt):
        run_job(settings, "ingest_project", project=growth.project, progress=stop)
    ledger = growth.layers.ledger
    assert ledger.generations.current(growth.project) is None
    assert ledger.generations.building(growth.project).number == 1
    outcome = run_job(settings, "ingest_project", project=growth.project, progress=Silence())
    assert outcome.succeeded
    current = ledger.generations.current(growth.project)
    assert current is not None
    assert current.number == 1


def test_a_generation_that_finds_less_is_refused_named_and_published_only_with_a_reason(
    growth: Growth, execute: Execute
) -> None:
    ledger = growth.layers.ledger
    ledger.benchmarks.attach(growth.project, SUITE)
    assert execute().success
    growth.write("handbook/stamps.md", "# Holidays\n\nNobody works in summer.\n")
    growth.write("notes/stamps.md", DOCUMENTS["handbook/stamps.md"])
    refused = execute()
    assert not refused.success
    (failed,) = [check for check in refused.get_asset_check_evaluations() if not check.passed]
    assert failed.check_name == "retrieval_is_no_worse"
    assert "broken: q1" in str(failed.description)
    current = ledger.generations.current(growth.project)
    assert current is not None
    assert current.number == 1
    ledger.generations.reject(growth.project, refused.run_id, str(failed.description))
    told = ledger.generations.refused(growth.project)
    assert told is not None
    assert (told["generation"], told["gate"][0]["broken"]) == (2, ["q1"])

    accepted = execute(tags={ACCEPT_WORSE: "stamps moved to the notes"})
    assert accepted.success
    said = metadata(accepted)["published_generation"]
    assert (said["current"], said["reason"]) == (2, "accepted though worse: stamps moved to the notes")
    with ledger.transaction() as cursor:
        event = cursor.execute(
            "select reason from publication_event where project = %s order by id desc limit 1", (growth.project,)
        ).fetchone()
    assert event == {"reason": "accepted though worse: stamps moved to the notes"}


def test_golden_questions_nobody_answers_only_warn(growth: Growth, execute: Execute) -> None:
    growth.layers.ledger.benchmarks.attach(growth.project, Suite("golden", {"q": "stamps"}, {"q": {"no such": 1}}))
    result = execute()
    assert result.success
    (warned,) = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert (warned.check_name, warned.severity) == ("golden_questions_are_answered", dg.AssetCheckSeverity.WARN)


def test_the_benchmark_job_measures_what_readers_see(growth: Growth, execute: Execute) -> None:
    growth.layers.ledger.benchmarks.attach(growth.project, SUITE)
    growth.run()
    result = execute("benchmark_project")
    assert result.success
    assert metadata(result)["retrieval_benchmark"]["generation"] == 1
    assert {run.generation for run in growth.layers.ledger.benchmarks.history(growth.project)} == {1}
    assert [generation.number for generation in growth.layers.ledger.generations.all(growth.project)] == [1]
    page = Path(metadata(result)["project_report"]["path"]).read_text("utf-8")
    assert "with several readers at once" in page


def test_marts_are_built_after_a_publish_and_after_nothing_else(
    growth: Growth, execute: Execute, instance: dg.DagsterInstance
) -> None:
    requested = []
    for _ in range(2):
        result = execute()
        context = dg.build_run_status_sensor_context(
            sensor_name="on_generation_published",
            dagster_instance=instance,
            dagster_run=result.dagster_run,
            dagster_event=result.get_run_success_event(),
        )
        requested.append(on_generation_published(context, ledger=growth.layers.ledger))
    assert isinstance(requested[0], dg.RunRequest)
    assert isinstance(requested[1], dg.SkipReason)


@pytest.fixture
def own_environment() -> Iterator[None]:
    """The runner hands the stores' addresses to Dagster through the environment; put it back as it was."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.usefixtures("own_environment")
def test_the_runner_rejects_what_a_check_refuses_with_its_reason_in_words(growth: Growth, home: Path) -> None:
    settings = Settings(home, growth.layers.stores, EmbeddingSettings(), None)
    outcome = run_job(
        settings,
        "ingest_project",
        project=growth.project,
        progress=Sabotage("chunks", lambda: spoil_a_chunk(growth)),
    )
    assert (outcome.succeeded, outcome.failed_checks) == (False, ["chunks_stand_at_their_spans"])
    assert set(outcome.reports) == {"documents", "chunks"}
    rejected = growth.layers.ledger.generations.number(growth.project, 1)
    assert rejected.state == "rejected"
    assert "exactly what its document holds" in (rejected.reason or "")
