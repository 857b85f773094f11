"""Sentences with exact offsets, the choice among them, and the citations of a written answer."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from destiny_assets.domain.answers import best_sentences, cited_numbers, sentences

PIECES = st.sampled_from(
    ["A courier takes ten letters", ". ", "! ", '." ', "\n\n", "\n", "  ", "Stamps cost three crowns abroad", "====", " é🙂 ", "(See", ") ", "x"]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=300)


@given(TEXTS)
def test_every_sentence_stands_exactly_where_it_says(text: str) -> None:
    for sentence in sentences(3, text):
        assert text[sentence.start : sentence.end] == sentence.text
        assert sentence.text == sentence.text.strip()
        assert sentence.passage == 3
        assert 25 <= len(sentence.text) <= 600


@given(TEXTS)
def test_sentences_are_in_order_and_do_not_overlap(text: str) -> None:
    found = sentences(0, text)
    assert all(one.end <= other.start for one, other in pairwise(found))


def test_a_passage_is_cut_at_the_ends_of_its_sentences() -> None:
    text = 'Letters wait in a queue for a day. "A courier takes ten of them." Then (as told above) they are gone!\n\nA new paragraph begins here'
    assert [sentence.text for sentence in sentences(0, text)] == [
        "Letters wait in a queue for a day.",
        '"A courier takes ten of them.',
        "Then (as told above) they are gone!",
        "A new paragraph begins here",
    ]


@pytest.mark.parametrize(
    "text", ["", "Too short.", "Averyveryverylongwordwithoutanyspace", "Repairs of bicycles\n===================", "a " * 400]
)  # fmt: skip
def test_what_is_no_sentence_worth_quoting_is_left_out(text: str) -> None:
    assert sentences(0, text) == []


def test_the_closest_sentence_comes_first_and_a_repeated_one_gives_way_to_another() -> None:
    text = "The stamp costs three crowns. The stamp costs three crowns! The courier rides a yellow bicycle."
    found = sentences(0, text)
    vectors = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], np.float32)
    query = np.array([0.7, 0.6, 0.387], np.float32)
    assert best_sentences(found, vectors, query, [0.5], count=2) == [0, 2]
    assert sorted(best_sentences(found, vectors, query, [0.5], count=9)) == [0, 1, 2]
    assert best_sentences([], vectors[:0], query, []) == []


def test_the_passages_own_score_counts() -> None:
    found = [*sentences(0, "Equal words in the first passage."), *sentences(1, "Equal words in the second one.")]
    vectors = np.array([[1.0, 0.0], [1.0, 0.0]], np.float32)
    assert best_sentences(found, vectors, np.array([1.0, 0.0], np.float32), [0.1, 0.9], count=1) == [1]


def test_only_evidence_that_exists_is_cited_once_in_order_of_use() -> None:
    assert cited_numbers("First [3], then [1][3]; never [0], [7] or [x], but [2].", 3) == [3, 1, 2]
    assert cited_numbers("Nothing is cited.", 3) == []


@given(st.text(), st.integers(0, 20))
def test_citations_are_distinct_and_available(answer: str, available: int) -> None:
    cited = cited_numbers(answer, available)
    assert len(set(cited)) == len(cited)
    assert all(1 <= number <= available for number in cited)
