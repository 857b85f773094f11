"""Mentions, their grouping and stated relations of one document, and the metrics, against examples computed by hand."""

import pytest

from destiny_assets.domain.extraction.mentions import MentionKind, cluster, find_mentions
from destiny_assets.domain.extraction.relations import find_relations
from destiny_assets.domain.extraction.scores import BCubed, b_cubed, compare, matched_entities, total
from destiny_assets.domain.identity.scores import Counts

TEXT = (
    "Ada Lovelace (10 December 1815 – 27 November 1852) was an English mathematician. "  # noqa: RUF001 - as people write it
    "She was born in London, England. The Analytical Engine was designed by Charles Babbage. "
    "Lovelace wrote 3 notes. Many readers agree. Readers in the 1950s found them."
)


def named(text: str) -> list[tuple[str, MentionKind]]:
    return [(text[mention.start : mention.end], mention.kind) for mention in find_mentions(text)]


def test_names_times_and_numbers_are_found_and_words_that_open_sentences_are_not() -> None:
    name, time, number = MentionKind.NAME, MentionKind.TIME, MentionKind.NUMBER
    assert named(TEXT) == [
        ("Ada Lovelace", name),
        ("10 December 1815", time),
        ("27 November 1852", time),
        ("English", name),
        ("London", name),
        ("England", name),
        ("Analytical Engine", name),
        ("Charles Babbage", name),
        ("Lovelace", name),
        ("3", number),
        ("the 1950s", time),
    ]


def test_a_part_of_one_longer_name_is_the_same_and_a_part_of_two_is_not() -> None:
    def groups(text: str) -> list[int]:
        return cluster(text, find_mentions(text))

    assert groups("we met Grace Hopper and Hopper spoke to Grace") == [0, 0, 0]
    assert groups("we met Grace Hopper and Edward Hopper; then Hopper spoke") == [0, 1, 2]
    assert groups("the World Health Organization, called WHO, said WHO") == [0, 0, 0]


def test_set_phrases_state_relations() -> None:
    mentions = find_mentions(TEXT)
    shown = {
        (
            TEXT[mentions[one.head].start : mentions[one.head].end],
            one.relation,
            TEXT[mentions[one.tail].start : mentions[one.tail].end],
        )
        for one in find_relations(TEXT, mentions)
    }
    assert shown == {
        ("Ada Lovelace", "date of birth", "10 December 1815"),
        ("Ada Lovelace", "date of death", "27 November 1852"),
        ("Ada Lovelace", "country of citizenship", "English"),
        ("Ada Lovelace", "place of birth", "London"),
        ("London", "located in the administrative territorial entity", "England"),
        ("England", "contains administrative territorial entity", "London"),
        ("London", "country", "England"),
    }


def test_b_cubed_is_that_of_the_published_example() -> None:
    # Bagga and Baldwin, 1998: twelve mentions in groups of 5, 2 and 5; the last two groups put together.
    spans = [(number, number + 1) for number in range(12)]
    gold = [set(spans[:5]), set(spans[5:7]), set(spans[7:])]
    found = b_cubed([set(spans[:5]), set(spans[5:])], gold).figures()
    assert found["precision"] == pytest.approx((5 * 1 + 2 * 2 / 7 + 5 * 5 / 7) / 12)
    assert found["recall"] == 1


def test_b_cubed_charges_mentions_that_one_side_lacks() -> None:
    a, b, c, d = ((number, number + 1) for number in range(4))
    # Found {a, b, d}; there is {a, b, c}. Precision: 2/3, 2/3, 0 over three. Recall: 2/3, 2/3, 0 over three.
    found = b_cubed([{a, b, d}], [{a, b, c}])
    assert (found.precise, found.found, found.recalled, found.gold) == pytest.approx((4 / 3, 3, 4 / 3, 3))
    assert (found + BCubed(0, 1, 0, 0)).figures()["precision"] == pytest.approx(1 / 3)
    assert b_cubed([], []).figures()["f1"] == 0


def test_groups_are_matched_with_the_entity_of_most_of_their_spans() -> None:
    a, b, c, d = ((number, number + 1) for number in range(4))
    gold = {"x": frozenset({a}), "y": frozenset({b, c})}
    assert matched_entities([{a, b, c}, {a, b}, {d}], gold) == ["y", "x", None]


def test_counts_add_up() -> None:
    assert compare({1, 2, 3}, {2, 3, 4, 5}) == Counts(2, 1, 2)
    assert total([Counts(2, 1, 2), Counts(1, 0, 0)]) == Counts(3, 1, 2)
