"""A newcomer's first hour: the commands of the README, with the real model on real servers.

Up to the first answer each is a process of its own; what follows runs in this one, where the libraries are loaded once.
"""

import json
import secrets
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Destiny

DOCUMENTS = {
    "decisions/0001-invoices.md": "# Keep invoices for ten years\n\n## Status\n\nAccepted\n\n"
    "The tax office may ask for an invoice for ten years, so none is deleted earlier.\n",
    "decisions/0002-backups.md": "# Back up every night\n\n## Status\n\nAccepted\n\n"
    "A copy of every database is written at two in the morning and kept for thirty days.\n",
    "team/onboarding.md": "# Your first week\n\nNew colleagues get a laptop on Monday and meet their mentor for lunch on Tuesday.\n",
    "team/holidays.rst": "Holidays\n========\n\nEverybody has thirty days of leave a year; five of them may be carried into the next one.\n",
    "notes.txt": "The coffee machine on the third floor is cleaned by whoever finds it dirty.\n",
}
LEAVE = "How many days of leave do I get in a year?"


@pytest.fixture(scope="module")
def destiny(stores_home: Path) -> Destiny:
    return Destiny(stores_home)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("journey")
    for name, text in DOCUMENTS.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


@pytest.fixture(scope="module")
def project(destiny: Destiny, folder: Path) -> Iterator[str]:
    name = f"journey-{secrets.token_hex(4)}"
    assert destiny.process("project", "add", name).code == 0
    yield name
    assert destiny("project", "remove", name, "--yes").code == 0
    assert "There is no project" in destiny("search", name, "anything").err


def test_from_an_empty_project_to_a_cited_answer_and_an_update(destiny: Destiny, folder: Path, project: str) -> None:
    assert destiny.process("source", "add", project, "files", str(folder)).code == 0

    first = destiny.process("ingest", project, "--json")
    assert first.code == 0, first.err
    told = first.document
    assert (told["project"], told["generation"], told["published"]) == (project, 1, True)
    assert told["documents"] == {
        "added": 5,
        "changed": 0,
        "moved": 0,
        "removed": 0,
        "unchanged": 0,
        "quarantined": 0,
        "total": 5,
    }
    assert told["chunks"].keys() >= {"added", "retired", "total"}
    assert told["chunks"]["added"] == told["chunks"]["total"] == told["embedding"]["texts"] > 0
    assert told["embedding"].keys() >= {"model", "texts", "tokens", "seconds"}
    assert told["model_calls"] > 0
    assert told["checks"]["failed"] == []
    assert told["checks"]["passed"] >= 10
    assert told["seconds"].keys() >= {"total", "documents", "chunks", "embeddings", "vector_index", "knowledge_graph"}

    found = destiny.process("search", project, LEAVE, "--k", "2", "--json").document
    assert found["hits"][0]["uri"] == "team/holidays.rst"
    answer = destiny.process("ask", project, LEAVE, "--json").document
    assert "thirty days of leave" in answer["answer"]
    assert answer["citations"][0]["uri"] == "team/holidays.rst"

    again = destiny("ingest", project, "--json").document
    assert (again["published"], again["generation"], again["model_calls"]) == (False, 1, 0)
    assert again["layers_written"] == {"vectors": 0, "graph": 0}
    assert again["documents"]["unchanged"] == 5

    holidays = folder / "team" / "holidays.rst"
    holidays.write_text(holidays.read_text("utf-8").replace("thirty days", "thirty-two days"), "utf-8")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 cut off here")
    second = destiny("ingest", project, "--json").document
    assert (second["published"], second["generation"]) == (True, 2)
    assert (second["documents"]["changed"], second["documents"]["quarantined"]) == (1, 1)
    assert second["embedding"]["texts"] == 1
    assert "thirty-two days" in destiny("ask", project, LEAVE, "--json").document["answer"]

    doctor = destiny("doctor", project, "--json")
    assert (doctor.code, doctor.document["ok"]) == (0, True)
    assert [item["document"] for item in doctor.document["quarantined"]] == ["broken.pdf"]


def test_a_watched_folder_is_read_again_when_a_file_is_saved(destiny: Destiny, folder: Path, project: str) -> None:
    destiny("source", "add", project, "files", str(folder))
    with destiny.going("ingest", project, "--watch", "--every", "0.2", "--json") as process:
        documents = documents_of(process)
        assert next(documents)["documents"]["total"] >= 5
        (folder / "notes.txt").write_text("The coffee machine is cleaned on Fridays, by rota.\n", "utf-8")
        second = next(documents)
        assert (second["published"], second["documents"]["changed"], second["embedding"]["texts"]) == (True, 1, 1)
        assert "Fridays" in destiny("search", project, "coffee machine", "--json").document["hits"][0]["text"]
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "stopped. What was published stays" in said


def documents_of(process: subprocess.Popen[str]) -> Iterator[Any]:
    """The JSON documents on a process' standard output, as they come."""
    assert process.stdout is not None
    lines = ""
    for line in process.stdout:
        lines += line
        if line == "}\n":
            yield json.loads(lines)
            lines = ""
