"""One writer a project: a second one waits, says so, and goes on when the first has ended."""

import threading

from destiny_assets.adapters.postgres.locks import project_to_oneself
from destiny_assets.settings import Stores


def test_a_second_writer_waits_until_the_first_has_ended(stores: Stores, project: str) -> None:
    said, entered, waiting = [], threading.Event(), threading.Event()

    def say(text: str) -> None:
        said.append(text)
        waiting.set()

    def write() -> None:
        with project_to_oneself(stores.postgres_url, project, say):
            entered.set()

    second = threading.Thread(target=write)
    with project_to_oneself(stores.postgres_url, project, say):
        second.start()
        assert waiting.wait(20)
        assert not entered.is_set()
    assert entered.wait(20)
    second.join()
    assert said == [f"Another ingest of {project!r} is running; waiting for it to end."]


def test_writers_of_different_projects_do_not_wait(stores: Stores, project: str) -> None:
    said: list[str] = []
    with (
        project_to_oneself(stores.postgres_url, project, said.append),
        project_to_oneself(stores.postgres_url, f"{project}-other", said.append),
    ):
        assert said == []
