"""Calibration through the real ledger: judged on labels, kept by generation, measured again only where something moved; truth suites."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from destiny_assets.adapters.postgres.calibrations import StoredCalibration
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.documents import ParsedDocument
from destiny_assets.domain.truth.beliefs import MODEL
from destiny_assets.settings import Stores
from destiny_assets.stages.believe import believe_claims
from destiny_assets.stages.calibrate import calibrate_claims
from destiny_assets.stages.claims import extract_claims
from destiny_assets.stages.trust_suites import BUDGETS, evaluate_trust, measure_trust, open_suite
from tests.stages.corpus import Corpus, corpus_in
from tests.stages.growing import Silence
from tests.stages.test_claims import Tables

AUTHORS = ("Ada Brook", "Ben Cole", "Cy Dunn", "Dora Ekman", "Eve Frost", "Finn Gray")
PEAKS = 40


@pytest.fixture(scope="module")
def ledger(stores: Stores) -> Iterator[PostgresLedger]:
    with PostgresLedger(stores.postgres_url, pool_size=4) as opened:
        opened.migrate()
        yield opened


def height(peak: int) -> int:
    return 1_001 + 37 * peak


def survey(author: str, seed: int) -> ParsedDocument:
    """A table of heights of one author, of whom the later ones err more often."""
    chance = np.random.default_rng(seed)
    rows = "".join(
        f"| Peak {peak} | {height(peak) if chance.random() > seed / 10 else 9_000 + int(chance.integers(9))} |\n"
        for peak in range(PEAKS)
    )
    text = f"Heights by {author}\n\n| Mountain | Height |\n|---|---|\n{rows}"
    return ParsedDocument(f"Heights by {author}", text, "text/plain", "test/1", authors=(author,))


@pytest.fixture
def surveys(ledger: PostgresLedger) -> Iterator[Corpus]:
    with corpus_in(ledger) as corpus:
        for seed, author in enumerate(AUTHORS):
            corpus.documents["wiki", f"{seed}.md"] = survey(author, seed)
        yield corpus


def grow(corpus: Corpus) -> tuple[int, Mapping[str, Any]]:
    number = corpus.run(publish=False)
    extract_claims(corpus.ledger, Tables(), corpus.project, number, Silence())  # type: ignore[arg-type]
    believe_claims(corpus.ledger, corpus.project, number, Silence())
    report = calibrate_claims(corpus.ledger, corpus.project, number)
    corpus.ledger.generations.publish(corpus.project, number, facts={}, reason="test")
    return number, report


def label(corpus: Corpus, peaks: range) -> None:
    wanted = {f"Peak {peak}": height(peak) for peak in peaks}
    rows = corpus.rows("claim", "id::text, subject, value")
    corpus.ledger.beliefs.label(
        corpus.project,
        {id_: value == str(wanted[subject]) for id_, subject, value in rows if subject in wanted},
    )


def test_labels_judge_generations_and_are_measured_again_only_where_something_moved(
    ledger: PostgresLedger, surveys: Corpus
) -> None:
    _, report = grow(surveys)
    assert (report["labels"], report["measured"]) == (0, False)
    assert ledger.calibrations.history(surveys.project, 99) == []

    label(surveys, range(25))
    first, report = grow(surveys)
    assert (report["measured"], report["judged"] + report["undecided"]) == (True, 25)
    ours, vote = ledger.calibrations.history(surveys.project, first)
    assert ((ours.method, vote.method), ours.generation, ours.judged) == (
        ("destiny", "majority"),
        first,
        report["judged"],
    )
    assert ours.precision >= vote.precision
    assert ours.brier < vote.brier
    assert [part.slots for part in ours.bins] == [part.slots for part in ours.bins if part.begins >= 0]
    assert sum(part.slots for part in ours.bins) == ours.judged
    lower, upper = report["brier_gain"]["interval_95"]
    assert lower <= report["brier_gain"]["mean"] <= upper

    # Nothing moved: the figures of the older generation hold.
    quiet, report = grow(surveys)
    assert report["measured"] is False
    assert ledger.calibrations.history(surveys.project, quiet) == [ours, vote]

    label(surveys, range(32))
    second, report = grow(surveys)
    assert report["labels"] > ours.labels
    found = ledger.calibrations.history(surveys.project, second)
    assert [one.generation for one in found] == [second, second, first, first]
    # A reader of the older generation sees what held then.
    assert ledger.calibrations.history(surveys.project, first) == [ours, vote]


def test_what_was_labelled_before_there_was_a_measure_is_measured_for_the_generation_that_is_shown(
    ledger: PostgresLedger, surveys: Corpus
) -> None:
    label_first = grow(surveys)[0]
    label(surveys, range(25))
    shown, _ = grow(surveys)
    assert label_first < shown
    ledger.calibrations.forget(surveys.project, shown)
    building = surveys.run(publish=False)
    report = calibrate_claims(ledger, surveys.project, building)
    assert report["measured"] is True
    assert {one.generation for one in ledger.calibrations.history(surveys.project, building)} == {shown}
    assert calibrate_claims(ledger, surveys.project, building)["measured"] is False


def test_a_killed_run_leaves_no_figures_of_what_it_did_not_publish(ledger: PostgresLedger, surveys: Corpus) -> None:
    label(surveys, range(0))
    grow(surveys)
    label(surveys, range(25))
    shown, _ = grow(surveys)
    building = surveys.run(publish=False)
    known: list[StoredCalibration] = ledger.calibrations.history(surveys.project, shown)
    with ledger.transaction() as cursor:
        cursor.execute(
            "insert into calibration select project, %s, method, model, labels, judged, undecided, precision, brier, ece, ece_low, ece_high, "
            "ece_if_calibrated, ece_chance_high, log_loss, at from calibration where project = %s",
            (building, surveys.project),
        )
    assert len(ledger.calibrations.history(surveys.project, building)) == 4
    calibrate_claims(ledger, surveys.project, building)
    assert ledger.calibrations.history(surveys.project, building) == known


def test_a_truth_suite_is_measured_once_a_model_and_content_and_keeps_its_history(
    ledger: PostgresLedger, surveys: Corpus, tmp_path: Path
) -> None:
    chance = np.random.default_rng(3)
    rows = [
        f"peak {peak},height,atlas {source},{height(peak) if chance.random() < 0.8 else 9_000 + source % 3}"
        for peak in range(120)
        for source in range(6)
    ]
    (tmp_path / "claims.csv").write_text("object,attribute,source,value\n" + "\n".join(rows))
    truth = "object,attribute,value\n" + "\n".join(f"peak {peak},height,{height(peak)}" for peak in range(120))
    (tmp_path / "truth.csv").write_text(truth)
    suite = open_suite(tmp_path)
    ledger.calibrations.attach(surveys.project, suite)
    report = measure_trust(ledger, surveys.project, Silence())
    assert (report["suites"], report["measured"]) == (1, 2)
    for one, labels in zip(report["results"], BUDGETS, strict=True):
        assert one["methods"] == evaluate_trust(suite, labels=labels)["methods"]
    again = measure_trust(ledger, surveys.project, Silence())
    assert (again["measured"], again["results"]) == (0, report["results"])

    (tmp_path / "truth.csv").write_text(truth.rsplit("\n", 1)[0])
    ledger.calibrations.attach(surveys.project, open_suite(tmp_path))
    assert measure_trust(ledger, surveys.project, Silence())["measured"] == 2
    history = ledger.calibrations.benchmarks(surveys.project)
    assert {one.model for one in history} == {MODEL}
    assert sorted((one.labels, one.scored) for one in history) == [(0, 119), (0, 120), (50, 69), (50, 70)]
