"""What the linker found: entities, mentions and references."""

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from typing import Any

from psycopg import Cursor
from psycopg.rows import DictRow

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.adapters.postgres.versioned import ENTITY, MENTION, REFERENCE, reconcile, retire
from destiny_assets.domain.chunks import stable_id
from destiny_assets.domain.generations import Change
from destiny_assets.domain.graph import FOREVER
from destiny_assets.domain.linking.records import EntityRow, MentionRow, ReferenceRow

StandingEntity = tuple[EntityRow, str | None]
"""An entity, and the document it stands for, if it does."""


class Links:
    """Entities, mentions, references."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def store_entities(
        self,
        cursor: Cursor[DictRow],
        project: str,
        generation: int,
        entities: Sequence[StandingEntity],
        scope: Collection[str],
    ) -> Change:
        """Bring the entities with ids in `scope` to these, within the caller's transaction."""
        rows: list[dict[str, Any]] = [
            {
                "id": entity.id,
                "key": entity.key,
                "kind": entity.kind,
                "name": entity.name,
                "aliases": list(entity.aliases),
                "document_id": document,
            }
            for entity, document in entities
        ]
        stored = {
            row["id"]: (row["name"], row["aliases"])
            for row in cursor.execute(
                "select id::text as id, name, aliases from entity where project = %s and died = %s and id = any(%s::uuid[])",
                (project, FOREVER, list(scope)),
            )
        }
        changed = {
            row["id"] for row in rows if row["id"] in stored and stored[row["id"]] != (row["name"], row["aliases"])
        }
        return reconcile(cursor, ENTITY, project, generation, rows, alive=stored.keys(), changed=changed)

    def store(
        self,
        project: str,
        generation: int,
        documents: Collection[str],
        mentions: Iterable[MentionRow],
        references: Sequence[ReferenceRow],
        stated: Collection[str],
    ) -> None:
        """Bring the mentions in all chunks of these documents to exactly these, and the references with ids in `stated`; the
        documents are off the queue then.
        """
        rows = [_mention_row(list(places)) for _, places in groupby(sorted(mentions, key=_pair), key=_pair)]
        said = [_reference_row(row) for row in references]
        with self._session.transaction() as cursor:
            alive = cursor.execute(
                """select id::text as id from mention where project = %(p)s and died = %(forever)s and chunk_id in (
                   select id from chunk where project = %(p)s and document_id = any(%(documents)s::uuid[]))""",
                {"p": project, "forever": FOREVER, "documents": list(documents)},
            ).fetchall()
            reconcile(cursor, MENTION, project, generation, rows, alive={row["id"] for row in alive})
            stored = {
                row.pop("id"): row
                for row in cursor.execute(
                    """select id::text as id, chunk_id::text as chunk_id, starts_at, ends_at, stated_by::text as stated_by
                       from reference where project = %s and died = %s and id = any(%s::uuid[])""",
                    (project, FOREVER, list(stated)),
                )
            }
            changed = {
                row["id"]
                for row in said
                if row["id"] in stored and any(row[name] != held for name, held in stored[row["id"]].items())
            }
            reconcile(cursor, REFERENCE, project, generation, said, alive=stored.keys(), changed=changed)
            cursor.execute(
                "delete from link_queue where project = %s and document_id = any(%s::uuid[])",
                (project, list(documents)),
            )

    def stated_by(self, project: str, documents: Collection[str]) -> list[tuple[str, str, str, str]]:
        """(id, source, target or "", relation) of the living references that these documents state."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select id::text as id, source_document::text as source, coalesce(target_document::text, '') as target, relation
                   from reference where project = %s and died = %s and stated_by = any(%s::uuid[])""",
                (project, FOREVER, list(documents)),
            )
            return [(row["id"], row["source"], row["target"], row["relation"]) for row in rows]

    def retire_orphans(self, project: str, generation: int) -> int:
        """End mentions that an unfinished run of this generation made in chunks that are no more."""
        with self._session.transaction() as cursor:
            gone = cursor.execute(
                """select m.id::text as id from mention m where m.project = %(p)s and m.born = %(g)s and m.died = %(forever)s
                   and not exists (select from chunk c where (c.project, c.id, c.died) = (m.project, m.chunk_id, %(forever)s))""",
                {"p": project, "g": generation, "forever": FOREVER},
            ).fetchall()
            return retire(cursor, MENTION, project, generation, [row["id"] for row in gone])


def _pair(mention: MentionRow) -> tuple[str, str]:
    return mention.chunk_id, mention.entity_id


def _mention_row(places: list[MentionRow]) -> dict[str, Any]:
    first = places[0]
    starts, ends = [place.start for place in places], [place.end for place in places]
    return {
        "id": stable_id("mention", first.chunk_id, first.entity_id, str(starts), str(ends)),
        "chunk_id": first.chunk_id,
        "entity_id": first.entity_id,
        "surface": first.surface,
        "starts": starts,
        "ends": ends,
        "method": first.method,
    }


def _reference_row(row: ReferenceRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "source_document": row.source_document,
        "target_document": row.target_document,
        "target": row.target,
        "relation": row.relation,
        "chunk_id": row.chunk_id,
        "starts_at": row.start,
        "ends_at": row.end,
        "stated_by": row.stated_by,
    }
