"""One writer a project: a lock in PostgreSQL that a killed process cannot leave behind."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from destiny_assets.errors import ConflictError

_PATIENCE_SECONDS = 1_800


@dataclass(frozen=True, slots=True)
class WriteRight:
    """The right to write one project."""

    project: str


@contextmanager
def project_to_oneself(url: str, project: str, say: Callable[[str], None]) -> Iterator[WriteRight]:
    """Hold a project against every other ingest of it, waiting up to half an hour for one that runs.

    `say` is told when there is something to wait for; raises `ConflictError` when the wait was in vain. The lock belongs to a
    connection, so it goes when its holder does, however that ends.
    """
    key = int.from_bytes(hashlib.sha256(f"ingest {project}".encode()).digest()[:8], "big", signed=True)
    with psycopg.connect(url, autocommit=True, application_name="destiny-ingest") as connection:
        free = connection.execute("select pg_try_advisory_lock(%s)", (key,)).fetchone()
        if not (free and free[0]):
            say(f"Another ingest of {project!r} is running; waiting for it to end.")
            connection.execute(f"set lock_timeout = '{_PATIENCE_SECONDS}s'")
            try:
                connection.execute("select pg_advisory_lock(%s)", (key,))
            except psycopg.errors.LockNotAvailable as error:
                raise ConflictError(
                    f"Another ingest of {project!r} has been running for over {_PATIENCE_SECONDS // 60} minutes. "
                    "Look at it in the Dagster UI, then try again."
                ) from error
        yield WriteRight(project)
