"""Support, contradiction and too little: what is measured, and what is made of it."""

import numpy as np
import pytest

from destiny_assets.domain.contradiction import NAMES, Passage, Verdict, Weights, by_rules, learn, signals

PASSAGES = [
    Passage("Cache", ["The cache increases throughput of the gateway by 40 percent.", "It was switched on in May."]),
    Passage("Billing", ["Invoices are not sent on Sundays."]),
    Passage("Storage", ["Backups are kept for 30 days."]),
]
WEIGHTS = Weights(PASSAGES)


def measured(sentence: str) -> dict[str, float]:
    return dict(zip(NAMES, signals(sentence, PASSAGES, WEIGHTS).tolist(), strict=True))


def test_a_sentence_that_says_the_opposite_is_seen_to_turn() -> None:
    same, opposite = (measured(f"The cache {verb} throughput of the gateway.") for verb in ("increases", "decreases"))
    assert (same["opposite_1"], same["agrees_1"]) == (0, 1)
    assert (opposite["opposite_1"], opposite["agrees_1"]) == (1, 0)
    assert same["shared"] == pytest.approx(1)
    assert 0.5 < opposite["shared"] < 1


def test_negation_and_numbers_are_compared() -> None:
    assert measured("Invoices are sent on Sundays.")["negation_differs_1"] == 1
    assert measured("Invoices are not sent on Sundays.")["negation_differs_1"] == 0
    assert measured("Backups are kept for 90 days.")["number_missing"] == 1
    assert measured("Backups are kept for 30 days.")["number_found"] == 1


def test_rules_tell_the_three_verdicts() -> None:
    said = [
        "The cache increases throughput of the gateway.",
        "Invoices are sent on Sundays.",
        "Elephants dislike rain.",
    ]
    rows = np.array([signals(sentence, PASSAGES, WEIGHTS) for sentence in said])
    assert by_rules(rows) == [Verdict.SUPPORT, Verdict.CONTRADICT, Verdict.NOT_ENOUGH]


def test_without_a_passage_there_is_not_enough() -> None:
    rows = signals("Anything at all.", [], Weights([]))[np.newaxis]
    assert rows.shape == (1, len(NAMES))
    assert by_rules(rows) == [Verdict.NOT_ENOUGH]


def test_labels_are_learned_from_and_each_verdict_is_needed() -> None:
    random = np.random.default_rng(0)
    verdicts = [list(Verdict)[number % 3] for number in range(150)]
    rows = random.normal(0, 0.3, (150, len(NAMES)))
    rows[:, NAMES.index("shared")] += [0.0 if verdict is Verdict.NOT_ENOUGH else 2.0 for verdict in verdicts]
    rows[:, NAMES.index("opposite_1")] += [2.0 * (verdict is Verdict.CONTRADICT) for verdict in verdicts]
    assert (
        np.mean([one is other for one, other in zip(learn(rows, verdicts).judge(rows), verdicts, strict=True)]) > 0.95
    )
    with pytest.raises(ValueError, match="each verdict"):
        learn(rows[:2], verdicts[:2])
