"""The table `ingest_request`: ingests that were asked for through the API, and how far each is. Running them is not done here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.errors import ConflictError, NotFoundError

# A server tells every second that it still runs an ingest. After this long without a word it is taken for dead.
_SILENCE_SECONDS = 60
_LOST = "The server that ran it is gone. What was published stays; start another ingest to go on."
_COLUMNS = (
    "id::text as id, project, actor, accept_worse, state, progress, result, reason, requested_at, started_at, ended_at"
)


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """One ingest. `progress` maps a stage to [done, total]; `result` is what ``destiny ingest --json`` printed.

    `state`: ``queued``, ``running``, ``succeeded``, ``failed`` or ``stopped``; the last three have a `reason`.
    """

    id: str
    project: str
    actor: str
    accept_worse: str | None
    state: str
    progress: Mapping[str, list[int]]
    result: Mapping[str, Any] | None
    reason: str | None
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state not in ("queued", "running")


class IngestRequests:
    """Ingests by project."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, project: str, id_: str, actor: str, accept_worse: str | None) -> IngestRequest:
        """Note a new ingest; raises `ConflictError` while another one of the project is open."""
        try:
            with self._session.transaction() as cursor:
                self._bury(cursor, project)
                cursor.execute(
                    "insert into ingest_request (project, id, actor, accept_worse, state) values (%s, %s, %s, %s, 'queued')",
                    (project, id_, actor, accept_worse),
                )
        except UniqueViolation as error:
            raise ConflictError(
                f"An ingest of {project!r} is queued or running already. Follow that one, or ask again when it has ended."
            ) from error
        return self.one(project, id_)

    def one(self, project: str, id_: str) -> IngestRequest:
        """Raises `NotFoundError`."""
        with self._session.transaction() as cursor:
            self._bury(cursor, project)
            row = cursor.execute(
                f"select {_COLUMNS} from ingest_request where project = %s and id::text = %s",  # noqa: S608
                (project, id_),
            ).fetchone()
        if row is None:
            raise NotFoundError(f"Project {project!r} has no ingest {id_}. List them at /v1/projects/{project}/ingests")
        return IngestRequest(**row)

    def page(self, project: str, limit: int) -> list[IngestRequest]:
        """The newest ingests of a project."""
        with self._session.transaction() as cursor:
            self._bury(cursor, project)
            rows: Any = cursor.execute(
                f"select {_COLUMNS} from ingest_request where project = %s order by requested_at desc, id limit %s",  # noqa: S608
                (project, limit),
            )
            return [IngestRequest(**row) for row in rows]

    def begin(self, project: str, id_: str) -> None:
        """It runs now."""
        self._set(project, id_, "state = 'running', started_at = now()", {})

    def note(self, project: str, id_: str, progress: Mapping[str, list[int]]) -> None:
        """It still runs (or waits for its turn), and is so far."""
        self._set(project, id_, "progress = %(progress)s", {"progress": Jsonb(dict(progress))})

    def end(self, project: str, id_: str, state: str, result: Mapping[str, Any] | None, reason: str) -> None:
        """It ended as `state` says."""
        self._set(
            project,
            id_,
            "state = %(state)s, result = %(result)s, reason = %(reason)s, ended_at = now()",
            {"state": state, "result": Jsonb(dict(result)) if result is not None else None, "reason": reason},
        )

    def _set(self, project: str, id_: str, what: str, named: Mapping[str, Any]) -> None:
        with self._session.transaction() as cursor:
            cursor.execute(
                f"update ingest_request set seen_at = now(), {what} where project = %(p)s and id::text = %(id)s",  # noqa: S608
                {**named, "p": project, "id": id_},
            )

    @staticmethod
    def _bury(cursor: Any, project: str) -> None:
        cursor.execute(
            """update ingest_request set state = 'failed', reason = %s, ended_at = now()
               where project = %s and state in ('queued', 'running') and seen_at < now() - make_interval(secs => %s)""",
            (_LOST, project, _SILENCE_SECONDS),
        )
