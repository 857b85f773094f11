"""Generations, the publishing row, its history, and what each stage reported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.adapters.postgres.versioned import DERIVED, VersionedTable, delta
from destiny_assets.domain.generations import Generation
from destiny_assets.errors import ConflictError, NotFoundError

_SELECT = """
select g.project, g.number, g.state, g.started_at, g.model_id, g.collection, g.unrelated_cosine, g.published_at, g.reason, g.facts,
       g.vacuumed_at, coalesce(p.generation = g.number, false) as current
from generation g left join publication p on p.project = g.project
"""


@dataclass(frozen=True, slots=True)
class IngestRun:
    """A run as its stages reported it. `id` is Dagster's; `seconds` are by stage, in the order in which they ended.

    `state`: ``published``, ``unchanged`` (nothing was new, so readers keep their generation), ``rejected``, or ``unfinished``.
    """

    id: str
    generation: int
    state: str
    reason: str | None
    ended_at: datetime
    seconds: dict[str, float]


class Generations:
    """What is published, what is being built."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def open(self, project: str, run_id: str) -> Generation:
        """The generation being built, begun now or found as a killed or rejected run left it."""
        with self._session.transaction() as cursor:
            cursor.execute("select 1 from project where project = %s for update", (project,))
            if cursor.fetchone() is None:
                raise NotFoundError(f"There is no project {project!r}. Create it with: destiny project add {project}")
            cursor.execute(
                """insert into generation (project, number, state, run_id)
                   select %(project)s, coalesce(max(number), 0) + 1, 'building', %(run)s
                   from generation where project = %(project)s and state = 'published'
                   on conflict (project, number) do update
                   set state = 'building', run_id = excluded.run_id, reason = null, started_at = now()""",
                {"project": project, "run": run_id},
            )
        return self.building(project)

    def building(self, project: str) -> Generation:
        """The generation being built; raises `ConflictError` when there is none."""
        with self._session.transaction() as cursor:
            row = cursor.execute(_SELECT + "where g.project = %s and g.state = 'building'", (project,)).fetchone()
        if row is None:
            raise ConflictError(
                f"Project {project!r} has no generation in progress. Start at the asset 'documents', or run: destiny ingest {project}"
            )
        return _generation(row)

    def building_or_current(self, project: str) -> Generation:
        """The generation being built, else what readers see; raises `ConflictError` when there is neither."""
        with self._session.transaction() as cursor:
            row = cursor.execute(
                _SELECT
                + "where g.project = %s and (g.state = 'building' or p.generation = g.number) order by g.number desc limit 1",
                (project,),
            ).fetchone()
        return _generation(row) if row else self.building(project)

    def current(self, project: str) -> Generation | None:
        """What readers see now; None before the first publish."""
        with self._session.transaction() as cursor:
            row = cursor.execute(_SELECT + "where g.project = %s and p.generation = g.number", (project,)).fetchone()
        return _generation(row) if row else None

    def latest(self, project: str) -> Generation | None:
        """The newest published generation, current or rolled back from; None before the first publish."""
        with self._session.transaction() as cursor:
            row = cursor.execute(
                _SELECT + "where g.project = %s and g.state = 'published' order by g.number desc limit 1", (project,)
            ).fetchone()
        return _generation(row) if row else None

    def number(self, project: str, number: int) -> Generation:
        """One generation; raises `NotFoundError`."""
        with self._session.transaction() as cursor:
            row = cursor.execute(_SELECT + "where g.project = %s and g.number = %s", (project, number)).fetchone()
        if row is None:
            raise NotFoundError(f"Project {project!r} has no generation {number}. See: destiny generations {project}")
        return _generation(row)

    def as_of(self, project: str, at: datetime) -> Generation:
        """The generation that was current at a time; raises `NotFoundError` before the first publish."""
        with self._session.transaction() as cursor:
            row = cursor.execute(
                "select generation from publication_event where project = %s and at <= %s order by at desc, id desc limit 1",
                (project, at),
            ).fetchone()
        if row is None:
            raise NotFoundError(
                f"Project {project!r} had nothing published at {at.isoformat()}. See: destiny generations {project}"
            )
        return self.readable(project, row["generation"])

    def readable(self, project: str, number: int) -> Generation:
        """One generation that has not been vacuumed; raises `NotFoundError`."""
        found = self.number(project, number)
        if found.vacuumed_at is not None:
            raise NotFoundError(
                f"Generation {number} of {project!r} is gone: it was vacuumed on {found.vacuumed_at:%Y-%m-%d}, after the "
                f"retention window. See which can be read: destiny generations {project}"
            )
        return found

    def all(self, project: str) -> list[Generation]:
        """Every generation, newest first."""
        with self._session.transaction() as cursor:
            return [
                _generation(row)
                for row in cursor.execute(_SELECT + "where g.project = %s order by g.number desc", (project,))
            ]

    def set_index(self, project: str, number: int, *, model_id: str, collection: str, unrelated_cosine: float) -> None:
        """Record which embedding model and collection a generation reads, and that model's cosine of unrelated texts."""
        with self._session.transaction() as cursor:
            cursor.execute(
                """update generation set model_id = %s, collection = %s, unrelated_cosine = %s
                   where project = %s and number = %s""",
                (model_id, collection, unrelated_cosine, project, number),
            )

    def begin(self, project: str, number: int, layer: str) -> bool:
        """Note that a run is about to write a layer for a generation; whether a run before it did, and may have left something."""
        with self._session.transaction() as cursor:
            cursor.execute(
                """update generation set begun = array_append(begun, %(layer)s)
                   where project = %(project)s and number = %(number)s and not %(layer)s = any(begun)""",
                {"project": project, "number": number, "layer": layer},
            )
            return cursor.rowcount == 0

    def changes(self, project: str, number: int, tables: Sequence[VersionedTable] = DERIVED) -> dict[str, int]:
        """Rows born or died in a generation, by table."""
        with self._session.transaction() as cursor:
            return delta(cursor, project, number, tables)

    def publish(self, project: str, number: int, *, facts: Mapping[str, Any], reason: str) -> None:
        """Make a generation what readers see: one row, one transaction."""
        with self._session.transaction() as cursor:
            cursor.execute(
                """update generation set state = 'published', published_at = now(), reason = null, facts = %s
                   where project = %s and number = %s""",
                (Jsonb(dict(facts)), project, number),
            )
            self._point(cursor, project, number, reason)

    def rollback(self, project: str, number: int) -> Generation:
        """Point readers at an earlier published generation; raises `NotFoundError` or `ConflictError`."""
        found = self.readable(project, number)
        if found.state != "published":
            raise ConflictError(
                f"Generation {number} of {project!r} was never published ({found.state}), so it can't be rolled back to."
            )
        with self._session.transaction() as cursor:
            # Held against a vacuum, which may have taken the generation since it was looked at.
            cursor.execute("select 1 from project where project = %s for update", (project,))
            cursor.execute(
                "select 1 from generation where project = %s and number = %s and vacuumed_at is null", (project, number)
            )
            if cursor.fetchone() is not None:
                self._point(cursor, project, number, "rollback")
        return self.readable(project, number)

    def switch_collections(self, project: str, renamed: Mapping[str, str]) -> None:
        """Let every generation that reads a collection read another one, all of them in one update."""
        with self._session.transaction() as cursor:
            cursor.execute(
                """update generation g set collection = s.after
                   from unnest(%s::text[], %s::text[]) as s (before, after) where g.project = %s and g.collection = s.before""",
                (list(renamed), list(renamed.values()), project),
            )

    def reject(self, project: str, run_id: str, reason: str) -> bool:
        """Leave the generation that a run was building unpublished, with the reason on it; False when it was building none."""
        with self._session.transaction() as cursor:
            cursor.execute(
                "update generation set state = 'rejected', reason = %s where project = %s and run_id = %s and state = 'building'",
                (reason, project, run_id),
            )
            return cursor.rowcount == 1

    def refused(self, project: str) -> dict[str, Any] | None:
        """The generation that was not published, with its reason and what the benchmark gate found; None when there is none."""
        with self._session.transaction() as cursor:
            row = cursor.execute(
                """select g.number as generation, g.reason, coalesce((
                       select r.facts->'gate'->'refused' from stage_report r
                       where r.project = g.project and r.generation = g.number and r.run_id = g.run_id
                         and r.stage = 'retrieval_benchmark' limit 1), '[]') as gate
                   from generation g where g.project = %s and g.state = 'rejected'""",
                (project,),
            ).fetchone()
        return dict(row) if row else None

    def discard(self, project: str, number: int) -> None:
        """Forget a generation in which nothing changed."""
        with self._session.transaction() as cursor:
            cursor.execute(
                "delete from generation where project = %s and number = %s and state = 'building'", (project, number)
            )

    def report(self, project: str, number: int, stage: str, run_id: str, facts: Mapping[str, Any]) -> None:
        """Keep what a stage did in a run."""
        with self._session.transaction() as cursor:
            cursor.execute(
                """insert into stage_report (project, generation, stage, run_id, facts) values (%s, %s, %s, %s, %s)
                   on conflict (project, run_id, stage) do update set facts = excluded.facts, generation = excluded.generation, at = now()""",
                (project, number, stage, run_id, Jsonb(dict(facts))),
            )

    def reports(self, project: str, run_id: str) -> dict[str, dict[str, Any]]:
        """What each stage of a run did, in order."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                "select stage, facts from stage_report where project = %s and run_id = %s order by at",
                (project, run_id),
            )
            return {row["stage"]: row["facts"] for row in rows}

    def runs(self, project: str, limit: int) -> list[IngestRun]:
        """The newest runs of which a stage has reported, newest first."""
        with self._session.transaction() as cursor:
            rows: Any = cursor.execute(
                """with newest as (
                       select run_id as id, max(at) as ended_at, (array_agg(generation order by at desc))[1] as generation,
                              jsonb_object_agg(stage, facts -> 'seconds') filter (where jsonb_typeof(facts -> 'seconds') = 'number')
                                  as seconds,
                              array_agg(stage order by at) as stages,
                              (array_agg(facts order by at desc) filter (where stage = 'published_generation'))[1] as published
                       from stage_report where project = %(p)s group by run_id order by ended_at desc limit %(limit)s)
                   select n.id, n.generation, n.ended_at, coalesce(n.seconds, '{}') as seconds, n.stages, n.published, g.state, g.reason
                   from newest n left join generation g on (g.project, g.number, g.run_id) = (%(p)s, n.generation, n.id)
                   order by n.ended_at desc""",
                {"p": project, "limit": limit},
            ).fetchall()
        return [_run(row) for row in rows]

    def stage_facts(self, project: str, number: int, stage: str) -> dict[str, Any]:
        """What a stage last reported for a generation, in whichever run; raises `ConflictError` when it never ran."""
        with self._session.transaction() as cursor:
            row = cursor.execute(
                "select facts from stage_report where project = %s and generation = %s and stage = %s order by at desc limit 1",
                (project, number, stage),
            ).fetchone()
        if row is None:
            raise ConflictError(
                f"Stage {stage!r} has not run for generation {number} of {project!r}. Run: destiny ingest {project}"
            )
        return dict(row["facts"])

    @staticmethod
    def _point(cursor: Any, project: str, number: int, reason: str) -> None:
        cursor.execute(
            """insert into publication_event (project, generation, previous, reason)
               values (%(project)s, %(number)s, (select generation from publication where project = %(project)s), %(reason)s)""",
            {"project": project, "number": number, "reason": reason},
        )
        cursor.execute(
            """insert into publication (project, generation) values (%s, %s)
               on conflict (project) do update set generation = excluded.generation, published_at = now()""",
            (project, number),
        )


def _generation(row: DictRow) -> Generation:
    return Generation(**row)


def _run(row: Mapping[str, Any]) -> IngestRun:
    """A run that changed nothing has no generation left; only its last stage tells."""
    told = row["published"]
    if told is not None:
        state, reason = ("published" if told.get("published") else "unchanged"), told.get("reason")
    elif row["state"] == "rejected":
        state, reason = "rejected", row["reason"]
    else:
        state, reason = "unfinished", None
    seconds = {stage: row["seconds"][stage] for stage in row["stages"] if stage in row["seconds"]}
    return IngestRun(row["id"], row["generation"], state, reason, row["ended_at"], seconds)
