"""What readers ask of the ledger, always pinned to one generation of one project."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk as a reader sees it in one generation; ``span`` is (start, end) in characters of the document's parsed text.

    `authors` wrote it, who wrote most first; `written_at` and `revision` are of its newest part. Empty where its source does not tell.
    `at_risk` says why the decision that its document records is at risk.
    """

    chunk_id: str
    document_id: str
    source: str
    uri: str
    title: str
    status: str | None
    dated: datetime | None
    heading_path: tuple[str, ...]
    text: str
    span: tuple[int, int]
    trust: float
    near_duplicate_of: str | None
    superseded_by: tuple[str, ...]
    at_risk: tuple[str, ...]
    authors: tuple[str, ...]
    written_at: datetime | None
    revision: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk stands in one generation, as far as measuring asks: no text. Fields as those of `Passage`."""

    chunk_id: str
    uri: str
    span: tuple[int, int]
    trust: float
    near_duplicate_of: str | None


@dataclass(frozen=True, slots=True)
class StoredTrust:
    """A stored score in (0, 1) with the terms it is the sum of."""

    id: str
    kind: str
    label: str
    score: float
    model: str
    components: list[dict[str, Any]]


_SHOWN = """
from chunk c
join document d on (d.project, d.id) = (c.project, c.document_id)
join placement p on (p.project, p.chunk_id) = (c.project, c.id) and p.born <= %(g)s and p.died > %(g)s
join document_version v on (v.project, v.id) = (p.project, p.version_id) and v.born <= %(g)s and v.died > %(g)s
left join trust_score t on (t.project, t.id) = (c.project, c.id) and t.born <= %(g)s and t.died > %(g)s
left join near_duplicate n on (n.project, n.chunk_id) = (c.project, c.id) and n.born <= %(g)s and n.died > %(g)s
where c.project = %(p)s and c.born <= %(g)s and c.died > %(g)s and c.id = any(%(ids)s::uuid[])
"""
_PLACES = f"""
select c.id::text as chunk_id, d.uri, p.starts_at, p.ends_at, coalesce(t.score, 0.5) as trust, n.original::text as near_duplicate_of
{_SHOWN}
"""
_PASSAGES = f"""
select c.id::text as chunk_id, c.document_id::text as document_id, d.source, d.uri, v.title, v.status,
       coalesce(v.updated_on, v.created_on) as dated, c.heading_path, c.text, p.starts_at, p.ends_at, p.authors, p.written_at, p.revision,
       coalesce(t.score, 0.5) as trust, n.original::text as near_duplicate_of,
       coalesce((select array_agg(distinct s.by_title order by s.by_title) from supersession s
                 where s.project = c.project and s.document_id = c.document_id and s.born <= %(g)s and s.died > %(g)s), '{{}}')
           as superseded_by,
       array(select r.said from decision_risk r where r.project = c.project and r.document_id = c.document_id
             and r.born <= %(g)s and r.died > %(g)s order by r.said) as at_risk
{_SHOWN}
"""  # noqa: S608 - of two constants


class Reading:
    """Reads for search, ask and explanations."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def passages(self, project: str, generation: int, chunk_ids: Sequence[str]) -> dict[str, Passage]:
        """Those of the chunks that the generation shows, by id."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(_PASSAGES, {"p": project, "g": generation, "ids": list(chunk_ids)}).fetchall()
        found = {}
        for row in rows:
            span = (row.pop("starts_at"), row.pop("ends_at"))
            found[row["chunk_id"]] = Passage(
                **{
                    **row,
                    "heading_path": tuple(row["heading_path"]),
                    "superseded_by": tuple(row["superseded_by"]),
                    "at_risk": tuple(row["at_risk"]),
                    "authors": tuple(row["authors"]),
                    "span": span,
                }
            )
        return found

    def places(self, project: str, generation: int, chunk_ids: Sequence[str]) -> dict[str, Place]:
        """Where those of the chunks stand that the generation shows, by id; a fraction of the cost of `passages`."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(_PLACES, {"p": project, "g": generation, "ids": list(chunk_ids)}).fetchall()
        return {row["chunk_id"]: Place(span=(row.pop("starts_at"), row.pop("ends_at")), **row) for row in rows}

    def trust(self, project: str, generation: int, item: str) -> StoredTrust:
        """The score of a chunk or document, named by its id, a document's uri or the beginning of an id; raises `NotFoundError`."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select t.id::text as id, t.item_kind as kind, t.score, t.model, t.components,
                          coalesce(d.uri, (select uri from document o join chunk c on (c.project, c.document_id) = (o.project, o.id)
                                           where c.project = t.project and c.id = t.id limit 1)) as label
                   from trust_score t left join document d on (d.project, d.id) = (t.project, t.id)
                   where t.project = %(p)s and t.born <= %(g)s and t.died > %(g)s
                     and (t.id::text = %(item)s or d.uri = %(item)s or (length(%(item)s) >= 8 and starts_with(t.id::text, %(item)s)))
                   limit 2""",
                {"p": project, "g": generation, "item": item},
            ).fetchall()
        if len(rows) != 1:
            problem = "names more than one item" if rows else "is no chunk or document"
            raise NotFoundError(
                f"{item!r} {problem} of generation {generation} of {project!r}. Give a chunk id from a search, or a document's uri."
            )
        return StoredTrust(**rows[0])

    def layer_sizes(self, project: str, generation: int) -> dict[str, int]:
        """How many originals, points, and nodes with edges a generation shows, by layer: ``documents``, ``vectors``, ``graph``."""
        visible = "project = %(p)s and born <= %(g)s and died > %(g)s"
        with self._session.transaction() as cursor:
            row = cursor.execute(
                f"""with n as (
                      select (select count(*) from document_version where {visible}) as documents,
                             (select count(distinct sha256) from document_version where {visible}) as originals,
                             (select count(*) from chunk where {visible}) as chunks,
                             (select count(*) from placement where {visible}) as placements,
                             (select count(*) from entity where {visible}) as entities,
                             (select count(document_id) from entity where {visible}) as denoting,
                             (select count(*) from mention where {visible}) as mentions,
                             (select count(target_document) from reference where {visible}) as resolved,
                             (select count(*) from decision where {visible}) as decisions,
                             (select count(*) from (select unnest(decider_ids) as id from decision where {visible}) d
                              join (select id from entity where {visible}) e using (id)) as deciders,
                             (select count(*) from (select source_document, target_document from reference
                                                    where {visible} and relation = 'supersedes'
                                                      and source_document <> target_document) r
                              join (select document_id from decision where {visible}) a on a.document_id = r.source_document
                              join (select document_id from decision where {visible}) b on b.document_id = r.target_document
                             ) as replacing,
                             (select count(*) from claim where {visible}) as claims,
                             (select count(*) from evidence where {visible}) as evidence,
                             (select count(*) from (select unnest(entity_ids) as id from claim where {visible}) c
                              join (select id from entity where {visible}) e using (id)) as about,
                             (select count(*) from entity_merge where {visible}) as merges)
                    select originals as documents, chunks as vectors,
                           documents + chunks + placements + entities + denoting + mentions + resolved
                           + 2 * decisions + deciders + replacing + claims + evidence + about + merges as graph from n""",  # noqa: S608
                {"p": project, "g": generation},
            ).fetchone()
        return dict(row or {})

    def titles(self, project: str, generation: int, limit: int) -> list[tuple[str, str]]:
        """(uri, title) of the first documents of a generation, by uri."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select d.uri, v.title from document_version v join document d on (d.project, d.id) = (v.project, v.document_id)
                   where v.project = %s and v.born <= %s and v.died > %s order by d.uri limit %s""",
                (project, generation, generation, limit),
            ).fetchall()
        return [(row["uri"], row["title"]) for row in rows]

    def counts(self, project: str, generation: int) -> dict[str, int]:
        """Visible documents, chunks, tokens, entities, mentions and references."""
        visible = "project = %(p)s and born <= %(g)s and died > %(g)s"
        with self._session.transaction() as cursor:
            row = cursor.execute(
                f"""select (select count(*) from document_version where {visible}) as documents,
                           (select count(*) from chunk where {visible}) as chunks,
                           (select coalesce(sum(tokens), 0)::bigint from chunk where {visible}) as tokens,
                           (select count(*) from entity where {visible}) as entities,
                           (select count(*) from mention where {visible}) as mentions,
                           (select count(*) from reference where {visible}) as references""",  # noqa: S608
                {"p": project, "g": generation},
            ).fetchone()
        return dict(row or {})
