"""The tables `api_key` and `page_session`: what is kept of keys and of the sessions begun with them, and until when they open anything."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.domain.access import Caller, Role
from destiny_assets.domain.api_keys import KeyPrint

_COLUMNS = "id, name, grants, rate_per_s, created_by, created_at, expires_at, revoked_at, last_used_at"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key without its secret. `last_used_at` is right to the minute."""

    id: str
    name: str
    grants: Mapping[str, str]
    rate_per_s: float
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


class ApiKeys:
    """API keys, and the sessions that browsers hold in their place."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(
        self, key: KeyPrint, name: str, grants: Mapping[str, Role], *, rate: float, days: int, by: str
    ) -> StoredKey:
        """Keep a new key, which opens what `grants` say for `days` days."""
        with self._session.transaction() as cursor:
            (row,) = cursor.execute(
                f"""insert into api_key (id, name, digest, grants, rate_per_s, created_by, expires_at)
                    values (%s, %s, %s, %s, %s, %s, now() + make_interval(days => %s)) returning {_COLUMNS}""",  # noqa: S608
                (key.id, name, key.digest, Jsonb(dict(grants)), rate, by, days),
            ).fetchall()
        return StoredKey(**row)

    def caller(self, key: KeyPrint) -> Caller | None:
        """Whom a key belongs to; None for one that is unknown, revoked or past its time."""
        with self._session.transaction() as cursor:
            row = cursor.execute(
                """select name, digest, grants, rate_per_s,
                          coalesce(last_used_at < now() - interval '1 minute', true) as note_use
                   from api_key where id = %s and revoked_at is null and expires_at > now()""",
                (key.id,),
            ).fetchone()
            if row is None or not hmac.compare_digest(bytes(row["digest"]), key.digest):
                return None
            if row["note_use"]:
                cursor.execute("update api_key set last_used_at = now() where id = %s", (key.id,))
        return _caller(key.id, row)

    def begin_session(self, key: KeyPrint, digest: bytes, *, hours: int) -> datetime | None:
        """Keep a session of the web pages, for `hours` or as long as its key lives, whichever is less; when it ends.

        None, and nothing kept, for a key that is unknown, revoked or past its time. Sessions past theirs are forgotten by the way.
        """
        with self._session.transaction() as cursor:
            cursor.execute("delete from page_session where expires_at < now()")
            row = cursor.execute(
                """insert into page_session (digest, key_id, expires_at)
                   select %s, id, least(expires_at, now() + make_interval(hours => %s)) from api_key
                   where id = %s and digest = %s and revoked_at is null and expires_at > now()
                   returning expires_at""",
                (digest, hours, key.id, key.digest),
            ).fetchone()
        return row["expires_at"] if row else None

    def begin_session_of(self, caller: Caller, digest: bytes, *, hours: int) -> datetime:
        """Keep a session, for `hours`, of a person for whom an identity provider vouched; when it ends."""
        grants = {project: str(role) for project, role in caller.grants.items()}
        with self._session.transaction() as cursor:
            cursor.execute("delete from page_session where expires_at < now()")
            (row,) = cursor.execute(
                """insert into page_session (digest, actor, name, grants, expires_at)
                   values (%s, %s, %s, %s, now() + make_interval(hours => %s)) returning expires_at""",
                (digest, caller.id, caller.name, Jsonb(grants), hours),
            ).fetchall()
        ends: datetime = row["expires_at"]
        return ends

    def caller_of_session(self, digest: bytes) -> Caller | None:
        """For whom a session speaks; None for one that is unknown or past its time, or whose key is revoked or past its own."""
        with self._session.transaction() as cursor:
            row = cursor.execute(
                """select s.actor, k.id, coalesce(s.name, k.name) as name, coalesce(s.grants, k.grants) as grants, k.rate_per_s
                   from page_session s left join api_key k on k.id = s.key_id
                   where s.digest = %s and s.expires_at > now()
                     and (s.key_id is null or (k.revoked_at is null and k.expires_at > now()))""",
                (digest,),
            ).fetchone()
        if row is None:
            return None
        return _caller(row["id"], row) if row["actor"] is None else Caller(row["actor"], row["name"], _roles(row))

    def end_session(self, digest: bytes) -> bool:
        """Forget a session; False when it was not known."""
        with self._session.transaction() as cursor:
            cursor.execute("delete from page_session where digest = %s", (digest,))
            return cursor.rowcount == 1

    def all(self) -> list[StoredKey]:
        """Every key, newest first."""
        with self._session.transaction() as cursor:
            rows: Any = cursor.execute(f"select {_COLUMNS} from api_key order by created_at desc, id")  # noqa: S608
            return [StoredKey(**row) for row in rows]

    def revoke(self, id_: str) -> bool:
        """Let a key open nothing any more; False when none has that id. Revoked again, it keeps its first time."""
        with self._session.transaction() as cursor:
            cursor.execute("update api_key set revoked_at = coalesce(revoked_at, now()) where id = %s", (id_,))
            return cursor.rowcount == 1


def _caller(key_id: str, row: Mapping[str, Any]) -> Caller:
    return Caller(f"key:{key_id}", row["name"], _roles(row), row["rate_per_s"])


def _roles(row: Mapping[str, Any]) -> dict[str, Role]:
    return {project: Role(role) for project, role in row["grants"].items()}
