"""Projects, sources and quarantine in the ledger."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.overview import overview
from destiny_assets.adapters.postgres.projects import Quarantined, Source
from destiny_assets.errors import ConfigurationError, ConflictError, NotFoundError

HANDBOOK = Source("handbook", "files", "/srv/handbook", {"include": "*.md"}, 0.7)
BROKEN = Quarantined("handbook", "a.pdf", "documents", "broken", "cut short", "1-1", "pdf/1")


def test_a_project_is_created_once(ledger: PostgresLedger, project: str) -> None:
    assert project in ledger.projects.names()
    assert not ledger.projects.add(project)
    ledger.projects.require(project)


@pytest.mark.parametrize("name", ["", "Big", "-x", "_x", "a b", "a/b", "ä", "x" * 64, "a\n"])
def test_a_name_that_cannot_be_one_is_refused(ledger: PostgresLedger, name: str) -> None:
    with pytest.raises(ConfigurationError, match="can't be a project name"):
        ledger.projects.add(name)


def test_a_missing_project_is_named_with_the_command_that_creates_it(ledger: PostgresLedger) -> None:
    with pytest.raises(NotFoundError, match="destiny project add nowhere"):
        ledger.projects.require("nowhere")
    with pytest.raises(NotFoundError, match="nowhere"):
        ledger.projects.add_source("nowhere", HANDBOOK)
    with pytest.raises(NotFoundError, match="nowhere"):
        ledger.generations.open("nowhere", "run")
    assert not ledger.projects.remove("nowhere")


def test_a_source_keeps_every_detail(ledger: PostgresLedger, project: str) -> None:
    ledger.projects.add_source(project, HANDBOOK)
    ledger.projects.add_source(project, HANDBOOK)
    assert ledger.projects.sources(project) == [HANDBOOK]


def test_a_source_name_means_one_source(ledger: PostgresLedger, project: str) -> None:
    ledger.projects.add_source(project, HANDBOOK)
    with pytest.raises(ConflictError, match="another source named 'handbook'"):
        ledger.projects.add_source(project, replace(HANDBOOK, uri="/srv/elsewhere"))
    assert ledger.projects.remove_source(project, "handbook")
    assert not ledger.projects.remove_source(project, "handbook")


def test_sources_of_one_project_are_not_those_of_another(
    ledger: PostgresLedger, new_project: Callable[[], str]
) -> None:
    ours, theirs = new_project(), new_project()
    ledger.projects.add_source(ours, HANDBOOK)
    assert ledger.projects.sources(theirs) == []
    assert not ledger.projects.remove_source(theirs, "handbook")
    assert ledger.projects.sources(ours) == [HANDBOOK]


def test_a_repeated_failure_counts_one_try_more_and_keeps_the_newest_reason(
    ledger: PostgresLedger, project: str
) -> None:
    ledger.projects.quarantine(project, [BROKEN])
    ledger.projects.quarantine(project, [replace(BROKEN, reason="encrypted", fingerprint="2-2")])
    assert ledger.projects.quarantined(project) == [replace(BROKEN, reason="encrypted", fingerprint="2-2", tries=2)]
    assert ledger.projects.release(project, "handbook", ["a.pdf", "b.pdf"], "documents") == 1
    assert ledger.projects.quarantined(project) == []


def test_releasing_leaves_other_stages_sources_and_projects(
    ledger: PostgresLedger, new_project: Callable[[], str]
) -> None:
    ours, theirs = new_project(), new_project()
    others = [replace(BROKEN, stage="chunks"), replace(BROKEN, source="wiki")]
    ledger.projects.quarantine(ours, [BROKEN, *others])
    ledger.projects.quarantine(theirs, [BROKEN])
    ledger.projects.release(ours, "handbook", ["a.pdf"], "documents")
    assert ledger.projects.quarantined(ours) == others
    assert ledger.projects.quarantined(theirs) == [BROKEN]


def test_removing_a_project_takes_every_row_of_it(ledger: PostgresLedger, project: str) -> None:
    ledger.projects.add_source(project, HANDBOOK)
    ledger.projects.quarantine(project, [BROKEN])
    ledger.generations.open(project, "run")
    ledger.generations.publish(project, 1, facts={}, reason="test")
    assert ledger.projects.remove(project)
    with ledger.transaction() as cursor:
        tables = cursor.execute(
            "select table_name from information_schema.columns where table_schema = 'destiny' and column_name = 'project'"
        ).fetchall()
        for table in (row["table_name"] for row in tables):
            assert cursor.execute(f"select 1 from {table} where project = %s limit 1", (project,)).fetchone() is None


def test_the_overview_shows_each_project_as_readers_see_it(ledger: PostgresLedger, project: str) -> None:
    ledger.projects.add_source(project, HANDBOOK)
    ledger.projects.quarantine(project, [BROKEN])
    (row,) = [row for row in overview(ledger) if row["project"] == project]
    assert (row["generation"], row["documents"], row["sources"], row["quarantined"]) == (None, 0, 1, 1)
    ledger.generations.open(project, "run")
    ledger.generations.publish(project, 1, facts={"documents": 3, "chunks": 8}, reason="test")
    (row,) = [row for row in overview(ledger) if row["project"] == project]
    assert (row["generation"], row["documents"], row["chunks"]) == (1, 3, 8)
