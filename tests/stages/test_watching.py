"""Watching a project's sources: when an ingest is begun and when it is not. The ingest itself is the test's here."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, Queue

import pytest

from destiny_assets.errors import NotFoundError, StoreUnavailableError
from destiny_assets.watching import watch
from tests.stages.growing import Growth

LONG, SHORT = 20, 0.5
"""Seconds: for what must come, and for what must not."""


@dataclass
class Watched:
    """A watch in a thread of its own. Each ingest is seen in `begun` and ends as `endings` says: with its end, unless one is put there."""

    growth: Growth
    begun: Queue[None] = field(default_factory=Queue)
    endings: Queue[bool | StoreUnavailableError] = field(default_factory=Queue)
    told: Queue[str] = field(default_factory=Queue)

    def run(self) -> None:
        growth = self.growth
        cache = growth.folder.parent / "cache"
        watch(growth.layers.stores, cache, growth.project, self.ingest, every_s=0.02, tell=self.told.put, again_s=0.02)

    def ingest(self) -> bool:
        self.begun.put(None)
        try:
            ending = self.endings.get_nowait()
        except Empty:
            return True
        if isinstance(ending, StoreUnavailableError):
            raise ending
        return ending

    def nothing_begins(self) -> None:
        with pytest.raises(Empty):
            self.begun.get(timeout=SHORT)


@pytest.fixture
def running(growth: Growth) -> Iterator[tuple[Watched, Future[None]]]:
    watched = Watched(growth)
    with ThreadPoolExecutor(1) as threads:
        ended = threads.submit(watched.run)
        watched.begun.get(timeout=LONG)
        yield watched, ended
        if not ended.done():
            growth.layers.ledger.projects.remove(growth.project)
            with pytest.raises(NotFoundError):
                ended.result(LONG)


def test_a_change_begins_an_ingest_and_nothing_else_does(growth: Growth, running: tuple[Watched, Future[None]]) -> None:
    watched, _ = running
    watched.nothing_begins()
    growth.write("handbook/stamps.md", "# Stamps\n\nA stamp costs four crowns.\n")
    watched.begun.get(timeout=LONG)
    watched.nothing_begins()
    growth.delete("handbook/stamps.md")
    watched.begun.get(timeout=LONG)
    assert watched.told.empty()


def test_a_folder_that_is_away_is_told_once_and_begins_nothing(
    growth: Growth, running: tuple[Watched, Future[None]]
) -> None:
    watched, _ = running
    growth.folder.rename(growth.folder.with_name("elsewhere"))
    assert "is not there" in watched.told.get(timeout=LONG)
    watched.nothing_begins()
    assert watched.told.empty()
    growth.folder.with_name("elsewhere").rename(growth.folder)
    watched.nothing_begins()
    growth.write("new.md", "# New\n\nSomething.\n")
    watched.begun.get(timeout=LONG)


def test_an_ingest_that_broke_off_is_tried_again(growth: Growth, running: tuple[Watched, Future[None]]) -> None:
    watched, _ = running
    watched.endings.put(False)
    watched.endings.put(StoreUnavailableError("The vectors are away."))
    growth.write("new.md", "# New\n\nSomething.\n")
    for _ in range(3):
        watched.begun.get(timeout=LONG)
    assert watched.told.get(timeout=LONG) == "The vectors are away. Trying again in 0.02 s."
    watched.nothing_begins()


def test_the_removal_of_the_project_ends_it(growth: Growth, running: tuple[Watched, Future[None]]) -> None:
    _, ended = running
    growth.layers.ledger.projects.remove(growth.project)
    with pytest.raises(NotFoundError):
        ended.result(LONG)
