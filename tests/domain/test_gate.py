"""The benchmark gate: a fall beyond its tolerance refuses, anything else passes."""

import pytest

from destiny_assets.domain.gate import GATED, compare, refusals

TOLERANCE = {"ndcg@10": 0.02}


def questions(*values: float) -> dict[str, dict[str, float]]:
    return {f"q{number:02}": {"ndcg@10": value} for number, value in enumerate(values)}


def test_what_stayed_or_rose_passes() -> None:
    before = questions(*[0.5] * 20)
    for now in (before, questions(*[0.9] * 20)):
        (fall,) = compare("golden", "hybrid", before, now, TOLERANCE)
        assert not fall.refuses
        assert fall.broken == ()


def test_a_general_fall_is_refused_with_the_questions_that_broke_worst_first() -> None:
    before, now = questions(*[1.0] * 20), questions(0.8, 0.0, *[0.7] * 18)
    (fall,) = refusals(compare("golden", "hybrid", before, now, TOLERANCE))
    assert fall.broken[0] == "q01"
    assert len(fall.broken) == 20
    assert fall.drop == pytest.approx(0.33)
    assert "ndcg@10 of hybrid on golden fell from 1.000 to 0.670 over 20 questions" in str(fall)


def test_a_fall_within_the_tolerance_passes() -> None:
    assert not refusals(compare("g", "r", questions(*[0.9] * 50), questions(*[0.885] * 50), TOLERANCE))


def test_a_fall_beyond_the_tolerance_is_refused_and_says_how_sure_it_is() -> None:
    before = questions(*[0.5] * 40)
    by_chance = questions(*[0.5 + (0.4 if number % 2 else -0.46) for number in range(40)])
    everywhere = questions(*[0.47] * 40)
    (unsure,) = refusals(compare("g", "r", before, by_chance, TOLERANCE))
    (sure,) = refusals(compare("g", "r", before, everywhere, TOLERANCE))
    assert 0.5 < unsure.certainty < 0.95
    assert sure.certainty == 1.0
    assert "100% sure of a fall" in str(sure)


def test_a_deep_fall_is_refused_however_few_the_questions() -> None:
    assert refusals(compare("g", "r", questions(1, 1, 1, 1, 1), questions(0, 1, 1, 1, 1), TOLERANCE))


def test_only_questions_both_were_asked_are_compared() -> None:
    before = questions(1.0, 1.0)
    now = {"q00": {"ndcg@10": 1.0}, "new": {"ndcg@10": 0.0}}
    (fall,) = compare("g", "r", before, now, TOLERANCE)
    assert (fall.questions, fall.refuses) == (1, False)
    assert compare("g", "r", before, {"new": {"ndcg@10": 0.0}}, TOLERANCE) == []


def test_the_defaults_are_stated() -> None:
    assert dict(GATED) == {"ndcg@10": 0.02, "recall@100": 0.02}
