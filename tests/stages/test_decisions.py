"""Decisions through the real stages: logs and records in all four layers, read again only where they changed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from destiny_assets.adapters.postgres.facts import decisions_in_a_circle, decisions_replacing_unknown_ones
from destiny_assets.domain.generations import Generation
from destiny_assets.stages.ingest import STAGE
from tests.stages.growing import Growth, Layers, growing

LOG = [
    {
        "id": "D-1",
        "agent": "planner",
        "title": "Letters wait in a queue",
        "rationale": "A queue is simple to run.",
        "importance": 0.4,
        "decided_at": "2026-01-05",
    },
    {
        "id": "D-2",
        "agent": "Ann Bee",
        "title": "Letters are appended to a stream",
        "rationale": "A courier may read a stream twice.",
        "importance": "high",
        "decided_at": "2026-02-07T12:00:00Z",
        "supersedes": "D-1",
        "rests_on": ["notes.md"],
        "area": "letters",
    },
    {
        "id": "D-3",
        "agent": "planner",
        "title": "Stamps may be printed at home",
        "importance": "critical",
        "decided_at": "2026-03-01",
        "status": "proposed",
        "supersedes": ["D-99"],
    },
]


def lines(*entries: object) -> str:
    return "".join(f"{entry if isinstance(entry, str) else json.dumps(entry)}\n" for entry in entries)


@pytest.fixture
def log(layers: Layers, tmp_path: Path) -> Iterator[Growth]:
    """A project over a folder with one log and one note."""
    documents = {"log.jsonl": lines(*LOG), "notes.md": "# Notes\n\nCouriers asked to read letters twice.\n"}
    with growing(layers, tmp_path / "decided", documents, kind="decisions") as project:
        yield project


def shown(growth: Growth, generation: Generation) -> dict[str, tuple[bool, list[str], list[str]]]:
    """Key to (holds, superseded by, unresolved) of every decision, newest first."""
    found = growth.layers.ledger.decisions.shown(growth.project, generation.number)
    return {decision.key: (decision.holds, decision.superseded_by, decision.unresolved) for decision in found}


def test_a_log_stands_in_all_four_layers(log: Growth) -> None:
    generation = log.run()
    assert shown(log, generation) == {
        "D-3": (False, [], ["D-99"]),
        "D-2": (True, [], []),
        "D-1": (False, ["D-2"], []),
    }
    originals = {log.layers.originals.get(log.project, sha) for sha in log.layers.originals.ids(log.project)}
    assert json.dumps(LOG[1]).encode() in originals
    assert log.uris(generation) == {"notes.md", "log.jsonl/D-1", "log.jsonl/D-2", "log.jsonl/D-3"}
    hit = log.service().search(log.project, "courier may read a stream twice").hits[0]
    assert (hit.uri, hit.superseded_by) == ("log.jsonl/D-2", [])
    graph = log.layers.graph.count(log.project, generation.number)
    assert {name: graph[name] for name in ("Decision", "DECIDED_IN", "DECIDED_BY", "REPLACES")} == {
        "Decision": 3,
        "DECIDED_IN": 3,
        "DECIDED_BY": 3,
        "REPLACES": 1,
    }
    (decision,) = (node for node in log.nodes().values() if node.get("number") == "D-2")
    around = log.layers.graph.neighbours(log.project, [decision["id"]], generation.number)
    reached = {
        (found.edge, found.outgoing, found.node.properties.get("name") or found.node.properties.get("title"))
        for found in around
    }
    assert reached == {
        ("DECIDED_IN", True, "Letters are appended to a stream"),
        ("DECIDED_BY", True, "Ann Bee"),
        ("REPLACES", True, "Letters wait in a queue"),
    }


def test_what_a_decision_rests_on_is_referred_to(log: Growth) -> None:
    log.run()
    with log.layers.ledger.transaction() as cursor:
        rows = cursor.execute(
            """select s.uri as source, t.uri as target from reference r
               join document s on (s.project, s.id) = (r.project, r.source_document)
               join document t on (t.project, t.id) = (r.project, r.target_document)
               where r.project = %s and r.relation = 'requires'""",
            (log.project,),
        ).fetchall()
    assert rows == [{"source": "log.jsonl/D-2", "target": "notes.md"}]


def test_a_superseded_decision_is_trusted_less(log: Growth) -> None:
    log.run()
    service = log.service()
    old, new = (service.explain_trust(log.project, f"log.jsonl/{key}") for key in ("D-1", "D-2"))
    assert old.p < 0.5 < new.p
    assert "D-1" not in {decision.key for decision in service.decisions(log.project).decisions}


def test_plain_sql_gives_the_newest_and_the_most_important(log: Growth) -> None:
    log.run()
    with log.layers.ledger.transaction() as cursor:
        newest = cursor.execute(
            "select key, agent from destiny.published_decision where project = %s order by decided_at desc",
            (log.project,),
        ).fetchall()
        holding = cursor.execute(
            "select key from destiny.current_decision where project = %s order by importance desc", (log.project,)
        ).fetchall()
    assert [(row["key"], row["agent"]) for row in newest] == [
        ("D-3", "planner"),
        ("D-2", "Ann Bee"),
        ("D-1", "planner"),
    ]
    assert [row["key"] for row in holding] == ["D-2"]


def test_an_appended_line_reads_itself_alone(log: Growth) -> None:
    before = log.run()
    vectors = log.points()
    more = {"id": "D-4", "agent": "planner", "title": "Stamps are red", "decided_at": "2026-04-01", "supersedes": "D-2"}
    log.write("log.jsonl", lines(*LOG, more))
    after = log.run()
    assert (log.reports["documents"]["read"], log.reports["decisions"]["read"]) == (1, 1)
    assert log.reports["chunks"]["added"] == 1
    assert vectors.keys() < log.points().keys()
    assert shown(log, after)["D-2"] == (False, ["D-4"], [])
    assert shown(log, before)["D-2"] == (True, [], [])
    log.run()
    assert log.reports["published"]["reason"] == "nothing changed"


def test_a_decision_that_left_its_log_leaves_every_layer(log: Growth) -> None:
    log.run()
    log.write("log.jsonl", lines(LOG[0], LOG[2]))
    after = log.run()
    assert shown(log, after) == {"D-3": (False, [], ["D-99"]), "D-1": (True, [], [])}
    assert log.layers.graph.count(log.project, after.number)["Decision"] == 2


def test_a_decision_of_a_killed_run_whose_line_is_gone_since_is_gone_too(log: Growth) -> None:
    first = log.run()
    more = {"id": "D-4", "agent": "planner", "title": "Stamps are red", "decided_at": "2026-04-01"}
    log.write("log.jsonl", lines(*LOG, more))
    assert "D-4" in shown(log, log.run(until="decisions"))
    log.write("log.jsonl", lines(*LOG))
    assert shown(log, log.run()) == shown(log, first)


def test_circles_and_unknown_predecessors_are_named_and_stop_nothing(log: Growth) -> None:
    round_trip = [{**LOG[0], "supersedes": "D-2"}, LOG[1], LOG[2]]
    log.write("log.jsonl", lines(*round_trip))
    generation = log.run()
    ledger = log.layers.ledger
    assert decisions_in_a_circle(ledger, generation) == ["log.jsonl/D-1", "log.jsonl/D-2"]
    assert decisions_replacing_unknown_ones(ledger, generation) == ["log.jsonl/D-3 supersedes D-99"]
    assert not any(holds for holds, _, _ in shown(log, generation).values())


def test_bad_lines_are_quarantined_by_themselves(log: Growth) -> None:
    twice = {**LOG[0], "title": "Another title"}
    log.write("log.jsonl", lines(LOG[0], "{broken", twice, {"title": "no id"}, {**LOG[2], "importance": 7}, LOG[1]))
    generation = log.run()
    assert shown(log, generation).keys() == {"D-1", "D-2"}
    found = {item.uri: item for item in log.layers.ledger.projects.quarantined(log.project) if item.stage == STAGE}
    assert {uri: item.reason for uri, item in found.items()} == {
        "log.jsonl:2": "broken",
        "log.jsonl:3": "duplicate",
        "log.jsonl:4": "broken",
        "log.jsonl/D-3": "broken",
    }
    assert "line 3" in found["log.jsonl:3"].detail
    assert "line 1, which stands" in found["log.jsonl:3"].detail
    assert "line 5" in found["log.jsonl/D-3"].detail
    log.write("log.jsonl", lines(*LOG))
    log.run()
    assert log.layers.ledger.projects.quarantined(log.project) == []


def test_a_line_that_breaks_leaves_the_decision_as_it_was(log: Growth) -> None:
    log.run()
    log.write("log.jsonl", lines(LOG[0], {**LOG[1], "decided_at": "soon"}, LOG[2]))
    after = log.run()
    assert shown(log, after)["D-2"][0]
    (item,) = log.layers.ledger.projects.quarantined(log.project)
    assert (item.uri, item.reason) == ("log.jsonl/D-2", "broken")


ROOT = Path(__file__).resolve().parents[2]


def test_the_sql_of_the_guide_answers_on_the_sample(layers: Layers, tmp_path: Path) -> None:
    sample = {"destiny.jsonl": (ROOT / "samples/decisions/destiny.jsonl").read_text("utf-8")}
    guide = (ROOT / "docs/sources.md").read_text("utf-8")
    newest, holding, earlier = (
        query.replace("'destiny'", "%(p)s").replace("3)", "%(g)s)")
        for query in guide.partition("```sql\n")[2].partition("```")[0].strip().split("\n\n")
    )
    with growing(layers, tmp_path / "sample", sample, kind="decisions") as growth:
        named = {"p": growth.project, "g": growth.run().number}
        assert layers.ledger.projects.quarantined(growth.project) == []
        with layers.ledger.transaction() as cursor:
            rows = cursor.execute(newest, named).fetchall()
            by_importance = cursor.execute(holding, named).fetchall()
            held = cursor.execute(earlier, named).fetchall()
    replaced = {row["key"]: row["superseded_by"] for row in rows if row["superseded_by"]}
    assert replaced == {"DESTINY-2": ["DESTINY-3"]}
    assert [row["decided_at"] for row in rows] == sorted((row["decided_at"] for row in rows), reverse=True)
    assert by_importance[0]["key"] == "DESTINY-1"
    assert {row["key"] for row in by_importance} == {row["key"] for row in held if row["holds"]}
    assert len(by_importance) == len(held) - 1
