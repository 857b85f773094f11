"""Locks in PostgreSQL that a killed process cannot leave behind: one writer a project, and the lease of a run."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import Cursor
from psycopg.rows import DictRow

from destiny_assets.errors import ConflictError

_PATIENCE_SECONDS = 1_800

# A host that lost its power never says goodbye: the server asks after two minutes of silence.
_KEEPALIVE = "-c tcp_keepalives_idle=60 -c tcp_keepalives_interval=20 -c tcp_keepalives_count=3"


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
    key = _key(f"ingest {project}")
    with psycopg.connect(url, autocommit=True, application_name="destiny-ingest", options=_KEEPALIVE) as connection:
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


@contextmanager
def lease(url: str, run_id: str) -> Iterator[None]:
    """Show that a run is alive, for as long as this process is. Several may hold the lease of one run."""
    with psycopg.connect(url, autocommit=True, application_name="destiny-run", options=_KEEPALIVE) as connection:
        connection.execute("select pg_advisory_lock_shared(%s)", (_key(f"run {run_id}"),))
        yield


def unleased(cursor: Cursor[DictRow], run_ids: Sequence[str]) -> list[str]:
    """Those of the runs whose lease nobody holds."""
    # Taken to see whether it can be, and gone with the transaction.
    return [
        run_id
        for run_id in run_ids
        if (row := cursor.execute("select pg_try_advisory_xact_lock(%s) as free", (_key(f"run {run_id}"),)).fetchone())
        and row["free"]
    ]


def _key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
