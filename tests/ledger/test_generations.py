"""Generations: one row says what readers see, and everything before it stays invisible."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.errors import ConflictError, NotFoundError


def publish(ledger: PostgresLedger, project: str, **facts: int) -> int:
    number = ledger.generations.open(project, "run").number
    ledger.generations.publish(project, number, facts=facts, reason="test")
    return number


def test_before_the_first_publish_there_is_nothing_to_see(ledger: PostgresLedger, project: str) -> None:
    assert ledger.generations.current(project) is None
    assert ledger.generations.latest(project) is None
    assert ledger.generations.all(project) == []
    with pytest.raises(ConflictError, match="no generation in progress"):
        ledger.generations.building(project)
    with pytest.raises(ConflictError, match="no generation in progress"):
        ledger.generations.building_or_current(project)
    with pytest.raises(NotFoundError, match="nothing published at"):
        ledger.generations.as_of(project, datetime.now(UTC))


def test_a_generation_is_invisible_until_it_is_published(ledger: PostgresLedger, project: str) -> None:
    opened = ledger.generations.open(project, "run")
    assert (opened.number, opened.state, opened.current) == (1, "building", False)
    assert ledger.generations.current(project) is None
    ledger.generations.publish(project, 1, facts={"documents": 2}, reason="test")
    current = ledger.generations.current(project)
    assert current is not None
    assert (current.number, current.state, current.current, current.facts) == (1, "published", True, {"documents": 2})
    assert ledger.generations.building_or_current(project) == current


def test_a_killed_run_leaves_its_generation_to_the_next(ledger: PostgresLedger, project: str) -> None:
    publish(ledger, project)
    first = ledger.generations.open(project, "killed")
    second = ledger.generations.open(project, "next")
    assert first.number == second.number == 2
    assert ledger.generations.building_or_current(project).number == 2
    assert not ledger.generations.reject(project, "killed", "too late")
    assert ledger.generations.building(project).number == 2


def test_a_rejected_generation_keeps_its_reason_and_the_next_run_builds_on_it(
    ledger: PostgresLedger, project: str
) -> None:
    publish(ledger, project)
    ledger.generations.open(project, "bad")
    assert ledger.generations.reject(project, "bad", "chunks have no text")
    rejected = ledger.generations.number(project, 2)
    assert (rejected.state, rejected.reason) == ("rejected", "chunks have no text")
    assert ledger.generations.current(project) == ledger.generations.number(project, 1)
    again = ledger.generations.open(project, "good")
    assert (again.number, again.state, again.reason) == (2, "building", None)


def test_one_row_names_what_readers_see(ledger: PostgresLedger, project: str) -> None:
    for _ in range(3):
        publish(ledger, project)
    ledger.generations.rollback(project, 1)
    with ledger.transaction() as cursor:
        rows = cursor.execute("select generation from publication where project = %s", (project,)).fetchall()
    assert [row["generation"] for row in rows] == [1]
    assert [generation.current for generation in ledger.generations.all(project)] == [False, False, True]


def test_a_rollback_points_back_and_forward_and_the_newest_stays_the_newest(
    ledger: PostgresLedger, project: str
) -> None:
    for _ in range(2):
        publish(ledger, project)
    assert ledger.generations.rollback(project, 1).current
    latest = ledger.generations.latest(project)
    assert latest is not None
    assert (latest.number, latest.current) == (2, False)
    assert ledger.generations.open(project, "run").number == 3
    assert ledger.generations.rollback(project, 2).current


def test_only_what_was_published_can_be_rolled_back_to(ledger: PostgresLedger, project: str) -> None:
    publish(ledger, project)
    ledger.generations.open(project, "run")
    with pytest.raises(ConflictError, match=r"never published \(building\)"):
        ledger.generations.rollback(project, 2)
    with pytest.raises(NotFoundError, match="no generation 7"):
        ledger.generations.rollback(project, 7)


def test_what_was_current_at_a_time_is_found_through_rollbacks_too(ledger: PostgresLedger, project: str) -> None:
    moments = []
    for act in (
        lambda: publish(ledger, project),
        lambda: publish(ledger, project),
        lambda: ledger.generations.rollback(project, 1),
        lambda: publish(ledger, project),
    ):
        act()
        moments.append(server_time(ledger))
    assert [ledger.generations.as_of(project, at).number for at in moments] == [1, 2, 1, 3]
    with pytest.raises(NotFoundError):
        ledger.generations.as_of(project, moments[0] - timedelta(minutes=10))


def server_time(ledger: PostgresLedger) -> datetime:
    with ledger.transaction() as cursor:
        row = cursor.execute("select clock_timestamp() as now").fetchone()
    assert row is not None
    now = row["now"]
    assert isinstance(now, datetime)
    return now


def test_a_discarded_generation_is_forgotten_and_its_number_used_again(ledger: PostgresLedger, project: str) -> None:
    publish(ledger, project)
    ledger.generations.open(project, "run")
    ledger.generations.discard(project, 2)
    assert [generation.number for generation in ledger.generations.all(project)] == [1]
    assert ledger.generations.open(project, "next").number == 2


def test_what_is_published_cannot_be_discarded(ledger: PostgresLedger, project: str) -> None:
    publish(ledger, project)
    ledger.generations.discard(project, 1)
    assert ledger.generations.current(project) is not None


def test_runs_that_open_at_once_share_one_generation(ledger: PostgresLedger, project: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        opened = list(threads.map(lambda n: ledger.generations.open(project, f"run-{n}"), range(8)))
    assert {generation.number for generation in opened} == {1}
    assert len(ledger.generations.all(project)) == 1


def test_projects_count_their_generations_apart(ledger: PostgresLedger, new_project: Callable[[], str]) -> None:
    ours, theirs = new_project(), new_project()
    for _ in range(2):
        publish(ledger, ours)
    assert ledger.generations.current(theirs) is None
    assert ledger.generations.open(theirs, "run").number == 1
    assert not ledger.generations.reject(ours, "run", "not ours")


def test_a_stage_report_is_kept_by_run_and_the_last_one_counts(ledger: PostgresLedger, project: str) -> None:
    generations = ledger.generations
    generations.open(project, "one")
    generations.report(project, 1, "chunks", "one", {"total": 1})
    generations.report(project, 1, "documents", "one", {"read": 4})
    generations.report(project, 1, "chunks", "two", {"total": 2})
    generations.report(project, 1, "chunks", "two", {"total": 3})
    assert generations.reports(project, "one") == {"chunks": {"total": 1}, "documents": {"read": 4}}
    assert generations.reports(project, "two") == {"chunks": {"total": 3}}
    assert generations.stage_facts(project, 1, "chunks") == {"total": 3}
    with pytest.raises(ConflictError, match="'trust_scores' has not run"):
        generations.stage_facts(project, 1, "trust_scores")
