"""Trust scores: what they are computed from, and where they are kept with their terms."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.adapters.postgres.versioned import TRUST_SCORE, reconcile, retire
from destiny_assets.domain.documents import Status
from destiny_assets.domain.generations import Change
from destiny_assets.domain.graph import FOREVER
from destiny_assets.domain.trust import MODEL, Trust, TrustInput


@dataclass(frozen=True, slots=True)
class ScoredItem:
    """A document or chunk with its trust."""

    id: str
    kind: str
    trust: Trust


@dataclass(frozen=True, slots=True)
class Basis:
    """What all scores of a project rest on: the model, the year of the newest dated document, the prior of each source."""

    model: str
    year: int | None
    priors: Mapping[str, float]


class TrustScores:
    """Inputs and results of the trust model."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def basis(self, project: str) -> Basis | None:
        """What the stored scores rest on besides the rows of a generation; None before there are any."""
        with self._session.transaction() as cursor:
            row = cursor.execute(
                "select model, year, priors from trust_basis where project = %s", (project,)
            ).fetchone()
        return Basis(**row) if row else None

    def present_basis(self, project: str) -> Basis:
        """The model, the newest year and the priors as they are now."""
        with self._session.transaction() as cursor:
            row = cursor.execute(
                """select max(extract(year from coalesce(updated_on, created_on) at time zone 'UTC'))::integer as year
                   from document_version where project = %s and died = %s""",
                (project, FOREVER),
            ).fetchone()
            priors = cursor.execute("select name, prior from source where project = %s", (project,)).fetchall()
        return Basis(MODEL, row["year"] if row else None, {source["name"]: source["prior"] for source in priors})

    def set_basis(self, project: str, basis: Basis) -> None:
        """Record that all scores rest on this."""
        with self._session.transaction() as cursor:
            cursor.execute(
                """insert into trust_basis (project, model, year, priors) values (%s, %s, %s, %s)
                   on conflict (project) do update set model = excluded.model, year = excluded.year, priors = excluded.priors""",
                (project, basis.model, basis.year, Jsonb(dict(basis.priors))),
            )

    def living(self, project: str) -> list[str]:
        """Ids of all living documents."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                "select document_id::text as id from document_version where project = %s and died = %s order by 1",
                (project, FOREVER),
            )
            return [row["id"] for row in rows]

    def touched(self, project: str, generation: int) -> set[str]:
        """Documents, living or not, on whose scores or whose chunks' a change of this generation bears.

        Also those whose scores an unfinished run of this generation changed: what it saw may be gone without a trace.
        """
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """with version as (
                       select document_id from document_version where project = %(p)s and born = %(g)s
                       union select document_id from document_version where project = %(p)s and died = %(g)s),
                   said as (
                       select source_document, target_document from reference where project = %(p)s and born = %(g)s
                       union select source_document, target_document from reference where project = %(p)s and died = %(g)s),
                   scored as (
                       select id from trust_score where project = %(p)s and born = %(g)s
                       union select id from trust_score where project = %(p)s and died = %(g)s),
                   repeated as (
                       select chunk_id as id from near_duplicate where project = %(p)s and born = %(g)s
                       union select chunk_id from near_duplicate where project = %(p)s and died = %(g)s)
                   select document_id::text as id from version
                   union select target_document::text from said where target_document is not null
                   union select r.target_document::text from reference r join version v on v.document_id = r.source_document
                         where r.project = %(p)s and r.died = %(forever)s and r.relation = 'supersedes' and r.target_document is not null
                   union select document_id::text from chunk where project = %(p)s and (born = %(g)s or died = %(g)s)
                   union select c.document_id::text from chunk c
                         join (select id from scored union select id from repeated) x on x.id = c.id where c.project = %(p)s
                   union select d.id::text from document d join scored s on s.id = d.id where d.project = %(p)s""",
                {"p": project, "g": generation, "forever": FOREVER},
            )
            found = {row["id"] for row in rows}
        before, now = (self._holders(project, generation, shown) for shown in (generation - 1, FOREVER - 1))
        changed = [passage for passage in before.keys() | now.keys() if before.get(passage) != now.get(passage)]
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select document_id::text as id from chunk where project = %(p)s and died = %(forever)s and id = any(%(ids)s::uuid[])
                   union select c.document_id::text from near_duplicate n
                   join chunk c on (c.project, c.id, c.died) = (n.project, n.chunk_id, n.died)
                   where n.project = %(p)s and n.died = %(forever)s and n.original = any(%(ids)s::uuid[])""",
                {"p": project, "forever": FOREVER, "ids": changed},
            )
            return found | {row["id"] for row in rows}

    def holders(self, project: str) -> dict[str, int]:
        """How many sources hold each passage (by its original chunk) that more than one holds."""
        return self._holders(project, None, FOREVER - 1)

    def documents(self, project: str, ids: Collection[str], year: int | None) -> dict[str, TrustInput]:
        """What is known of each of these documents that lives, by document id."""
        named = {"p": project, "forever": FOREVER, "ids": list(ids)}
        with self._session.transaction() as cursor:
            documents = cursor.execute(
                """select d.id::text as id, d.source, coalesce(s.prior, 0.5) as prior, v.status,
                          coalesce(v.updated_on, v.created_on) as dated
                   from document_version v join document d on (d.project, d.id) = (v.project, v.document_id)
                   left join source s on (s.project, s.name) = (d.project, d.source)
                   where v.project = %(p)s and v.died = %(forever)s and v.document_id = any(%(ids)s::uuid[])""",
                named,
            ).fetchall()
            superseding = cursor.execute(
                """select document_id::text as id, array_agg(distinct by_title order by by_title) as titles from supersession
                   where project = %(p)s and died = %(forever)s and document_id = any(%(ids)s::uuid[]) group by 1""",
                named,
            ).fetchall()
            inbound = cursor.execute(
                """select target_document::text as id, count(distinct source_document) as n from reference
                   where project = %(p)s and died = %(forever)s and target_document = any(%(ids)s::uuid[]) and relation <> 'supersedes'
                     and source_document <> target_document group by 1""",
                named,
            ).fetchall()
        replaced = {row["id"]: tuple(row["titles"]) for row in superseding}
        referred = {row["id"]: int(row["n"]) for row in inbound}
        return {
            row["id"]: TrustInput(
                source=row["source"],
                prior=row["prior"],
                status=Status(row["status"]) if row["status"] else None,
                dated=row["dated"],
                newest_year=year,
                superseded_by=replaced.get(row["id"], ()),
                inbound=referred.get(row["id"], 0),
            )
            for row in documents
        }

    def chunks(self, project: str, documents: Collection[str]) -> list[tuple[str, str, str]]:
        """(chunk, document, passage it holds) of each living chunk of these documents."""
        with self._session.transaction() as cursor:
            chunks = cursor.execute(
                """select c.id::text as id, c.document_id::text as document_id, coalesce(n.original, c.id)::text as passage
                   from chunk c left join near_duplicate n on (n.project, n.chunk_id, n.died) = (c.project, c.id, c.died)
                   where c.project = %(p)s and c.died = %(forever)s and c.document_id = any(%(ids)s::uuid[])""",
                {"p": project, "forever": FOREVER, "ids": list(documents)},
            ).fetchall()
        return [(row["id"], row["document_id"], row["passage"]) for row in chunks]

    def store(self, project: str, generation: int, documents: Collection[str], items: list[ScoredItem]) -> Change:
        """Bring the scores of these documents and of all their chunks to these; an unchanged score is not written."""
        rows: list[dict[str, Any]] = [
            {
                "id": item.id,
                "item_kind": item.kind,
                "score": item.trust.score,
                "model": MODEL,
                "components": Jsonb(item.trust.as_rows()),
            }
            for item in items
        ]
        with self._session.transaction() as cursor:
            known = cursor.execute(
                """select id::text as id, score, model, components from trust_score where project = %(p)s and died = %(forever)s and id in (
                   select unnest(%(ids)s::uuid[]) union select id from chunk where project = %(p)s and document_id = any(%(ids)s::uuid[]))""",
                {"p": project, "forever": FOREVER, "ids": list(documents)},
            )
            stored = {row["id"]: (row["score"], row["model"], row["components"]) for row in known}
            changed = {
                item.id
                for item in items
                if item.id in stored and stored[item.id] != (item.trust.score, MODEL, item.trust.as_rows())
            }
            return reconcile(cursor, TRUST_SCORE, project, generation, rows, alive=stored.keys(), changed=changed)

    def retire_orphans(self, project: str, generation: int) -> int:
        """End scores that an unfinished run of this generation gave to chunks that are no more."""
        with self._session.transaction() as cursor:
            gone = cursor.execute(
                """select t.id::text as id from trust_score t where t.project = %(p)s and t.born = %(g)s and t.died = %(forever)s
                   and t.item_kind = 'chunk' and not exists (
                   select from chunk c where (c.project, c.id, c.died) = (t.project, t.id, %(forever)s))""",
                {"p": project, "g": generation, "forever": FOREVER},
            ).fetchall()
            return retire(cursor, TRUST_SCORE, project, generation, [row["id"] for row in gone])

    def _holders(self, project: str, touched_in: int | None, shown: int) -> dict[str, int]:
        """Passages that several sources hold in the state `shown`: all, or those that a generation's chunks or marks are of."""
        named = {"p": project, "g": touched_in, "s": shown}
        with self._session.transaction() as cursor:
            several = cursor.execute(
                "select count(distinct source) > 1 as yes from document where project = %(p)s", named
            )
            if not (several.fetchone() or {})["yes"]:
                return {}
            touched = (
                "true"
                if touched_in is None
                else """passage in (
                    select id from chunk where project = %(p)s and (born = %(g)s or died = %(g)s)
                    union select chunk_id from near_duplicate where project = %(p)s and (born = %(g)s or died = %(g)s)
                    union select original from near_duplicate where project = %(p)s and (born = %(g)s or died = %(g)s)
                    union select n.original from near_duplicate n join chunk c on (c.project, c.id) = (n.project, n.chunk_id)
                          where n.project = %(p)s and (c.born = %(g)s or c.died = %(g)s))"""
            )
            rows = cursor.execute(
                f"""with held as (
                      select c.id as passage, c.document_id from chunk c
                      where c.project = %(p)s and c.born <= %(s)s and c.died > %(s)s and not exists (
                        select from near_duplicate n where n.project = c.project and n.chunk_id = c.id and n.born <= %(s)s and n.died > %(s)s)
                      union all
                      select n.original, c.document_id from near_duplicate n join chunk c on (c.project, c.id) = (n.project, n.chunk_id)
                      where n.project = %(p)s and n.born <= %(s)s and n.died > %(s)s and c.born <= %(s)s and c.died > %(s)s)
                    select passage::text as passage, count(distinct d.source) as sources
                    from held join document d on (d.project, d.id) = (%(p)s, held.document_id)
                    where {touched} group by 1 having count(distinct d.source) > 1""",  # noqa: S608 (one of two conditions)
                named,
            )
            return {row["passage"]: row["sources"] for row in rows}

    def distribution(self, project: str, generation: int) -> dict[str, Any]:
        """Count, lowest, mean and highest score a kind of item, in a generation."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select item_kind, count(*) as items, min(score) as lowest, avg(score) as mean, max(score) as highest from trust_score
                   where project = %(p)s and born <= %(g)s and died > %(g)s group by 1 order by 1""",
                {"p": project, "g": generation},
            ).fetchall()
        return {row.pop("item_kind"): row for row in rows}
