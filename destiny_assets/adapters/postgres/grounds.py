"""What decisions rest on and what of it puts them at risk: what there is to judge by, and where the judgement is kept.

What is a ground, and when one carries no more, is in `domain.grounds`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, LiteralString

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.adapters.postgres.versioned import (
    DECISION_GROUND,
    DECISION_RISK,
    VersionedTable,
    alive_rows,
    reconcile,
)
from destiny_assets.domain.claims.currency import Standing
from destiny_assets.domain.documents import Status
from destiny_assets.domain.generations import Change
from destiny_assets.domain.graph import FOREVER
from destiny_assets.domain.grounds import Ground, GroundKind, KnownClaim, KnownDocument, Leaning, Risk

_GROUND_FIELDS: dict[LiteralString, str] = {
    "decision_id": "decision",
    "named": "named",
    "kind": "kind",
    "slot_id": "slot",
    "claim_id": "claim",
    "value": "value",
    "document_id": "document",
    "label": "label",
}
_RISK_FIELDS: dict[LiteralString, str] = {
    "decision_id": "decision",
    "document_id": "document",
    "named": "named",
    "reason": "reason",
    "said": "said",
}
_CLAIMS: LiteralString = """
select c.id::text as claim, c.slot_id::text as slot, c.subject, c.predicate, c.value, b.probability, b.standing, b.believed,
       coalesce(b.components -> 0 ->> 'why', '') as why
from claim c join claim_probability b on (b.project, b.id, b.died) = (c.project, c.id, c.died)
where c.project = %(p)s and c.died = %(forever)s and """


class Grounds:
    """Grounds and risks of the decisions of a project, as they stand in the newest state, published or not."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def leanings(self, project: str) -> list[Leaning]:
        """The living decisions that name what they rest on."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select d.id::text as decision, d.document_id::text as document, d.key, d.decided_at, d.least_probability as least,
                          d.status, d.rests_on, exists (
                              select from supersession s where (s.project, s.document_id, s.died) = (d.project, d.document_id, %(forever)s)
                          ) as superseded
                   from decision d where d.project = %(p)s and d.died = %(forever)s and d.rests_on <> '{}'""",
                {"p": project, "forever": FOREVER},
            ).fetchall()
        return [Leaning(**{**row, "status": Status(row["status"]), "rests_on": tuple(row["rests_on"])}) for row in rows]

    def earlier(self, project: str, generation: int) -> dict[str, Ground]:
        """The grounds that the generation before this one shows, by id: what a killed run of this one bound does not count."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select id::text as id, decision_id::text as decision, named, kind, slot_id::text as slot, claim_id::text as claim, value,
                          document_id::text as document, label
                   from decision_ground where project = %(p)s and born < %(g)s and died >= %(g)s""",
                {"p": project, "g": generation},
            ).fetchall()
        return {row["id"]: Ground(**{**row, "kind": GroundKind(row["kind"])}) for row in rows}

    def claims_beginning(self, project: str, beginnings: Collection[str]) -> dict[str, KnownClaim]:
        """The claim whose id begins so, by the beginning; none where several do."""
        found = {}
        with self._session.transaction() as cursor:
            for beginning in beginnings:
                digits = beginning.replace("-", "")
                rows = cursor.execute(
                    # A range of the primary key: to look at the text of every id took a second a million claims.
                    _CLAIMS + "c.id between %(first)s::uuid and %(last)s::uuid limit 2",
                    {"p": project, "forever": FOREVER, "first": digits.ljust(32, "0"), "last": digits.ljust(32, "f")},
                ).fetchall()
                if len(rows) == 1:
                    found[beginning] = _claim(rows[0])
        return found

    def slots(self, project: str, slots: Collection[str]) -> dict[str, list[KnownClaim]]:
        """The living claims of these slots, by slot."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                _CLAIMS + "c.slot_id = any(%(slots)s::uuid[]) order by c.id",
                {"p": project, "forever": FOREVER, "slots": list(slots)},
            ).fetchall()
        found: dict[str, list[KnownClaim]] = {}
        for row in rows:
            found.setdefault(row["slot"], []).append(_claim(row))
        return found

    def required(self, project: str, documents: Collection[str]) -> list[tuple[str, str, str]]:
        """(document, what it says it requires, the document that this is) of these documents."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select distinct source_document::text as source, target, target_document::text as document from reference
                   where project = %s and died = %s and relation = 'requires' and target_document is not null
                     and source_document = any(%s::uuid[])""",
                (project, FOREVER, list(documents)),
            ).fetchall()
        return [(row["source"], row["target"], row["document"]) for row in rows]

    def documents(self, project: str, documents: Collection[str]) -> dict[str, KnownDocument]:
        """What is known of these documents, by id; of one that is gone what it was called last."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select distinct on (d.id) d.id::text as document, d.uri, v.title, v.died = %(forever)s as alive, v.status,
                          coalesce(t.score, 0.5) as trust,
                          array(select distinct s.by_title from supersession s
                                where (s.project, s.document_id, s.died) = (d.project, d.id, %(forever)s) order by 1) as superseded_by
                   from document d join document_version v on (v.project, v.document_id) = (d.project, d.id)
                   left join trust_score t on (t.project, t.id, t.died) = (d.project, d.id, %(forever)s)
                   where d.project = %(p)s and d.id = any(%(ids)s::uuid[]) order by d.id, v.died desc, v.born desc""",
                {"p": project, "forever": FOREVER, "ids": list(documents)},
            ).fetchall()
        return {
            row["document"]: KnownDocument(
                **{
                    **row,
                    "status": Status(row["status"]) if row["status"] else None,
                    "superseded_by": tuple(row["superseded_by"]),
                }
            )
            for row in rows
        }

    def store(self, project: str, generation: int, grounds: Iterable[Ground], risks: Iterable[Risk]) -> Change:
        """Bring grounds and risks to exactly these; what is as it was is not written."""
        with self._session.transaction() as cursor:
            changes = [
                _bring(cursor, table, project, generation, [{"id": one.id, **_row(one, fields)} for one in wanted])
                for table, fields, wanted in (
                    (DECISION_GROUND, _GROUND_FIELDS, list[Any](grounds)),
                    (DECISION_RISK, _RISK_FIELDS, list[Any](risks)),
                )
            ]
        return Change(*(sum(getattr(change, name) for change in changes) for name in ("added", "retired", "total")))

    def counts(self, project: str, generation: int) -> dict[str, int]:
        """``grounds`` that a generation shows, ``unknown`` ones of them, and decisions ``at_risk``."""
        with self._session.transaction() as cursor:
            row = cursor.execute(
                """select count(*) as grounds, count(*) filter (where kind = 'unknown') as unknown,
                          (select count(distinct decision_id) from decision_risk
                           where project = %(p)s and born <= %(g)s and died > %(g)s) as at_risk
                   from decision_ground where project = %(p)s and born <= %(g)s and died > %(g)s""",
                {"p": project, "g": generation},
            ).fetchone()
        return dict(row or {})

    def newly_at_risk(self, project: str, generation: int, seen: int) -> list[dict[str, str]]:
        """``key``, ``uri`` and ``said`` of what puts decisions at risk in a generation and did not in the one `seen` before, by key."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select d.key, o.uri, r.said from decision_risk r
                   join decision d on (d.project, d.id) = (r.project, r.decision_id) and d.born <= %(g)s and d.died > %(g)s
                   join document o on (o.project, o.id) = (d.project, d.document_id)
                   where r.project = %(p)s and r.born <= %(g)s and r.died > %(g)s and not exists (
                       select from decision_risk s where (s.project, s.id, s.reason) = (r.project, r.id, r.reason)
                       and s.born <= %(seen)s and s.died > %(seen)s)
                   order by d.key, r.said""",
                {"p": project, "g": generation, "seen": seen},
            ).fetchall()
        return [dict(row) for row in rows]


def _bring(
    cursor: Any, table: VersionedTable, project: str, generation: int, rows: Sequence[Mapping[str, Any]]
) -> Change:
    columns = table.columns[1:]
    stored = {
        id_: tuple(None if value is None else str(value) for value in values)
        for id_, values in alive_rows(cursor, table, project, *columns).items()
    }
    changed = {
        row["id"]
        for row in rows
        if (old := stored.get(row["id"])) is not None and old != tuple(row[column] for column in columns)
    }
    return reconcile(cursor, table, project, generation, rows, alive=stored.keys(), changed=changed)


def _row(one: Ground | Risk, fields: Mapping[LiteralString, str]) -> dict[str, str | None]:
    values = {column: getattr(one, name) for column, name in fields.items()}
    return {column: None if value is None else str(value) for column, value in values.items()}


def _claim(row: dict[str, Any]) -> KnownClaim:
    return KnownClaim(**{**row, "standing": Standing(row["standing"])})
