"""Twelve projects with a secret each: none of them is heard through any door by who holds another's key."""

from pathlib import Path

from tests.serving.api.canaries import caged, run
from tests.serving.api.opened import Opened
from tests.stages.growing import Layers

PROJECTS = 12
QUESTIONS = 180
"""`python -m benchmarks.canaries` asks 1,000."""


def test_no_secret_of_twelve_projects_is_heard_through_any_door(layers: Layers, opened: Opened, tmp_path: Path) -> None:
    with caged(layers, opened, tmp_path, PROJECTS) as cages:
        heard = run(opened, cages, QUESTIONS)
    assert heard.leaks == []
    assert sum(heard.asked.values()) >= QUESTIONS
    # Whoever asks the same of its own project hears its secret: the silence of the others is no silence of the door.
    for door in ("REST", "client", "MCP over HTTP", "MCP over standard input", "pages"):
        assert heard.own[door] >= 2, door
    assert heard.own["Dagster UI"] == 0
