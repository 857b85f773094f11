"""The sums over all traces that the gazetteer follows from: terms, names shown, spellings. Written within the caller's transaction."""

import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.adapters.postgres.versioned import refresh_statistics
from destiny_assets.domain.linking.gazetteer import ORDER, ORDINARY_SHARE, Bounds, Pattern, Term, empty_words
from destiny_assets.domain.linking.matcher import lead, leads
from destiny_assets.domain.linking.names import EntityKind
from destiny_assets.domain.linking.records import Identifier
from destiny_assets.domain.linking.tally import Tally, TermCount, TermKey

_PAGE = 20_000
_FIELDS = "kind, key, surfaces, documents, ordinary"


class Vocabulary:
    """Reads and writes of the sums."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def basis(self, project: str) -> str | None:
        """The code that the sums were made by; None before there are any."""
        with self._session.transaction() as cursor:
            row = cursor.execute("select code from link_basis where project = %s", (project,)).fetchone()
        return row["code"] if row else None

    def patterns(self, project: str, words: Collection[str] | None) -> Iterator[Pattern]:
        """Every spelling, or those that a text with these words may hold."""
        with self._session.stream("patterns") as cursor:
            cursor.execute(
                """select surface, exact, quoted, entity_id::text as entity_id, kind from gazetteer_pattern
                   where project = %(p)s and (%(leads)s::text[] is null or lead = any(%(leads)s))""",
                {"p": project, "leads": None if words is None else list(leads(words))},
            )
            for row in cursor:
                yield _pattern(row)

    def series(self, project: str) -> frozenset[str]:
        """The series that documents of the project have identifiers in."""
        with self._session.transaction() as cursor:
            rows = cursor.execute("select name from shown_name where project = %s and what = 'series'", (project,))
            return frozenset(row["name"] for row in rows)


def forget(cursor: Cursor[DictRow], project: str) -> None:
    """Empty the sums, to make them anew."""
    for table in ("term", "shown_name", "gazetteer_pattern"):
        cursor.execute(f"delete from {table} where project = %s", (project,))  # noqa: S608 (three names)


def sum_up(cursor: Cursor[DictRow], project: str, tallies: Iterable[Tally]) -> None:
    """Fill the emptied sums from tallies of parts of the corpus, each of bounded size."""
    cursor.execute(
        """create temp table part (kind text, key text collate "C", surface text, count bigint, ordinary bigint, documents integer,
           marks text) on commit drop"""
    )
    names: Counter[tuple[str, str]] = Counter()
    for tally in tallies:
        names.update(tally.names)
        with cursor.copy("copy part from stdin") as copy:
            for place, term in tally.terms.items():
                ordinary, documents = term.ordinary, term.documents
                for surface, count in term.surfaces.items():
                    marks = ",".join(map(str, marks_of(project, place, [surface])))
                    copy.write_row((*place, surface, count, ordinary, documents, marks))
                    ordinary = documents = 0
    cursor.execute(
        """insert into term (project, kind, key, surfaces, documents, count, ordinary, marks)
           select %s, kind, key, jsonb_object_agg(surface, n), sum(documents), sum(n), sum(ordinary),
                  case when sum(documents) > 1 or kind = 'person' then string_to_array(string_agg(marks, ','), ',')::bigint[] else '{}' end
           from (select kind, key, surface, sum(count)::bigint as n, sum(ordinary) as ordinary, sum(documents) as documents,
                        min(marks) as marks from part group by kind, key, surface) spelled
           group by kind, key""",
        (project,),
    )
    refresh_statistics(cursor, "term", cursor.rowcount)
    with cursor.copy("copy shown_name (project, what, name, documents) from stdin") as copy:
        for (what, name), documents in names.items():
            copy.write_row((project, what, name, documents))
    cursor.execute("analyze shown_name")


def within_bounds(cursor: Cursor[DictRow], project: str, bounds: Bounds) -> Iterator[Term]:
    """The terms that may enter by their counts, in order, a page at a time."""
    for kind in ORDER:
        after = ""
        while True:
            rows = cursor.execute(
                f"""select {_FIELDS} from term where project = %(p)s and kind = %(kind)s and key > %(after)s and (kind = 'person' or
                    (documents between %(least)s and %(most)s and count >= 2 and ordinary <= %(share)s * count))
                    order by key limit %(page)s""",  # noqa: S608 (a constant)
                {
                    "p": project,
                    "kind": kind,
                    "after": after,
                    "least": bounds.least,
                    "most": bounds.most,
                    "share": ORDINARY_SHARE,
                    "page": _PAGE,
                },
            ).fetchall()
            if not rows:
                break
            yield from map(_term, rows)
            after = rows[-1]["key"]


def move_terms(
    cursor: Cursor[DictRow], project: str, delta: Mapping[TermKey, TermCount]
) -> tuple[dict[TermKey, Term], set[int]]:
    """Add what changed documents add up to; the terms as they are now, and the marks that they had or have."""
    stored = terms(cursor, project, delta.keys())
    marks: set[int] = set()
    moved: dict[TermKey, Term] = {}
    for place, change in delta.items():
        surfaces, documents, ordinary = Counter(change.surfaces), change.documents, change.ordinary
        known = stored.get(place)
        marks.update(marks_of(project, place, surfaces)[: len(surfaces)])
        if known is not None:
            surfaces.update(known.surfaces)
            documents, ordinary = documents + known.documents, ordinary + known.ordinary
            marks.update(marks_of(project, place, known.surfaces)[: len(known.surfaces)])
        kept = {surface: count for surface, count in surfaces.items() if count}
        moved[place] = Term(place[0], place[1], kept, documents, ordinary)
    _delete_terms(
        cursor, project, [place for place in stored if moved[place].documents == 0 or moved[place] != stored[place]]
    )
    with cursor.copy("copy term (project, kind, key, surfaces, documents, count, ordinary, marks) from stdin") as copy:
        for place, term in moved.items():
            if term.documents and term != stored.get(place):
                found = (
                    marks_of(project, place, term.surfaces)
                    if term.documents > 1 or place[0] is EntityKind.PERSON
                    else []
                )
                row = (
                    project,
                    *place,
                    Jsonb(dict(term.surfaces)),
                    term.documents,
                    sum(term.surfaces.values()),
                    term.ordinary,
                )
                copy.write_row((*row, found))
    return {place: term for place, term in moved.items() if term.documents}, marks


def move_names(cursor: Cursor[DictRow], project: str, delta: Counter[tuple[str, str]]) -> set[tuple[str, str]]:
    """Add to the counts of names shown; those that are now shown first or no longer."""
    changed = [(what, name, by) for (what, name), by in delta.items() if by]
    rows = cursor.execute(
        """insert into shown_name as s (project, what, name, documents)
           select %s, what, name, by from unnest(%s::text[], %s::text[], %s::integer[]) as d (what, name, by)
           on conflict (project, what, name) do update set documents = s.documents + excluded.documents
           returning what, name, documents""",
        (project, *([row[at] for row in changed] for at in range(3))),
    ).fetchall()
    cursor.execute("delete from shown_name where project = %s and documents = 0", (project,))
    by = {(what, name): count for what, name, count in changed}
    return {
        (row["what"], row["name"])
        for row in rows
        if row["documents"] == 0 or row["documents"] == by[row["what"], row["name"]]
    }


def shown(cursor: Cursor[DictRow], project: str, what: Sequence[str], names: Collection[str] | None) -> set[str]:
    """Which of these names some document shows as one of `what`; without `names` all that are."""
    rows = cursor.execute(
        """select name from shown_name where project = %(p)s and what = any(%(what)s)
           and (%(names)s::text[] is null or name = any(%(names)s))""",
        {"p": project, "what": list(what), "names": None if names is None else list(names)},
    )
    return {row["name"] for row in rows}


def external(cursor: Cursor[DictRow], project: str, names: Collection[str] | None) -> list[Identifier]:
    """Identifiers (of these names, or all) that are cited and no document's own."""
    rows = cursor.execute(
        """select c.name from shown_name c where c.project = %(p)s and c.what = 'cited'
           and (%(names)s::text[] is null or c.name = any(%(names)s)) and not exists (
           select from shown_name o where o.project = c.project and o.what = 'own' and o.name = c.name)""",
        {"p": project, "names": None if names is None else list(names)},
    )
    return [Identifier(*row["name"].rsplit(" ", 1)) for row in rows]


def terms(cursor: Cursor[DictRow], project: str, keys: Collection[TermKey]) -> dict[TermKey, Term]:
    """The terms with these kinds and keys that some document suggests."""
    rows = cursor.execute(
        f"""select {_FIELDS} from term join unnest(%s::text[], %s::text[]) as k (k, y) on (kind, key) = (k, y) where project = %s""",  # noqa: S608
        ([kind for kind, _ in keys], [key for _, key in keys], project),
    ).fetchall()
    return {(term.kind, term.key): term for term in map(_term, rows)}


def terms_marked(cursor: Cursor[DictRow], project: str, marks: Collection[int]) -> dict[TermKey, Term]:
    """The terms of several documents, and the authors, that have one of these marks."""
    rows = cursor.execute(
        f"""select {_FIELDS} from term where project = %s and marks && %s::bigint[] and (documents > 1 or kind = 'person')""",  # noqa: S608
        (project, list(marks)),
    ).fetchall()
    return {(term.kind, term.key): term for term in map(_term, rows)}


def terms_between(cursor: Cursor[DictRow], project: str, one: int, other: int) -> dict[TermKey, Term]:
    """The terms of more documents than the smaller and no more than the larger number."""
    rows = cursor.execute(
        f"select {_FIELDS} from term where project = %s and documents > 3 and documents > %s and documents <= %s",  # noqa: S608
        (project, min(one, other), max(one, other)),
    ).fetchall()
    return {(term.kind, term.key): term for term in map(_term, rows)}


def add_patterns(cursor: Cursor[DictRow], project: str, patterns: Iterable[Pattern]) -> None:
    """Keep more spellings."""
    rows = iter(patterns)
    while page := list(islice(rows, _PAGE)):
        with cursor.copy(
            "copy gazetteer_pattern (project, entity_id, surface, exact, quoted, kind, lead) from stdin"
        ) as copy:
            for pattern in page:
                row = (project, pattern.entity_id, pattern.surface, pattern.exact, pattern.quoted, pattern.kind)
                copy.write_row((*row, lead(pattern.surface)))


def patterns_of(cursor: Cursor[DictRow], project: str, entities: Collection[str]) -> set[Pattern]:
    """The spellings kept of some entities."""
    rows = cursor.execute(
        """select surface, exact, quoted, entity_id::text as entity_id, kind from gazetteer_pattern
           where project = %s and entity_id = any(%s::uuid[])""",
        (project, list(entities)),
    )
    return {_pattern(row) for row in rows}


def drop_patterns(cursor: Cursor[DictRow], project: str, patterns: Collection[Pattern]) -> None:
    """Forget some spellings."""
    cursor.execute(
        """delete from gazetteer_pattern g using unnest(%s::uuid[], %s::text[]) as d (entity_id, surface)
           where g.project = %s and (g.entity_id, g.surface) = (d.entity_id, d.surface)""",
        ([pattern.entity_id for pattern in patterns], [pattern.surface for pattern in patterns], project),
    )


def marks_of(project: str, place: TermKey, surfaces: Collection[str]) -> list[int]:
    """What a term is found by: first its spellings in lower case, then the words that may turn empty."""
    return [spelling_mark(project, surface) for surface in surfaces] + [
        word_mark(project, word) for word in sorted(empty_words(place))
    ]


def spelling_mark(project: str, surface: str) -> int:
    """The mark of terms that have this spelling in some case."""
    return _mark(f"{project}\x1fspelling\x1f{surface.lower()}")


def word_mark(project: str, word: str) -> int:
    """The mark of terms that hold this word."""
    return _mark(f"{project}\x1fword\x1f{word}")


def _mark(text: str) -> int:
    """A 64-bit number; should two texts share one, a term more is looked at."""
    packed = text.encode("utf-8", "surrogatepass")
    return (zlib.crc32(packed) << 32 | zlib.crc32(packed, 1)) - 2**63


def _delete_terms(cursor: Cursor[DictRow], project: str, keys: Collection[TermKey]) -> None:
    cursor.execute(
        """delete from term t using unnest(%s::text[], %s::text[]) as d (kind, key)
           where t.project = %s and (t.kind, t.key) = (d.kind, d.key)""",
        ([kind for kind, _ in keys], [key for _, key in keys], project),
    )


def _term(row: Mapping[str, Any]) -> Term:
    return Term(EntityKind(row["kind"]), row["key"], row["surfaces"], row["documents"], row["ordinary"])


def _pattern(row: Mapping[str, Any]) -> Pattern:
    return Pattern(row["surface"], row["exact"], row["quoted"], row["entity_id"], EntityKind(row["kind"]))
