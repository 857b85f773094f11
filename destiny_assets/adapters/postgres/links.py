"""What the linker found: traces of documents, entities, mentions and references."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.adapters.postgres.versioned import ENTITY, MENTION, REFERENCE, alive_rows, reconcile, retire
from destiny_assets.domain.chunks import stable_id
from destiny_assets.domain.generations import Change
from destiny_assets.domain.graph import FOREVER
from destiny_assets.domain.linking.records import EntityRow, MentionRow, ReferenceRow


class Links:
    """Traces, entities, mentions, references."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def store_traces(self, project: str, traces: Mapping[str, str], code: str) -> None:
        """Keep what was read of each document (JSON by version id), and which code read it."""
        with self._session.transaction() as cursor:
            cursor.execute("create temp table staged_traces (id uuid, traces jsonb) on commit drop")
            with cursor.copy("copy staged_traces from stdin") as copy:
                for row in traces.items():
                    copy.write_row(row)
            cursor.execute(
                """update document_version v set traces = s.traces, linker = %s from staged_traces s
                   where v.project = %s and v.id = s.id and v.died = %s""",
                (code, project, FOREVER),
            )

    def traces(self, project: str) -> Iterator[str]:
        """The traces of every living document, as stored."""
        with self._session.stream("traces") as cursor:
            cursor.execute(
                "select traces::text as traces from document_version where project = %s and died = %s and traces is not null",
                (project, FOREVER),
            )
            for row in cursor:
                yield row["traces"]

    def store_entities(
        self, project: str, generation: int, entities: Iterable[EntityRow], documents: Mapping[str, str]
    ) -> Change:
        """Bring entities to these; `documents` says which document an entity stands for, by entity id."""
        rows: list[dict[str, Any]] = [
            {
                "id": entity.id,
                "key": entity.key,
                "kind": entity.kind,
                "name": entity.name,
                "aliases": list(entity.aliases),
                "document_id": documents.get(entity.id),
            }
            for entity in entities
        ]
        with self._session.transaction() as cursor:
            stored = alive_rows(cursor, ENTITY, project, "name", "aliases")
            changed = {
                row["id"] for row in rows if row["id"] in stored and stored[row["id"]] != (row["name"], row["aliases"])
            }
            return reconcile(cursor, ENTITY, project, generation, rows, alive=stored.keys(), changed=changed)

    def store_mentions(
        self, project: str, generation: int, chunk_ids: Sequence[str], mentions: Iterable[MentionRow]
    ) -> Change:
        """Bring the mentions in these chunks to exactly these: one row a chunk and entity, with every place."""
        rows = [_mention_row(list(places)) for _, places in groupby(sorted(mentions, key=_pair), key=_pair)]
        with self._session.transaction() as cursor:
            alive = cursor.execute(
                "select id::text as id from mention where project = %s and died = %s and chunk_id = any(%s::uuid[])",
                (project, FOREVER, list(chunk_ids)),
            ).fetchall()
            return reconcile(cursor, MENTION, project, generation, rows, alive={row["id"] for row in alive})

    def retire_orphans(self, project: str, generation: int) -> int:
        """End mentions whose chunk is gone."""
        with self._session.transaction() as cursor:
            gone = cursor.execute(
                """select m.id::text as id from mention m where m.project = %(p)s and m.died = %(forever)s and not exists (
                   select from chunk c where (c.project, c.id, c.died) = (m.project, m.chunk_id, %(forever)s))""",
                {"p": project, "forever": FOREVER},
            ).fetchall()
            return retire(cursor, MENTION, project, generation, [row["id"] for row in gone])

    def store_references(self, project: str, generation: int, references: Sequence[ReferenceRow]) -> Change:
        """Bring the references of the whole project to exactly these."""
        rows: list[dict[str, Any]] = [
            {
                "id": row.id,
                "source_document": row.source_document,
                "target_document": row.target_document,
                "target": row.target,
                "relation": row.relation,
                "chunk_id": row.chunk_id,
                "starts_at": row.start,
                "ends_at": row.end,
            }
            for row in references
        ]
        with self._session.transaction() as cursor:
            stored = alive_rows(cursor, REFERENCE, project, "chunk_id", "starts_at")
            changed = {
                row["id"]
                for row in rows
                if row["id"] in stored
                and (str(stored[row["id"]][0] or ""), stored[row["id"]][1]) != (row["chunk_id"] or "", row["starts_at"])
            }
            return reconcile(cursor, REFERENCE, project, generation, rows, alive=stored.keys(), changed=changed)


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
