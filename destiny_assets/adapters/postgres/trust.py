"""Trust scores: what they are computed from, and where they are kept with their terms."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.adapters.postgres.versioned import TRUST_SCORE, alive_rows, reconcile
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


class TrustScores:
    """Inputs and results of the trust model."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def documents(self, project: str) -> dict[str, TrustInput]:
        """What is known of each living document, by document id."""
        named = {"p": project, "forever": FOREVER}
        with self._session.transaction() as cursor:
            documents = cursor.execute(
                """select d.id::text as id, d.source, coalesce(s.prior, 0.5) as prior, v.status,
                          coalesce(v.updated_on, v.created_on) as dated, max(coalesce(v.updated_on, v.created_on)) over () as newest
                   from document_version v join document d on (d.project, d.id) = (v.project, v.document_id)
                   left join source s on (s.project, s.name) = (d.project, d.source)
                   where v.project = %(p)s and v.died = %(forever)s""",
                named,
            ).fetchall()
            superseding = cursor.execute(
                """select document_id::text as id, array_agg(distinct by_title order by by_title) as titles from supersession
                   where project = %(p)s and died = %(forever)s group by 1""",
                named,
            ).fetchall()
            inbound = cursor.execute(
                """select target_document::text as id, count(distinct source_document) as n from reference
                   where project = %(p)s and died = %(forever)s and target_document is not null and relation <> 'supersedes'
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
                newest=row["newest"],
                superseded_by=replaced.get(row["id"], ()),
                inbound=referred.get(row["id"], 0),
            )
            for row in documents
        }

    def chunks(self, project: str) -> list[tuple[str, str, int]]:
        """(chunk id, document id, number of other sources that hold the same passage) of each living chunk."""
        named = {"p": project, "forever": FOREVER}
        with self._session.transaction() as cursor:
            chunks = cursor.execute(
                """select c.id::text as id, c.document_id::text as document_id, d.source, coalesce(n.original, c.id)::text as passage
                   from chunk c join document d on (d.project, d.id) = (c.project, c.document_id)
                   left join near_duplicate n on (n.project, n.chunk_id, n.died) = (c.project, c.id, c.died)
                   where c.project = %(p)s and c.died = %(forever)s""",
                named,
            ).fetchall()
        holders = Counter(passage for passage, _ in {(row["passage"], row["source"]) for row in chunks})
        return [(row["id"], row["document_id"], holders[row["passage"]] - 1) for row in chunks]

    def store(self, project: str, generation: int, items: list[ScoredItem]) -> Change:
        """Bring the stored scores to these; an unchanged score is not written."""
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
            stored = alive_rows(cursor, TRUST_SCORE, project, "score", "model", "components")
            changed = {
                item.id
                for item in items
                if item.id in stored and stored[item.id] != (item.trust.score, MODEL, item.trust.as_rows())
            }
            return reconcile(cursor, TRUST_SCORE, project, generation, rows, alive=stored.keys(), changed=changed)

    def distribution(self, project: str, generation: int) -> dict[str, Any]:
        """Count, lowest, mean and highest score a kind of item, in a generation."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select item_kind, count(*) as items, min(score) as lowest, avg(score) as mean, max(score) as highest from trust_score
                   where project = %(p)s and born <= %(g)s and died > %(g)s group by 1 order by 1""",
                {"p": project, "g": generation},
            ).fetchall()
        return {row.pop("item_kind"): row for row in rows}
