"""Writing rows that are visible from one generation to another: bulk insert by COPY, retire, compare.

Every derived table has the columns ``project, id, born, died`` and goes through here, so that a killed stage leaves nothing
that its rerun does not recognise: inserts are by id, and a row born in the unpublished generation is deleted, not retired.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import Cursor, sql

from destiny_assets.domain.generations import Change, difference
from destiny_assets.domain.graph import FOREVER

Row = Mapping[str, Any]

# The share of a table whose arrival makes the planner's statistics of it old.
_STALE_SHARE = 0.1

# "visible to a reader of %(generation)s", for a table alias in front of each column.
VISIBLE: LiteralString = "born <= %(generation)s and died > %(generation)s"


@dataclass(frozen=True, slots=True)
class VersionedTable:
    """A derived table; `columns` leaves out project, born and died, and holds `id`."""

    name: LiteralString
    columns: tuple[LiteralString, ...]


DOCUMENT_VERSION = VersionedTable(
    "document_version",
    (
        *(
            "id",
            "document_id",
            "sha256",
            "text_sha256",
            "fingerprint",
            "parser",
            "media_type",
            "encoding",
            "title",
            "authors",
        ),
        *("created_on", "updated_on", "status", "fields", "headings", "links", "page_starts", "bytes", "characters"),
        *("facts", "authorship"),
    ),
)
CHUNK = VersionedTable(
    "chunk", ("id", "document_id", "text", "context", "heading_path", "tokens", "embed_sha256", "signature", "mark")
)
PLACEMENT = VersionedTable(
    "placement",
    ("id", "version_id", "chunk_id", "ordinal", "starts_at", "ends_at", "authors", "written_at", "revision"),
)
NEAR_DUPLICATE = VersionedTable("near_duplicate", ("id", "chunk_id", "original"))
DOCUMENT_DUPLICATE = VersionedTable("document_duplicate", ("id", "document_id", "original"))
ENTITY = VersionedTable("entity", ("id", "key", "kind", "name", "aliases", "document_id"))
ENTITY_MERGE = VersionedTable(
    "entity_merge",
    ("id", "kept_id", "absorbed_id", "kept_name", "absorbed_name", "probability", "reasons", "model"),
)
MENTION = VersionedTable("mention", ("id", "chunk_id", "entity_id", "surface", "starts", "ends", "method"))
REFERENCE = VersionedTable(
    "reference",
    ("id", "source_document", "target_document", "target", "relation", "chunk_id", "starts_at", "ends_at", "stated_by"),
)
TRUST_SCORE = VersionedTable("trust_score", ("id", "item_kind", "score", "model", "components"))
DECISION = VersionedTable(
    "decision",
    (
        *("id", "document_id", "key", "agent", "decider_ids", "title", "rationale", "importance", "decided_at"),
        *("status", "supersedes", "rests_on", "options", "tags", "least_probability"),
    ),
)
DECISION_GROUND = VersionedTable(
    "decision_ground", ("id", "decision_id", "named", "kind", "slot_id", "claim_id", "value", "document_id", "label")
)
DECISION_RISK = VersionedTable("decision_risk", ("id", "decision_id", "document_id", "named", "reason", "said"))
CLAIM = VersionedTable(
    "claim", ("id", "slot_id", "subject", "predicate", "value", "valid_from", "valid_to", "origin", "entity_ids")
)
EVIDENCE = VersionedTable(
    "evidence",
    (
        *("id", "claim_id", "slot_id", "document_id", "witness", "rule", "starts_at", "ends_at", "quote", "table_row"),
        *("observed_at", "about_itself"),
    ),
)
CLAIM_PROBABILITY = VersionedTable(
    "claim_probability",
    (
        *("id", "slot_id", "probability", "score", "standing", "believed", "contested", "label", "model"),
        "components",
    ),
)
SOURCE_RELIABILITY = VersionedTable(
    "source_reliability", ("id", "witness", "predicate", "complete", "coarse", "level", "copies")
)
DERIVED = (
    DOCUMENT_VERSION,
    CHUNK,
    PLACEMENT,
    NEAR_DUPLICATE,
    DOCUMENT_DUPLICATE,
    ENTITY,
    ENTITY_MERGE,
    MENTION,
    REFERENCE,
    DECISION,
    CLAIM,
    EVIDENCE,
    TRUST_SCORE,
    CLAIM_PROBABILITY,
    SOURCE_RELIABILITY,
    DECISION_GROUND,
    DECISION_RISK,
)


def insert(cursor: Cursor[Any], table: VersionedTable, project: str, generation: int, rows: Iterable[Row]) -> int:
    """Insert rows born in `generation`; those already there are left as they are. Returns the number inserted."""
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    staging, target = sql.Identifier(f"staged_{table.name}"), sql.Identifier(table.name)
    cursor.execute(
        sql.SQL("create temp table {} on commit drop as select {} from {} with no data").format(
            staging, columns, target
        )
    )
    with cursor.copy(sql.SQL("copy {} ({}) from stdin").format(staging, columns)) as copy:
        for row in rows:
            copy.write_row([row[column] for column in table.columns])
    cursor.execute(
        sql.SQL("insert into {} (project, born, {}) select {}, {}, {} from {} on conflict do nothing").format(
            target, columns, project, generation, columns, staging
        )
    )
    inserted = cursor.rowcount
    cursor.execute(sql.SQL("drop table {}").format(staging))
    refresh_statistics(cursor, table.name, inserted)
    return inserted


def refresh_statistics(cursor: Cursor[Any], table: LiteralString, inserted: int) -> None:
    """Let the planner look at a table that has just grown by a tenth or more.

    Every index begins with `project`, so to a planner that believes the table empty they are all alike: a lookup by one of them then
    read the whole project, 50 s in one ingest of 18,000 chunks. Autovacuum comes a minute too late.
    """
    if not inserted:
        return
    cursor.execute("select reltuples from pg_class where oid = %s::regclass", (table,))
    row = cursor.fetchone()
    if row and inserted >= _STALE_SHARE * row["reltuples"]:
        cursor.execute(sql.SQL("analyze {}").format(sql.Identifier(table)))


def retire(cursor: Cursor[Any], table: VersionedTable, project: str, generation: int, ids: Collection[str]) -> int:
    """End the rows with those ids at `generation`; ones born in it were never published and are deleted."""
    if not ids:
        return 0
    named = {"project": project, "generation": generation, "ids": list(ids), "forever": FOREVER}
    name = sql.Identifier(table.name)
    cursor.execute(
        sql.SQL(
            "delete from {} where project = %(project)s and born = %(generation)s and id = any(%(ids)s::uuid[])"
        ).format(name),
        named,
    )
    deleted = cursor.rowcount
    cursor.execute(
        sql.SQL(
            "update {} set died = %(generation)s where project = %(project)s and died = %(forever)s and id = any(%(ids)s::uuid[])"
        ).format(name),
        named,
    )
    return deleted + cursor.rowcount


def alive_rows(
    cursor: Cursor[Any], table: VersionedTable, project: str, *columns: LiteralString
) -> dict[str, tuple[Any, ...]]:
    """The rows that are alive in the newest state, published or not: id to the values of `columns`."""
    cursor.execute(
        sql.SQL("select {} from {} where project = %s and died = %s").format(
            sql.SQL(", ").join([sql.SQL("id::text as id"), *map(sql.Identifier, columns)]), sql.Identifier(table.name)
        ),
        (project, FOREVER),
    )
    return {row["id"]: tuple(row[column] for column in columns) for row in cursor}


def reconcile(
    cursor: Cursor[Any],
    table: VersionedTable,
    project: str,
    generation: int,
    desired: Sequence[Row],
    *,
    alive: Collection[str],
    changed: Collection[str] = (),
) -> Change:
    """Bring the living rows whose ids are `alive` to exactly `desired`; ids in `changed` live on with other content."""
    by_id = {row["id"]: row for row in desired}
    missing, extra = difference(by_id.keys(), set(alive))
    # Retire first: an id is never twice alive.
    retired = retire(cursor, table, project, generation, extra | set(changed))
    fresh = sorted(missing | set(changed))
    added = insert(cursor, table, project, generation, (by_id[id_] for id_ in fresh)) if fresh else 0
    return Change(added=added, retired=retired, total=len(by_id))


def delta(
    cursor: Cursor[Any], project: str, generation: int, tables: Sequence[VersionedTable] = DERIVED
) -> dict[str, int]:
    """Rows of each table that are born or died in `generation`."""
    # No row is both: one born in a generation that is being built is deleted instead of retired. Two counts are two index scans.
    counted = sql.SQL(
        """(select count(*) from {0} where project = %(project)s and born = %(generation)s)
           + (select count(*) from {0} where project = %(project)s and died = %(generation)s) as {0}"""
    )
    cursor.execute(
        sql.SQL("select {}").format(sql.SQL(", ").join(counted.format(sql.Identifier(table.name)) for table in tables)),
        {"project": project, "generation": generation},
    )
    return dict(cursor.fetchone() or {})
