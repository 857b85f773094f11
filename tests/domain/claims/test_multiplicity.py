"""Which predicates may have several values at once, and that their values then do not compete."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from destiny_assets.domain.claims.currency import Assertion, Standing, all_newer
from destiny_assets.domain.claims.multiplicity import Several, several_valued
from destiny_assets.domain.claims.scoring import Assessment, Court
from destiny_assets.domain.truth.kinds import Kind


def says(witness: str, value: str, predicate: str = "carries", slot: str = "s", **more: Any) -> Assertion:
    key = f"{witness}/{slot}/{predicate}/{value}/{more}"
    given = {"document": f"doc of {witness}", "claim": f"{slot}={value}", **more}
    return Assertion(key, slot=slot, predicate=predicate, value=value, witness=witness, **given)


def why(told: list[Assertion], said: dict[str, bool] | None = None, kind: Kind = Kind.TEXT) -> dict[str, Several]:
    return several_valued(told, said or {}, lambda _: kind)


def judged(told: list[Assertion], **more: Any) -> dict[str, Assessment]:
    court = Court(told, more.pop("newer", {}), more.pop("labels", {}), **more)
    return {one.claim: one for one in court.judge(court.slots)}


PAIRS = [says("a", value, slot=f"s{number}") for number in range(3) for value in ("letters", "parcels")]


def test_a_predicate_is_found_to_have_several_values_where_sources_regularly_name_several() -> None:
    assert why(PAIRS) == {"carries": Several.LEARNED}
    # Twice is no rule, nor is less than half.
    assert why(PAIRS[:4]) == {}
    assert why([*PAIRS, *(says("b", "letters", slot=f"o{number}") for number in range(4))]) == {}
    # Others who say something else contradict, and are no second value.
    assert why([says(name, name, slot=f"s{number}") for number in range(9) for name in "ab"]) == {}


def test_numbers_histories_and_what_models_read_teach_nothing() -> None:
    assert why(PAIRS, kind=Kind.NUMBER) == {}
    assert why(PAIRS, kind=Kind.NAMES) == {"carries": Several.LEARNED}
    later = datetime(2024, 1, 1, tzinfo=UTC)
    assert why([replace(one, observed_at=later) if one.value == "parcels" else one for one in PAIRS]) == {}
    assert why([replace(one, rule="model:m@prompt/1") for one in PAIRS]) == {}


def test_known_predicates_are_declared_but_not_where_whole_lists_of_names_are_stated() -> None:
    told = [says("a", "x", "tags"), says("a", "y", "status"), says("a", "z", "authors")]
    assert why(told) == {"tags": Several.DECLARED, "authors": Several.DECLARED}
    assert why(told, kind=Kind.NAMES) == {}


def test_people_have_the_last_word() -> None:
    told = [*PAIRS, says("a", "x", "tags"), says("a", "y", "status")]
    assert why(told, {"carries": False, "status": True}) == {"tags": Several.DECLARED, "status": Several.SAID}
    assert why(told, {"*": False, "status": True}) == {"status": Several.SAID}


def test_values_that_hold_at_once_neither_compete_nor_contest() -> None:
    told = [*PAIRS, *(says(name, "letters") for name in "bc"), says("d", "parcels")]
    found = judged(told)
    letters, parcels = found["s=letters"], found["s=parcels"]
    assert not letters.contested
    assert not parcels.contested
    assert (letters.believed, parcels.believed) == (True, True)
    # Each stands as it would were the other never named of it.
    alone = judged([one for one in told if (one.slot, one.value) != ("s", "letters")])
    assert parcels.score == pytest.approx(alone["s=parcels"].score, abs=0.05)
    for one in (letters, parcels):
        assert one.score == pytest.approx(math.fsum(term["log_odds"] for term in one.terms))
        assert one.probability == pytest.approx(1 / (1 + math.exp(-one.score)))
        assert [term["why"] for term in one.terms if term["name"] == "several"] == [
            "'carries' may have several values at once: its sources name several in one document"
        ]


def test_with_the_rule_off_they_compete_again() -> None:
    told = [*PAIRS, says("a", "letters"), says("d", "parcels")]
    found = judged(told, said_of_predicates={"*": False})
    assert found["s=letters"].contested
    assert found["s=letters"].probability + found["s=parcels"].probability < 1
    assert {term["name"] for one in found.values() for term in one.terms} == {"witness"}


def test_spellings_of_one_value_are_one_also_among_several() -> None:
    told = [*PAIRS, says("a", "Ada Brook"), says("b", "ada  brook")]
    found = judged(told)
    assert found["s=Ada Brook"].probability == found["s=ada  brook"].probability
    assert len(found["s=Ada Brook"].terms) == 3


def test_a_label_is_of_its_value_alone() -> None:
    told = [*PAIRS, says("a", "letters"), says("d", "parcels")]
    found = judged(told, labels={"s=letters": False})
    assert found["s=letters"].probability < 0.05
    assert not found["s=letters"].believed
    assert found["s=parcels"].probability > 0.5


def test_a_superseding_document_states_anew_what_there_is_and_a_later_word_is_one_more() -> None:
    old = [replace(one, slot="s", claim=f"s={one.value}") for one in PAIRS[:2]]
    new = says("a", "bicycles", document="new")
    found = judged([*PAIRS[2:], *PAIRS[:2], *old, new], newer=all_newer([("new", "doc of a")]))
    assert found["s=letters"].standing is found["s=parcels"].standing is Standing.SUPERSEDED
    assert found["s=bicycles"].standing is Standing.CURRENT
    dated = [
        replace(says("a", value), observed_at=datetime(year, 1, 1, tzinfo=UTC))
        for value, year in (("x", 2020), ("y", 2024))
    ]
    assert {one.standing for one in judged([*PAIRS, *dated]).values()} == {Standing.CURRENT}
