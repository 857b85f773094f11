"""A labelled folder through the real pipeline and model: the numbers are right, and nothing of it stays behind."""

import json
from pathlib import Path

import pytest

from destiny_assets.domain.retrieval import BEST, MEASURED
from tests.cli.conftest import Destiny

TEXTS = {
    "d/1": ("Whales", "Whales are mammals that live in the sea and breathe air."),
    "d 2": ("Bread", "Bread is baked from flour, water, salt and yeast."),
    "3": ("Rust", "Iron turns to rust where water and oxygen meet it."),
    "4": ("Chess", "In chess the bishop moves along diagonals only."),
    "5": ("Moon", "The moon circles the earth once in about twenty-seven days."),
    "6": ("", "Honey does not spoil, because it holds hardly any water."),
    "7": ("Volcano", "A volcano is an opening from which lava and gases reach the surface."),
    "8": ("Violin", "A violin has four strings, tuned in fifths."),
    "9": ("Tea", "Green tea is not fermented, black tea is."),
    "10": ("Bees", "A bee dances to tell its hive where flowers are."),
}
QUESTIONS = {"q1": ("which animals in the ocean are mammals", "d/1"), "q2": ("how do loaves get made", "d 2"),
             "q3": ("how many strings has a violin", "8"), "q4": ("why can honey be kept for ever", "6")}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "mini"
    (root / "qrels").mkdir(parents=True)
    corpus = [{"_id": id_, "title": title, "text": text} for id_, (title, text) in TEXTS.items()]
    queries = [{"_id": id_, "text": text} for id_, (text, _) in QUESTIONS.items()]
    for name, rows in (("corpus.jsonl", corpus), ("queries.jsonl", queries)):
        (root / name).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    judged = "".join(f"{id_}\t{document}\t1\n" for id_, (_, document) in QUESTIONS.items())
    (root / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}", "utf-8")
    return root


def test_every_recipe_is_measured_and_the_throw_away_project_is_gone(folder: Path, stores_home: Path) -> None:
    destiny = Destiny(stores_home)
    before = destiny("project", "list", "--json").document
    said = destiny.process("evaluate", "retrieval", str(folder), "--per-query", str(folder / "queries.out"), "--json")
    assert said.code == 0, said.err
    found = said.document
    assert (found["dataset"], found["documents"], found["queries"]) == ("mini", 10, 4)
    assert found["ingest"]["seconds"] > 0
    assert found["ingest"]["docs_per_s"] > 0
    assert set(found["recipes"]) == {*MEASURED, BEST}
    names = {"ndcg@10", "recall@100", "mrr@10", "map", "p50_ms", "p95_ms", "p99_ms"}
    for metrics in found["recipes"].values():
        assert metrics.keys() >= names
        assert all(0 <= metrics[name] <= 1 for name in names if not name.endswith("_ms"))
    assert found["recipes"]["dense"]["recall@100"] == found["recipes"]["hybrid"]["recall@100"] == 1.0
    assert found["recipes"]["hybrid"]["mrr@10"] == 1.0
    rows = [json.loads(line) for line in (folder / "queries.out").read_text("utf-8").splitlines()]
    assert len(rows) == len(QUESTIONS) * len(MEASURED)
    assert all(0 <= row["metrics"]["ndcg@10"] <= 1 and row["ranking"] for row in rows if row["recipe"] == "dense")
    assert destiny("project", "list", "--json").document == before


def test_a_folder_that_is_no_suite_is_refused_before_anything_is_made(tmp_path: Path, stores_home: Path) -> None:
    said = Destiny(stores_home)("evaluate", "retrieval", str(tmp_path))
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("destiny: ")
    assert len(said.err.strip().splitlines()) == 1
