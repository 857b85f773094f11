"""Labelled folders of each kind: what is written out, and that what is judged stands where the suite says."""

import json
from pathlib import Path
from typing import Any

import pytest

from destiny_assets.adapters.postgres.benchmarks import Suite
from destiny_assets.adapters.postgres.reading import Place
from destiny_assets.serving.rankings import Placed
from destiny_assets.stages.measure import found_items, span_metrics
from destiny_assets.stages.suites import Labelled, with_tuning_half, write_out


def folder_of(
    folder: Path, documents: list[dict[str, Any]], queries: list[dict[str, Any]], judged: list[tuple[str, str]]
) -> Path:
    (folder / "qrels").mkdir(parents=True)
    for name, rows in (("corpus.jsonl", documents), ("queries.jsonl", queries)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    lines = "".join(f"{query}\t{document}\t1\n" for query, document in judged)
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + lines, "utf-8")
    return folder


def written(folder: Path, tmp_path: Path) -> tuple[Labelled, Path]:
    target = tmp_path / "written"
    target.mkdir()
    return write_out(folder, target), target


def text_at(target: Path, source: str, item: str) -> str:
    uri, _, places = item.rpartition("#char=")
    start, end = map(int, places.split(","))
    return (target / source / uri).read_text("utf-8")[start:end]


DOCUMENTS = [{"_id": "a/1", "title": "One", "text": "first"}, {"_id": "b", "title": "", "text": "second"}]


def test_a_corpus_becomes_files_named_by_the_judgements(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "set", DOCUMENTS, [{"_id": "q", "text": "which"}], [("q", "a/1")])
    labelled, target = written(folder, tmp_path)
    assert (labelled.kind, labelled.sources, labelled.documents) == ("retrieval", ("corpus",), 2)
    ((uri, grade),) = labelled.suite.grades["q"].items()
    assert (grade, (target / "corpus" / uri).read_text("utf-8")) == (1, "# One\n\nfirst\n")


def test_questions_that_all_need_several_documents_are_multi_hop(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "set", DOCUMENTS, [{"_id": "q", "text": "which"}], [("q", "a/1"), ("q", "b")])
    assert written(folder, tmp_path)[0].kind == "multi-hop"


def test_turns_are_sections_of_sessions_and_each_conversation_is_a_source(tmp_path: Path) -> None:
    turns = [
        {
            "_id": f"{conversation}:{session}:{number}",
            "title": "",
            "text": f"Ann: turn {number} of {session} in {conversation} é",
            "metadata": {"conversation": conversation, "session": session, "speaker": "Ann", "date_time": "1 May 2023"},
        }
        for conversation in ("c 1", "c2")
        for session in (1, 2, 1)
        for number in range(3)
    ]
    for place, turn in enumerate(turns):
        turn["_id"] = f"t{place}"
    queries = [{"_id": "q", "text": "what", "metadata": {"conversation": "c2"}}]
    folder = folder_of(tmp_path / "set", turns, queries, [("q", "t9"), ("q", "t17")])
    labelled, target = written(folder, tmp_path)
    assert (labelled.kind, labelled.sources, labelled.documents) == ("memory", ("c%201", "c2"), 4)
    assert labelled.suite.sources == {"q": "c2"}
    found = [text_at(target, "c2", item) for item in labelled.suite.grades["q"]]
    assert [text.strip() for text in found] == [
        "## Ann\n\nAnn: turn 0 of 1 in c2 é",
        "## Ann\n\nAnn: turn 2 of 1 in c2 é",
    ]


def test_gold_stretches_name_the_text_they_were_given_for(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    (folder / "corpora").mkdir(parents=True)
    (folder / "corpora" / "long.md").write_text("nothing here. the answer. nothing there.", "utf-8")
    record = {"id": "q", "corpus": "long", "question": "what", "references": [{"start": 14, "end": 25, "text": "..."}]}
    (folder / "questions.jsonl").write_text(json.dumps(record) + "\n", "utf-8")
    labelled, target = written(folder, tmp_path)
    assert labelled.kind == "chunking"
    (item,) = labelled.suite.grades["q"]
    assert text_at(target, "corpus", item) == "the answer."


def place(uri: str, span: tuple[int, int]) -> Place:
    return Place("c", uri, span, 0.5, None)


def test_a_passage_counts_as_every_judged_stretch_it_touches_and_else_as_itself() -> None:
    grades = {"a.md#char=10,20": 1, "a.md#char=30,40": 1}
    spans = [("a.md", (0, 10)), ("a.md", (15, 35)), ("b.md", (15, 35)), ("a.md", (38, 50))]
    found = [Placed(place(uri, span)) for uri, span in spans]
    assert found_items(found, grades) == ["a.md#char=0,10", *grades, "b.md#char=15,35"]


def test_documents_are_found_once_and_copies_right_behind_their_passage() -> None:
    first = Placed(place("a.md", (0, 1)), [place("c.md", (0, 1))])
    found = [first, Placed(place("a.md", (1, 2))), Placed(place("b.md", (0, 1)))]
    assert found_items(found, {"b.md": 1}) == ["a.md", "c.md", "b.md"]


@pytest.mark.parametrize(("questions", "halved"), [(10, False), (100, True)])
def test_half_of_a_suite_that_is_large_enough_may_choose_what_is_best(questions: int, halved: bool) -> None:
    names = {f"q{number}": "text" for number in range(questions)}
    suite = with_tuning_half(Suite("s", names, {name: {"a": 1} for name in names}))
    assert bool(suite.tuning) is halved
    assert suite.tuning < set(names)


def test_stretches_are_covered_by_the_first_passages_and_by_copies_of_them() -> None:
    grades = {"a.md#char=0,20": 1, "b.md#char=10,20": 1, "a.md#char=90,99": 0}
    found = [
        Placed(place("c.md", (0, 40)), [place("a.md", (0, 10))]),
        *(Placed(place("c.md", (start, start + 40))) for start in (40, 80, 120)),
        Placed(place("b.md", (0, 20))),
    ]
    metrics = span_metrics(found, grades)
    assert metrics["span_recall@5"] == pytest.approx(10 / 30)
    # Two passages touch a stretch, and the first two are the one that does not and its copy.
    assert (metrics["span_recall@gold"], metrics["span_precision@gold"]) == pytest.approx((10 / 30, 10 / 50))
    assert (metrics["span_recall@touching"], metrics["span_iou@touching"]) == pytest.approx((20 / 30, 20 / 40))
    assert span_metrics(found, {"a.md": 1}) == {}
    assert span_metrics([], grades)["span_iou@gold"] == 0.0
