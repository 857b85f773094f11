"""Which entities are taken for one, by generation, and which merges people took back. Who is one is decided in `domain.identity.entities`."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.adapters.postgres.versioned import ENTITY_MERGE, reconcile
from destiny_assets.domain.claims.records import Claim
from destiny_assets.domain.generations import Change
from destiny_assets.domain.graph import FOREVER
from destiny_assets.domain.identity.entities import MODEL, Merge, Named
from destiny_assets.domain.linking.names import EntityKind, entity_id, entity_key
from destiny_assets.errors import NotFoundError

_COMPARED = ("kept_id", "absorbed_id", "kept_name", "absorbed_name", "probability", "reasons", "model")
_SHOWN: LiteralString = """
select m.id::text as id, m.kept_id::text as kept_id, m.absorbed_id::text as absorbed_id, m.kept_name as kept, m.absorbed_name as absorbed,
       m.probability, m.reasons, m.model, m.born as since, u.undone_at, u.undone_by
from entity_merge m left join undone_merge u on (u.project, u.merge_id) = (m.project, m.id)
where m.project = %(p)s and m.born <= %(g)s and m.died > %(g)s"""


@dataclass(frozen=True, slots=True)
class StoredMerge:
    """Two entities that a generation takes for one, since generation `since`; `reasons` are terms whose log-odds sum to the logit of
    `probability`. `undone_at` is when a person took it back, which the next ingest carries out.
    """

    id: str
    kept_id: str
    absorbed_id: str
    kept: str
    absorbed: str
    probability: float
    reasons: list[dict[str, Any]]
    model: str
    since: int
    undone_at: datetime | None
    undone_by: str | None


@dataclass(frozen=True, slots=True)
class UndoneMerge:
    """A merge that a person took back: the two stay two."""

    id: str
    kept: str
    absorbed: str
    undone_at: datetime
    undone_by: str


@dataclass(frozen=True, slots=True)
class JoinedSlot:
    """A claim, the slot that its own subject names, and the one that it fills since two subjects are one."""

    claim: str
    own: str
    whole: str


class Merges:
    """Merges of the entities of a project."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def model(self, project: str) -> str | None:
        """What made the stored merges; None before any were looked for."""
        with self._session.transaction() as cursor:
            row = cursor.execute("select model from merge_basis where project = %s", (project,)).fetchone()
        return str(row["model"]) if row else None

    def set_model(self, project: str) -> None:
        """Record that the stored merges are those of the model that there is now."""
        with self._session.transaction() as cursor:
            cursor.execute(
                """insert into merge_basis (project, model) values (%s, %s)
                   on conflict (project) do update set model = excluded.model where merge_basis.model <> excluded.model""",
                (project, MODEL),
            )

    def entities(self, project: str) -> list[Named]:
        """The living entities that may be one with others: people, names, terms, and identifiers that are words run together."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select id::text as id, kind, name from entity where project = %s and died = %s
                   and (kind in ('person', 'name', 'term') or (kind = 'identifier' and name ~ '^[A-Z][a-z]+([A-Z][a-z]+)+$'))""",
                (project, FOREVER),
            ).fetchall()
        return [Named(row["id"], EntityKind(row["kind"]), row["name"]) for row in rows]

    def documents(self, project: str, entities: Collection[str]) -> dict[str, list[str]]:
        """The living documents that name each of these entities."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select m.entity_id::text as id, array_agg(distinct c.document_id::text) as documents
                   from mention m join chunk c on (c.project, c.id, c.died) = (m.project, m.chunk_id, m.died)
                   where m.project = %s and m.died = %s and m.entity_id = any(%s::uuid[]) group by 1""",
                (project, FOREVER, list(entities)),
            )
            return {row["id"]: row["documents"] for row in rows}

    def store(self, project: str, generation: int, merges: Sequence[Merge]) -> Change:
        """Bring the merges of a project to exactly these; what is as it was is not written."""
        rows = [_row(merge) for merge in merges]
        with self._session.transaction() as cursor:
            known = cursor.execute(
                """select id::text as id, kept_id::text as kept_id, absorbed_id::text as absorbed_id, kept_name, absorbed_name,
                          probability, reasons, model
                   from entity_merge where project = %s and died = %s""",
                (project, FOREVER),
            )
            stored = {row["id"]: row for row in known}
            changed = {
                row["id"]
                for row in rows
                if (old := stored.get(row["id"])) and any(old[name] != row[name] for name in _COMPARED)
            }
            written = [{**row, "reasons": Jsonb(row["reasons"])} for row in rows]
            return reconcile(cursor, ENTITY_MERGE, project, generation, written, alive=stored.keys(), changed=changed)

    def shown(self, project: str, generation: int) -> list[StoredMerge]:
        """The merges of a generation, the least sure first."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                _SHOWN + " order by m.probability, m.kept_name, m.id", {"p": project, "g": generation}
            )
            return [StoredMerge(**row) for row in rows]

    def named(self, project: str, generation: int, item: str) -> StoredMerge:
        """The merge that `item` is the id of, or the first eight or more characters; raises `NotFoundError`."""
        beginning = item.strip().lower()
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                _SHOWN + " and starts_with(m.id::text, %(item)s) limit 2",
                {"p": project, "g": generation, "item": beginning},
            ).fetchall()
        if len(beginning) < 8 or len(rows) != 1:
            problem = "begins more than one merge" if len(rows) > 1 and len(beginning) >= 8 else "is no merge"
            raise NotFoundError(
                f"{item!r} {problem} of generation {generation} of {project!r}. See: destiny identity list {project}"
            )
        return StoredMerge(**rows[0])

    def undo(self, project: str, merge: StoredMerge, by: str) -> bool:
        """Remember that two entities are two; False when that was known."""
        with self._session.transaction() as cursor:
            return (
                cursor.execute(
                    """insert into undone_merge (project, merge_id, kept_name, absorbed_name, undone_by) values (%s, %s, %s, %s, %s)
                       on conflict do nothing""",
                    (project, merge.id, merge.kept, merge.absorbed, by),
                ).rowcount
                == 1
            )

    def undone(self, project: str) -> list[UndoneMerge]:
        """What people took back, newest first."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select merge_id::text as id, kept_name as kept, absorbed_name as absorbed, undone_at, undone_by
                   from undone_merge where project = %s order by undone_at desc, merge_id""",
                (project,),
            )
            return [UndoneMerge(**row) for row in rows]

    def undone_and_shown(self, project: str, generation: int) -> list[str]:
        """Ids of the merges that people took back and a generation still shows."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                _SHOWN + " and u.merge_id is not null order by m.id", {"p": project, "g": generation}
            ).fetchall()
        return [row["id"] for row in rows]

    def witnesses(self, project: str) -> dict[str, str]:
        """The name that each witness is weighed under, for those who speak under another."""
        return {name: kept for name, kept, _ in self._spoken(project, None)}

    def moved_witnesses(self, project: str, generation: int) -> set[str]:
        """Witnesses whose name is, or was, another's since a merge was made or ended in this generation."""
        return {name for name, _, _ in self._spoken(project, generation)}

    def _spoken(self, project: str, generation: int | None) -> Iterator[tuple[str, str, str]]:
        """(witness, kept name, merge) of living evidence, for living merges or those that a generation began or ended."""
        which: LiteralString = "died = %(forever)s" if generation is None else "(born = %(g)s or died = %(g)s)"
        named = {"p": project, "g": generation, "forever": FOREVER}
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                "select id::text as id, absorbed_id::text as absorbed, kept_name as kept from entity_merge where project = %(p)s and "  # noqa: S608
                + which,
                named,
            ).fetchall()
            if not rows:
                return
            absorbed = {row["absorbed"]: row for row in rows}
            witnesses = cursor.execute(
                "select distinct witness from evidence where project = %(p)s and died = %(forever)s", named
            ).fetchall()
        for witness in (row["witness"] for row in witnesses):
            for kind in (EntityKind.PERSON, EntityKind.NAME):
                if (row := absorbed.get(entity_id(entity_key(kind, witness)))) is not None:
                    yield witness, row["kept"], row["id"]
                    break

    def joined_slots(self, project: str, generation: int | None = None) -> list[JoinedSlot]:
        """The living claims whose subject is taken for another entity, or another for it, with the slot that all of these fill.

        With a `generation`, for the merges that it begins or ends.
        """
        which: LiteralString = "died = %(forever)s" if generation is None else "(born = %(g)s or died = %(g)s)"
        named: dict[str, Any] = {"p": project, "g": generation, "forever": FOREVER}
        with self._session.transaction() as cursor:
            merges = cursor.execute(
                "select absorbed_id::text as absorbed, kept_id::text as kept, kept_name from entity_merge where project = %(p)s and "  # noqa: S608
                + which,
                named,
            ).fetchall()
            if not merges:
                return []
            kept = {row["kept"]: row["kept_name"] for row in merges} | {r["absorbed"]: r["kept_name"] for r in merges}
            # The first entities of a claim are those that its subject can be, one a kind.
            rows = cursor.execute(
                """select id::text as claim, slot_id::text as slot, predicate, valid_from, valid_to, entity_ids[1:4]::text[] as subjects
                   from claim where project = %(p)s and died = %(forever)s and entity_ids[1:4] && %(ids)s::uuid[]""",
                named | {"ids": list(kept)},
            ).fetchall()
        found = []
        for row in rows:
            name = next(kept[subject] for subject in row["subjects"] if subject in kept)
            whole = Claim(name, row["predicate"], "", valid_from=row["valid_from"], valid_to=row["valid_to"]).slot_id
            found.append(JoinedSlot(row["claim"], row["slot"], whole))
        return found

    def of_subjects(self, project: str, generation: int, claims: Collection[str]) -> list[StoredMerge]:
        """The merges that a generation shows of what these claims are about."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                _SHOWN
                + """ and exists (select from claim c where c.project = %(p)s and c.id = any(%(ids)s::uuid[]) and c.born <= %(g)s
                     and c.died > %(g)s and (m.kept_id = any(c.entity_ids[1:4]) or m.absorbed_id = any(c.entity_ids[1:4]))) order by m.id""",
                {"p": project, "g": generation, "ids": list(claims)},
            )
            return [StoredMerge(**row) for row in rows]

    def of_witnesses(self, project: str, generation: int, witnesses: Collection[str]) -> list[StoredMerge]:
        """The merges that a generation shows of entities with these names."""
        ids = [entity_id(entity_key(kind, name)) for name in witnesses for kind in (EntityKind.PERSON, EntityKind.NAME)]
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                _SHOWN
                + " and (m.kept_id = any(%(ids)s::uuid[]) or m.absorbed_id = any(%(ids)s::uuid[])) order by m.id",
                {"p": project, "g": generation, "ids": ids},
            )
            return [StoredMerge(**row) for row in rows]


def _row(merge: Merge) -> dict[str, Any]:
    return {
        "id": merge.id,
        "kept_id": merge.kept.id,
        "absorbed_id": merge.absorbed.id,
        "kept_name": merge.kept.name,
        "absorbed_name": merge.absorbed.name,
        "probability": merge.probability,
        "reasons": [{"name": term.name, "log_odds": term.log_odds, "why": term.why} for term in merge.reasons],
        "model": MODEL,
    }
