"""Probabilities of claims, what is known of witnesses, and labels: what is scored again, and where results are kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.adapters.postgres.versioned import CLAIM_PROBABILITY, SOURCE_RELIABILITY, alive_rows, reconcile
from destiny_assets.domain.claims.history import REVERT
from destiny_assets.domain.claims.scoring import MODEL, Assessment, Repute
from destiny_assets.domain.generations import Change
from destiny_assets.domain.graph import FOREVER

_REPUTE_COLUMNS = ("witness", "predicate", "complete", "coarse", "level", "copies")
_COMPARED = ("slot_id", "probability", "score", "standing", "believed", "contested", "label", "model", "components")


@dataclass(frozen=True, slots=True)
class StoredLabel:
    """What a person said of a claim; it counts from the first generation that was built after it."""

    claim: str
    verdict: bool
    labelled_at: datetime


class Beliefs:
    """Results of the model of trust on claims."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def basis(self, project: str) -> dict[str, Any] | None:
        """What the stored probabilities rest on besides the rows of a generation; None before there are any."""
        with self._session.transaction() as cursor:
            row = cursor.execute("select basis from claim_basis where project = %s", (project,)).fetchone()
        return row["basis"] if row else None

    def set_basis(self, project: str, basis: Mapping[str, Any]) -> None:
        """Record that all probabilities rest on this."""
        with self._session.transaction() as cursor:
            cursor.execute(
                """insert into claim_basis (project, basis) values (%s, %s)
                   on conflict (project) do update set basis = excluded.basis where claim_basis.basis <> excluded.basis""",
                (project, Jsonb(dict(basis))),
            )

    def touched(self, project: str, generation: int) -> set[str]:
        """Slots, spoken of or not, on which a change of this generation, a label not yet counted or one taken back bears.

        A change of who supersedes whom bears on the documents below too. Slots that an unfinished run of this generation scored
        count as well: what it saw may be gone without a trace.
        """
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """with recursive version as (
                       select document_id from document_version where project = %(p)s and born = %(g)s
                       union select document_id from document_version where project = %(p)s and died = %(g)s),
                   said as (
                       select source_document, target_document from reference
                       where project = %(p)s and relation = 'supersedes' and target_document is not null and (died = %(forever)s or died = %(g)s)),
                   moved as (
                       select document_id from version
                       union select target_document from reference
                             where project = %(p)s and (born = %(g)s or died = %(g)s) and relation = 'supersedes' and target_document is not null
                       union select s.target_document from moved m join said s on s.source_document = m.document_id)
                   select slot_id::text as id from evidence where project = %(p)s and born = %(g)s
                   union select slot_id::text from evidence where project = %(p)s and died = %(g)s
                   union select b.slot_id::text from evidence e
                         join claim_probability b on (b.project, b.id, b.died) = (e.project, e.claim_id, %(forever)s)
                         where e.project = %(p)s and e.died = %(g)s
                   union select e.slot_id::text from evidence e join moved m on m.document_id = e.document_id
                         where e.project = %(p)s and e.died = %(forever)s
                   union select slot_id::text from claim_probability where project = %(p)s and (born = %(g)s or died = %(g)s)
                   union select b.slot_id::text from claim_label l
                         join claim_probability b on (b.project, b.id) = (l.project, l.claim_id)
                         where l.project = %(p)s and b.died = %(forever)s and b.label is distinct from l.verdict
                   union select b.slot_id::text from claim_probability b
                         where b.project = %(p)s and b.died = %(forever)s and b.label is not null and not exists (
                             select from claim_label l where (l.project, l.claim_id) = (b.project, b.id))""",
                {"p": project, "g": generation, "forever": FOREVER},
            )
            return {row["id"] for row in rows}

    def reverted(self, project: str, generation: int) -> set[str]:
        """The slots of all commits that some commit reverts or reverted, where a generation adds or ends a word of that: few in any project."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select distinct s.slot_id::text as id from evidence r
                   join claim c on (c.project, c.id) = (r.project, r.claim_id)
                   join claim m on m.project = r.project and m.died = %(forever)s and lower(m.subject) = lower(c.value) and m.predicate = 'author'
                   join evidence t on (t.project, t.claim_id, t.died) = (m.project, m.id, m.died) and t.rule = 'commit'
                   join evidence s on (s.project, s.document_id, s.died) = (t.project, t.document_id, t.died)
                   where r.project = %(p)s and r.rule = %(rule)s and exists (
                       select from evidence e where e.project = %(p)s and e.rule = %(rule)s and (e.born = %(g)s or e.died = %(g)s))""",
                {"p": project, "g": generation, "rule": REVERT, "forever": FOREVER},
            )
            return {row["id"] for row in rows}

    def slots(self, project: str) -> set[str]:
        """Slots that have living probabilities."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                "select distinct slot_id::text as id from claim_probability where project = %s and died = %s",
                (project, FOREVER),
            )
            return {row["id"] for row in rows}

    def store(self, project: str, generation: int, slots: Collection[str], assessed: Sequence[Assessment]) -> Change:
        """Bring the probabilities of the claims of these slots to these; what is as it was is not written.

        A claim may have filled another slot before: its subject has become another's spelling, or is so no more.
        """
        rows = [_row(one) for one in assessed]
        with self._session.transaction() as cursor:
            known = cursor.execute(
                """select id::text as id, slot_id::text as slot_id, probability, score, standing, believed, contested, label, model, components
                   from claim_probability where project = %s and died = %s and slot_id = any(%s::uuid[])
                   union select id::text, slot_id::text, probability, score, standing, believed, contested, label, model, components
                   from claim_probability where project = %s and died = %s and id = any(%s::uuid[])""",
                (project, FOREVER, list(slots), project, FOREVER, [row["id"] for row in rows]),
            )
            stored = {row["id"]: row for row in known}
            changed = {
                row["id"]
                for row in rows
                if (old := stored.get(row["id"])) and any(old[name] != row[name] for name in _COMPARED)
            }
            written = [{**row, "components": Jsonb(row["components"])} for row in rows]
            return reconcile(
                cursor, CLAIM_PROBABILITY, project, generation, written, alive=stored.keys(), changed=changed
            )

    def reputes(self, project: str) -> dict[str, Repute]:
        """What is known of witnesses, by id."""
        with self._session.transaction() as cursor:
            found = alive_rows(cursor, SOURCE_RELIABILITY, project, *_REPUTE_COLUMNS)
        return {id_: Repute(*values) for id_, values in found.items()}

    def store_reputes(
        self, project: str, generation: int, reputes: Sequence[Repute], stored: Mapping[str, Repute]
    ) -> Change:
        """Bring what is known of witnesses from `stored` to this."""
        rows = [{"id": one.id, **{name: getattr(one, name) for name in _REPUTE_COLUMNS}} for one in reputes]
        changed = {one.id for one in reputes if one.id in stored and stored[one.id] != one}
        with self._session.transaction() as cursor:
            return reconcile(
                cursor, SOURCE_RELIABILITY, project, generation, rows, alive=stored.keys(), changed=changed
            )

    def families(self, project: str) -> dict[str, str]:
        """The family of each witness that has one."""
        with self._session.transaction() as cursor:
            rows = cursor.execute("select witness, family from witness_family where project = %s", (project,))
            return {row["witness"]: row["family"] for row in rows}

    def set_family(self, project: str, witnesses: Sequence[str], family: str | None) -> int:
        """Put witnesses into a family, or into none; how many of them were not there before."""
        with self._session.transaction() as cursor:
            if family is None:
                return cursor.execute(
                    "delete from witness_family where project = %s and witness = any(%s)", (project, list(witnesses))
                ).rowcount
            return cursor.execute(
                """insert into witness_family (project, witness, family) select %s, unnest(%s::text[]), %s
                   on conflict (project, witness) do update set family = excluded.family
                   where witness_family.family <> excluded.family""",
                (project, list(dict.fromkeys(witnesses)), family),
            ).rowcount

    def said_of_predicates(self, project: str) -> dict[str, bool]:
        """What people say of predicates: whether they may have several values at once (True) or have one (False)."""
        with self._session.transaction() as cursor:
            rows = cursor.execute("select predicate, several from predicate_values where project = %s", (project,))
            return {row["predicate"]: row["several"] for row in rows}

    def say_of_predicate(self, project: str, predicate: str, several: bool | None) -> bool:
        """Keep what people say of a predicate, or forget it (None); whether that changes anything."""
        with self._session.transaction() as cursor:
            if several is None:
                return bool(
                    cursor.execute(
                        "delete from predicate_values where project = %s and predicate = %s", (project, predicate)
                    ).rowcount
                )
            return bool(
                cursor.execute(
                    """insert into predicate_values (project, predicate, several) values (%s, %s, %s)
                       on conflict (project, predicate) do update set several = excluded.several
                       where predicate_values.several <> excluded.several""",
                    (project, predicate, several),
                ).rowcount
            )

    def labels(self, project: str) -> dict[str, bool]:
        """What people say of claims, by claim."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                "select claim_id::text as id, verdict from claim_label where project = %s", (project,)
            )
            return {row["id"]: row["verdict"] for row in rows}

    def label(self, project: str, verdicts: Mapping[str, bool]) -> int:
        """Keep what people say of claims; how many labels are new or other than before."""
        with self._session.transaction() as cursor:
            return cursor.execute(
                """insert into claim_label (project, claim_id, verdict)
                   select %s, * from unnest(%s::uuid[], %s::boolean[])
                   on conflict (project, claim_id) do update set verdict = excluded.verdict, labelled_at = now()
                   where claim_label.verdict <> excluded.verdict""",
                (project, list(verdicts), list(verdicts.values())),
            ).rowcount

    def take_back(self, project: str, claim: str) -> bool:
        """Keep no label of a claim any more, whatever is written for its id; False when there was none."""
        with self._session.transaction() as cursor:
            return bool(
                cursor.execute(
                    "delete from claim_label where project = %s and claim_id::text = %s", (project, claim)
                ).rowcount
            )

    def labels_not_counted(self, project: str, generation: int) -> dict[str, bool | None]:
        """What people say of claims that a generation shows and does not count yet, by claim; None where they took a label back."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select l.claim_id::text as id, l.verdict from claim_label l
                   join claim_probability b on (b.project, b.id) = (l.project, l.claim_id)
                   where l.project = %(p)s and b.born <= %(g)s and b.died > %(g)s and b.label is distinct from l.verdict
                   union select b.id::text, null from claim_probability b
                   where b.project = %(p)s and b.born <= %(g)s and b.died > %(g)s and b.label is not null and not exists (
                       select from claim_label l where (l.project, l.claim_id) = (b.project, b.id))
                   order by 1""",
                {"p": project, "g": generation},
            )
            return {row["id"]: row["verdict"] for row in rows}

    def said(self, project: str, limit: int, after: tuple[datetime, str] | None = None) -> list[StoredLabel]:
        """Labels, the newest first, counted already or not; `after` is the (time, claim) of one."""
        with self._session.transaction() as cursor:
            rows: Any = cursor.execute(
                """select claim_id::text as claim, verdict, labelled_at from claim_label
                   where project = %(p)s and (%(at)s::timestamptz is null or labelled_at < %(at)s
                       or (labelled_at = %(at)s and claim_id > %(claim)s::uuid))
                   order by labelled_at desc, claim_id limit %(limit)s""",
                {"p": project, "at": after[0] if after else None, "claim": after[1] if after else None, "limit": limit},
            ).fetchall()
        return [StoredLabel(**row) for row in rows]

    def distribution(self, project: str, generation: int) -> dict[str, Any]:
        """``claims``, ``believed``, ``contested`` (slots), ``not_current``, ``labels`` and the mean probability of what is believed."""
        with self._session.transaction() as cursor:
            row = cursor.execute(
                """select count(*) as claims, count(*) filter (where believed) as believed,
                          count(distinct slot_id) filter (where contested) as contested,
                          count(*) filter (where standing <> 'current') as not_current,
                          count(label) as labels, avg(probability) filter (where believed) as mean_probability
                   from claim_probability where project = %(p)s and born <= %(g)s and died > %(g)s""",
                {"p": project, "g": generation},
            ).fetchone()
        return dict(row or {})


def _row(one: Assessment) -> dict[str, Any]:
    return {
        "id": one.claim,
        "slot_id": one.slot,
        "probability": one.probability,
        "score": one.score,
        "standing": str(one.standing),
        "believed": one.believed,
        "contested": one.contested,
        "label": one.label,
        "model": MODEL,
        "components": list(one.terms),
    }
