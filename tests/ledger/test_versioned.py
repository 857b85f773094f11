"""Rows that are visible from one generation to another, against a model that fits in a dictionary."""

import secrets
from collections.abc import Callable, Mapping
from uuid import NAMESPACE_OID, uuid5

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Cursor
from psycopg.rows import DictRow

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.versioned import NEAR_DUPLICATE, alive_rows, delta, insert, reconcile, retire
from destiny_assets.domain.generations import Change
from destiny_assets.domain.graph import FOREVER

# The smallest versioned table: an id and two values; `original` plays the content that may change under one id.
TABLE = NEAR_DUPLICATE


def identity(name: str) -> str:
    return str(uuid5(NAMESPACE_OID, name))


def row(name: str, content: str = "x") -> dict[str, str]:
    return {"id": identity(name), "chunk_id": identity("any"), "original": identity(content)}


def shown(cursor: Cursor[DictRow], project: str, generation: int) -> dict[str, str]:
    """What a reader of a generation sees; no id twice."""
    rows = cursor.execute(
        "select id::text as id, original::text as original from near_duplicate where project = %s and born <= %s and died > %s",
        (project, generation, generation),
    ).fetchall()
    found = {row["id"]: row["original"] for row in rows}
    assert len(found) == len(rows)
    return found


def bring(cursor: Cursor[DictRow], project: str, generation: int, desired: Mapping[str, str]) -> Change:
    """As the stages do it: changed rows are those alive with other content."""
    rows = [row(name, content) for name, content in desired.items()]
    stored = alive_rows(cursor, TABLE, project, "original")
    changed = {r["id"] for r in rows if r["id"] in stored and str(stored[r["id"]][0]) != r["original"]}
    return reconcile(cursor, TABLE, project, generation, rows, alive=stored.keys(), changed=changed)


class Killed(Exception):  # noqa: N818 - it is no error
    """The process ended inside a transaction."""


STATES = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("xyz"), max_size=6)
STEPS = st.lists(st.tuples(st.sampled_from(["finish", "kill", "rerun", "publish", "publish"]), STATES), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_every_published_generation_shows_for_ever_what_it_was_published_with(
    ledger: PostgresLedger, steps: list[tuple[str, dict[str, str]]]
) -> None:
    project = f"model-{secrets.token_hex(6)}"
    ledger.projects.add(project)
    published: dict[int, dict[str, str]] = {}
    newest: dict[str, str] = {}
    generation = 1
    try:
        for action, desired in steps:
            wanted = {identity(name): identity(content) for name, content in desired.items()}
            try:
                with ledger.transaction() as cursor:
                    change = bring(cursor, project, generation, desired)
                    assert (change.total, change.written == 0) == (len(desired), wanted == newest)
                    if action == "kill":
                        raise Killed
                newest = wanted
            except Killed:
                pass
            with ledger.transaction() as cursor:
                if action == "rerun":
                    assert bring(cursor, project, generation, desired).written == 0
                if action == "publish":
                    published[generation] = newest
                    generation += 1
                for number, expected in published.items():
                    assert shown(cursor, project, number) == expected
                assert shown(cursor, project, generation) == newest
                alive = alive_rows(cursor, TABLE, project, "original")
                assert {id_: str(values[0]) for id_, values in alive.items()} == newest
    finally:
        ledger.projects.remove(project)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tries=st.lists(STATES, min_size=2, max_size=5))
def test_whatever_an_unpublished_generation_held_before_leaves_no_trace(
    ledger: PostgresLedger, tries: list[dict[str, str]]
) -> None:
    """Tried several times or once with the last state: the rows readers can ever see are the same, and none is dead on arrival."""
    projects = [f"trace-{secrets.token_hex(6)}" for _ in range(2)]
    rows = []
    try:
        for project, states in zip(projects, (tries[1:], tries[-1:]), strict=True):
            ledger.projects.add(project)
            with ledger.transaction() as cursor:
                bring(cursor, project, 1, tries[0])
                for state in states:
                    bring(cursor, project, 2, state)
                rows.append((shown(cursor, project, 1), shown(cursor, project, 2)))
                dead = "select 1 from near_duplicate where project = %s and born >= died"
                assert cursor.execute(dead, (project,)).fetchone() is None
        assert rows[0] == rows[1]
    finally:
        for project in projects:
            ledger.projects.remove(project)


@pytest.fixture
def lives(ledger: PostgresLedger, project: str) -> Callable[[str], list[tuple[int, int]]]:
    """(born, died) of each row with an id."""

    def read(name: str) -> list[tuple[int, int]]:
        with ledger.transaction() as cursor:
            rows = cursor.execute(
                "select born, died from near_duplicate where project = %s and id = %s order by born",
                (project, identity(name)),
            )
            return [(found["born"], found["died"]) for found in rows]

    return read


def test_a_row_born_unpublished_is_deleted_and_a_published_one_is_retired(
    ledger: PostgresLedger, project: str, lives: Callable[[str], list[tuple[int, int]]]
) -> None:
    with ledger.transaction() as cursor:
        insert(cursor, TABLE, project, 1, [row("old")])
        insert(cursor, TABLE, project, 2, [row("new")])
        assert retire(cursor, TABLE, project, 2, [identity("old"), identity("new"), identity("unknown")]) == 2
    assert lives("new") == []
    assert lives("old") == [(1, 2)]


def test_a_row_that_died_and_comes_back_is_a_second_row(
    ledger: PostgresLedger, project: str, lives: Callable[[str], list[tuple[int, int]]]
) -> None:
    with ledger.transaction() as cursor:
        for generation, desired in ((1, {"a": "x"}), (2, {}), (3, {"a": "x"}), (4, {"a": "y"})):
            bring(cursor, project, generation, desired)
    assert lives("a") == [(1, 2), (3, 4), (4, FOREVER)]


def test_inserting_again_leaves_the_row_as_it_is(ledger: PostgresLedger, project: str) -> None:
    with ledger.transaction() as cursor:
        assert insert(cursor, TABLE, project, 1, [row("a"), row("b")]) == 2
        assert insert(cursor, TABLE, project, 1, [row("a", "other"), row("c")]) == 1
        assert shown(cursor, project, 1)[identity("a")] == identity("x")


def test_retiring_nothing_is_nothing(ledger: PostgresLedger, project: str) -> None:
    with ledger.transaction() as cursor:
        assert retire(cursor, TABLE, project, 1, []) == 0


def test_projects_with_the_same_ids_do_not_touch_each_other(
    ledger: PostgresLedger, new_project: Callable[[], str]
) -> None:
    ours, theirs = new_project(), new_project()
    with ledger.transaction() as cursor:
        for project in (ours, theirs):
            bring(cursor, project, 1, {"a": "x", "b": "x"})
        bring(cursor, ours, 2, {"b": "y"})
        assert shown(cursor, theirs, 2) == {identity("a"): identity("x"), identity("b"): identity("x")}
        assert delta(cursor, theirs, 2)["near_duplicate"] == 0
        assert delta(cursor, ours, 2)["near_duplicate"] == 3
