"""Record linkage piece by piece: values taken apart, columns brought together, blocking, features, decisions, scores."""

import numpy as np
import pytest

from destiny_assets.domain.identity import decision, linkage, records
from destiny_assets.domain.identity.blocking import candidates
from destiny_assets.domain.identity.features import Comparison
from destiny_assets.domain.identity.records import Aligned, Table
from destiny_assets.domain.identity.rivals import one_to_one, standing
from destiny_assets.domain.identity.scores import Counts, f1_samples
from destiny_assets.domain.identity.sparse_rows import overlap, space


def ints(*values: int) -> "np.typing.NDArray[np.int64]":
    return np.array(values, np.int64)


def test_codes_are_letters_with_digits_and_long_numbers_without_their_punctuation() -> None:
    assert records.codes("Denon DVD-2930CI player, 4 discs, 2006 (no. 10)") == {"dvd2930ci", "2930ci", "2006"}
    assert records.numbers("10 bit, $1,299.00 and 3.5") == {"10.0", "1299.0", "3.5"}


@pytest.mark.parametrize(("value", "expected"), [("$ 1,299.5", 1299.5), ("12", 12.0), ("12 cm", None), ("", None)])
def test_a_number_is_read_only_where_it_stands_alone(value: str, expected: float | None) -> None:
    assert records.number(value) == expected


def test_columns_are_aligned_by_name_then_by_the_words_they_share() -> None:
    left = Table(["1", "2"], {"Title": ["red fox", "blue whale"], "maker": ["Acme", "Bolt"], "price": ["1", "2"]})
    right = Table(["1", "2"], {"title": ["red fox", "whale"], "brand": ["acme", "bolt"], "colour": ["x", "y"]})
    assert records.align(left, right) == [Aligned("Title", "title", False), Aligned("maker", "brand", False)]


def test_overlap_of_rows_is_what_a_hand_would_compute() -> None:
    where = space([["a", "b"], []], [["a", "c"], ["a", "b"]])
    found = overlap(where, ints(0, 0, 1), ints(0, 1, 1))
    # Four records; a is in three, b in two, c in one.
    a, b, c = (np.log(5 / (1 + count)) + 0.1 for count in (3, 2, 1))
    assert found.cosine == pytest.approx([a * a / np.hypot(a, b) / np.hypot(a, c), 1, 0])
    assert found.containment == pytest.approx([a / (a + b), 1, 0])
    assert found.jaccard == pytest.approx([a / (a + b + c), 1, 0])
    assert found.rarest == pytest.approx([a / c, b / c, 0])


def test_overlap_is_the_same_in_whatever_order_pairs_come() -> None:
    random = np.random.default_rng(1)
    words = [[f"w{word}" for word in random.integers(0, 40, 6)] for _ in range(30)]
    where = space(words[:15], words[15:])
    left, right = np.divmod(random.permutation(225), 15)
    order = np.lexsort((right, left))
    assert overlap(where, left, right).cosine[order] == pytest.approx(overlap(where, left[order], right[order]).cosine)


def test_blocking_finds_the_nearest_of_both_sides_whether_sums_are_dense_or_sorted() -> None:
    random = np.random.default_rng(2)
    words = [[f"w{word}" for word in random.integers(0, 3_000, 8)] for _ in range(400)]
    # Every right record shares half of its words with the left record of its number.
    mixed = [[*record[:4], *(f"w{word}" for word in random.integers(0, 3_000, 4))] for record in words]
    for scattered in (0, 50_000):
        where = space(words, mixed + [[f"x{number}"] for number in range(scattered)])
        left, right = candidates(where, 2)
        assert {(number, number) for number in range(400)} <= set(zip(left.tolist(), right.tolist(), strict=True))
        assert len(left) <= 2 * 400 * 2
        assert list(zip(left, right, strict=True)) == sorted(zip(left, right, strict=True))


def test_a_pair_leads_or_trails_the_best_other_pair_of_its_records() -> None:
    found = standing(ints(0, 0, 1), ints(0, 1, 1), np.array([0.9, 0.4, 0.6]))
    assert found.tolist() == pytest.approx(np.array([[0.5, 0.9, 1, 1], [-0.5, -0.2, 0, 0], [0.6, 0.2, 1, 1]]))


def test_the_likeliest_pairs_exclude_the_others_of_their_records() -> None:
    pairs, score = (ints(0, 0, 1, 1), ints(0, 1, 0, 1)), np.array([0.9, 0.8, 0.7, 0.1])
    assert one_to_one(*pairs, score, lefts=True, rights=True).tolist() == [True, False, False, True]
    assert one_to_one(*pairs, score, lefts=True, rights=False).tolist() == [True, False, True, False]
    assert one_to_one(*pairs, score, lefts=False, rights=False).all()


def test_the_best_threshold_lies_between_two_scores() -> None:
    threshold, f1 = decision.best_threshold(np.array([0.9, 0.7, 0.7, 0.2]), np.array([True, True, False, False]))
    assert threshold == pytest.approx(0.45)
    assert f1 == pytest.approx(0.8)


def test_labels_of_one_kind_teach_nothing() -> None:
    with pytest.raises(ValueError, match="only where some pairs match"):
        decision.learn(np.ones((3, 2)), np.ones(3, np.bool_), 0)


def products(seed: int, count: int) -> tuple[Table, Table]:
    """The same things in two shops that write differently; things of one number are the same, a fifth are in one shop only."""
    random = np.random.default_rng(seed)
    kinds, makers = ["camera", "printer", "phone", "speaker", "router"], ["Acme", "Bolt", "Corvid", "Dynamo"]
    left, right = [], []
    for number in range(count):
        kind, maker = kinds[random.integers(5)], makers[random.integers(4)]
        code = f"{maker[:2].upper()}-{random.integers(100, 999)}{chr(97 + number % 26)}"
        extra = " ".join(random.choice(["black", "compact", "digital", "wireless", "portable", "pro"], 2))
        left.append(f"{maker} {kind} {code} {extra}")
        right.append(f"{code.replace('-', '')} {extra} {kind}" if number % 5 else f"{maker} unique{number} thing")
    order = random.permutation(count)
    names = {"what": [right[place] for place in order]}
    return Table([str(n) for n in range(count)], {"name": left}), Table([str(n) for n in order], names)


def test_records_are_linked_without_labels_and_columns_of_one_name() -> None:
    left, right = products(5, 300)
    pairs = linkage.compare(left, right, (ints(), ints()))
    links = linkage.decide_unlabelled(pairs, linkage.exclusive_by_content(left, right))
    found = {
        (left.ids[one], right.ids[other])
        for one, other in zip(pairs.left[links.stands], pairs.right[links.stands], strict=True)
    }
    gold = {(str(number), str(number)) for number in range(300) if number % 5}
    assert len(found & gold) / len(found) > 0.9
    assert len(found & gold) / len(gold) > 0.9


@pytest.mark.parametrize("empty", ["left", "right", "both", "values"])
def test_nothing_to_compare_is_nothing_found(empty: str) -> None:
    some, none = Table(["1", "2"], {"name": ["a b", "c"]}), Table([], {"name": []})
    blank = Table(["1", "2"], {"name": ["", ""]})
    left, right = {"left": (none, some), "right": (some, none), "both": (none, none), "values": (blank, blank)}[empty]
    pairs = linkage.compare(left, right, (ints(), ints()))
    assert not linkage.decide_unlabelled(pairs, linkage.exclusive_by_content(left, right)).stands.any()


def test_missing_values_are_told_from_different_ones() -> None:
    left = Table(["1"], {"price": ["10"], "name": ["red fox"]})
    right = Table(["1", "2"], {"price": ["", "20"], "name": ["", "red fox"]})
    comparison = Comparison(left, right)
    measured = dict(zip(comparison.names, comparison.measure(ints(0, 0), ints(0, 1)).T.tolist(), strict=True))
    assert measured["price~price.unknown"] == [1, 0]
    assert measured["price~price.near"] == [0, 0.5]
    assert measured["name~name.unknown"] == [1, 0]
    assert measured["name~name.equal"] == [0, 1]


def test_scores_are_those_of_their_counts() -> None:
    counts = Counts(right=6, wrong=2, missed=4)
    assert (counts.precision, counts.recall, counts.f1) == (0.75, 0.6, pytest.approx(2 * 0.75 * 0.6 / 1.35))
    low, high = np.quantile(f1_samples(counts, 0), [0.025, 0.975])
    assert 0.3 < low < counts.f1 < high < 0.95
    assert (Counts(0, 0, 3).precision, Counts(0, 3, 0).recall, Counts(0, 0, 0).f1) == (0, 0, 0)
