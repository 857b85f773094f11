"""What a decision rests on, and when that carries it no more."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from destiny_assets.domain.claims.currency import Standing
from destiny_assets.domain.claims.records import claim_of
from destiny_assets.domain.documents import Status
from destiny_assets.domain.grounds import (
    Ground,
    GroundKind,
    KnownClaim,
    KnownDocument,
    Leaning,
    RiskReason,
    beginning_of_id,
    bound,
    names_claim,
    risks,
    statement_named,
)


def known(
    value: str, probability: float, *, standing: Standing = Standing.CURRENT, believed: bool = True
) -> KnownClaim:
    claim = claim_of("Small", "price", value)
    assert claim is not None
    return KnownClaim(claim.id, claim.slot_id, "Small", "price", value, probability, standing, believed, "Ann says so")


CHEAP, DEAR = known("3 crowns", 0.8), known("4 crowns", 0.2, believed=False)
SLOT = CHEAP.slot
D1 = Leaning("d1", "doc1", "D-1", None, 0.5, Status.ACCEPTED, superseded=False, rests_on=("Small | price",))
NOTES = KnownDocument("notes", "notes.md", "Notes", alive=True, trust=0.7, status=None, superseded_by=())


def ground(claims: list[KnownClaim], leaning: Leaning = D1, earlier: Ground | None = None) -> Ground:
    (found,) = bound(leaning, {earlier.id: earlier} if earlier else {}, {}, {SLOT: claims}, {})
    return found


def reasons(on: Ground, claims: list[KnownClaim], leaning: Leaning = D1) -> list[tuple[RiskReason, str]]:
    return [(risk.reason, risk.said) for risk in risks([leaning], [on], {SLOT: claims}, {})]


@pytest.mark.parametrize(
    ("named", "slot", "id_"),
    [
        ("Small | price", True, False),
        ("small|Price | 3 crowns", True, False),
        ("Small |", False, False),
        ("a | b | c | d", False, False),
        ("1F0C2D3E", False, True),
        (CHEAP.claim, False, True),
        ("notes.md", False, False),
        ("deadbeef.md", False, False),
        ("D-12", False, False),
    ],
)
def test_a_claim_is_named_by_its_slot_its_statement_or_its_id(named: str, slot: bool, id_: bool) -> None:
    assert (statement_named(named) is not None, beginning_of_id(named) is not None) == (slot, id_)
    assert names_claim(named) is (slot or id_)


def test_a_slot_is_bound_to_the_value_believed_then_and_stays_so() -> None:
    first = ground([CHEAP, DEAR])
    assert (first.kind, first.claim, first.label) == (GroundKind.CLAIM, CHEAP.claim, "Small: price = 3 crowns")
    turned = [replace(CHEAP, probability=0.2, believed=False), replace(DEAR, probability=0.8, believed=True)]
    assert ground(turned, earlier=first) == first
    said = "it rests on 'Small: price = 3 crowns', whose probability is 0.20, below 0.50; believed now is '4 crowns' with 0.80"
    assert reasons(first, turned) == [(RiskReason.IMPROBABLE, said)]


def test_a_decision_made_anew_rests_on_what_is_believed_then() -> None:
    first = ground([CHEAP, DEAR])
    turned = [replace(CHEAP, believed=False), replace(DEAR, believed=True)]
    later = replace(D1, decided_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert ground(turned, later, first).claim == DEAR.claim


def test_a_claim_may_be_named_by_its_value_however_it_is_spelled() -> None:
    named = replace(D1, rests_on=("small | Price | 4 Crowns",))
    assert ground([CHEAP, DEAR], named).claim == DEAR.claim
    assert ground([CHEAP], named).kind is GroundKind.UNKNOWN
    assert ground([replace(CHEAP, value="-4 crowns")], named).kind is GroundKind.UNKNOWN


def test_what_is_unknown_is_no_risk_and_is_bound_when_it_is_there() -> None:
    unknown = ground([])
    assert unknown.kind is GroundKind.UNKNOWN
    assert reasons(unknown, []) == []
    assert ground([CHEAP], earlier=unknown).claim == CHEAP.claim


def test_a_claim_that_nobody_makes_or_that_was_superseded_puts_at_risk_whatever_its_probability() -> None:
    first = ground([CHEAP])
    assert reasons(first, []) == [
        (RiskReason.WITHDRAWN, "it rests on 'Small: price = 3 crowns', which nobody says any more")
    ]
    replaced = replace(CHEAP, standing=Standing.SUPERSEDED, probability=0.9)
    assert reasons(first, [replaced]) == [
        (RiskReason.SUPERSEDED, "it rests on 'Small: price = 3 crowns', which was superseded: Ann says so")
    ]


@pytest.mark.parametrize(("probability", "least", "at_risk"), [(0.5, 0.5, False), (0.49, 0.5, True), (0.8, 0.9, True)])
def test_the_threshold_is_the_decisions_own(probability: float, least: float, at_risk: bool) -> None:
    leaning, first = replace(D1, least=least), ground([CHEAP])
    assert bool(reasons(first, [replace(CHEAP, probability=probability)], leaning)) is at_risk


@pytest.mark.parametrize(
    "leaning", [replace(D1, superseded=True), replace(D1, status=Status.REJECTED), replace(D1, status=Status.WITHDRAWN)]
)
def test_a_decision_that_nobody_goes_by_is_at_no_risk(leaning: Leaning) -> None:
    assert reasons(ground([CHEAP]), [], leaning) == []


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (None, RiskReason.WITHDRAWN),
        (replace(NOTES, alive=False), RiskReason.WITHDRAWN),
        (replace(NOTES, superseded_by=("New notes",)), RiskReason.SUPERSEDED),
        (replace(NOTES, status=Status.REJECTED), RiskReason.REJECTED),
        (replace(NOTES, trust=0.4), RiskReason.IMPROBABLE),
        (replace(NOTES, status=Status.DRAFT), None),
        (NOTES, None),
    ],
)
def test_a_document_carries_while_it_is_there_in_force_and_trusted(
    now: KnownDocument | None, reason: RiskReason | None
) -> None:
    leaning = replace(D1, rests_on=("notes.md",))
    (on,) = bound(leaning, {}, {}, {}, {("doc1", "notes.md"): NOTES})
    # It is gone, so no reference leads to it any more, and it is still known what it was.
    assert list(bound(leaning, {on.id: on}, {}, {}, {})) == [on]
    found = risks([leaning], [on], {}, {"notes": now} if now else {})
    assert [risk.reason for risk in found] == ([reason] if reason else [])


def test_what_rests_on_a_decision_at_risk_is_at_risk_too_and_circles_end() -> None:
    chain = [
        D1,
        replace(D1, decision="d2", document="doc2", key="D-2", rests_on=("D-1",)),
        replace(D1, decision="d3", document="doc3", key="D-3", rests_on=("D-2", "D-3")),
    ]
    documents = {f"doc{n}": replace(NOTES, document=f"doc{n}", title=f"Decision {n}", uri=f"D-{n}") for n in (1, 2, 3)}
    resolved = {
        (leaning.document, named): documents[f"doc{named[-1]}"]
        for leaning in chain
        for named in leaning.rests_on
        if named.startswith("D-")
    }
    grounds = [on for leaning in chain for on in bound(leaning, {}, {}, {SLOT: [CHEAP]}, resolved)]
    assert risks(chain, grounds, {SLOT: [CHEAP]}, documents) == []
    found = {(risk.decision, risk.named): risk for risk in risks(chain, grounds, {}, documents)}
    assert {name: risk.reason for name, risk in found.items()} == {
        ("d1", "Small | price"): RiskReason.WITHDRAWN,
        ("d2", "D-1"): RiskReason.AT_RISK,
        ("d3", "D-2"): RiskReason.AT_RISK,
        ("d3", "D-3"): RiskReason.AT_RISK,
    }
    assert found["d2", "D-1"].said == "it rests on D-1, which is at risk itself"
