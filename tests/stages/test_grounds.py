"""Decisions at risk through the real stages: marked when what they rest on falls, and no more when it stands again; readers are told."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from destiny_assets.adapters.postgres.facts import decisions_at_risk, grounds_unknown
from destiny_assets.adapters.postgres.grounds import Grounds
from destiny_assets.domain.decisions import DECISION_LINE, decision_record
from destiny_assets.domain.generations import Generation
from destiny_assets.domain.pushing import PushedDocument
from destiny_assets.serving.health import diagnose
from tests.stages.growing import Growth, Layers, growing

OLD = "# Prices of the post in 2020\n\n| Parcel | Price |\n|---|---|\n| Small | 3 crowns |\n| Large | 9 crowns |\n"
NEW = (
    "# Prices of the post in 2024\n\nThis document supersedes [the old prices](old.md).\n\n"
    "| Parcel | Price |\n|---|---|\n| Small | 4 crowns |\n"
)
LOG = [
    {
        "id": "D-1",
        "agent": "planner",
        "title": "Parcels are sold at the counter",
        "rationale": "Everybody has three crowns in the pocket.",
        "decided_at": "2026-01-05",
        "rests_on": ["Small | price"],
    },
    {
        "id": "D-2",
        "agent": "planner",
        "title": "The counter opens at noon",
        "decided_at": "2026-02-05",
        "rests_on": ["D-1", "Large | price | 9 crowns"],
    },
    {
        "id": "D-3",
        "agent": "planner",
        "title": "Large parcels go by cart",
        "decided_at": "2026-03-05",
        "rests_on": ["old.md", "Medium | price"],
    },
]


LATER = datetime(2026, 4, 1, tzinfo=UTC)


def lines(*entries: object) -> str:
    return "".join(f"{json.dumps(entry)}\n" for entry in entries)


@pytest.fixture
def post(layers: Layers, tmp_path: Path) -> Iterator[Growth]:
    with growing(layers, tmp_path / "post", {"old.md": OLD, "log.jsonl": lines(*LOG)}, kind="decisions") as project:
        yield project


def at_risk(growth: Growth, generation: Generation) -> dict[str, list[str]]:
    found = growth.layers.ledger.decisions.shown(growth.project, generation.number)
    return {decision.key: decision.at_risk for decision in found if decision.at_risk}


SMALL = "it rests on 'Small: price = 3 crowns', which was superseded: folder says '4 crowns' in a document that supersedes its own"


def test_a_decision_is_at_risk_while_what_it_rests_on_is_superseded_and_every_reader_is_told(post: Growth) -> None:
    first = post.run()
    assert at_risk(post, first) == {}
    assert grounds_unknown(post.layers.ledger, first) == ["D-3 rests on Medium | price"]
    post.write("new.md", NEW)
    second = post.run()
    assert at_risk(post, second) == {
        "D-1": [SMALL],
        "D-2": ["it rests on D-1, which is at risk itself"],
        "D-3": ["it rests on Prices of the post in 2020 (old.md), which is superseded by Prices of the post in 2024"],
    }
    assert [line.partition(":")[0] for line in decisions_at_risk(post.layers.ledger, second)] == ["D-1", "D-2", "D-3"]
    # What an older generation shows is as it was.
    assert at_risk(post, first) == {}

    service = post.service()
    question = "Why are parcels sold at the counter?"
    hit = service.search(post.project, question, k=1).hits[0]
    assert (hit.uri, hit.at_risk) == ("log.jsonl/D-1", [SMALL])
    assert any(citation.at_risk == [SMALL] for citation in service.ask(post.project, question).citations)
    pack = service.context(post.project, question, tokens=400)
    assert f"a decision at risk: {SMALL}" in pack.text
    assert [SMALL] in [item.at_risk for item in pack.items]
    assert {one.key: one.at_risk for one in service.decisions(post.project).decisions}["D-1"] == [SMALL]
    with post.layers.ledger.transaction() as cursor:
        row = cursor.execute(
            "select at_risk from destiny.current_decision where project = %s and key = 'D-1'", (post.project,)
        ).fetchone()
    assert row == {"at_risk": [SMALL]}

    post.run()
    assert (post.reports["grounds"]["written"], post.reports["published"]["reason"]) == (0, "nothing changed")

    # The superseding source is withdrawn: the claim is current again, and so nothing is at risk.
    post.delete("new.md")
    third = post.run()
    assert at_risk(post, third) == {}
    # The grounds are the rows that they were: bound once, whatever became of them since.
    with post.layers.ledger.transaction() as cursor:
        born = cursor.execute(
            "select distinct born from decision_ground where project = %s", (post.project,)
        ).fetchall()
    assert born == [{"born": first.number}]
    layers = post.layers
    assert diagnose(layers.ledger, layers.originals, layers.vectors, layers.graph, post.project).ok


def test_a_claim_or_document_that_is_gone_puts_at_risk_and_one_that_comes_is_bound(post: Growth) -> None:
    post.run()
    post.write("old.md", OLD.replace("| Large | 9 crowns |", "| Medium | 5 crowns |"))
    second = post.run()
    assert at_risk(post, second) == {
        "D-2": ["it rests on 'Large: price = 9 crowns', which nobody says any more"],
    }
    assert grounds_unknown(post.layers.ledger, second) == []
    post.delete("old.md")
    third = at_risk(post, post.run())
    assert third.keys() == {"D-1", "D-2", "D-3"}
    assert third["D-3"] == [
        "it rests on 'Medium: price = 5 crowns', which nobody says any more",
        "it rests on Prices of the post in 2020 (old.md), which is gone",
    ]


def test_a_label_that_says_a_claim_is_false_puts_at_risk_what_rests_on_it(post: Growth) -> None:
    post.run()
    ledger, project = post.layers.ledger, post.project
    claims = {one.value: one for one in post.service().claims.shown(project, predicate="price").claims}
    least = (claims["3 crowns"].probability + 1) / 2
    pushed = decision_record(
        "Small parcels are free",
        "",
        ["Ann"],
        LATER,
        key="P-1",
        rests_on=[claims["3 crowns"].id[:8]],
        least_probability=least,
    )
    post.service(originals=post.layers.originals).add(project, PushedDocument(*pushed, DECISION_LINE))
    second = post.run()
    # What it rests on never was as probable as it asks for.
    assert list(at_risk(post, second)) == ["P-1"]
    ledger.beliefs.label(project, {claims["3 crowns"].id: True})
    assert at_risk(post, post.run()) == {}
    ledger.beliefs.label(project, {claims["3 crowns"].id: False})
    fallen = at_risk(post, post.run())
    assert fallen.keys() == {"D-1", "D-2", "P-1"}
    assert "below 0.50" in fallen["D-1"][0]
    assert f"below {least:.2f}" in fallen["P-1"][0]


def test_what_a_killed_run_bound_does_not_count(post: Growth) -> None:
    post.run()
    # Known to the killed run alone, and gone again before the next one.
    post.write("more.md", "# More prices\n\n| Parcel | Price |\n|---|---|\n| Medium | 5 crowns |\n")
    post.write("new.md", NEW)
    killed = post.run(until="grounds")
    assert at_risk(post, killed).keys() == {"D-1", "D-2", "D-3"}
    assert grounds_unknown(post.layers.ledger, killed) == []
    post.delete("more.md")
    post.delete("new.md")
    after = post.run()
    assert at_risk(post, after) == {}
    assert grounds_unknown(post.layers.ledger, after) == ["D-3 rests on Medium | price"]


def test_only_what_is_new_is_told_as_fallen(post: Growth) -> None:
    first = post.run()
    post.write("new.md", NEW)
    second = post.run()
    grounds: Grounds = post.layers.ledger.grounds
    fallen = grounds.newly_at_risk(post.project, second.number, first.number)
    assert [one["key"] for one in fallen] == ["D-1", "D-2", "D-3"]
    assert (fallen[0]["uri"], fallen[0]["said"]) == ("log.jsonl/D-1", SMALL)
    assert grounds.newly_at_risk(post.project, second.number, second.number) == []
    assert grounds.newly_at_risk(post.project, first.number, second.number) == []
