"""What commands there are, that each explains itself, and that asking costs nothing heavy."""

import subprocess
import sys
from typing import cast

import click
import pytest
import typer

from destiny_assets.cli.app import app

HEAVY = ("dagster", "psycopg", "qdrant_client", "neo4j", "great_expectations", "pandas", "numpy", "sqlalchemy", "alembic",
         "openai", "onnxruntime", "openvino", "tokenizers", "kreuzberg", "obstore", "uvicorn", "pydantic", "mcp")  # fmt: skip
COMMANDS = {
    *("up", "down", "status", "dev", "demo", "ingest", "search", "context", "ask", "generations", "rollback", "doctor"),
    *("repair", "rebuild", "vacuum", "add", "forget", "decisions", "backup", "restore"),
    *("project add", "project list", "project questions", "project gate", "project remove"),
    *(
        "source add",
        "source list",
        "source remove",
        "trust explain",
        "trust label",
        "trust suggest",
        "claims",
        "evaluate retrieval",
        "evaluate trust",
    ),
    *("evaluate linking", "evaluate relations", "evaluate contradictions", "model list", "model fetch"),
    *("serve", "mcp", "key create", "key list", "key revoke", "audit list", "audit verify"),
}


def commands(group: click.Group, before: str = "") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        found |= commands(command, f"{before}{name} ") if hasattr(command, "commands") else {f"{before}{name}": command}
    return found


def group_of(application: typer.Typer) -> click.Group:
    group = typer.main.get_command(application)
    assert hasattr(group, "commands")
    return cast("click.Group", group)


FOUND = commands(group_of(app))


def test_the_commands_are_these() -> None:
    assert set(FOUND) >= COMMANDS


@pytest.mark.parametrize("name", sorted(FOUND))
def test_a_command_and_each_of_its_options_say_what_they_are_for(name: str) -> None:
    assert len((FOUND[name].help or "").split()) >= 3
    for parameter in FOUND[name].params:
        if not getattr(parameter, "hidden", False):
            assert getattr(parameter, "help", None), f"{name}: {parameter.name}"


@pytest.mark.parametrize("name", sorted(set(FOUND) - {"dev", "mcp"}))
def test_a_command_can_answer_in_json(name: str) -> None:
    assert "--json" in {option for parameter in FOUND[name].params for option in parameter.opts}


def test_the_command_line_loads_nothing_heavy() -> None:
    code = "import sys, destiny_assets.cli.app; print(' '.join({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert sorted(set(HEAVY) & set(done.stdout.split())) == []
