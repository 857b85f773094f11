"""Which generations a vacuum takes, and the rows that go with them. What goes from the other layers is not decided here."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from psycopg import sql

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.adapters.postgres.versioned import DERIVED


class Vacuum:
    """Marks generations as gone and deletes the rows that no other generation shows."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def mark(self, project: str, since: datetime) -> tuple[int, list[int]]:
        """(oldest generation that stays, generations marked now): those before it were current at no moment after `since`.

        The oldest is 0 before the first publish.
        """
        with self._session.transaction() as cursor:
            # A rollback to one of them waits here, and then finds it gone.
            cursor.execute("select 1 from project where project = %s for update", (project,))
            row = cursor.execute(
                """select min(generation) as oldest from (
                       select generation from publication where project = %(p)s
                       union all select generation from publication_event where project = %(p)s and at > %(since)s
                       union all (select generation from publication_event where project = %(p)s and at <= %(since)s
                                  order by at desc, id desc limit 1)
                   ) readable""",
                {"p": project, "since": since},
            ).fetchone()
            oldest = (row["oldest"] if row else None) or 0
            # A vacuum with a shorter window may have been killed: what it marked is gone whatever this window is.
            row = cursor.execute(
                """select min(number) as oldest from generation
                   where project = %s and state = 'published' and vacuumed_at is null""",
                (project,),
            ).fetchone()
            oldest = max(oldest, (row["oldest"] if row else None) or 0)
            marked = cursor.execute(
                """update generation set vacuumed_at = now() where project = %s and number < %s and state = 'published'
                   and vacuumed_at is null returning number""",
                (project, oldest),
            ).fetchall()
        return oldest, sorted(row["number"] for row in marked)

    @contextmanager
    def unnamed(self, project: str, sha256s: Sequence[str]) -> Iterator[list[str]]:
        """Those of the originals that nothing in the ledger names; while the block lasts no push can begin to name one."""
        with self._session.transaction() as cursor:
            cursor.execute("select 1 from project where project = %s for update", (project,))
            rows = cursor.execute(
                "select sha256 from named_original where project = %s and sha256 = any(%s)", (project, list(sha256s))
            )
            named = {row["sha256"] for row in rows}
            yield [sha256 for sha256 in sha256s if sha256 not in named]

    def delete_rows(self, project: str, oldest: int) -> dict[str, int]:
        """Delete the rows that died in `oldest` or before, then texts, embeddings and documents that no row has; counts by table."""
        named = {"p": project, "oldest": oldest}
        removed = {}
        for table in DERIVED:
            with self._session.transaction() as cursor:
                cursor.execute(
                    sql.SQL("delete from {} where project = %(p)s and died <= %(oldest)s").format(
                        sql.Identifier(table.name)
                    ),
                    named,
                )
                removed[table.name] = cursor.rowcount
        orphans = {
            "document_text": "select from document_version v where (v.project, v.text_sha256) = (t.project, t.text_sha256)",
            "embedding": "select from chunk c where (c.project, c.embed_sha256) = (t.project, t.embed_sha256)",
            "claim_answer": "select from chunk c where (c.project, c.embed_sha256) = (t.project, t.embed_sha256)",
            "document": """select from document_version v where (v.project, v.document_id) = (t.project, t.id)
                           union all select from chunk c where (c.project, c.document_id) = (t.project, t.id)""",
        }
        for name, having in orphans.items():
            with self._session.transaction() as cursor:
                cursor.execute(f"delete from {name} t where t.project = %(p)s and not exists ({having})", named)  # noqa: S608
                removed[name] = cursor.rowcount
        return {name: count for name, count in removed.items() if count}
