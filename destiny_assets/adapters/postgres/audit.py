"""The table `audit_event`: appended to one at a time, each row chained to the one before. Nothing here changes a row."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from psycopg.types.json import Jsonb

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.domain.audit import FIRST, AuditEvent, AuditProof, event_digest, verify_chain
from destiny_assets.errors import DestinyError

# Writers queue here, so that no two follow the same event.
_LOCK = 7_203_612
_COLUMNS = "id, at, actor, action, project, detail, digest"


class AuditLog:
    """Who did what to which project."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def append(self, actor: str, action: str, project: str | None, detail: Mapping[str, Any]) -> AuditEvent:
        """Add one event; it is there for good when this returns."""
        with self._session.transaction() as cursor:
            cursor.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
            # A statement of its own: it has to see what the holder before us wrote.
            (row,) = cursor.execute(
                "select clock_timestamp() as at, (select digest from audit_event order by id desc limit 1) as digest"
            ).fetchall()
            previous = bytes(row["digest"]) if row["digest"] else FIRST
            digest = event_digest(previous, row["at"], actor, action, project, detail)
            (row,) = cursor.execute(
                f"""insert into audit_event (at, actor, action, project, detail, digest) values (%s, %s, %s, %s, %s, %s)
                    returning {_COLUMNS}""",  # noqa: S608
                (row["at"], actor, action, project, Jsonb(dict(detail)), digest),
            ).fetchall()
        return AuditEvent(**row)

    @contextmanager
    def noting(
        self,
        actor: str,
        action: str,
        project: str | None,
        detail: Mapping[str, Any],
        *,
        refusals: tuple[type[Exception], ...] = (DestinyError,),
    ) -> Iterator[None]:
        """One deed, done in the block: noted before it happens, and a refusal of it as an event of its own.

        Killed between the two, something is noted that did not happen, never the reverse.
        """
        noted = self.append(actor, action, project, detail)
        try:
            yield
        except refusals as error:
            self.append(actor, f"{action}.refused", project, {"event": noted.id, "reason": str(error)})
            raise

    def page(self, *, project: str | None = None, before: int | None = None, limit: int = 50) -> list[AuditEvent]:
        """Events, newest first; of one project, and older than the id `before`, where given."""
        with self._session.transaction() as cursor:
            rows: Any = cursor.execute(
                f"""select {_COLUMNS} from audit_event
                    where (%(p)s::text is null or project = %(p)s) and (%(before)s::bigint is null or id < %(before)s)
                    order by id desc limit %(limit)s""",  # noqa: S608
                {"p": project, "before": before, "limit": limit},
            )
            return [AuditEvent(**row) for row in rows]

    def verify(self) -> AuditProof:
        """Compute the whole chain anew from what the rows say."""
        return verify_chain(self._all())

    def holds(self, digest: str) -> bool:
        """Whether an event with that digest (hex) is in the log: one that was the head once still has to be."""
        with self._session.transaction() as cursor:
            found = cursor.execute("select 1 from audit_event where digest = decode(%s, 'hex')", (digest,)).fetchone()
        return found is not None

    def _all(self) -> Iterator[AuditEvent]:
        with self._session.stream("audit_events") as cursor:
            cursor.execute(f"select {_COLUMNS} from audit_event order by id")  # noqa: S608
            for row in cursor:
                yield AuditEvent(**{**row, "digest": bytes(row["digest"])})
