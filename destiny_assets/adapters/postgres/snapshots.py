"""The whole ledger out and in: every table as COPY text within one snapshot, and back into an empty schema."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from psycopg import Cursor, sql
from psycopg.rows import DictRow

from destiny_assets.adapters.postgres.session import Session

_SCHEMA = "destiny"
# Beside the tables: what readers see, held back until every layer is whole again.
_HELD = "restored_publication"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the ledger with the columns that hold data and those of its key."""

    name: str
    columns: list[str]
    key: list[str]


class Snapshot:
    """One moment of the ledger; every read of it sees the same rows, whatever is written meanwhile."""

    def __init__(self, cursor: Cursor[DictRow]) -> None:
        self._cursor = cursor

    def moment(self) -> datetime:
        """When it was taken."""
        (row,) = self._cursor.execute("select now() as at").fetchall()
        moment: datetime = row["at"]
        return moment

    def revision(self) -> str:
        """The schema's Alembic revision."""
        (row,) = self._cursor.execute("select version_num from alembic_version").fetchall()
        return str(row["version_num"])

    def tables(self) -> list[Table]:
        """Every table with data, each after those it refers to."""
        return _tables(self._cursor)

    def count(self, table: Table) -> int:
        """Rows of a table."""
        row = self._cursor.execute(
            sql.SQL("select count(*) as n from {}").format(sql.Identifier(table.name))
        ).fetchone()
        return int(row["n"]) if row else 0

    def rows(self, table: Table) -> Iterator[bytes | bytearray | memoryview]:
        """A table as COPY text, in the order of its key: the same rows are the same bytes."""
        text = sql.SQL("copy (select {} from {} order by {}) to stdout").format(
            _names(table.columns), sql.Identifier(table.name), _names(table.key or table.columns)
        )
        with self._cursor.copy(text) as copy:
            yield from copy

    def originals(self) -> list[tuple[str, str]]:
        """(project, sha256) of every original that a document, a pushed one or a web answer names."""
        rows = self._cursor.execute("select project, sha256 from named_original order by 1, 2").fetchall()
        return [(row["project"], row["sha256"]) for row in rows]

    def published(self) -> dict[str, dict[str, object]]:
        """Every project with its published generation (None before the first), that one's facts, and whether one is being built."""
        rows = self._cursor.execute(
            """select p.project, g.number as generation, g.model_id, g.facts,
                      exists (select from generation b where b.project = p.project and b.state <> 'published') as unfinished
               from project p left join publication n on n.project = p.project
               left join generation g on (g.project, g.number) = (n.project, n.generation) order by 1"""
        ).fetchall()
        return {row.pop("project"): dict(row) for row in rows}


class Snapshots:
    """The ledger as a whole."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @contextmanager
    def taken(self) -> Iterator[Snapshot]:
        """A consistent view of every table for as long as the block lasts; writers are not held up."""
        with self._session.transaction() as cursor:
            cursor.execute("set transaction isolation level repeatable read, read only")
            yield Snapshot(cursor)

    def is_empty(self) -> bool:
        """Whether there is nothing to lose: no schema, or no row in any of its tables."""
        with self._session.transaction() as cursor:
            return not any(
                cursor.execute(sql.SQL("select from {} limit 1").format(sql.Identifier(table.name))).fetchone()
                is not None
                for table in _tables(cursor)
            )

    def drop(self) -> None:
        """Remove every table."""
        with self._session.transaction() as cursor:
            cursor.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(_SCHEMA)))

    def unfinished(self) -> str | None:
        """The backup whose restoring was begun here and has not ended."""
        with self._session.transaction() as cursor:
            row = cursor.execute(
                "select obj_description(to_regclass(%s), 'pg_class') as backup", (f"{_SCHEMA}.{_HELD}",)
            ).fetchone()
        return row["backup"] if row else None

    def fill(self, backup: str, tables: Sequence[tuple[str, list[str], Iterable[bytes]]]) -> None:
        """Fill the empty tables in one transaction; what readers see is held back until `reveal`.

        A generation that was being built is left rejected: the next ingest takes it up again.
        """
        with self._session.transaction() as cursor:
            for name, columns, blocks in tables:
                text = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier(name), _names(columns))
                with cursor.copy(text) as copy:
                    for block in blocks:
                        copy.write(block)
            for row in cursor.execute(
                """select c.table_name as name, c.column_name as "column" from information_schema.columns c
                   where c.table_schema = %s and c.is_identity = 'YES'""",
                (_SCHEMA,),
            ).fetchall():
                # Identity columns go on after the highest number that came in.
                cursor.execute(
                    sql.SQL(
                        "select setval(pg_get_serial_sequence(%s, %s), coalesce(max({}), 0) + 1, false) from {}"
                    ).format(sql.Identifier(row["column"]), sql.Identifier(row["name"])),
                    (row["name"], row["column"]),
                )
            cursor.execute(
                """update generation set state = 'rejected', reason = 'restored from a backup that was taken while it was built'
                   where state = 'building'"""
            )
            held = sql.Identifier(_HELD)
            cursor.execute(sql.SQL("create table {} as select * from publication").format(held))
            cursor.execute(sql.SQL("comment on table {} is {}").format(held, backup))
            cursor.execute("delete from publication")
            cursor.execute("analyze")

    def reveal(self) -> None:
        """Show readers what was restored: all projects in one transaction."""
        with self._session.transaction() as cursor:
            # The layers were made with what an unfinished generation had so far: its next run has to look at what is there.
            cursor.execute("update generation set begun = '{vectors,graph}' where state <> 'published'")
            held = sql.Identifier(_HELD)
            cursor.execute(
                sql.SQL(
                    "insert into publication (project, generation, published_at) select project, generation, published_at from {}"
                ).format(held)
            )
            cursor.execute(sql.SQL("drop table {}").format(held))


def _tables(cursor: Cursor[DictRow]) -> list[Table]:
    rows = cursor.execute(
        """select c.relname as name,
                  (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
                   where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
                  coalesce((select array_agg(a.attname::text order by array_position(i.indkey::int2[], a.attnum))
                            from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey::int2[])
                            where i.indrelid = c.oid and i.indisprimary), '{}') as key,
                  array(select f.relname::text from pg_constraint k join pg_class f on f.oid = k.confrelid
                        where k.conrelid = c.oid and k.contype = 'f') as needs
           from pg_class c where c.relnamespace = to_regnamespace(%s) and c.relkind = 'r'
             and c.relname not in ('alembic_version', %s) order by 1""",
        (_SCHEMA, _HELD),
    ).fetchall()
    ordered: list[Table] = []
    while rows:
        placed = {table.name for table in ordered}
        ready = [row for row in rows if set(row["needs"]) - {row["name"]} <= placed]
        ordered += [Table(row["name"], row["columns"], row["key"]) for row in ready]
        rows = [row for row in rows if row not in ready]
    return ordered


def _names(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
