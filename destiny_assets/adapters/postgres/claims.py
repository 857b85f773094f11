"""Claim and evidence rows: what documents claim and where, written by generation. How probable a claim is stands in `beliefs`."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import tuple_row

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.adapters.postgres.versioned import CLAIM, EVIDENCE, reconcile, retire
from destiny_assets.domain.claims.currency import Assertion
from destiny_assets.domain.claims.extraction import Witnessed, occurrences
from destiny_assets.domain.claims.fields import PEOPLE_FIELDS
from destiny_assets.domain.claims.history import REVERT
from destiny_assets.domain.claims.records import Claim, evidence_id
from destiny_assets.domain.generations import Change
from destiny_assets.domain.graph import FOREVER
from destiny_assets.domain.headers import people
from destiny_assets.domain.linking.names import EntityKind, entity_id, entity_key

_SUBJECT_KINDS = (EntityKind.PERSON, EntityKind.IDENTIFIER, EntityKind.NAME, EntityKind.TERM)


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """What one living document claims; `text` is what spans are of, `dated` when it was last known to be written."""

    document_id: str
    version_id: str
    text: str
    dated: datetime | None
    found: Sequence[Witnessed]


class Claims:
    """Claims of a project and the evidence for them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def store(self, project: str, generation: int, read: Sequence[ReadDocument], code: str) -> Change:
        """Bring the evidence of these documents to exactly what they say; a claim lives as long as some evidence for it does.

        Their versions are then marked as read by `code`.
        """
        rows = [row for document in read for row in _evidence_rows(document)]
        wanted = {one.claim.id: one.claim for document in read for one in document.found}
        with self._session.transaction() as cursor:
            columns = ", ".join(f"{name}::text" if name.endswith("_id") else name for name in EVIDENCE.columns[1:])
            stored = {
                str(row["id"]): row
                for row in cursor.execute(
                    f"select id, {columns} from evidence where project = %s and died = %s and document_id = any(%s::uuid[])",  # noqa: S608
                    (project, FOREVER, [document.document_id for document in read]),
                )
            }
            changed = {
                row["id"]
                for row in rows
                if (known := stored.get(row["id"])) and any(known[name] != row[name] for name in EVIDENCE.columns[1:])
            }
            change = reconcile(cursor, EVIDENCE, project, generation, rows, alive=stored.keys(), changed=changed)
            alive = cursor.execute(
                "select id::text as id from claim where project = %s and died = %s and id = any(%s::uuid[])",
                (project, FOREVER, list(wanted)),
            ).fetchall()
            claims = [_claim_row(claim) for claim in wanted.values()]
            added = reconcile(cursor, CLAIM, project, generation, claims, alive={row["id"] for row in alive}).added
            gone = _unfounded(cursor, project, {str(row["claim_id"]) for row in stored.values()} - wanted.keys())
            retired = retire(cursor, CLAIM, project, generation, gone)
            cursor.execute(
                "update document_version set claimer = %s where project = %s and died = %s and id = any(%s::uuid[])",
                (code, project, FOREVER, [document.version_id for document in read]),
            )
        return Change(change.added + added, change.retired + retired, len(wanted))

    def retire_orphans(self, project: str, generation: int) -> int:
        """End evidence whose document is gone, and claims that nothing is evidence for any more."""
        with self._session.transaction() as cursor:
            gone = cursor.execute(
                """select e.id::text as id, e.claim_id::text as claim_id from evidence e
                   where e.project = %(p)s and e.died = %(forever)s and not exists (
                   select from document_version v where (v.project, v.document_id, v.died) = (e.project, e.document_id, %(forever)s))""",
                {"p": project, "forever": FOREVER},
            ).fetchall()
            retired = retire(cursor, EVIDENCE, project, generation, [row["id"] for row in gone])
            unfounded = _unfounded(cursor, project, {row["claim_id"] for row in gone})
            return retired + retire(cursor, CLAIM, project, generation, unfounded)

    def assertions(self, project: str) -> Iterator[Assertion]:
        """All living evidence of a project."""
        # Ids and names come many times, and are kept once: of a million rows that is a third of a gigabyte.
        known: dict[str, str] = {}
        with self._session.stream("assertions") as stream:
            # Half of the time of reading them went into giving each row the names of its columns.
            cursor: Any = stream
            cursor.row_factory = tuple_row
            cursor.execute(
                """select e.id::text as evidence, e.claim_id::text as claim, e.slot_id::text as slot, c.predicate, c.value, e.witness,
                          e.document_id::text as document, e.observed_at, e.about_itself, e.rule
                   from evidence e join claim c on (c.project, c.id, c.died) = (e.project, e.claim_id, e.died)
                   where e.project = %s and e.died = %s""",
                (project, FOREVER),
            )
            for evidence, *words, observed_at, about_itself, rule in cursor:
                claim, slot, predicate, value, witness, document = (known.setdefault(word, word) for word in words)
                yield Assertion(
                    evidence, claim, slot, predicate, value, witness, document, observed_at, about_itself,
                    known.setdefault(rule, rule),
                )  # fmt: skip

    def slots_of(self, project: str, witnesses: Collection[str]) -> set[str]:
        """The slots on which any of these witnesses has a word."""
        if not witnesses:
            return set()
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                "select distinct slot_id::text as id from evidence where project = %s and died = %s and witness = any(%s)",
                (project, FOREVER, list(witnesses)),
            )
            return {row["id"] for row in rows}

    def supersessions(self, project: str) -> list[tuple[str, str]]:
        """(newer, older) pairs of living documents."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select distinct by_document::text as newer, document_id::text as older from supersession
                   where project = %s and died = %s order by 1, 2""",
                (project, FOREVER),
            )
            return [(row["newer"], row["older"]) for row in rows]

    def reverts(self, project: str) -> list[tuple[str, str]]:
        """(taking back, taken back) pairs of living documents: commits that say which commit they revert."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select distinct r.document_id::text as by, t.document_id::text as taken from evidence r
                   join claim c on (c.project, c.id, c.died) = (r.project, r.claim_id, r.died)
                   join claim m on m.project = r.project and m.died = r.died and lower(m.subject) = lower(c.value) and m.predicate = 'author'
                   join evidence t on (t.project, t.claim_id, t.died) = (m.project, m.id, m.died) and t.rule = 'commit'
                   where r.project = %s and r.died = %s and r.rule = %s order by 1, 2""",
                (project, FOREVER, REVERT),
            )
            return [(row["by"], row["taken"]) for row in rows]

    def counts(self, project: str, generation: int) -> dict[str, int]:
        """``claims``, ``evidence``, ``slots`` and ``witnesses`` that a generation shows."""
        with self._session.transaction() as cursor:
            row = cursor.execute(
                """select (select count(*) from claim where project = %(p)s and born <= %(g)s and died > %(g)s) as claims,
                          count(*) as evidence, count(distinct slot_id) as slots, count(distinct witness) as witnesses
                   from evidence where project = %(p)s and born <= %(g)s and died > %(g)s""",
                {"p": project, "g": generation},
            ).fetchone()
        return dict(row or {})


def _unfounded(cursor: Any, project: str, claims: Collection[str]) -> list[str]:
    if not claims:
        return []
    rows = cursor.execute(
        """select c.id::text as id from claim c where c.project = %(p)s and c.died = %(forever)s and c.id = any(%(ids)s::uuid[])
           and not exists (select from evidence e where (e.project, e.claim_id, e.died) = (c.project, c.id, %(forever)s))""",
        {"p": project, "forever": FOREVER, "ids": list(claims)},
    ).fetchall()
    return [row["id"] for row in rows]


def _evidence_rows(document: ReadDocument) -> Iterator[dict[str, Any]]:
    for one, occurrence in occurrences(document.found):
        statement = one.statement
        spans = statement.start is not None and statement.end is not None
        yield {
            "id": evidence_id(one.claim.id, document.document_id, one.witness, occurrence),
            "claim_id": one.claim.id,
            "slot_id": one.claim.slot_id,
            "document_id": document.document_id,
            "witness": one.witness,
            "rule": statement.rule,
            "starts_at": statement.start,
            "ends_at": statement.end,
            "quote": document.text[statement.start : statement.end] if spans else "",
            "table_row": statement.row,
            "observed_at": statement.observed_at or (document.dated if spans else None),
            "about_itself": statement.about_itself,
        }


def _claim_row(claim: Claim) -> Mapping[str, Any]:
    entities = [entity_key(kind, claim.subject) for kind in _SUBJECT_KINDS]
    if claim.predicate in PEOPLE_FIELDS or claim.predicate.endswith(" by"):
        entities += [entity_key(EntityKind.PERSON, name) for name in people(claim.value)]
    return {
        "id": claim.id,
        "slot_id": claim.slot_id,
        "subject": claim.subject,
        "predicate": claim.predicate,
        "value": claim.value,
        "valid_from": claim.valid_from,
        "valid_to": claim.valid_to,
        "origin": str(claim.origin),
        "entity_ids": list(dict.fromkeys(map(entity_id, entities))),
    }
