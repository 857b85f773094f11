"""Several `destiny ingest`, as processes: of one project the second waits and says so, of two neither waits, and killed ones block none."""

import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from destiny_assets.adapters.postgres.locks import project_to_oneself
from tests.cli.conftest import Destiny
from tests.stages.growing import Layers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def destiny(stores_home: Path) -> Destiny:
    return Destiny(stores_home)


@pytest.fixture
def projects(destiny: Destiny, tmp_path: Path) -> Iterator[list[str]]:
    """Two projects with a document each."""
    names = [f"two-{secrets.token_hex(4)}" for _ in range(2)]
    for name in names:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "note.md").write_text(f"# {name}\n\nA courier takes ten letters at a time.\n", "utf-8")
        assert destiny("project", "add", name).code == 0
        assert destiny("source", "add", name, "files", str(folder)).code == 0
    yield names
    for name in names:
        assert destiny("project", "remove", name, "--yes").code == 0


class Ingest:
    """A `destiny ingest` that goes on by itself; `said` collects its standard error, `waits` is set when it says that it does."""

    def __init__(self, home: Path, project: str) -> None:
        self.said: list[str] = []
        self.waits = threading.Event()
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from destiny_assets.cli.app import main; main()", "ingest", project],
            env=Destiny(home)._environment({"PATH": "/usr/bin:/bin"}, {}),
            cwd=Path(__file__).parents[2],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._listening = threading.Thread(target=self._listen)
        self._listening.start()

    def _listen(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self.said.append(line)
                if "waiting for it to end" in line:
                    self.waits.set()

    def code(self) -> int:
        self._listening.join()
        return self._process.wait()

    def running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.kill()
        self.code()


def test_the_second_ingest_of_a_project_waits_and_another_project_does_not(
    destiny: Destiny, layers: Layers, stores_home: Path, projects: list[str]
) -> None:
    one, other = projects
    with project_to_oneself(layers.stores.postgres_url, one, print):
        waiting = Ingest(stores_home, one)
        assert waiting.waits.wait(300), waiting.said
        free = Ingest(stores_home, other)
        assert (free.code(), free.said) == (0, [])
        assert not layers.ledger.generations.all(one)
    assert waiting.code() == 0, waiting.said
    for project in projects:
        assert [generation.state for generation in layers.ledger.generations.all(project)] == ["published"]


def test_ingests_killed_within_a_pool_leave_its_slots_to_the_next(
    layers: Layers, stores_home: Path, projects: list[str]
) -> None:
    def held() -> set[str]:
        with psycopg.connect(layers.stores.postgres_url) as connection:
            if connection.execute("select to_regclass('dagster.concurrency_slots')").fetchone() == (None,):
                return set()
            return {
                row[0] for row in connection.execute("select run_id from dagster.concurrency_slots where run_id <> ''")
            }

    # A pool has two slots, so two kills in a pool are enough to stop whoever comes third.
    for _ in range(2):
        before = held()
        ingest = Ingest(stores_home, projects[0])
        while not held() - before:
            assert ingest.running(), ingest.said
        ingest.kill()
    last = Ingest(stores_home, projects[0])
    assert last.code() == 0, last.said
    assert [generation.state for generation in layers.ledger.generations.all(projects[0])] == ["published"]
    assert held() == set()
