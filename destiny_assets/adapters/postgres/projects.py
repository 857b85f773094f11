"""Projects, their sources, and what of them is quarantined."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg.types.json import Jsonb

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.domain.generations import valid_project_name
from destiny_assets.domain.graph import FOREVER
from destiny_assets.errors import ConflictError, NotFoundError


@dataclass(frozen=True, slots=True)
class Source:
    """Where documents of a project come from. `prior` in (0, 1) is how far the source is trusted before anything is known."""

    name: str
    kind: str
    uri: str
    options: Mapping[str, str] = field(default_factory=dict)
    prior: float = 0.6


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One thing that could not be processed. `fingerprint` and `code` say when trying again makes sense."""

    source: str
    uri: str
    stage: str
    reason: str
    detail: str
    fingerprint: str
    code: str
    tries: int = 1


class Projects:
    """Projects, sources, quarantine."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, project: str, *, throw_away: bool = False) -> bool:
        """Create a project; False when it was there. A throw-away one is not listed, so no sensor or schedule takes it up."""
        with self._session.transaction() as cursor:
            cursor.execute(
                "insert into project (project, throw_away) values (%s, %s) on conflict do nothing",
                (valid_project_name(project), throw_away),
            )
            return cursor.rowcount == 1

    def names(self) -> list[str]:
        """Every project that is meant to stay, by name."""
        with self._session.transaction() as cursor:
            rows = cursor.execute("select project from project where not throw_away order by project")
            return [row["project"] for row in rows]

    def require(self, project: str) -> None:
        """Raises `NotFoundError` unless the project exists."""
        with self._session.transaction() as cursor:
            if not cursor.execute("select 1 from project where project = %s", (project,)).fetchone():
                raise NotFoundError(f"There is no project {project!r}. Create it with: destiny project add {project}")

    def remove(self, project: str) -> bool:
        """Delete a project and all its rows; False when it was not there."""
        with self._session.transaction() as cursor:
            cursor.execute("delete from project where project = %s", (project,))
            return cursor.rowcount == 1

    def add_source(self, project: str, source: Source) -> None:
        """Attach a source; raises `NotFoundError` without the project, `ConflictError` when the name is taken by another."""
        self.require(project)
        with self._session.transaction() as cursor:
            cursor.execute(
                "insert into source (project, name, kind, uri, options, prior) values (%s, %s, %s, %s, %s, %s) on conflict do nothing",
                (project, source.name, source.kind, source.uri, Jsonb(dict(source.options)), source.prior),
            )
            if cursor.rowcount == 0 and source not in self.sources(project):
                raise ConflictError(
                    f"Project {project!r} has another source named {source.name!r}. Choose a name with --name, or remove that one first."
                )

    def sources(self, project: str) -> list[Source]:
        """The sources of a project, by name."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                "select name, kind, uri, options, prior from source where project = %s order by name", (project,)
            )
            return [Source(**row) for row in rows]

    def mark(self, project: str, name: str) -> str | None:
        """What a source said of itself (`SourceReader.mark`) when it was last read whole, with the code that read it."""
        with self._session.transaction() as cursor:
            row = cursor.execute("select mark from source where project = %s and name = %s", (project, name)).fetchone()
        return row["mark"] if row else None

    def set_mark(self, project: str, name: str, mark: str | None) -> None:
        """Note that a source was read whole when it said `mark` of itself."""
        with self._session.transaction() as cursor:
            cursor.execute("update source set mark = %s where project = %s and name = %s", (mark, project, name))

    def remove_source(self, project: str, name: str) -> bool:
        """Detach a source; its documents leave with the next generation. False when it was not there."""
        with self._session.transaction() as cursor:
            cursor.execute("delete from quarantine where project = %s and source = %s", (project, name))
            cursor.execute("delete from source where project = %s and name = %s", (project, name))
            return cursor.rowcount == 1

    def quarantined(self, project: str) -> list[Quarantined]:
        """What could not be processed, by source, uri and stage."""
        with self._session.transaction() as cursor:
            rows: Any = cursor.execute(
                "select source, uri, stage, reason, detail, fingerprint, code, tries from quarantine where project = %s order by 1, 2, 3",
                (project,),
            )
            return [Quarantined(**row) for row in rows]

    def quarantine(self, project: str, items: Collection[Quarantined]) -> None:
        """Record failures; a repeated one counts one try more."""
        with self._session.transaction() as cursor:
            cursor.executemany(
                """insert into quarantine (project, source, uri, stage, reason, detail, fingerprint, code)
                   values (%s, %s, %s, %s, %s, %s, %s, %s)
                   on conflict (project, source, uri, stage) do update set reason = excluded.reason, detail = excluded.detail,
                   fingerprint = excluded.fingerprint, code = excluded.code, tries = quarantine.tries + 1, last_at = now()""",
                [(project, q.source, q.uri, q.stage, q.reason, q.detail, q.fingerprint, q.code) for q in items],
            )

    def release_renewed(self, project: str, generation: int, stage: str) -> int:
        """Forget a stage's failures with documents whose living version is of `generation`: it has not failed with that one."""
        with self._session.transaction() as cursor:
            cursor.execute(
                """delete from quarantine q using document d, document_version v
                   where q.project = %s and q.stage = %s and (d.project, d.source, d.uri) = (q.project, q.source, q.uri)
                     and (v.project, v.document_id, v.born, v.died) = (d.project, d.id, %s, %s)""",
                (project, stage, generation, FOREVER),
            )
            return cursor.rowcount

    def release(self, project: str, source: str, uris: Collection[str], stage: str | None = None) -> int:
        """Forget failures of things that a stage has processed, or that are gone (from every stage); the number forgotten."""
        with self._session.transaction() as cursor:
            cursor.execute(
                """delete from quarantine where project = %(p)s and source = %(source)s and uri = any(%(uris)s)
                   and (%(stage)s::text is null or stage = %(stage)s)""",
                {"p": project, "source": source, "uris": list(uris), "stage": stage},
            )
            return cursor.rowcount
