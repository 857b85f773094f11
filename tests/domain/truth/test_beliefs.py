"""The model as a whole: probabilities that are probabilities, reasons that add up, labels that teach, accounts that buy nothing."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from destiny_assets.domain.truth.beliefs import Beliefs, believe, majority
from destiny_assets.domain.truth.claims import Claims, arrange
from destiny_assets.domain.truth.standing import UNKNOWN, levels, standing

Row = tuple[str, str, str]
ROWS = st.lists(
    st.tuples(
        st.sampled_from([f"thing {number}" for number in range(6)]),
        st.sampled_from([f"source {number}" for number in range(8)]),
        st.sampled_from(["1000", "1003", "1234", "1200", "77", "90000", "", "n/a"]),
    ),
    min_size=1,
    max_size=60,
)


def claims_of(rows: list[Row]) -> Claims:
    return arrange([row[0] for row in rows], ["size"] * len(rows), [row[1] for row in rows], [row[2] for row in rows])


def world(slots: int = 120, good: int = 6, bad: int = 4) -> tuple[list[Row], list[str]]:
    """Sources that are right nine times of ten, others four of ten; and the truths."""
    random = np.random.default_rng(7)
    truths = [str(1009 + 13 * number) for number in range(slots)]
    rows = []
    for name, chance in [(f"good {n}", 0.9) for n in range(good)] + [(f"bad {n}", 0.4) for n in range(bad)]:
        for slot, truth in enumerate(truths):
            if random.random() < 0.6:
                said = truth if random.random() < chance else str(500_000 + int(random.integers(3)) * 10_007)
                rows.append((f"thing {slot}", name, said))
    return rows, truths


def labelled(claims: Claims, truths: list[str], of: range) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    known = np.full(len(claims.slots), UNKNOWN, np.int64)
    number = {thing: index for index, (thing, _) in enumerate(claims.slots)}
    for slot in of:
        value = claims.find(number[f"thing {slot}"], float(truths[slot]))
        known[number[f"thing {slot}"]] = -2 if value is None else value
    return known


def precision(beliefs: Beliefs, truths: list[str], of: range) -> float:
    claims = beliefs.fusion.claims
    number = {thing: index for index, (thing, _) in enumerate(claims.slots)}
    best = [int(beliefs.best[number[f"thing {slot}"]]) for slot in of]
    return float(
        np.mean([claims.value_form[value] == float(truths[slot]) for value, slot in zip(best, of, strict=True)])
    )


@given(ROWS)
@settings(max_examples=60, deadline=None)
def test_probabilities_of_a_slot_leave_something_for_none_of_them(rows: list[Row]) -> None:
    claims = claims_of(rows)
    beliefs = believe(claims)
    totals = np.bincount(claims.value_slot, beliefs.probability, len(claims.slots))
    assert (beliefs.probability > 0).all()
    assert (totals < 1).all()
    assert claims.unread + len(claims.slot) == len(rows)
    filled = np.unique(claims.value_slot)
    assert (claims.value_slot[beliefs.best[filled]] == filled).all()


@given(ROWS)
@settings(max_examples=60, deadline=None)
def test_the_reasons_sum_to_the_score(rows: list[Row]) -> None:
    beliefs = believe(claims_of(rows))
    for value, score in enumerate(beliefs.scores.tolist()):
        reasons = beliefs.reasons(value)
        assert math.fsum(reason.log_odds for reason in reasons) == pytest.approx(score, abs=1e-9)


@given(ROWS, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_claims_does_not_matter(rows: list[Row], random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    def told(some: list[Row]) -> dict[tuple[tuple[str, str], object], float]:
        beliefs = believe(claims_of(some))
        claims = beliefs.fusion.claims
        keys = [
            (claims.slots[slot], form) for slot, form in zip(claims.value_slot.tolist(), claims.value_form, strict=True)
        ]
        return dict(zip(keys, beliefs.probability.tolist(), strict=True))

    assert told(shuffled) == pytest.approx(told(rows), abs=1e-9)


def test_reasons_sum_with_labels_and_partial_lists_too() -> None:
    rows, truths = world()
    claims = claims_of(rows)
    beliefs = believe(claims, labelled(claims, truths, range(40)))
    assert beliefs.calibration.labels == 40
    for value in range(0, len(claims.value_slot), 7):
        assert math.fsum(reason.log_odds for reason in beliefs.reasons(value)) == pytest.approx(beliefs.scores[value])


def test_it_is_right_more_often_than_majority_and_labels_do_not_harm() -> None:
    rows, truths = world(good=3, bad=6)
    claims = claims_of(rows)
    rest = range(40, 120)
    _, voted = majority(claims)
    number = {thing: index for index, (thing, _) in enumerate(claims.slots)}
    vote = np.mean([claims.value_form[voted[number[f"thing {slot}"]]] == float(truths[slot]) for slot in rest])
    without = precision(believe(claims), truths, rest)
    taught = precision(believe(claims, labelled(claims, truths, range(40))), truths, rest)
    assert without > vote
    assert taught >= without


def test_a_partial_list_is_no_conflict() -> None:
    full, part = "Okonkwo, Ada; Lindqvist, Per", "Okonkwo, Ada"
    said = [full, full, full, part, "Verne, Jules; Sand, George"]
    # No two shops sell the same books: those that do, and say the same, are one voice.
    rows = [
        (f"book {book}", f"shop {shop}", said[shop]) for book in range(30) for shop in range(5) if book != 20 + shop
    ]
    claims = arrange(
        [row[0] for row in rows], ["authors"] * len(rows), [row[1] for row in rows], [row[2] for row in rows]
    )
    beliefs = believe(claims)
    best = beliefs.fusion.claims.value_form[beliefs.best[0]]
    assert best == frozenset({"okonkwo", "lindqvist"})
    assert {reason.source for reason in beliefs.reasons(int(beliefs.best[0])) if reason.coarser} == {"shop 3"}


@pytest.mark.parametrize("attackers", [1, 5, 10, 50])
@pytest.mark.parametrize("labels", [0, 50])
def test_new_sources_that_push_one_wrong_value_take_at_most_two_points(attackers: int, labels: int) -> None:
    rows, truths = world()
    rest = range(50, 120)
    forged = [(f"thing {slot}", f"attacker {number}", "31337") for number in range(attackers) for slot in range(120)]
    honest, attacked = claims_of(rows), claims_of(rows + forged)
    before = precision(believe(honest, labelled(honest, truths, range(labels))), truths, rest)
    after = precision(believe(attacked, labelled(attacked, truths, range(labels))), truths, rest)
    assert after >= before - 0.02


@pytest.mark.parametrize("copies", [1, 10])
def test_copies_of_a_source_add_no_vote_to_it(copies: int) -> None:
    rows, truths = world(slots=60)
    copied = [
        (thing, f"copy {number}", said) for number in range(copies) for thing, source, said in rows if source == "bad 0"
    ]
    beliefs = believe(claims_of(rows + copied))
    claims = beliefs.fusion.claims
    votes = beliefs.fusion.share_of[
        [claims.sources[source] in ("bad 0", "copy 0") for source in claims.source.tolist()]
    ]
    assert votes == pytest.approx(1 / (copies + 1))
    assert precision(beliefs, truths, range(60)) >= precision(believe(claims_of(rows)), truths, range(60)) - 0.02


def test_with_labels_attackers_who_never_say_the_same_have_no_standing_either() -> None:
    rows, truths = world()
    random = np.random.default_rng(1)
    forged = [
        (f"thing {slot}", f"attacker {number}", "31337")
        for number in range(50)
        for slot in range(120)
        if random.random() < 0.5
    ]
    claims = claims_of(rows + forged)
    known = labelled(claims, truths, range(50))
    level = levels(standing(claims, known))
    assert {int(level[index]) for index, name in enumerate(claims.sources) if name.startswith("attacker")} == {0}
    assert min(int(level[index]) for index, name in enumerate(claims.sources) if name.startswith("good")) > 3
