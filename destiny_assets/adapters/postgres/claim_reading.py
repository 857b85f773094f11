"""What readers ask of claims, pinned to one generation: lists, one claim with its evidence and rivals, what is worth labelling."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class StoredClaim:
    """A claim as one generation shows it; `evidence` counts the places where it is made, `witnesses` names who makes it."""

    id: str
    slot_id: str
    subject: str
    predicate: str
    value: str
    origin: str
    valid_from: datetime | None
    valid_to: datetime | None
    probability: float
    score: float
    standing: str
    believed: bool
    contested: bool
    label: bool | None
    evidence: int
    witnesses: list[str]


@dataclass(frozen=True, slots=True)
class StoredEvidence:
    """One place where a claim is made: a span of the document's text, or a row of a table of claims."""

    id: str
    claim_id: str
    witness: str
    source: str
    uri: str
    rule: str
    span: tuple[int, int] | None
    table_row: int | None
    quote: str
    observed_at: datetime | None


_VISIBLE: LiteralString = """
from claim c join claim_probability b on (b.project, b.id) = (c.project, c.id) and b.born <= %(g)s and b.died > %(g)s
where c.project = %(p)s and c.born <= %(g)s and c.died > %(g)s"""
_COLUMNS: LiteralString = """
select c.id::text as id, b.slot_id::text as slot_id, c.subject, c.predicate, c.value, c.origin, c.valid_from, c.valid_to,
       b.probability, b.score, b.standing, b.believed, b.contested, b.label"""
_ORDER: LiteralString = " order by lower(c.subject), c.predicate, b.probability desc, c.id"
# Counted for the rows that are shown, not for all that are sorted.
_COUNTED: LiteralString = """
select s.*, e.evidence, e.witnesses from (
"""
_EVIDENCE: LiteralString = """
) s cross join lateral (
    select count(*) as evidence, array_agg(distinct witness order by witness) as witnesses from evidence e
    where e.project = %(p)s and e.claim_id = s.id::uuid and e.born <= %(g)s and e.died > %(g)s) e"""


class ClaimReading:
    """Claims as readers see them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def shown(
        self,
        project: str,
        generation: int,
        *,
        subject: str | None,
        predicate: str | None,
        contested: bool,
        limit: int,
        offset: int = 0,
    ) -> tuple[list[StoredClaim], int]:
        """Claims by subject (any part of it, in any case) and predicate, slot by slot, the most probable first; and how many there are."""
        named = {
            "p": project,
            "g": generation,
            "subject": f"%{_literal(subject)}%" if subject else None,
            "predicate": predicate.casefold() if predicate else None,
            "contested": contested,
            "limit": limit,
            "offset": offset,
        }
        which: LiteralString = """ and (%(subject)s::text is null or lower(c.subject) like lower(%(subject)s))
            and (%(predicate)s::text is null or c.predicate = %(predicate)s) and (b.contested or not %(contested)s)"""
        with self._session.transaction() as cursor:
            page = _COUNTED + _COLUMNS + _VISIBLE + which + _ORDER + " limit %(limit)s offset %(offset)s" + _EVIDENCE
            rows = cursor.execute(page + " order by lower(subject), predicate, probability desc, id", named).fetchall()
            total = cursor.execute("select count(*) as n" + _VISIBLE + which, named).fetchone()
        return [StoredClaim(**row) for row in rows], int((total or {"n": 0})["n"])

    def find(self, project: str, generation: int, item: str) -> str | None:
        """The id of the claim that `item` is, or the first eight or more characters of; None when it is none.

        Raises `NotFoundError` when several begin so.
        """
        beginning = item.strip().lower()
        if len(beginning) < 8 or set(beginning) - set("0123456789abcdef-"):
            return None
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select id::text as id from claim where project = %s and born <= %s and died > %s and id::text like %s limit 2""",
                (project, generation, generation, f"{beginning}%"),
            ).fetchall()
        if len(rows) > 1:
            raise NotFoundError(f"{item!r} begins more than one claim of {project!r}. Give more of its id.")
        return rows[0]["id"] if rows else None

    def matching(self, project: str, generation: int, subject: str, predicate: str, value: str) -> list[str]:
        """Ids of the claims that say just this, but for case."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select id::text as id from claim where project = %s and born <= %s and died > %s
                   and lower(subject) = lower(%s) and predicate = lower(%s) and lower(value) = lower(%s)""",
                (project, generation, generation, subject, predicate, value),
            )
            return [row["id"] for row in rows]

    def slot(self, project: str, generation: int, claim: str) -> list[tuple[StoredClaim, list[dict[str, Any]]]]:
        """Every claim of a claim's slot with the terms of its score, the claim itself first, then the most probable."""
        in_slot: LiteralString = """ and b.slot_id = (
            select slot_id from claim_probability where project = %(p)s and id = %(c)s and born <= %(g)s and died > %(g)s)"""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                _COUNTED
                + _COLUMNS
                + ", b.components"
                + _VISIBLE
                + in_slot
                + _EVIDENCE
                + " order by s.id <> %(c)s::text, s.probability desc, s.id",
                {"p": project, "g": generation, "c": claim},
            ).fetchall()
        return [(StoredClaim(**{k: v for k, v in row.items() if k != "components"}), row["components"]) for row in rows]

    def evidence(self, project: str, generation: int, claims: list[str], limit: int) -> list[StoredEvidence]:
        """Where claims are made, at most `limit` places."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select e.id::text as id, e.claim_id::text as claim_id, e.witness, d.source, d.uri, e.rule, e.starts_at, e.ends_at,
                          e.table_row, e.quote, e.observed_at
                   from evidence e join document d on (d.project, d.id) = (e.project, e.document_id)
                   where e.project = %s and e.born <= %s and e.died > %s and e.claim_id = any(%s::uuid[])
                   order by e.claim_id, e.witness, d.uri, e.starts_at, e.table_row, e.id limit %s""",
                (project, generation, generation, claims, limit),
            ).fetchall()
        found = []
        for row in rows:
            start, end = row.pop("starts_at"), row.pop("ends_at")
            found.append(StoredEvidence(span=None if start is None else (start, end), **row))
        return found

    def open_slots(self, project: str, generation: int, limit: int) -> list[dict[str, Any]]:
        """Slots without a label that a label would tell most about, the most telling first.

        ``gain`` is the entropy of what is believed (bits) times the logarithm of how many slots the witnesses of this one speak of:
        a label on a slot teaches how far its witnesses can be believed elsewhere.
        """
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """with open as (
                       select slot_id, sum(-probability * log(2, probability::numeric)) as entropy
                       from claim_probability where project = %(p)s and born <= %(g)s and died > %(g)s and standing = 'current'
                       group by slot_id having bool_or(contested) and bool_and(label is null)
                       order by 2 desc limit 2000),
                   heard as (
                       select distinct o.slot_id, e.witness from open o
                       join claim_probability b on b.project = %(p)s and b.slot_id = o.slot_id and b.born <= %(g)s and b.died > %(g)s
                       join evidence e on e.project = %(p)s and e.claim_id = b.id and e.born <= %(g)s and e.died > %(g)s),
                   reach as (
                       select w.witness, count(distinct e.slot_id) as slots from (select distinct witness from heard) w
                       join evidence e on e.project = %(p)s and e.witness = w.witness and e.born <= %(g)s and e.died > %(g)s
                       group by w.witness),
                   taught as (select h.slot_id, sum(r.slots) as slots from heard h join reach r using (witness) group by h.slot_id)
                   select o.slot_id::text as slot_id, o.entropy::double precision as entropy, t.slots::bigint as reach,
                          (o.entropy * log(2, 1 + t.slots))::double precision as gain
                   from open o join taught t using (slot_id) order by gain desc, slot_id limit %(limit)s""",
                {"p": project, "g": generation, "limit": limit},
            ).fetchall()
        return [dict(row) for row in rows]

    def of_slots(self, project: str, generation: int, slots: list[str]) -> list[StoredClaim]:
        """The claims of these slots, the most probable first."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                _COUNTED
                + _COLUMNS
                + _VISIBLE
                + " and b.slot_id = any(%(slots)s::uuid[])"
                + _EVIDENCE
                + " order by s.probability desc, s.id",
                {"p": project, "g": generation, "slots": slots},
            ).fetchall()
        return [StoredClaim(**row) for row in rows]


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
