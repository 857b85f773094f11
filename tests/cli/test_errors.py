"""A failure is one sentence on standard error and exit code 1: no traceback, no secret, and what to do next."""

import secrets
from pathlib import Path

import pytest

from tests.cli.conftest import Destiny, Said
from tests.stages.growing import Growth, Layers


def sentence(said: Said) -> str:
    assert said.code == 1
    assert said.out == ""
    assert said.err.startswith("destiny: ")
    assert "Traceback" not in said.err
    assert len(said.err.strip().splitlines()) == 1
    return said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", "nowhere", "x"),
        ("search", "nowhere", "x", "--json"),
        ("ask", "nowhere", "x"),
        ("ingest", "nowhere", "--json"),
        ("doctor", "nowhere"),
        ("doctor", "nowhere", "--json"),
        ("generations", "nowhere"),
        ("rollback", "nowhere", "1"),
        ("trust", "explain", "nowhere", "x"),
        ("source", "list", "nowhere"),
        ("source", "remove", "nowhere", "x"),
        ("source", "add", "nowhere", "files", "."),
        ("project", "remove", "nowhere", "--yes", "--json"),
    ],
)
def test_a_project_that_does_not_exist_is_named(destiny: Destiny, arguments: tuple[str, ...]) -> None:
    assert "nowhere" in sentence(destiny(*arguments))


def test_wrong_values_are_told_with_the_right_ones(destiny: Destiny, grown: Growth, tmp_path: Path) -> None:
    project = grown.project
    assert "one generation" in sentence(destiny("ingest", project, "--watch", "--accept-worse", "it is known"))
    assert "add --watch" in sentence(destiny("ingest", project, "--every", "5"))
    assert "hybrid, dense, lexical" in sentence(destiny("search", project, "x", "--recipe", "magic"))
    assert "2026-11-01" in sentence(destiny("search", project, "x", "--as-of", "yesterday"))
    assert "between 0 and 1" in sentence(destiny("source", "add", project, "files", str(tmp_path), "--prior", "1"))
    assert "key=value" in sentence(destiny("source", "add", project, "files", str(tmp_path), "--option", "x"))
    assert "files" in sentence(destiny("source", "add", project, "magic", str(tmp_path)))
    assert "is not there" in sentence(destiny("source", "add", project, "files", str(tmp_path / "missing")))
    assert "lower-case" in sentence(destiny("project", "add", "Not A Name"))
    assert "destiny generations" in sentence(destiny("rollback", project, "99"))
    assert "docs/benchmarks.md" in sentence(destiny("project", "questions", project, str(tmp_path)))


def test_a_project_without_sources_says_how_to_add_one(destiny: Destiny, layers: Layers) -> None:
    empty = f"empty-{secrets.token_hex(4)}"
    layers.ledger.projects.add(empty)
    try:
        assert f"destiny source add {empty} files" in sentence(destiny("ingest", empty))
        assert f"destiny ingest {empty}" in sentence(destiny("search", empty, "x"))
    finally:
        layers.ledger.projects.remove(empty)


def test_a_home_without_servers_says_how_to_start_them(tmp_path: Path) -> None:
    assert "destiny up" in sentence(Destiny(tmp_path)("project", "list"))


@pytest.mark.parametrize("command", [("project", "list"), ("doctor",), ("search", "x", "y")])
def test_a_ledger_that_is_away_is_said_so_without_its_password(destiny: Destiny, command: tuple[str, ...]) -> None:
    said = destiny.process(*command, DESTINY_POSTGRES_URL="postgresql://destiny:top-secret@127.0.0.1:1/destiny")
    assert "127.0.0.1:1" in sentence(said)
    assert "top-secret" not in said.err


def test_without_vectors_words_answer_and_it_is_said_so_without_their_key(destiny: Destiny, grown: Growth) -> None:
    for command in ("search", "ask"):
        said = destiny.process(command, grown.project, "letters", DESTINY_QDRANT_URL="http://:top-secret@127.0.0.1:1")
        assert said.code == 0, said.err
        assert "Answered without vectors" in said.out
        assert "top-secret" not in said.out + said.err


def test_a_question_is_embedded_as_its_generation_was_and_no_other_model_is_asked(
    destiny: Destiny, grown: Growth
) -> None:
    other = {
        "DESTINY_EMBEDDING_MODEL": "openai:other",
        "DESTINY_EMBEDDING_URL": "http://127.0.0.1:1/v1",
        "DESTINY_EMBEDDING_API_KEY": "sk-x",
    }
    for recipe in ("dense", "lexical"):
        usual, said = (
            destiny("search", grown.project, "letters", "--recipe", recipe, "--json", **some) for some in ({}, other)
        )
        assert said.code == 0, said.err
        assert said.document["hits"] == usual.document["hits"] != []
        assert "sk-x" not in said.out + said.err


def test_a_wrong_way_to_call_is_explained_by_the_command_itself(destiny: Destiny) -> None:
    for arguments in (("search",), ("search", "x", "y", "--k", "0"), ("nonsense",)):
        said = destiny(*arguments)
        assert said.code == 2
        assert "Traceback" not in said.err
