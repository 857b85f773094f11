"""The bundled sample project: its documents may be given away, and its golden questions can be answered from them.

Nothing is ingested or searched here; these tests read the files only.
"""

import csv
import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[2] / "samples" / "peps"
KINDS = {"fact", "supersession", "decision", "why", "comparison", "identifier"}
# Opens all three wordings in use, with and without "or under the CC0-1.0-Universal license"; a line may break anywhere.
LICENCE = re.compile(r"This\s+document\s+(is|has\s+been)\s+(placed\s+)?in\s+the\s+public\s+domain")
REGISTRY = re.compile(
    r"pypi\.(org|python\.org)|pythonhosted\.org|registry\.npmjs|crates\.io|proxy\.golang\.org|conda\.anaconda", re.I
)


@dataclass(frozen=True, slots=True)
class Question:
    """One line of queries.jsonl."""

    id: str
    text: str
    kind: str
    answer: str
    span: str


@pytest.fixture(scope="module")
def documents() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted((SAMPLE / "documents").glob("*.rst"))}


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    lines = (SAMPLE / "golden" / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    return [Question(row["_id"], row["text"], **row["metadata"]) for row in map(json.loads, lines)]


@pytest.fixture(scope="module")
def judgements() -> list[tuple[str, str, int]]:
    with (SAMPLE / "golden" / "qrels" / "test.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t")
        assert next(rows) == ["query-id", "corpus-id", "score"]
        return [(query, document, int(score)) for query, document, score in rows]


def header(text: str, name: str) -> str | None:
    found = re.search(rf"^{name}:[ \t]*(.*)$", text.split("\n\n", 1)[0], re.M)
    return found and found.group(1).strip()


def test_there_are_at_least_sixty_documents_and_they_stay_small(documents: dict[str, str]) -> None:
    assert len(documents) >= 60
    assert sum(len(text.encode()) for text in documents.values()) <= 3_500_000


def test_every_document_states_that_it_may_be_used_freely(documents: dict[str, str]) -> None:
    assert [name for name, text in documents.items() if not LICENCE.search(text)] == []


def test_no_document_names_a_package_registry(documents: dict[str, str]) -> None:
    assert [name for name, text in documents.items() if REGISTRY.search(text)] == []


def test_a_document_is_named_after_the_number_in_its_header(documents: dict[str, str]) -> None:
    assert {name: f"pep-{int(header(text, 'PEP') or 0):04d}.rst" for name, text in documents.items()} == {
        name: name for name in documents
    }


def test_the_readme_counts_the_statuses_that_the_documents_have(documents: dict[str, str]) -> None:
    readme = (SAMPLE / "README.md").read_text(encoding="utf-8")
    told = {status: int(count) for status, count in re.findall(r"^\| (\w+) \| (\d+) \|$", readme, re.M)}
    assert told == Counter(header(text, "Status") for text in documents.values())
    assert {"Final", "Rejected", "Withdrawn", "Superseded", "Deferred", "Draft", "Accepted"} <= set(told)


def test_no_supersession_leads_out_of_the_sample(documents: dict[str, str]) -> None:
    related = {
        f"pep-{int(number):04d}.rst"
        for text in documents.values()
        for field in ("Superseded-By", "Replaces")
        for number in re.findall(r"\d+", header(text, field) or "")
    }
    assert len(related) >= 16
    assert related <= set(documents)


def test_there_are_at_least_forty_questions_with_distinct_ids_and_texts(questions: list[Question]) -> None:
    assert len(questions) >= 40
    assert len({question.id for question in questions}) == len(questions)
    assert len({question.text for question in questions}) == len(questions)


def test_every_kind_of_question_is_asked_and_supersession_at_least_eight_times(questions: list[Question]) -> None:
    kinds = Counter(question.kind for question in questions)
    assert set(kinds) == KINDS
    assert kinds["supersession"] >= 8


def test_every_judgement_names_a_question_and_a_document_once(
    documents: dict[str, str], questions: list[Question], judgements: list[tuple[str, str, int]]
) -> None:
    pairs = [(query, document) for query, document, _ in judgements]
    assert len(set(pairs)) == len(pairs)
    assert {query for query, _ in pairs} == {question.id for question in questions}
    assert {document for _, document in pairs} <= set(documents)
    assert {score for *_, score in judgements} == {1, 2}


def test_every_question_has_a_best_document_that_holds_the_quoted_answer(
    documents: dict[str, str], questions: list[Question], judgements: list[tuple[str, str, int]]
) -> None:
    best: dict[str, list[str]] = {}
    for query, document, score in judgements:
        if score == 2:
            best.setdefault(query, []).append(documents[document])
    assert all(question.span and question.answer for question in questions)
    assert [
        question.id for question in questions if not any(question.span in text for text in best.get(question.id, []))
    ] == []


def test_a_supersession_question_is_never_best_answered_by_what_was_replaced(
    documents: dict[str, str], questions: list[Question], judgements: list[tuple[str, str, int]]
) -> None:
    about_the_present = {question.id for question in questions if question.kind == "supersession"}
    best = {document for query, document, score in judgements if query in about_the_present and score == 2}
    assert {header(documents[document], "Status") for document in best} <= {"Final", "Accepted", "Active"}
    assert not [document for document in best if header(documents[document], "Superseded-By")]
