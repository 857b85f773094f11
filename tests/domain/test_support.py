"""Whether passages can hold an answer: what a question looks for, the signs, and the verdict."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from destiny_assets.domain.sparse import encode_query
from destiny_assets.domain.support import WITH_COSINE, WORDS_ONLY, Signs, Sought, judged, signs, sought

QUESTION = "What does a Zanzibar stamp cost abroad?"
SHARES = st.floats(0, 1)


def terms(text: str) -> frozenset[int]:
    return frozenset(encode_query(text).indices.tolist())


def looked_for(size: int = 100) -> Sought:
    having = dict.fromkeys(terms("stamp cost"), 50) | dict.fromkeys(terms("abroad"), 2)
    return sought(QUESTION, size, having)


def test_the_words_that_say_something_come_rarest_first_and_are_worth_bm25s_rarity() -> None:
    found = looked_for()
    assert list(found.words) == ["zanzibar", "abroad", "stamp", "cost"]
    (abroad,) = found.words["abroad"]
    assert found.rarity[abroad] == pytest.approx(math.log(1 + 98.5 / 2.5))


def test_a_share_is_weighed_by_rarity_and_what_nothing_says_is_named() -> None:
    found = looked_for()
    assert found.share(terms("Stamps cost abroad")) < 0.6 < found.share(terms("Zanzibar, abroad")) < 1
    assert found.share(terms(QUESTION)) == pytest.approx(1)
    assert (found.share(frozenset()), sought("what is it?", 100, {}).share(terms(QUESTION))) == (0, 0)
    assert found.missing([terms("A stamp."), terms("It costs nothing abroad.")]) == ["zanzibar"]


def test_signs_are_of_the_best_passage_and_the_best_sentence() -> None:
    found = signs(
        looked_for(), [terms("a stamp"), terms("abroad at a cost")], [terms("cost"), terms("abroad")], [0.2, 0.4]
    )
    assert found.cosine == 0.4
    assert found.passage > found.sentence > 0
    assert signs(looked_for(), [], [], []) == Signs(0.0, 0.0, 0.0)
    assert signs(looked_for(), [], [], None).cosine is None


def test_what_says_the_whole_question_answers_and_what_says_nothing_of_it_does_not() -> None:
    for whole, nothing in (
        (Signs(1.0, 1.0, 0.8), Signs(0.0, 0.0, 0.05)),
        (Signs(1.0, 1.0, None), Signs(0.0, 0.0, None)),
    ):
        assert judged(whole).probability > 0.8
        assert not judged(whole).refuses
        assert judged(nothing).probability < 0.1
        assert judged(nothing).refuses


@given(SHARES, SHARES, st.none() | st.floats(-1, 1), st.floats(0, 1))
def test_more_of_the_question_said_never_speaks_against_an_answer(
    passage: float, sentence: float, cosine: float | None, more: float
) -> None:
    found = Signs(passage, sentence, cosine)
    better = replace(found, passage=passage + (1 - passage) * more)
    assert 0 < judged(found).probability <= judged(better).probability < 1
    assert judged(found).refuses >= judged(better).refuses


def test_cosines_are_weighed_only_where_they_were_compared() -> None:
    assert len(WITH_COSINE.weights) == len(WORDS_ONLY.weights) + 1
    near, far = (Signs(0.5, 0.4, cosine) for cosine in (0.8, 0.1))
    assert judged(near).probability > judged(far).probability
    assert judged(replace(near, cosine=None)) == judged(replace(far, cosine=None))
