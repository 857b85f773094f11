"""Each check finds the violation it is for, and passes where there is none."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from destiny_assets.adapters.postgres.calibrations import StoredCalibration, TrustBenchmark
from destiny_assets.adapters.postgres.contracts import chunk_rows, document_rows, entity_rows, trust_rows
from destiny_assets.adapters.postgres.facts import (
    chunks_off_their_spans,
    chunks_without_vectors,
    documents_without_chunks,
    mentions_off_their_spans,
    no_documents,
    scores_off_their_terms,
)
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.checks.expectations import CONTRACTS, broken_expectations
from destiny_assets.checks.facts import falls, miscalibrations
from destiny_assets.domain.generations import Generation
from tests.stages.growing import DOCUMENTS, Growth, Layers, growing

GOOD: dict[str, dict[str, list[Any]]] = {
    "document_contract": {
        "id": ["a", "b"],
        "title": ["A", "B"],
        "sha256": ["0" * 64, "f" * 64],
        "characters": [1, 9],
        "bytes": [1, 9],
    },
    "chunk_contract": {
        "id": ["a", "b"],
        "text": ["x", "yy"],
        "tokens": [1, 256],
        "starts_at": [0, 4],
        "ends_at": [1, 6],
        "span": [1, 2],
        "characters": [1, 2],
    },
    "entity_contract": {"key": ["a", "b"], "kind": ["document", "term"], "name": ["A", "B"]},
    "decision_contract": {
        "id": ["a", "b"],
        "key": ["D-1", "PEP 8"],
        "title": ["A", "B"],
        "importance": [0.0, 1.0],
        "status": ["accepted", "draft"],
    },
    "claim_contract": {
        "id": ["a", "b"],
        "subject": ["PEP 8", "stamp"],
        "predicate": ["status", "price"],
        "value": ["active", "3"],
        "origin": ["inferred", "stated"],
        "witness": ["Ann Bee", "wiki"],
    },
    "probability_contract": {"id": ["a", "b"], "probability": [0.01, 0.99], "standing": ["current", "superseded"]},
    "merge_contract": {"id": ["a", "b"], "probability": [0.9, 0.99], "reasoned": [0.9, 0.99]},
    "reliability_contract": {
        "id": ["a", "b"],
        "witness": ["Ann Bee", "wiki"],
        "complete": [0.0, 1.0],
        "coarse": [0.0, 0.1],
        "together": [0.0, 1.0],
        "copies": [1, 2],
    },
    "calibration_contract": {
        "method": ["destiny", "majority"],
        "judged": [3, 3],
        "precision": [0.0, 1.0],
        "brier": [0.1, 0.2],
        "ece": [0.0, 0.5],
        "ece_low": [0.0, 0.1],
        "ece_high": [0.0, 1.0],
        "log_loss": [0.0, 9.0],
        "binned": [3, 3],
    },
    "risk_contract": {
        "id": ["a", "b"],
        "named": ["PEP 8 | status", "notes.md"],
        "said": ["It is superseded.", "Nobody states it."],
        "reason": ["superseded", "withdrawn"],
    },
    "trust_contract": {"id": ["a", "b"], "item_kind": ["chunk", "document"], "score": [0.0, 1.0]},
}
# Contract, column, the value that breaks it, and the expectation that must say so.
VIOLATIONS = [
    ("document_contract", "id", "a", "unique"),
    ("document_contract", "title", None, "not_be_null"),
    ("document_contract", "title", "", "value_lengths"),
    ("document_contract", "title", "x" * 2_001, "value_lengths"),
    ("document_contract", "sha256", "F" * 64, "regex"),
    ("document_contract", "characters", 0, "between"),
    ("document_contract", "bytes", 0, "between"),
    ("chunk_contract", "id", "a", "unique"),
    ("chunk_contract", "text", "", "value_lengths"),
    ("chunk_contract", "tokens", 0, "between"),
    ("chunk_contract", "tokens", 257, "between"),
    ("chunk_contract", "ends_at", 4, "a_to_be_greater"),
    ("chunk_contract", "characters", 3, "pair_values_to_be_equal"),
    ("entity_contract", "key", "a", "unique"),
    ("entity_contract", "name", "", "value_lengths"),
    ("entity_contract", "kind", "animal", "in_set"),
    ("decision_contract", "id", "a", "unique"),
    ("decision_contract", "key", "", "value_lengths"),
    ("decision_contract", "title", "", "value_lengths"),
    ("decision_contract", "importance", 1.01, "between"),
    ("decision_contract", "status", "purple", "in_set"),
    ("claim_contract", "id", "a", "unique"),
    ("claim_contract", "subject", "", "value_lengths"),
    ("claim_contract", "predicate", "x" * 301, "value_lengths"),
    ("claim_contract", "value", "", "value_lengths"),
    ("claim_contract", "value", None, "not_be_null"),
    ("claim_contract", "witness", "", "value_lengths"),
    ("claim_contract", "origin", "guessed", "in_set"),
    ("probability_contract", "id", "a", "unique"),
    ("probability_contract", "probability", 1.0, "between"),
    ("probability_contract", "standing", "gone", "in_set"),
    ("merge_contract", "id", "a", "unique"),
    ("merge_contract", "reasoned", 0.98, "pair_values_to_be_equal"),
    ("merge_contract", "probability", 0.89, "between and pair_values_to_be_equal"),
    ("reliability_contract", "id", "a", "unique"),
    ("reliability_contract", "witness", "", "value_lengths"),
    ("reliability_contract", "complete", 1.01, "between"),
    ("reliability_contract", "coarse", -0.01, "between"),
    ("reliability_contract", "together", 1.01, "between"),
    ("reliability_contract", "copies", 0, "between"),
    ("calibration_contract", "method", "destiny", "unique"),
    ("calibration_contract", "precision", 1.01, "between"),
    ("calibration_contract", "brier", -0.01, "between"),
    ("calibration_contract", "ece", 1.01, "between"),
    ("calibration_contract", "ece_high", 0.05, "a_to_be_greater"),
    ("calibration_contract", "ece_low", -0.01, "between"),
    ("calibration_contract", "ece_high", 1.01, "between"),
    ("calibration_contract", "log_loss", -0.01, "between"),
    ("calibration_contract", "binned", 2, "pair_values_to_be_equal"),
    ("risk_contract", "id", "a", "unique"),
    ("risk_contract", "named", "", "value_lengths"),
    ("risk_contract", "said", "short", "value_lengths"),
    ("risk_contract", "reason", "tired", "in_set"),
    ("trust_contract", "id", "a", "unique"),
    ("trust_contract", "score", -0.01, "between"),
    ("trust_contract", "score", 1.01, "between"),
    ("trust_contract", "item_kind", "claim", "in_set"),
]
NAMED = {contract.name: contract for contract in CONTRACTS}


@pytest.mark.parametrize("name", sorted(NAMED))
def test_a_contract_passes_on_good_rows(name: str) -> None:
    assert broken_expectations(NAMED[name], pd.DataFrame(GOOD[name])) == []


@pytest.mark.parametrize(("name", "column", "value", "expectation"), VIOLATIONS)
def test_a_contract_names_the_expectation_that_a_row_breaks(
    name: str, column: str, value: object, expectation: str
) -> None:
    rows = {key: [*values[:-1], value] if key == column else values for key, values in GOOD[name].items()}
    broken = broken_expectations(NAMED[name], pd.DataFrame(rows))
    assert broken
    wanted = expectation.split(" and ")
    assert all(any(name in said for name in wanted) for said in broken)
    assert all(any(name in said for said in broken) for name in wanted)
    assert column in broken[0]


def test_every_expectation_has_a_violation_that_finds_it() -> None:
    assert sum(len(contract.expectations) for contract in CONTRACTS) == len(
        {(name, column, expectation) for name, column, _, expectation in VIOLATIONS}
    )


@pytest.fixture(scope="module")
def grown(layers: Layers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Growth]:
    with growing(layers, tmp_path_factory.mktemp("checks") / "documents") as growth:
        growth.run()
        yield growth


def test_what_the_contracts_read_is_what_the_generation_added(grown: Growth) -> None:
    ledger, project = grown.layers.ledger, grown.project
    read = {reader: [row for piece in reader(ledger, project, 1) for row in piece] for reader in
            (document_rows, chunk_rows, entity_rows, trust_rows)}  # fmt: skip
    counts = ledger.reading.counts(project, 1)
    assert len(read[document_rows]) == counts["documents"]
    assert len(read[chunk_rows]) == counts["chunks"]
    assert len(read[entity_rows]) == counts["entities"]
    assert len(read[trust_rows]) == counts["documents"] + counts["chunks"]
    for contract in CONTRACTS:
        for piece in contract.rows(ledger, project, 1):
            assert broken_expectations(contract, pd.DataFrame.from_records(piece)) == []
        assert list(contract.rows(ledger, project, 2)) == []


def one(table: str, column: str = "id", where: str = "true") -> str:
    """The condition that takes one row's `column` in the project."""
    return f"project = %(p)s and {column} = (select {column} from {table} where project = %(p)s and {where} limit 1)"


Fact = Callable[[PostgresLedger, Generation], list[str]]
PLANTED: list[tuple[Fact, str]] = [
    (documents_without_chunks, f"delete from placement where {one('placement', 'version_id')}"),
    (chunks_off_their_spans, f"update chunk set text = 'Z' || substr(text, 2) where {one('chunk')}"),
    (chunks_off_their_spans, f"update placement set starts_at = starts_at + 1 where {one('placement')}"),
    (chunks_without_vectors, f"delete from embedding where {one('embedding', 'embed_sha256')}"),
    (mentions_off_their_spans, f"update mention set surface = 'Z' where {one('mention', where='ends[1] > starts[1]')}"),
    (
        mentions_off_their_spans,
        "delete from chunk where project = %(p)s and id in (select chunk_id from mention where project = %(p)s limit 1)",
    ),
    (scores_off_their_terms, f"update trust_score set score = score * 0.999 where {one('trust_score')}"),
    (
        scores_off_their_terms,
        f"update trust_score set components = '[]' where {one('trust_score', where='score <> 0.5')}",
    ),
    (no_documents, "delete from document_version where project = %(p)s"),
]


@pytest.mark.parametrize(
    ("fact", "harm"), PLANTED, ids=[f"{number}-{fact.__name__}" for number, (fact, _) in enumerate(PLANTED)]
)
def test_a_fact_holds_until_it_is_violated_and_then_names_the_exception(growth: Growth, fact: Fact, harm: str) -> None:
    generation = growth.run()
    ledger = growth.layers.ledger
    assert fact(ledger, generation) == []
    with ledger.transaction() as cursor:
        cursor.execute(harm, {"p": growth.project})
        assert cursor.rowcount >= 1
    exceptions = fact(ledger, generation)
    assert exceptions
    assert all(isinstance(exception, str) and exception for exception in exceptions)


def test_a_violation_in_one_project_is_no_exception_in_another(growth: Growth, grown: Growth) -> None:
    ours, theirs = growth.run(), grown.layers.ledger.generations.number(grown.project, 1)
    ledger = growth.layers.ledger
    with ledger.transaction() as cursor:
        cursor.execute("update chunk set text = 'Z' || text where project = %s", (growth.project,))
    assert len(chunks_off_their_spans(ledger, ours)) == len(growth.seen(ours))
    assert chunks_off_their_spans(ledger, theirs) == []
    assert len(grown.uris(theirs)) == len(DOCUMENTS)


NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def measured(judged: int, ece: float, brier: float) -> StoredCalibration:
    return StoredCalibration(1, "destiny", "m", judged, judged, 0, 0.8, brier, ece, 0.0, 0.4, 0.08, 0.12, 0.5, NOON, [])


@pytest.mark.parametrize(
    ("judged", "ece", "brier", "said"),
    [
        (19, 0.5, 0.9, []),
        (20, 0.12, 0.2, []),
        (20, 0.13, 0.2, ["calibration error"]),
        (20, 0.13, 0.21, ["calibration error", "Brier"]),
    ],
)
def test_labels_speak_against_probabilities_only_where_chance_does_not_explain_it(
    judged: int, ece: float, brier: float, said: list[str]
) -> None:
    found = miscalibrations(measured(judged, ece, brier), measured(judged, 0.4, 0.2))
    assert len(found) == len(said)
    assert all(word in one for word, one in zip(said, found, strict=True))


def test_a_model_that_is_right_more_seldom_than_the_one_before_it_is_named() -> None:
    def made(model: str, precision: float, sha256: str = "a", labels: int = 0) -> TrustBenchmark:
        return TrustBenchmark(
            "peaks", sha256, model, labels, 9, {"methods": {"destiny": {"precision": precision}}}, NOON
        )

    # The newest first. Another content or number of labels is another measurement.
    assert falls([made("new", 0.80), made("old", 0.81), made("old", 0.99, "b"), made("old", 0.99, labels=50)]) == (
        [],
        1,
    )
    fell, compared = falls([made("new", 0.80), made("old", 0.83), made("older", 0.99)])
    assert (fell, compared) == (["peaks with 0 labels: 0.830 with old, now 0.800"], 1)
