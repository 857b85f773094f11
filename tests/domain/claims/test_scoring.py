"""Assertion in, probabilities out: what is believed, what no longer counts and why, and that the terms add up."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from destiny_assets.domain.claims.currency import Assertion, Standing, all_newer
from destiny_assets.domain.claims.scoring import Assessment, Court


def says(witness: str, value: str, *, slot: str = "s", document: str = "", **more: Any) -> Assertion:
    document = document or f"doc of {witness}"
    return Assertion(
        f"{witness}/{document}/{slot}/{value}", f"{slot}={value}", slot, "price", value, witness, document, **more
    )


def judged(
    *told: Assertion, newer: tuple[tuple[str, str], ...] = (), labels: dict[str, bool] | None = None
) -> dict[str, Assessment]:
    court = Court(told, all_newer(newer), labels or {})
    return {one.claim: one for one in court.judge(court.slots)}


def test_more_witnesses_make_a_value_likelier_and_the_slot_is_contested() -> None:
    others = [says(name, "7", slot=f"o{number}") for number in range(4) for name in "abcd" if name != "abcd"[number]]
    found = judged(*others, *(says(name, "3") for name in "abc"), says("d", "4"))
    assert found["s=3"].probability > found["s=4"].probability
    assert (found["s=3"].believed, found["s=4"].believed) == (True, False)
    assert found["s=3"].contested
    assert found["s=4"].contested


def test_a_coarser_value_does_not_contest() -> None:
    assert not judged(says("a", "1000300"), says("b", "1000000"))["s=1000300"].contested


def test_spellings_of_one_value_are_believed_alike() -> None:
    found = judged(says("a", "1,234"), says("b", "1234"))
    assert found["s=1,234"].probability == found["s=1234"].probability
    assert not found["s=1234"].contested


def test_a_label_decides_and_its_term_says_so() -> None:
    told = [*(says(name, "3") for name in "abc"), says("d", "4")]
    found = judged(*told, labels={"s=4": True})
    assert found["s=4"].believed
    assert found["s=4"].probability > 0.9
    assert [term["name"] for term in found["s=4"].terms].count("label") == 1
    assert judged(*told, labels={"s=3": False})["s=3"].probability < 0.1


def test_what_one_language_model_reads_is_one_voice_whoever_wrote_it() -> None:
    read = [says(name, "3", rule="model:m@prompt/1") for name in "abc"]
    found = judged(*read)
    assert found["s=3"].probability == pytest.approx(judged(read[0])["s=3"].probability)
    assert {term["witness"] for term in found["s=3"].terms} == {"model:m@prompt/1"}
    court = Court(read, {}, {})
    assert [one.witness for one in court.reputes()] == ["model:m@prompt/1"]
    assert court.spoken_of_by([("model:m@prompt/1", "price")]) == {"s"}
    assert court.spoken_of_by([("a", "price")]) == set()


def test_a_language_model_adds_nothing_to_what_its_author_plainly_writes() -> None:
    plain = says("a", "3")
    read = replace(plain, evidence="another", rule="model:m@prompt/1")
    assert judged(plain, read) == judged(plain)
    # The later word is the author's, whoever reads it.
    first = replace(says("a", "3"), observed_at=datetime(2020, 1, 1, tzinfo=UTC))
    later = replace(says("a", "4"), observed_at=datetime(2024, 1, 1, tzinfo=UTC), rule="model:m@prompt/1")
    assert judged(first, later)["s=3"].standing is Standing.OUTDATED
    by_another = replace(later, witness="b")
    assert judged(first, by_another)["s=3"].standing is Standing.CURRENT


def test_a_superseding_document_replaces_what_it_says_otherwise_and_nothing_else() -> None:
    told = [
        says("a", "3", document="old"),
        says("a", "4", document="new"),
        says("a", "7", slot="other", document="old"),
    ]
    found = judged(*told, newer=(("new", "old"),))
    assert {claim: str(one.standing) for claim, one in found.items()} == {
        "s=3": "superseded",
        "s=4": "current",
        "other=7": "current",
    }
    assert found["s=3"].probability < 0.05 < found["s=4"].probability
    assert not found["s=4"].contested
    assert found["s=3"].terms[0]["by_claim"] == "s=4"


def test_what_documents_of_one_title_say_of_themselves_does_not_compete() -> None:
    told = [
        says("a", "Ada", slot="author", document="old", about_itself=True),
        says("a", "Ben", slot="author", document="new", about_itself=True),
        says("b", "Ben", slot="author", document="third", about_itself=True),
    ]
    found = judged(*told, newer=(("new", "old"),))
    assert [(one.standing, one.believed, one.contested) for one in found.values()] == [
        (Standing.CURRENT, True, False)
    ] * 2
    assert found["author=Ada"].probability == found["author=Ben"].probability


def test_supersession_reaches_over_documents_that_say_nothing_of_the_slot() -> None:
    told = [says("a", "3", document="old"), says("b", "4", document="newest")]
    newer = (("middle", "old"), ("newest", "middle"))
    assert judged(*told, newer=newer)["s=3"].standing is Standing.SUPERSEDED


def test_documents_that_supersede_each_other_replace_nothing() -> None:
    told = [says("a", "3", document="one"), says("b", "4", document="two")]
    found = judged(*told, newer=(("one", "two"), ("two", "one")))
    assert {one.standing for one in found.values()} == {Standing.CURRENT}


def test_without_the_superseding_document_the_old_claim_is_what_it_was() -> None:
    alone = judged(says("a", "3", document="old"))
    both = judged(says("a", "3", document="old"), says("a", "4", document="new"), newer=(("new", "old"),))
    assert both["s=3"] != alone["s=3"]
    assert judged(says("a", "3", document="old"), newer=()) == alone


def test_the_later_word_of_a_witness_is_the_one_that_counts() -> None:
    day = datetime(2024, 1, 1, tzinfo=UTC)
    told = [
        says("a", "3", document="x", observed_at=day),
        says("a", "4", document="y", observed_at=day.replace(year=2025)),
        says("b", "3", document="z", observed_at=day),
    ]
    found = judged(*told)
    assert (found["s=3"].standing, found["s=4"].standing) == (Standing.CURRENT, Standing.CURRENT)
    assert [term["witness"] for term in found["s=3"].terms] == ["b"]
    assert judged(*told[:2])["s=3"].standing is Standing.OUTDATED


def test_what_cannot_be_read_is_said_and_believed_little() -> None:
    told = [*(says(f"w{number}", str(number), slot=f"t{number}") for number in range(20)), says("x", "soon")]
    found = judged(*told)["s=soon"]
    assert (found.terms[0]["name"], found.believed) == ("unread", False)
    assert found.probability < 0.05


WITNESSES = st.sampled_from("abcdef")
TESTIMONY = st.builds(
    says,
    WITNESSES,
    st.sampled_from(("3", "4", "5", "300", "1000", "nothing said")),
    slot=st.sampled_from(("s", "t", "u", "v")),
    document=st.sampled_from(("one", "two", "three")),
    about_itself=st.booleans(),
    observed_at=st.sampled_from((None, datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))),
)


@settings(deadline=None, max_examples=60)
@given(
    told=st.lists(TESTIMONY, min_size=1, max_size=25, unique_by=lambda one: one.evidence),
    newer=st.lists(st.tuples(*[st.sampled_from(("one", "two", "three"))] * 2), max_size=3),
    labels=st.dictionaries(st.sampled_from(("s=3", "s=4", "t=5", "u=300")), st.booleans(), max_size=3),
    random=st.randoms(use_true_random=False),
)
def test_terms_sum_to_scores_probabilities_to_at_most_one_and_order_does_not_matter(
    told: list[Assertion], newer: list[tuple[str, str]], labels: dict[str, bool], random: Any
) -> None:
    found = judged(*told, newer=tuple(newer), labels=labels)
    assert found.keys() == {one.claim for one in told}
    for one in found.values():
        assert math.isclose(one.score, math.fsum(term["log_odds"] for term in one.terms), abs_tol=1e-9)
        assert 0 < one.probability < 1
    for slot in {one.slot for one in told} - {one.slot for one in told if one.about_itself}:
        believed = {(one.probability, one.score) for one in found.values() if one.slot == slot and one.believed}
        assert len(believed) <= 1
        # Spellings of one value have one probability.
        assert sum({one.score: one.probability for one in found.values() if one.slot == slot}.values()) < 1 + 1e-9
    shuffled = list(told)
    random.shuffle(shuffled)
    assert judged(*shuffled, newer=tuple(newer), labels=labels) == found


@pytest.mark.parametrize("changed", ["4", "5"])
def test_a_slot_is_moved_by_others_only_through_what_is_known_of_its_witnesses(changed: str) -> None:
    told = [says(name, "3", slot=f"s{number}") for number in range(30) for name in "abc"]
    told.append(says("d", "4", slot="s0"))
    before = Court(told, {}, {})
    after = Court([*told[:-1], replace(told[-1], value=changed, claim=f"s0={changed}")], {}, {})
    moved = set(after.reputes()) - set(before.reputes())
    touched = after.spoken_of_by((one.witness, one.predicate) for one in moved) | {"s0"}
    same = {slot for slot in after.slots if list(after.judge([slot])) == list(before.judge([slot]))}
    assert set(after.slots) - same <= touched
