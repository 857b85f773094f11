"""Golden questions: reading them from a folder, and putting them to a generation through the service."""

import gzip
import json
from pathlib import Path

import pytest

from destiny_assets.adapters.postgres.benchmarks import Suite
from destiny_assets.domain.retrieval import BEST, MEASURED, READERS
from destiny_assets.errors import ConfigurationError
from destiny_assets.serving.service import EVERYTHING
from destiny_assets.stages.measure import measure_project
from destiny_assets.stages.suites import corpus, load_suite
from tests.stages.growing import DOCUMENTS, Growth, Silence

QUESTIONS = {"q1": "what does a stamp cost abroad", "q2": "who repairs a broken bicycle", "q3": "never judged"}
JUDGED = [("q1", "handbook/stamps.md", 2), ("q2", "handbook/bicycles.rst", 1), ("q2", "handbook/couriers.md", 0)]
SUITE = Suite("golden", {"q1": QUESTIONS["q1"]}, {"q1": {"handbook/stamps.md": 2}})


def write_suite(folder: Path, *, packed: bool = False) -> Path:
    lines = "".join(json.dumps({"_id": id_, "text": text}) + "\n" for id_, text in QUESTIONS.items())
    qrels = "query-id\tcorpus-id\tscore\n" + "".join(f"{q}\t{d}\t{score}\n" for q, d, score in JUDGED)
    (folder / "qrels").mkdir(parents=True)
    for path, text in ((folder / "queries.jsonl", lines), (folder / "qrels" / "test.tsv", qrels)):
        if packed:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(text.encode()))
        else:
            path.write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize("packed", [False, True])
def test_a_suite_holds_the_judged_questions_with_their_grades(tmp_path: Path, packed: bool) -> None:
    suite = load_suite(write_suite(tmp_path / "golden", packed=packed))
    assert suite.name == "golden"
    assert suite.queries == {"q1": QUESTIONS["q1"], "q2": QUESTIONS["q2"]}
    assert suite.grades["q2"] == {"handbook/bicycles.rst": 1, "handbook/couriers.md": 0}


@pytest.mark.parametrize("lacking", ["queries.jsonl", "qrels/test.tsv"])
def test_a_folder_that_lacks_a_file_is_named_with_what_it_lacks(tmp_path: Path, lacking: str) -> None:
    folder = write_suite(tmp_path / "golden")
    (folder / lacking).unlink()
    with pytest.raises(ConfigurationError, match=Path(lacking).name):
        load_suite(folder)


def test_a_suite_without_any_judged_question_is_refused(tmp_path: Path) -> None:
    folder = write_suite(tmp_path / "golden")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nother\td\t1\n")
    with pytest.raises(ConfigurationError, match="no judged question"):
        load_suite(folder)


def test_a_corpus_is_read_line_by_line_and_empty_lines_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"_id": "1", "text": "a"}\n\n{"_id": "2", "text": "b"}\n')
    assert [record["_id"] for record in corpus(tmp_path)] == ["1", "2"]


def test_every_recipe_is_measured_and_kept_down_to_the_single_query(growth: Growth) -> None:
    ledger = growth.layers.ledger
    ledger.benchmarks.attach(growth.project, SUITE)
    published = growth.run()
    facts = measure_project(ledger, growth.service, published, run_id="r1", progress=Silence())
    assert facts["queries"] == 1
    assert set(facts["suites"]["golden"]) == {*MEASURED, BEST}
    lexical = facts["suites"]["golden"]["lexical"]
    assert lexical["ndcg@10"] == lexical["mrr@10"] == lexical["recall@10"] == 1.0
    assert 0 < lexical["p50_ms"] <= lexical["p95_ms"] <= lexical["p99_ms"]
    assert {(run.recipe, run.generation, run.queries) for run in ledger.benchmarks.history(growth.project)} == {
        (recipe, 1, 1) for recipe in MEASURED
    }
    rows = list(ledger.benchmarks.queries(growth.project))
    assert {row["ranking"][0] for row in rows if row["recipe"] == "lexical"} == {"handbook/stamps.md"}
    assert all(set(row["ranking"]) <= set(DOCUMENTS) for row in rows)


def test_what_readers_see_is_also_searched_by_several_at_once_and_that_is_kept(growth: Growth) -> None:
    ledger = growth.layers.ledger
    ledger.benchmarks.attach(growth.project, SUITE)
    published = growth.run()

    def together() -> dict[str, set[str]]:
        runs = ledger.benchmarks.history(growth.project)
        return {run.recipe: found for run in runs if (found := {name for name in run.metrics if "_ms@" in name})}

    # While a generation is built its readers wait for it.
    assert together() == {}
    facts = measure_project(ledger, growth.service, published, run_id="r1", progress=Silence())
    expected = {f"p{share}_ms@{readers}" for share in (50, 95, 99) for readers in READERS}
    assert together() == {facts["best_recipe"]["recipe"]: expected}
    assert 0 < facts["suites"]["golden"][BEST]["p50_ms@10"] <= facts["suites"]["golden"][BEST]["p99_ms@10"]


def test_measuring_again_in_the_same_run_replaces_and_in_another_run_adds(growth: Growth) -> None:
    ledger = growth.layers.ledger
    published = growth.run()
    # Attached after the run, which would have measured it too.
    ledger.benchmarks.attach(growth.project, SUITE)
    for run in ("r1", "r1", "r2"):
        measure_project(ledger, growth.service, published, run_id=run, progress=Silence())
    assert len(ledger.benchmarks.history(growth.project)) == 2 * len(MEASURED)


def test_a_generation_in_which_nothing_changed_is_not_measured_again(growth: Growth) -> None:
    ledger = growth.layers.ledger
    ledger.benchmarks.attach(growth.project, SUITE)
    growth.run()
    facts = measure_project(ledger, growth.service, growth.open(), run_id="r1", progress=Silence())
    assert (facts["queries"], facts["suites"], facts["gate"]["refused"]) == (0, {}, [])


def test_attaching_a_suite_again_replaces_its_questions(growth: Growth) -> None:
    benchmarks = growth.layers.ledger.benchmarks
    benchmarks.attach(growth.project, SUITE)
    benchmarks.attach(growth.project, Suite("golden", {"q9": "other"}, {"q9": {"x": 1}}))
    benchmarks.attach(growth.project, Suite("second", {"q1": "more"}, {"q1": {"y": 1}}))
    assert [(suite.name, dict(suite.queries)) for suite in benchmarks.suites(growth.project)] == [
        ("golden", {"q9": "other"}),
        ("second", {"q1": "more"}),
    ]


def test_what_is_measured_is_what_a_search_finds(growth: Growth) -> None:
    growth.write("handbook/stamps-again.md", DOCUMENTS["handbook/stamps.md"])
    published = growth.run()
    service = growth.service()
    for question in ("how do letters wait for a courier", "what does a stamp cost"):
        found = service.rankings.by_each(published, question, MEASURED, 300, EVERYTHING)
        for recipe, passages in zip(MEASURED, found, strict=True):
            hits = service.search(growth.project, question, k=300, recipe=recipe).hits
            assert [(one.place.chunk_id, one.place.uri, one.place.span) for one in passages] == [
                (hit.chunk_id, hit.uri, hit.span) for hit in hits
            ]
            assert [[copy.uri for copy in one.copies] for one in passages] == [
                [c.uri for c in hit.copies] for hit in hits
            ]
        assert any(one.copies for passages in found for one in passages)
