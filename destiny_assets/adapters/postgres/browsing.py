"""What readers leaf through, page by page, always in one generation: documents, entities, and what changed between generations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from destiny_assets.adapters.postgres.session import Session


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document as one generation shows it. `bytes` are its original's, `characters` its parsed text's; `trust` is in (0, 1)."""

    id: str
    source: str
    uri: str
    title: str
    status: str | None
    media_type: str
    sha256: str
    bytes: int
    characters: int
    authors: list[str]
    created_on: datetime | None
    updated_on: datetime | None
    trust: float
    superseded_by: list[str]


@dataclass(frozen=True, slots=True)
class EntityRow:
    """An entity; `document_id` is the document it stands for, if any; `mentions` counts the chunks that name it.

    `read_as` is the entity that it is taken for, if any, which counts its mentions too; `also` names those that are taken for it.
    """

    id: str
    kind: str
    name: str
    key: str
    aliases: list[str]
    document_id: str | None
    mentions: int
    read_as: str | None
    also: list[str]


@dataclass(frozen=True, slots=True)
class MentionRow:
    """A chunk that names an entity, in the words `surface`."""

    chunk_id: str
    uri: str
    title: str
    surface: str
    text: str


@dataclass(frozen=True, slots=True)
class GraphItem:
    """A row of the ledger that is a node of the graph: its label, its id, the generation it was born in, and its name."""

    label: str
    id: str
    born: int
    name: str


@dataclass(frozen=True, slots=True)
class ChangedDocument:
    """A document that two generations show differently: ``added``, ``removed`` or ``changed``."""

    id: str
    source: str
    uri: str
    title: str
    change: str


_DOCUMENTS = """
select d.id::text as id, d.source, d.uri, v.title, v.status, v.media_type, v.sha256, v.bytes, v.characters, v.authors, v.created_on,
       v.updated_on, coalesce(t.score, 0.5) as trust,
       coalesce((select array_agg(distinct s.by_title order by s.by_title) from supersession s
                 where s.project = d.project and s.document_id = d.id and s.born <= %(g)s and s.died > %(g)s), '{}') as superseded_by
from document_version v
join document d on (d.project, d.id) = (v.project, v.document_id)
left join trust_score t on (t.project, t.id) = (d.project, d.id) and t.born <= %(g)s and t.died > %(g)s
where v.project = %(p)s and v.born <= %(g)s and v.died > %(g)s
"""

_ENTITIES = """
select e.id::text as id, e.kind, e.name, e.key, e.aliases, e.document_id::text as document_id,
       (select count(distinct m.chunk_id)
        from (select e.id union all select s.absorbed_id from entity_merge s
              where s.project = e.project and s.kept_id = e.id and s.born <= %(g)s and s.died > %(g)s) one
        join mention m on m.project = e.project and m.entity_id = one.id and m.born <= %(g)s and m.died > %(g)s) as mentions,
       (select s.kept_id::text from entity_merge s
        where s.project = e.project and s.absorbed_id = e.id and s.born <= %(g)s and s.died > %(g)s) as read_as,
       array(select s.absorbed_name from entity_merge s
             where s.project = e.project and s.kept_id = e.id and s.born <= %(g)s and s.died > %(g)s order by 1) as also
from entity e where e.project = %(p)s and e.born <= %(g)s and e.died > %(g)s
"""


class Browsing:
    """Pages of one generation; a page after a key starts behind it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def documents(
        self,
        project: str,
        generation: int,
        *,
        limit: int,
        after: tuple[str, str] | None = None,
        uri: str | None = None,
        source: str | None = None,
    ) -> list[DocumentRow]:
        """Documents by uri and source; `after` is a (uri, source)."""
        return self._documents(
            """and (%(uri)s::text is null or d.uri = %(uri)s) and (%(source)s::text is null or d.source = %(source)s)
               and (%(after)s::text is null or (d.uri, d.source) > (%(after)s, %(after_source)s))
               order by d.uri, d.source limit %(limit)s""",
            {
                "p": project,
                "g": generation,
                "limit": limit,
                "uri": uri,
                "source": source,
                "after": after[0] if after else None,
                "after_source": after[1] if after else None,
            },
        )

    def document(self, project: str, generation: int, id_: str) -> DocumentRow | None:
        """One document."""
        found = self._documents("and d.id = %(id)s::uuid", {"p": project, "g": generation, "id": id_})
        return found[0] if found else None

    def text(self, project: str, generation: int, id_: str) -> str | None:
        """A document's parsed text, into which all spans point."""
        with self._session.transaction() as cursor:
            row = cursor.execute(
                """select t.text from document_version v
                   join document_text t on (t.project, t.text_sha256) = (v.project, v.text_sha256)
                   where v.project = %(p)s and v.document_id = %(id)s::uuid and v.born <= %(g)s and v.died > %(g)s""",
                {"p": project, "g": generation, "id": id_},
            ).fetchone()
        return row["text"] if row else None

    def entities(
        self,
        project: str,
        generation: int,
        *,
        limit: int,
        after: tuple[str, str] | None = None,
        kind: str | None = None,
        named: str | None = None,
    ) -> list[EntityRow]:
        """Entities by name and id, whose name holds `named` where given, without regard to case; `after` is a (name, id)."""
        return self._entities(
            """and (%(kind)s::text is null or e.kind = %(kind)s)
               and (%(named)s::text is null or strpos(lower(e.name), lower(%(named)s)) > 0)
               and (%(after)s::text is null or (e.name, e.id) > (%(after)s, %(after_id)s::uuid))
               order by e.name, e.id limit %(limit)s""",
            {
                "p": project,
                "g": generation,
                "limit": limit,
                "kind": kind,
                "named": named,
                "after": after[0] if after else None,
                "after_id": after[1] if after else None,
            },
        )

    def entity(self, project: str, generation: int, id_: str) -> EntityRow | None:
        """One entity."""
        found = self._entities("and e.id = %(id)s::uuid", {"p": project, "g": generation, "id": id_})
        return found[0] if found else None

    def mentions(self, project: str, generation: int, entity: str, limit: int) -> list[MentionRow]:
        """The first chunks that name an entity, by document and place."""
        with self._session.transaction() as cursor:
            rows: Any = cursor.execute(
                """select m.chunk_id::text as chunk_id, d.uri, v.title, m.surface, c.text
                   from (select %(id)s::uuid as id union all select s.absorbed_id from entity_merge s
                         where s.project = %(p)s and s.kept_id = %(id)s::uuid and s.born <= %(g)s and s.died > %(g)s) one
                   join mention m on m.project = %(p)s and m.entity_id = one.id
                   join chunk c on (c.project, c.id) = (m.project, m.chunk_id) and c.born <= %(g)s and c.died > %(g)s
                   join document d on (d.project, d.id) = (c.project, c.document_id)
                   join document_version v on (v.project, v.document_id) = (d.project, d.id) and v.born <= %(g)s and v.died > %(g)s
                   where m.born <= %(g)s and m.died > %(g)s
                   order by d.uri, d.source, m.chunk_id limit %(limit)s""",
                {"p": project, "g": generation, "id": entity, "limit": limit},
            )
            return [MentionRow(**row) for row in rows]

    def graph_items(self, project: str, generation: int, ids: Sequence[str]) -> list[GraphItem]:
        """The nodes that these documents, document versions, chunks, entities or decisions are."""
        visible = "project = %(p)s and born <= %(g)s and died > %(g)s"
        with self._session.transaction() as cursor:
            rows: Any = cursor.execute(
                f"""select 'Document' as label, id::text as id, born, title as name from document_version
                    where {visible} and (document_id = any(%(ids)s::uuid[]) or id = any(%(ids)s::uuid[]))
                    union all select 'Chunk', id::text, born, array_to_string(heading_path, ' > ') from chunk
                    where {visible} and id = any(%(ids)s::uuid[])
                    union all select 'Entity', id::text, born, name from entity where {visible} and id = any(%(ids)s::uuid[])
                    union all select 'Decision', id::text, born, title from decision
                    where {visible} and id = any(%(ids)s::uuid[])""",  # noqa: S608
                {"p": project, "g": generation, "ids": list(ids)},
            )
            return [GraphItem(**row) for row in rows]

    def changed_documents(
        self, project: str, before: int, after: int, *, limit: int, behind: tuple[str, str] | None = None
    ) -> list[ChangedDocument]:
        """Documents that `after` shows otherwise than `before` did, by uri and source. Costs what changed, not what is there."""
        with self._session.transaction() as cursor:
            rows: Any = cursor.execute(
                """with touched as (
                       select document_id from document_version where project = %(p)s and born > %(low)s and born <= %(high)s
                       union select document_id from document_version where project = %(p)s and died > %(low)s and died <= %(high)s
                   )
                   select d.id::text as id, d.source, d.uri, coalesce(b.title, a.title) as title,
                          case when a.id is null then 'added' when b.id is null then 'removed' else 'changed' end as change
                   from touched t
                   join document d on (d.project, d.id) = (%(p)s, t.document_id)
                   left join document_version a on (a.project, a.document_id) = (d.project, d.id) and a.born <= %(a)s and a.died > %(a)s
                   left join document_version b on (b.project, b.document_id) = (d.project, d.id) and b.born <= %(b)s and b.died > %(b)s
                   where (a.id, a.born) is distinct from (b.id, b.born)
                     and (%(behind)s::text is null or (d.uri, d.source) > (%(behind)s, %(behind_source)s))
                   order by d.uri, d.source limit %(limit)s""",
                {
                    "p": project,
                    "a": before,
                    "b": after,
                    "low": min(before, after),
                    "high": max(before, after),
                    "behind": behind[0] if behind else None,
                    "behind_source": behind[1] if behind else None,
                    "limit": limit,
                },
            )
            return [ChangedDocument(**row) for row in rows]

    def _documents(self, which: str, named: dict[str, Any]) -> list[DocumentRow]:
        with self._session.transaction() as cursor:
            rows: Any = cursor.execute(_DOCUMENTS + which, named)
            return [DocumentRow(**row) for row in rows]

    def _entities(self, which: str, named: dict[str, Any]) -> list[EntityRow]:
        with self._session.transaction() as cursor:
            rows: Any = cursor.execute(_ENTITIES + which, named)
            return [EntityRow(**row) for row in rows]
