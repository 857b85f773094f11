"""Documents and their versions: what was read, from where, and what of it still has to be chunked or linked."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.adapters.postgres.versioned import DOCUMENT_VERSION, insert, refresh_statistics, retire
from destiny_assets.domain.chunks import stable_id, text_sha256
from destiny_assets.domain.documents import Authorship, Heading, Link, ParsedDocument, Relation, Status
from destiny_assets.domain.graph import FOREVER


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A document as just read. `bytes` is the size of the original, `fingerprint` the source's mark of it.

    `facts` marks what the source told beyond the bytes (`facts_digest`).
    """

    source: str
    uri: str
    sha256: str
    fingerprint: str
    bytes: int
    parsed: ParsedDocument
    facts: str = ""


@dataclass(frozen=True, slots=True)
class KnownVersion:
    """What the ledger knows of a living document without its text."""

    document_id: str
    version_id: str
    fingerprint: str
    sha256: str
    parser: str
    facts: str


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A living document version with its text."""

    document_id: str
    version_id: str
    source: str
    uri: str
    sha256: str
    fingerprint: str
    born: int
    parsed: ParsedDocument


_STORED: LiteralString = """v.*, d.source, d.uri, t.text from document_version v
join document d on (d.project, d.id) = (v.project, v.document_id)
join document_text t on (t.project, t.text_sha256) = (v.project, v.text_sha256)
"""


def document_id(source: str, uri: str) -> str:
    """A document is its place: (project, source, uri); the project is the table's key."""
    return stable_id("document", source, uri)


class Documents:
    """Documents, versions, texts."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def known(self, project: str, source: str) -> dict[str, KnownVersion]:
        """Living documents of one source by uri."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select d.uri, d.id::text as document_id, v.id::text as version_id, v.fingerprint, v.sha256, v.parser, v.facts
                   from document d join document_version v on (v.project, v.document_id) = (d.project, d.id)
                   where d.project = %s and d.source = %s and v.died = %s""",
                (project, source, FOREVER),
            )
            return {row.pop("uri"): KnownVersion(**row) for row in rows}

    def sources_alive(self, project: str) -> set[str]:
        """Names of the sources that living documents came from, attached or not."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select distinct d.source from document d join document_version v on (v.project, v.document_id) = (d.project, d.id)
                   where d.project = %s and v.died = %s""",
                (project, FOREVER),
            )
            return {row["source"] for row in rows}

    def store(self, project: str, generation: int, versions: Sequence[NewVersion]) -> None:
        """Write versions read in `generation`, retiring the ones they replace, in one transaction."""
        rows = [_row(version) for version in versions]
        with self._session.transaction() as cursor:
            _copy_once(
                cursor,
                "document",
                ("project", "id", "source", "uri"),
                [
                    (project, row["document_id"], version.source, version.uri)
                    for row, version in zip(rows, versions, strict=True)
                ],
            )
            _copy_once(
                cursor,
                "document_text",
                ("project", "text_sha256", "text"),
                [
                    (project, row["text_sha256"], version.parsed.text)
                    for row, version in zip(rows, versions, strict=True)
                ],
            )
            self._retire_documents(cursor, project, generation, [row["document_id"] for row in rows])
            insert(cursor, DOCUMENT_VERSION, project, generation, rows)

    def retire(self, project: str, generation: int, document_ids: Collection[str]) -> int:
        """End documents that are gone from their source."""
        with self._session.transaction() as cursor:
            return self._retire_documents(cursor, project, generation, document_ids)

    def withdraw(self, project: str, generation: int, document_ids: Collection[str]) -> None:
        """Undo what a generation being built did to these documents: their last version, with its chunks, is alive again.

        A document without an earlier version is gone.
        """
        named = {"p": project, "g": generation, "forever": FOREVER, "documents": list(document_ids)}
        own: LiteralString = "document_id = any(%(documents)s::uuid[])"
        whose: dict[LiteralString, LiteralString] = {
            "near_duplicate": f"chunk_id in (select id from chunk where project = %(p)s and {own})",  # noqa: S608
            "document_duplicate": own,
            "placement": f"version_id in (select id from document_version where project = %(p)s and {own})",  # noqa: S608
            "chunk": own,
            "document_version": own,
        }
        with self._session.transaction() as cursor:
            for table, rows in whose.items():
                cursor.execute(f"delete from {table} where project = %(p)s and born = %(g)s and {rows}", named)  # noqa: S608
                cursor.execute(
                    f"update {table} set died = %(forever)s where project = %(p)s and died = %(g)s and {rows}",  # noqa: S608
                    named,
                )

    def having(self, project: str, embed_hashes: Collection[bytes]) -> dict[bytes, list[StoredDocument]]:
        """Living documents that have a chunk with one of these texts, by the text's hash."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                f"""select distinct on (c.embed_sha256, v.id) c.embed_sha256, {_STORED}
                    join chunk c on (c.project, c.document_id, c.died) = (v.project, v.document_id, v.died)
                    where v.project = %s and v.died = %s and c.embed_sha256 = any(%s)""",
                (project, FOREVER, list(embed_hashes)),
            ).fetchall()
        found: dict[bytes, list[StoredDocument]] = {}
        for row in rows:
            found.setdefault(row["embed_sha256"], []).append(_stored(row))
        return found

    def touch(self, project: str, fingerprints: Mapping[str, str]) -> None:
        """Note new source fingerprints (by version id) of documents whose bytes did not change."""
        with self._session.transaction() as cursor:
            cursor.executemany(
                "update document_version set fingerprint = %s where project = %s and id = %s and died = %s",
                [(mark, project, version, FOREVER) for version, mark in fingerprints.items()],
            )

    def pending(self, project: str, stage: str, code: str, *, batch: int = 256) -> Iterator[list[StoredDocument]]:
        """Living documents that `stage` (``chunker``, ``linker``, ``decider`` or ``claimer``) has not processed with this `code`, a batch at a time.

        Storing a stage's result (`Chunks.store`, `Traces.store`, `Decisions.store`, `Claims.store`) marks its documents as processed;
        a batch may be asked for before the last one is stored. A document that the chunker could not cut as it is, by the same code,
        is left out.
        """
        columns: dict[str, LiteralString] = {name: name for name in ("chunker", "linker", "decider", "claimer")}
        column = columns[stage]
        pending: LiteralString = f"(v.{column} is null or v.{column} < %(code)s or v.{column} > %(code)s)"
        if stage == "chunker":
            pending += """ and not exists (select from quarantine q where (q.project, q.source, q.uri, q.stage, q.code, q.fingerprint)
                           = (v.project, d.source, d.uri, 'chunks', %(code)s, v.fingerprint))"""
        after = "00000000-0000-0000-0000-000000000000"
        while True:
            with self._session.transaction() as cursor:
                rows = cursor.execute(
                    f"""select {_STORED} where v.project = %(p)s and v.died = %(forever)s and v.id > %(after)s and {pending}
                        order by v.id limit %(batch)s""",
                    {"p": project, "forever": FOREVER, "after": after, "code": code, "batch": batch},
                ).fetchall()
            if not rows:
                return
            yield [_stored(row) for row in rows]
            after = str(rows[-1]["id"])

    def counts(self, project: str, generation: int) -> dict[str, int]:
        """``added, changed, removed, moved, total`` of documents in a generation, against the one before.

        One is moved, not removed and added, when the same bytes left another place of its source, or the source says that it
        was renamed.
        """
        with self._session.transaction() as cursor:
            row = cursor.execute(
                """with born as (select document_id, sha256, fields ->> 'renamed_from' as before from document_version
                                 where project = %(p)s and born = %(g)s),
                        died as (select document_id, sha256 from document_version where project = %(p)s and died = %(g)s),
                        come as (select b.*, d.source from born b join document d on (d.project, d.id) = (%(p)s, b.document_id)
                                 where document_id not in (select document_id from died)),
                        gone as (select x.*, d.source, d.uri from died x join document d on (d.project, d.id) = (%(p)s, x.document_id)
                                 where document_id not in (select document_id from born)),
                        same as (select source, sha256, least(c.n, g.n) as n
                                 from (select source, sha256, count(*) as n from come group by 1, 2) c
                                 join (select source, sha256, count(*) as n from gone group by 1, 2) g using (source, sha256)),
                        renamed as (select count(*) as n from come c join gone g on (g.source, g.uri) = (c.source, c.before)
                                    where g.sha256 <> c.sha256),
                        moved as (select least(coalesce((select sum(n) from same), 0) + (select n from renamed),
                                        (select count(*) from come), (select count(*) from gone))::bigint as n)
                   select (select count(*) from come) - (select n from moved) as added,
                          (select count(*) from born where document_id in (select document_id from died)) as changed,
                          (select count(*) from gone) - (select n from moved) as removed,
                          (select n from moved) as moved,
                          (select count(*) from document_version where project = %(p)s and born <= %(g)s and died > %(g)s) as total""",
                {"p": project, "g": generation},
            ).fetchone()
        return dict(row or {})

    def new_hashes(self, project: str, generation: int) -> set[str]:
        """Hashes of the originals of versions born in a generation."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                "select distinct sha256 from document_version where project = %s and born = %s", (project, generation)
            )
            return {row["sha256"] for row in rows}

    def hashes(self, project: str, generation: int) -> set[str]:
        """Hashes of the originals that a generation shows."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                "select distinct sha256 from document_version where project = %s and born <= %s and died > %s",
                (project, generation, generation),
            )
            return {row["sha256"] for row in rows}

    @staticmethod
    def _retire_documents(cursor: Cursor[DictRow], project: str, generation: int, document_ids: Collection[str]) -> int:
        rows = cursor.execute(
            "select id::text as id from document_version where project = %s and died = %s and document_id = any(%s::uuid[])",
            (project, FOREVER, list(document_ids)),
        ).fetchall()
        return retire(cursor, DOCUMENT_VERSION, project, generation, [row["id"] for row in rows])


def _copy_once(
    cursor: Cursor[DictRow], table: LiteralString, columns: Sequence[LiteralString], rows: Sequence[Sequence[Any]]
) -> None:
    names = ", ".join(columns)
    cursor.execute(f"create temp table staged_{table} on commit drop as select {names} from {table} with no data")  # noqa: S608
    with cursor.copy(f"copy staged_{table} ({names}) from stdin") as copy:
        for row in rows:
            copy.write_row(row)
    cursor.execute(
        f"insert into {table} ({names}) select distinct {names} from staged_{table} on conflict do nothing"  # noqa: S608
    )
    refresh_statistics(cursor, table, cursor.rowcount)


def _row(version: NewVersion) -> dict[str, Any]:
    parsed, document = version.parsed, document_id(version.source, version.uri)
    return {
        "id": stable_id("version", document, version.sha256, parsed.parser),
        "document_id": document,
        "sha256": version.sha256,
        "text_sha256": text_sha256(parsed.text),
        "fingerprint": version.fingerprint,
        "parser": parsed.parser,
        "media_type": parsed.media_type,
        "encoding": parsed.encoding,
        "title": parsed.title,
        "authors": list(parsed.authors),
        "created_on": parsed.created_at,
        "updated_on": parsed.updated_at,
        "status": parsed.status,
        "fields": Jsonb(dict(parsed.fields)),
        "headings": Jsonb([[h.level, h.title, h.start] for h in parsed.headings]),
        "links": Jsonb([[link.target, link.label, link.start, link.end, link.relation] for link in parsed.links]),
        "page_starts": list(parsed.page_starts),
        "bytes": version.bytes,
        "characters": len(parsed.text),
        "facts": version.facts,
        "authorship": Jsonb(
            [
                [a.start, a.end, a.author, a.written_at and a.written_at.isoformat(), a.revision]
                for a in parsed.authorship
            ]
        ),
    }


def _stored(row: DictRow) -> StoredDocument:
    return StoredDocument(
        document_id=str(row["document_id"]),
        version_id=str(row["id"]),
        source=row["source"],
        uri=row["uri"],
        sha256=row["sha256"],
        fingerprint=row["fingerprint"],
        born=row["born"],
        parsed=ParsedDocument(
            title=row["title"],
            text=row["text"],
            media_type=row["media_type"],
            parser=row["parser"],
            encoding=row["encoding"],
            headings=tuple(Heading(*heading) for heading in row["headings"]),
            links=tuple(
                Link(target, label, start, end, Relation(said)) for target, label, start, end, said in row["links"]
            ),
            authors=tuple(row["authors"]),
            created_at=row["created_on"],
            updated_at=row["updated_on"],
            status=Status(row["status"]) if row["status"] else None,
            fields=row["fields"],
            page_starts=tuple(row["page_starts"]),
            authorship=tuple(
                Authorship(start, end, author, datetime.fromisoformat(at) if at else None, revision)
                for start, end, author, at, revision in row["authorship"]
            ),
        ),
    )
