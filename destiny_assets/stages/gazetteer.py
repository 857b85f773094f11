"""The gazetteer and catalogue of a project, brought to the traces of its living documents, and whom that concerns.

Both ways end in the same rows: `rebuild` sums everything up, `advance` moves the sums by what changed and looks again at those
terms, titles and identifiers only whose standing may have changed. Each is one transaction that also queues every document whose
mentions or references may differ now; matching them is `stages.entities`' business. A killed run leaves the old sums or the queue.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from more_itertools import chunked
from psycopg import Cursor
from psycopg.rows import DictRow

from destiny_assets.adapters.postgres import vocabulary
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.links import StandingEntity
from destiny_assets.adapters.postgres.traces import Moved, title_key
from destiny_assets.adapters.postgres.versioned import ENTITY, retire
from destiny_assets.domain.graph import FOREVER
from destiny_assets.domain.linking.catalogue import name_keys, series_key
from destiny_assets.domain.linking.citations import is_public_series
from destiny_assets.domain.linking.gazetteer import (
    Bounds,
    Pattern,
    Term,
    accepted,
    document_entity,
    empty_words,
    may_enter,
    title_pattern,
)
from destiny_assets.domain.linking.linker import external_entity
from destiny_assets.domain.linking.matcher import GazetteerMatcher, required_words
from destiny_assets.domain.linking.names import entity_id
from destiny_assets.domain.linking.records import DocumentTraces, EntityRow, Identifier
from destiny_assets.domain.linking.tally import Tally, TermKey
from destiny_assets.domain.linking.traces import from_json
from destiny_assets.ports import Progress

_BATCH = 1_000
_PAGE = 20_000


def rebuild(ledger: PostgresLedger, project: str, generation: int, code: str, moved: Moved, progress: Progress) -> None:
    """Sum up all traces, and queue every document."""
    titles: dict[str, Pattern | None] = {}
    documents = 0
    with ledger.transaction() as cursor:
        vocabulary.forget(cursor, project)
        cursor.execute("create temp table standing (id uuid) on commit drop")

        def tallies() -> Iterator[Tally]:
            nonlocal documents
            for batch in chunked(_living_traces(ledger, project), _BATCH):
                tally = Tally()
                for trace in batch:
                    tally.add(trace)
                    key = title_key(trace)
                    if key is not None:
                        titles[key] = None if key in titles else title_pattern(trace)
                _stand(
                    ledger, cursor, project, generation, [(document_entity(trace), trace.document) for trace in batch]
                )
                documents += len(batch)
                progress.advance("gazetteer", documents, 0)
                yield tally

        # Entities are written between two copies of the sums' parts, never within one.
        vocabulary.sum_up(cursor, project, tallies())
        empty = vocabulary.shown(cursor, project, ["series", "author"], None)
        series = vocabulary.shown(cursor, project, ["series"], None)
        unique = {key: pattern for key, pattern in titles.items() if pattern is not None}
        vocabulary.add_patterns(cursor, project, unique.values())
        bounds = Bounds.of(documents)
        terms = (term for term in vocabulary.within_bounds(cursor, project, bounds) if may_enter(term, bounds, empty))
        for batch in chunked(accepted(terms, set(unique)), _PAGE):
            vocabulary.add_patterns(cursor, project, (pattern for _, patterns in batch for pattern in patterns))
            _stand(ledger, cursor, project, generation, [(entity, None) for entity, _ in batch])
        known = [name for name in vocabulary.external(cursor, project, None) if _known(name.series, series)]
        for names in chunked(known, _PAGE):
            _stand(ledger, cursor, project, generation, [(external_entity(name), None) for name in names])
        gone = cursor.execute(
            """select id::text as id from entity e where project = %s and died = %s
               and not exists (select from standing s where s.id = e.id)""",
            (project, FOREVER),
        ).fetchall()
        retire(cursor, ENTITY, project, generation, [row["id"] for row in gone])
        cursor.execute(
            """insert into link_queue (project, document_id)
               select project, document_id from document_version
               where project = %(p)s and (died = %(forever)s or died = %(g)s)
               union select project, document_id from document_trace where project = %(p)s and version_id = any(%(left)s::uuid[])
               on conflict do nothing""",
            {"p": project, "forever": FOREVER, "g": generation, "left": list(moved.left)},
        )
        _settle(cursor, project, code, documents, moved)


def advance(ledger: PostgresLedger, project: str, generation: int, code: str, moved: Moved) -> None:
    """Move the sums by the documents that changed, and queue those that this concerns."""
    with ledger.transaction() as cursor:
        change = _Change(ledger, cursor, project, *_changed_traces(cursor, project, moved))
        bounds = Bounds.of(moved.total), Bounds.of(moved.total + change.tally.documents)
        change.weigh_terms(*bounds)
        change.weigh_titles()
        change.weigh_identifiers()
        entered, left = change.write(generation)
        concerned = {trace.document for trace in (*change.arrived, *change.left)}
        concerned |= ledger.traces.citing(project, change.names)
        concerned |= _holding(ledger, project, entered)
        rows = cursor.execute(
            """select distinct c.document_id::text as id from mention m
               join chunk c on (c.project, c.id, c.died) = (m.project, m.chunk_id, %(forever)s)
               where m.project = %(p)s and m.died = %(forever)s and m.entity_id = any(%(left)s::uuid[])""",
            {"p": project, "forever": FOREVER, "left": list({pattern.entity_id for pattern in left})},
        )
        concerned |= {row["id"] for row in rows}
        cursor.execute(
            "insert into link_queue (project, document_id) select %s, unnest(%s::uuid[]) on conflict do nothing",
            (project, list(concerned)),
        )
        _settle(cursor, project, code, moved.total + change.tally.documents, moved)


@dataclass(slots=True)
class _Change:
    """What some documents that came and went change; `scope` holds the entities looked at, `standing` those of them that stand,
    `names` the keys of citations that may mean something else now.
    """

    ledger: PostgresLedger
    cursor: Cursor[DictRow]
    project: str
    arrived: list[DocumentTraces]
    left: list[DocumentTraces]
    tally: Tally = field(default_factory=Tally)
    scope: set[str] = field(default_factory=set)
    standing: list[StandingEntity] = field(default_factory=list)
    patterns: set[Pattern] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    turned: set[tuple[str, str]] = field(default_factory=set)
    sharing_titles: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for trace in self.arrived:
            self.tally.add(trace)
        for trace in self.left:
            self.tally.add(trace, -1)
        self.turned = vocabulary.move_names(self.cursor, self.project, self.tally.names)

    def weigh_terms(self, before: Bounds, after: Bounds) -> None:
        """Look again at the terms whose counts, bounds, words or spellings' other holders changed."""
        found, marks = vocabulary.move_terms(self.cursor, self.project, self.tally.terms)
        if before.most != after.most:
            found |= vocabulary.terms_between(self.cursor, self.project, before.most, after.most)
        words = {name for what, name in self.turned if what in ("series", "author")}
        marks |= {vocabulary.word_mark(self.project, word) for word in words}
        marks |= {vocabulary.spelling_mark(self.project, key) for key in self._title_keys()}
        found |= vocabulary.terms_marked(self.cursor, self.project, marks)
        seen = set(marks)
        while (
            fresh := {
                vocabulary.spelling_mark(self.project, surface) for term in found.values() for surface in term.surfaces
            }
            - seen
        ):
            found |= vocabulary.terms_marked(self.cursor, self.project, fresh)
            seen |= fresh
        self.scope |= {entity_id(key) for _, key in self.tally.terms.keys() | found.keys()}
        for entity, patterns in self._accepted(found, after):
            self.standing.append((entity, None))
            self.patterns.update(patterns)

    def weigh_titles(self) -> None:
        """Look again at the titles that changed, and at the documents that have them too."""
        changed = {trace.document for trace in (*self.arrived, *self.left)}
        self.scope |= {document_entity(trace).id for trace in (*self.arrived, *self.left)}
        self.standing += [(document_entity(trace), trace.document) for trace in self.arrived]
        holders = self._holders_of_titles(self._title_keys())
        others = [trace for trace in holders if trace.document not in changed]
        keys = [title_key(trace) for trace in (*others, *self.arrived)]
        for trace in (*others, *self.arrived):
            pattern = title_pattern(trace)
            if pattern and keys.count(title_key(trace)) == 1:
                self.patterns.add(pattern)
        # Their entities stand as they are; only their spellings may come or go.
        self.sharing_titles = {document_entity(trace).id for trace in others}

    def weigh_identifiers(self) -> None:
        """Look again at identifiers cited, owned or of a series that is first or no longer known; and at uris."""
        names = {name for what, name in self.turned if what in ("own", "cited")}
        flipped = {name for what, name in self.turned if what == "series" and not is_public_series(name)}
        for series in flipped:
            rows = self.cursor.execute(
                "select name from shown_name where project = %s and what = 'cited' and starts_with(name, %s)",
                (self.project, f"{series} "),
            )
            names |= {row["name"] for row in rows}
        known = vocabulary.shown(self.cursor, self.project, ["series"], None) if names else set()
        for name in names:
            self.scope.add(external_entity(_identifier(name)).id)
        for identifier in vocabulary.external(self.cursor, self.project, names):
            if _known(identifier.series, known):
                self.standing.append((external_entity(identifier), None))
        self.names |= {series_key(series) for series in flipped}
        before = {trace.document: _names(trace) for trace in self.left}
        now = {trace.document: _names(trace) for trace in self.arrived}
        for document in before.keys() | now.keys():
            self.names |= before.get(document, frozenset()) ^ now.get(document, frozenset())

    def write(self, generation: int) -> tuple[set[Pattern], set[Pattern]]:
        """Bring the entities and spellings looked at to what stands; the spellings that entered, and those that left."""
        kept = vocabulary.patterns_of(self.cursor, self.project, self.scope | self.sharing_titles)
        entered, left = self.patterns - kept, kept - self.patterns
        vocabulary.drop_patterns(self.cursor, self.project, left)
        vocabulary.add_patterns(self.cursor, self.project, entered)
        self.ledger.links.store_entities(self.cursor, self.project, generation, self.standing, self.scope)
        return entered, left

    def _accepted(self, found: dict[TermKey, Term], bounds: Bounds) -> Iterator[tuple[EntityRow, list[Pattern]]]:
        words = {word for place in found for word in empty_words(place)}
        empty = vocabulary.shown(self.cursor, self.project, ["series", "author"], words)
        eligible = [term for term in found.values() if may_enter(term, bounds, empty)]
        taken = self._titles_taken({surface.lower() for term in eligible for surface in term.surfaces})
        return accepted(sorted(eligible, key=lambda term: term.order), taken)

    def _title_keys(self) -> set[str]:
        return {key for trace in (*self.arrived, *self.left) if (key := title_key(trace)) is not None}

    def _titles_taken(self, spellings: set[str]) -> set[str]:
        """Which spellings are the title of exactly one document, as the documents are now."""
        rows = self.cursor.execute(
            """select t.title_key from document_trace t
               join document_version v on (v.project, v.id, v.died) = (t.project, t.version_id, %s)
               where t.project = %s and t.title_key = any(%s) group by 1 having count(*) = 1""",
            (FOREVER, self.project, list(spellings)),
        )
        return {row["title_key"] for row in rows}

    def _holders_of_titles(self, keys: set[str]) -> list[DocumentTraces]:
        rows = self.cursor.execute(
            "select traces::text as traces from document_trace where project = %s and counted and title_key = any(%s)",
            (self.project, list(keys)),
        )
        return [from_json(row["traces"]) for row in rows]


def _holding(ledger: PostgresLedger, project: str, patterns: set[Pattern]) -> set[str]:
    """The documents with a chunk that holds one of the spellings."""
    matcher = GazetteerMatcher(patterns)
    asked = [words for pattern in patterns for words in required_words(pattern)]
    return {
        document
        for batch in ledger.traces.chunks_with_words(project, asked)
        for _, document, text in batch
        if next(matcher.matches(text), None)
    }


def _changed_traces(
    cursor: Cursor[DictRow], project: str, moved: Moved
) -> tuple[list[DocumentTraces], list[DocumentTraces]]:
    rows = cursor.execute(
        """select version_id::text as id, traces::text as traces from document_trace
           where project = %s and version_id = any(%s::uuid[]) order by document_id""",
        (project, [*moved.arrived, *moved.left]),
    ).fetchall()
    arrived = set(moved.arrived)
    return (
        [from_json(row["traces"]) for row in rows if row["id"] in arrived],
        [from_json(row["traces"]) for row in rows if row["id"] not in arrived],
    )


def _settle(cursor: Cursor[DictRow], project: str, code: str, documents: int, moved: Moved) -> None:
    cursor.execute(
        "update document_trace set counted = true where project = %s and version_id = any(%s::uuid[])",
        (project, list(moved.arrived)),
    )
    cursor.execute(
        "delete from document_trace where project = %s and version_id = any(%s::uuid[])", (project, list(moved.left))
    )
    cursor.execute(
        """insert into link_basis (project, code, documents) values (%s, %s, %s)
           on conflict (project) do update set code = excluded.code, documents = excluded.documents""",
        (project, code, documents),
    )


def _stand(
    ledger: PostgresLedger, cursor: Cursor[DictRow], project: str, generation: int, entities: list[StandingEntity]
) -> None:
    ids = [entity.id for entity, _ in entities]
    cursor.execute("insert into standing select unnest(%s::uuid[])", (ids,))
    ledger.links.store_entities(cursor, project, generation, entities, ids)


def _living_traces(ledger: PostgresLedger, project: str) -> Iterator[DocumentTraces]:
    with ledger.stream("living_traces") as cursor:
        cursor.itersize = _BATCH
        cursor.execute(
            """select t.traces::text as traces from document_trace t
               join document_version v on (v.project, v.id, v.died) = (t.project, t.version_id, %s) where t.project = %s""",
            (FOREVER, project),
        )
        for row in cursor:
            yield from_json(row["traces"])


def _names(trace: DocumentTraces) -> frozenset[str]:
    return name_keys(trace.uri, trace.identifiers)


def _identifier(name: str) -> Identifier:
    return Identifier(*name.rsplit(" ", 1))


def _known(series: str, own: set[str]) -> bool:
    return series in own or is_public_series(series)
