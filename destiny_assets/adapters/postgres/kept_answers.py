"""The table `kept_answer`: what a write answered, so that the same request sent again gets the same answer and does nothing."""

from dataclasses import dataclass

from destiny_assets.adapters.postgres.session import Session

KEPT_HOURS = 24
# A request that was at work for longer died with its process; whoever sends it again may take it over.
_AT_WORK_SECONDS = 120


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """`request` is the digest of what was asked; `status` is None while it is still at work."""

    request: bytes
    status: int | None
    body: bytes | None


class KeptAnswers:
    """Answers by caller and idempotency key."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def begin(self, actor: str, key: str, request: bytes) -> KeptAnswer | None:
        """Claim a key for a request: None when the caller may go on, else what is known of the request that has it."""
        with self._session.transaction() as cursor:
            cursor.execute(
                "delete from kept_answer where created_at < now() - make_interval(hours => %s)", (KEPT_HOURS,)
            )
            cursor.execute(
                """insert into kept_answer as k (actor, key, request) values (%s, %s, %s)
                   on conflict (actor, key) do update set created_at = now()
                   where k.status is null and k.request = excluded.request
                     and k.created_at < now() - make_interval(secs => %s)""",
                (actor, key, request, _AT_WORK_SECONDS),
            )
            if cursor.rowcount == 1:
                return None
            row = cursor.execute(
                "select request, status, body from kept_answer where actor = %s and key = %s", (actor, key)
            ).fetchone()
        if row is None:
            return None
        body = bytes(row["body"]) if row["body"] is not None else None
        return KeptAnswer(bytes(row["request"]), row["status"], body)

    def keep(self, actor: str, key: str, status: int, body: bytes) -> None:
        """Keep what was answered."""
        with self._session.transaction() as cursor:
            cursor.execute(
                "update kept_answer set status = %s, body = %s where actor = %s and key = %s",
                (status, body, actor, key),
            )

    def give_up(self, actor: str, key: str) -> None:
        """Forget a request that failed, so that it can be sent again."""
        with self._session.transaction() as cursor:
            cursor.execute("delete from kept_answer where actor = %s and key = %s and status is null", (actor, key))
