"""Documents that were pushed to a project instead of found by it: which there are, by source and uri."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.domain.documents import SourceFacts


@dataclass(frozen=True, slots=True)
class PushedRow:
    """One pushed document; its bytes are the original with that hash."""

    uri: str
    sha256: str
    bytes: int
    media_type: str | None
    facts: SourceFacts
    pushed_at: datetime


class PushedDocuments:
    """The table `pushed_document`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @contextmanager
    def naming(self, project: str) -> Iterator[None]:
        """While the block lasts no vacuum can take an original for one that nothing will name."""
        with self._session.transaction() as cursor:
            cursor.execute("select 1 from project where project = %s for share", (project,))
            yield

    def put(self, project: str, source: str, pushed: PushedRow) -> bool:
        """Add or replace one document, `pushed_at` being set by the server; False when it is there just so already."""
        with self._session.transaction() as cursor:
            cursor.execute(
                """insert into pushed_document as p (project, source, uri, sha256, bytes, media_type, facts)
                   values (%s, %s, %s, %s, %s, %s, %s)
                   on conflict (project, source, uri) do update set sha256 = excluded.sha256, bytes = excluded.bytes,
                       media_type = excluded.media_type, facts = excluded.facts, pushed_at = now(), deleted_at = null
                   where (p.sha256, p.facts) <> (excluded.sha256, excluded.facts) or p.deleted_at is not null
                       or p.media_type is distinct from excluded.media_type""",
                (
                    *(project, source, pushed.uri, pushed.sha256, pushed.bytes, pushed.media_type),
                    Jsonb(_written(pushed.facts)),
                ),
            )
            return cursor.rowcount == 1

    def delete(self, project: str, uri: str) -> list[str]:
        """Mark a document as gone, whichever source it was pushed to; the names of those sources."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """update pushed_document set deleted_at = now() where project = %s and uri = %s and deleted_at is null
                   returning source""",
                (project, uri),
            )
            return sorted(row["source"] for row in rows)

    def all(self, project: str, source: str) -> list[PushedRow]:
        """The documents of one source that were not deleted since, by uri."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select uri, sha256, bytes, media_type, facts, pushed_at from pushed_document
                   where project = %s and source = %s and deleted_at is null order by uri""",
                (project, source),
            )
            return [PushedRow(**{**row, "facts": _read(row["facts"])}) for row in rows]


def _written(facts: SourceFacts) -> dict[str, Any]:
    return {
        "title": facts.title,
        "authors": list(facts.authors),
        "created_at": facts.created_at.isoformat() if facts.created_at else None,
        "updated_at": facts.updated_at.isoformat() if facts.updated_at else None,
        "fields": dict(facts.fields),
    }


def _read(written: Mapping[str, Any]) -> SourceFacts:
    created, updated = written["created_at"], written["updated_at"]
    return SourceFacts(
        title=written["title"],
        authors=tuple(written["authors"]),
        created_at=datetime.fromisoformat(created) if created else None,
        updated_at=datetime.fromisoformat(updated) if updated else None,
        fields=written["fields"],
    )
