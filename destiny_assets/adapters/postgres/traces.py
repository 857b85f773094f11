"""What linking remembers of each document: its traces, the names it has and cites, and which documents wait to be linked again."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import numpy as np

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.adapters.postgres.text_index import IndexKind, Item, TextIndex
from destiny_assets.adapters.postgres.versioned import refresh_statistics
from destiny_assets.domain.graph import FOREVER
from destiny_assets.domain.linking.catalogue import Catalogue, citation_keys, name_keys
from destiny_assets.domain.linking.gazetteer import title_pattern
from destiny_assets.domain.linking.matcher import words
from destiny_assets.domain.linking.records import DocumentTraces, Identifier
from destiny_assets.domain.linking.traces import from_json, to_json
from destiny_assets.domain.postings import keys_of

_COLUMNS = ("version_id", "document_id", "uri", "identifiers", "title_key", "names", "citations", "traces")
_BATCH = 512


@dataclass(frozen=True, slots=True)
class Moved:
    """Version ids whose traces the sums lack, and those whose traces they hold in vain; `total` documents are counted."""

    arrived: Sequence[str]
    left: Sequence[str]
    total: int


@dataclass(frozen=True, slots=True)
class _Named:
    document: str
    uri: str
    identifiers: Sequence[Identifier]


class Traces:
    """Traces, the catalogue, the queue."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._index = TextIndex(session)

    def store(self, project: str, traces: Iterable[tuple[str, DocumentTraces]], code: str) -> None:
        """Keep what was read of some document versions (by version id), and which code read it."""
        columns = ", ".join(_COLUMNS)
        with self._session.transaction() as cursor:
            cursor.execute(
                f"create temp table staged_trace on commit drop as select {columns} from document_trace with no data"  # noqa: S608
            )
            with cursor.copy(f"copy staged_trace ({columns}) from stdin") as copy:
                for version, trace in traces:
                    copy.write_row((version, *_columns(trace)))
            cursor.execute(
                f"""insert into document_trace (project, {columns}) select %s, {columns} from staged_trace
                    on conflict (project, version_id) do update set uri = excluded.uri, identifiers = excluded.identifiers,
                    title_key = excluded.title_key, names = excluded.names, citations = excluded.citations, traces = excluded.traces""",  # noqa: S608
                (project,),
            )
            refresh_statistics(cursor, "document_trace", cursor.rowcount)
            cursor.execute(
                """update document_version v set linker = %s from staged_trace s
                   where v.project = %s and v.id = s.version_id and v.died = %s""",
                (code, project, FOREVER),
            )

    def moved(self, project: str) -> Moved:
        """How the living documents differ from those that the sums hold; traces of documents that never lived are dropped."""
        named = {"p": project, "forever": FOREVER}
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select t.version_id::text as id, t.counted, v.id is not null as living
                   from document_trace t
                   left join document_version v on (v.project, v.id, v.died) = (t.project, t.version_id, %(forever)s)
                   where t.project = %(p)s and t.counted is distinct from (v.id is not null)""",
                named,
            ).fetchall()
            cursor.execute(
                """delete from document_trace t where t.project = %(p)s and not t.counted and not exists (
                   select from document_version v where (v.project, v.id, v.died) = (t.project, t.version_id, %(forever)s))""",
                named,
            )
            total = cursor.execute(
                "select coalesce((select documents from link_basis where project = %(p)s), 0) as n", named
            ).fetchone()
        return Moved(
            [row["id"] for row in rows if row["living"]],
            [row["id"] for row in rows if row["counted"]],
            total["n"] if total else 0,
        )

    def of_documents(self, project: str, documents: Collection[str]) -> list[DocumentTraces]:
        """The counted traces of living documents, in order of document id."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select traces::text as traces from document_trace
                   where project = %s and counted and document_id = any(%s::uuid[]) order by document_id""",
                (project, list(documents)),
            ).fetchall()
        return [from_json(row["traces"]) for row in rows]

    def index_words(self, project: str, generation: int, *, anew: bool) -> None:
        """Index the words of the chunks born in a generation; with `anew` of the older ones too."""
        older = self._words(project, "<", generation) if anew else None
        self._index.put(project, "words", generation, self._words(project, "=", generation), older)

    def index_names(self, project: str, generation: int, *, anew: bool) -> None:
        """Index the names and citations of the documents read in a generation; with `anew` of the older ones too."""
        kinds: tuple[IndexKind, ...] = ("names", "citations")
        for kind in kinds:
            older = self._names(project, kind, "<", generation) if anew else None
            self._index.put(project, kind, generation, self._names(project, kind, "=", generation), older)

    def catalogue(self, project: str, traces: Iterable[DocumentTraces] | None, series: frozenset[str]) -> Catalogue:
        """The catalogue of the project, or as much of it as decides what these documents cite."""
        if traces is None:
            return Catalogue.of(self._named(project, None), series)
        asked = [key for trace in traces for cited in trace.citations for key in citation_keys(cited, trace.uri)]
        holders = self._index.find(project, "names", keys_of(asked))
        referrers = {trace.document for trace in traces}
        return Catalogue.of(
            self._named(project, {*referrers, *(id_ for some in holders.values() for id_ in some)}), series
        )

    def citing(self, project: str, keys: Collection[str]) -> set[str]:
        """Documents that cite something by one of these keys, and perhaps some that do not."""
        holders = self._index.find(project, "citations", keys_of(keys))
        return {document for some in holders.values() for document in some}

    def chunks_with_words(self, project: str, asked: Sequence[frozenset[str]]) -> Iterator[list[tuple[str, str, str]]]:
        """(chunk, document, text) of living chunks that hold all words of one of the sets, in batches; perhaps some more."""
        holders = self._index.find(project, "words", keys_of({word for some in asked for word in some}))
        found: set[str] = set()
        for some in asked:
            among = sorted((holders.get(int(key), []) for key in keys_of(some)), key=len)
            common = set(among[0]) if among else set()
            found |= common.intersection(*among[1:])
        ordered = sorted(found)
        for first in range(0, len(ordered), 4 * _BATCH):
            with self._session.transaction() as cursor:
                rows = cursor.execute(
                    """select id::text as id, document_id::text as document_id, text from chunk
                       where project = %s and died = %s and id = any(%s::uuid[])""",
                    (project, FOREVER, ordered[first : first + 4 * _BATCH]),
                ).fetchall()
            yield [(row["id"], row["document_id"], row["text"]) for row in rows]

    def waiting(self, project: str) -> int:
        """How many documents wait to be linked."""
        with self._session.transaction() as cursor:
            row = cursor.execute("select count(*) as n from link_queue where project = %s", (project,)).fetchone()
        return row["n"] if row else 0

    def next_waiting(self, project: str) -> list[str]:
        """Some documents that wait to be linked, none when none do; storing their links takes them off the queue."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                "select document_id::text as id from link_queue where project = %s order by document_id limit %s",
                (project, _BATCH),
            )
            return [row["id"] for row in rows]

    def _words(self, project: str, born: LiteralString, generation: int) -> Iterator[Item]:
        with self._session.stream("words") as cursor:
            cursor.execute(
                f"select id::text as id, text from chunk where project = %s and died = %s and born {born} %s",  # noqa: S608
                (project, FOREVER, generation),
            )
            for row in cursor:
                yield row["id"], keys_of(words(row["text"]))

    def _names(self, project: str, column: IndexKind, born: LiteralString, generation: int) -> Iterator[Item]:
        with self._session.stream("names") as cursor:
            cursor.execute(
                f"""select t.document_id::text as id, t.{column} as keys from document_trace t
                    join document_version v on (v.project, v.id, v.died) = (t.project, t.version_id, %s)
                    where t.project = %s and v.born {born} %s""",  # noqa: S608 (one of two columns, one of two signs)
                (FOREVER, project, generation),
                binary=True,
            )
            for row in cursor:
                yield row["id"], np.frombuffer(row["keys"], "<u4").astype(np.uint32)

    def _named(self, project: str, documents: Collection[str] | None) -> Iterator[_Named]:
        with self._session.stream("catalogue") as cursor:
            cursor.execute(
                """select document_id::text as id, uri, identifiers from document_trace
                   where project = %(p)s and counted and (%(ids)s::uuid[] is null or document_id = any(%(ids)s::uuid[]))""",
                {"p": project, "ids": None if documents is None else list(documents)},
            )
            for row in cursor:
                yield _Named(row["id"], row["uri"], [Identifier(*name.rsplit(" ", 1)) for name in row["identifiers"]])


def title_key(traces: DocumentTraces) -> str | None:
    """What must be unique for a title to name its document."""
    pattern = title_pattern(traces)
    return pattern.surface.lower() if pattern else None


def _columns(trace: DocumentTraces) -> tuple[Any, ...]:
    cited = {key for citation in trace.citations for key in citation_keys(citation, trace.uri)}
    return (
        trace.document,
        trace.uri,
        [f"{identifier.series} {identifier.number}" for identifier in trace.identifiers],
        title_key(trace),
        keys_of(name_keys(trace.uri, trace.identifiers)).astype("<u4").tobytes(),
        keys_of(cited).astype("<u4").tobytes(),
        to_json(trace),
    )
