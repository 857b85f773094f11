"""Decision rows: one a document that records one, written by generation, read as one generation shows them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.adapters.postgres.versioned import DECISION, reconcile, retire
from destiny_assets.domain.chunks import stable_id
from destiny_assets.domain.decisions import Decision
from destiny_assets.domain.generations import Change
from destiny_assets.domain.graph import FOREVER
from destiny_assets.domain.linking.names import EntityKind, entity_id, entity_key


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A decision as one generation shows it.

    `superseded_by` names what replaced it (keys, or titles of documents that are no decisions), `unresolved` what it says it
    replaces that the project does not hold. `holds`: its status is in force and nothing replaced it. `at_risk` says what it rests on
    that no longer carries it, which is what is less probable than `least_probability`, superseded or gone.
    """

    id: str
    document_id: str
    key: str
    agent: str
    title: str
    rationale: str
    importance: float
    decided_at: datetime | None
    status: str
    source: str
    uri: str
    supersedes: list[str]
    rests_on: list[str]
    options: list[str]
    tags: list[str]
    superseded_by: list[str]
    unresolved: list[str]
    holds: bool
    at_risk: list[str]
    least_probability: float


class Decisions:
    """Decisions of a project."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def store(
        self, project: str, generation: int, found: Mapping[str, Decision | None], versions: Collection[str], code: str
    ) -> Change:
        """Bring the decisions of these documents (by document id; None: it records none) to exactly `found`.

        `versions` are the document versions that were read, which `code` has then seen.
        """
        rows = [_row(document, decision) for document, decision in found.items() if decision is not None]
        columns = ", ".join(f"{name}::text[]" if name == "decider_ids" else name for name in DECISION.columns[2:])
        with self._session.transaction() as cursor:
            stored = {
                str(row["id"]): row
                for row in cursor.execute(
                    f"select id, {columns} from decision where project = %s and died = %s and document_id = any(%s::uuid[])",  # noqa: S608
                    (project, FOREVER, list(found)),
                )
            }
            changed = {
                row["id"]
                for row in rows
                if (known := stored.get(row["id"])) and any(known[name] != row[name] for name in DECISION.columns[2:])
            }
            change = reconcile(cursor, DECISION, project, generation, rows, alive=stored.keys(), changed=changed)
            cursor.execute(
                "update document_version set decider = %s where project = %s and died = %s and id = any(%s::uuid[])",
                (code, project, FOREVER, list(versions)),
            )
        return change

    def retire_orphans(self, project: str, generation: int) -> int:
        """End decisions whose document is gone."""
        with self._session.transaction() as cursor:
            gone = cursor.execute(
                """select d.id::text as id from decision d where d.project = %(p)s and d.died = %(forever)s and not exists (
                   select from document_version v where (v.project, v.document_id, v.died) = (d.project, d.document_id, %(forever)s))""",
                {"p": project, "forever": FOREVER},
            ).fetchall()
            return retire(cursor, DECISION, project, generation, [row["id"] for row in gone])

    def shown(
        self, project: str, generation: int, *, agent: str | None = None, min_importance: float = 0.0
    ) -> list[StoredDecision]:
        """The decisions that a generation shows, newest first, those without a date last.

        `agent` is one of those who decided; case, accents and punctuation do not matter.
        """
        with self._session.transaction() as cursor:
            rows: list[Any] = cursor.execute(
                """select * from decisions_at(%(p)s, %(g)s)
                   where importance >= %(least)s and (%(decider)s::uuid is null or id in (
                       select id from decision where project = %(p)s and born <= %(g)s and died > %(g)s
                       and %(decider)s::uuid = any(decider_ids)))
                   order by decided_at desc nulls last, importance desc, key""",
                {"p": project, "g": generation, "least": min_importance, "decider": _decider(agent) if agent else None},
            ).fetchall()
        return [StoredDecision(**{**row, "id": str(row["id"]), "document_id": str(row["document_id"])}) for row in rows]

    def counts(self, project: str, generation: int) -> dict[str, int]:
        """``total``, ``holding``, ``superseded``, ``unresolved`` (that name something unknown) and ``resting`` (on something named) decisions."""
        with self._session.transaction() as cursor:
            row = cursor.execute(
                """select count(*) as total, count(*) filter (where holds) as holding,
                          count(*) filter (where superseded_by <> '{}') as superseded,
                          count(*) filter (where unresolved <> '{}') as unresolved, count(*) filter (where rests_on <> '{}') as resting
                   from decisions_at(%s, %s)""",
                (project, generation),
            ).fetchone()
        return dict(row or {})


def decision_id(document_id: str) -> str:
    """A decision is known by the document that records it."""
    return stable_id("decision", document_id)


def _decider(name: str) -> str:
    return entity_id(entity_key(EntityKind.PERSON, name))


def _row(document: str, decision: Decision) -> dict[str, Any]:
    return {
        "id": decision_id(document),
        "document_id": document,
        "key": decision.key,
        "agent": ", ".join(decision.agents),
        "decider_ids": [_decider(agent) for agent in decision.agents],
        "title": decision.title,
        "rationale": decision.rationale,
        "importance": decision.importance,
        "decided_at": decision.decided_at,
        "status": str(decision.status),
        "supersedes": list(decision.supersedes),
        "rests_on": list(decision.rests_on),
        "options": list(decision.options),
        "tags": list(decision.tags),
        "least_probability": decision.least_probability,
    }
