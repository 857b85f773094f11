"""Which documents of a generation a search may look at, and which ones a text names or refers to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.domain.filters import Filters

_SELECTED: LiteralString = """
select v.document_id::text as id from document_version v join document d on (d.project, d.id) = (v.project, v.document_id)
where v.project = %(p)s and v.born <= %(g)s and v.died > %(g)s and """
_HELD: LiteralString = """not exists (select from unnest(%(names)s::text[], %(values)s::text[]) asked(name, value)
    where lower(v.fields->>asked.name) is distinct from lower(asked.value))"""

_CONDITIONS: dict[str, LiteralString] = {
    "sources": "d.source = any(%(sources)s)",
    "authors": "exists (select from unnest(v.authors) a where lower(a) = any(%(authors)s))",
    "statuses": "lower(v.status) = any(%(statuses)s)",
    "tags": r"exists (select from regexp_split_to_table(lower(coalesce(v.fields->>'tags', v.fields->>'tag', '')), '\s*[,;]\s*') t "
    "where t = any(%(tags)s))",
    "since": "coalesce(v.updated_on, v.created_on) >= %(since)s",
    "until": "coalesce(v.updated_on, v.created_on) < %(until)s",
}


@dataclass(frozen=True, slots=True)
class ReadPassage:
    """What a chunk says, and in `context` the title and headings before it; `document` is whose it is."""

    document: str
    context: str
    text: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that a search can be narrowed to, and how many documents have it; `kind` is a source's, else empty."""

    value: str
    documents: int
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a search of one generation can be narrowed to, the most frequent first."""

    sources: list[Choice]
    statuses: list[Choice]
    authors: list[Choice]
    tags: list[Choice]


_CHOICES: LiteralString = r"""
with shown as (
    select v.*, d.source from document_version v join document d on (d.project, d.id) = (v.project, v.document_id)
    where v.project = %(p)s and v.born <= %(g)s and v.died > %(g)s),
counted as (
    select 'sources' as what, source as value, count(*) as documents from shown group by source
    union all select 'statuses', lower(status), count(*) from shown where status <> '' group by lower(status)
    union all select 'authors', a, count(*) from shown, unnest(authors) a group by a
    union all select 'tags', t, count(*) from shown, regexp_split_to_table(lower(coalesce(fields->>'tags', fields->>'tag', '')), '\s*[,;]\s*') t
        where t <> '' group by t),
ranked as (select *, row_number() over (partition by what order by documents desc, value) as place from counted)
select r.what, r.value, r.documents, coalesce(s.kind, '') as kind
from ranked r left join source s on r.what = 'sources' and (s.project, s.name) = (%(p)s, r.value)
where place <= %(most)s order by r.what, place
"""


class Selection:
    """Reads that narrow or widen a search, pinned to one generation."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def documents(self, project: str, generation: int, filters: Filters) -> set[str]:
        """Ids of the documents the generation shows that meet the filters; sources and kinds must be resolved to sources before."""
        values: dict[str, Any] = {
            "sources": list(filters.sources),
            **{name: [value.lower() for value in getattr(filters, name)] for name in ("authors", "statuses", "tags")},
            "since": filters.since,
            "until": filters.until,
        }
        clauses = [clause for name, clause in _CONDITIONS.items() if values[name]]
        if filters.where:
            # One condition on all pairs, so that no statement is made of what a reader typed.
            clauses.append(_HELD)
            values |= {"names": [name for name, _ in filters.where], "values": [value for _, value in filters.where]}
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                _SELECTED + " and ".join(clauses or ["true"]),
                {"p": project, "g": generation, **values},
            ).fetchall()
        return {row["id"] for row in rows}

    def choices(self, project: str, generation: int, most: int) -> Choices:
        """What the documents of a generation have that they can be narrowed to, at most so many values of each."""
        found: dict[str, list[Choice]] = {"sources": [], "statuses": [], "authors": [], "tags": []}
        with self._session.transaction() as cursor:
            for row in cursor.execute(_CHOICES, {"p": project, "g": generation, "most": most}):
                found[row["what"]].append(Choice(row["value"], row["documents"], row["kind"]))
        return Choices(**found)

    def passages(self, project: str, generation: int, chunk_ids: Sequence[str]) -> dict[str, ReadPassage]:
        """Those of the chunks that the generation shows, by chunk."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select id::text as id, document_id::text as document, context, text from chunk
                   where project = %s and born <= %s and died > %s and id = any(%s::uuid[])""",
                (project, generation, generation, list(chunk_ids)),
            ).fetchall()
        return {row["id"]: ReadPassage(row["document"], row["context"], row["text"]) for row in rows}

    def titled(self, project: str, generation: int, names: Collection[str]) -> dict[str, list[str]]:
        """The documents that bear each of these names (`title_key`) as their title, of at most 200 characters as its index holds."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select title_key as key, document_id::text as document from entity
                   where project = %(p)s and document_id is not null and length(name) <= 200 and title_key = any(%(names)s)
                     and born <= %(g)s and died > %(g)s""",
                {"p": project, "g": generation, "names": list(names)},
            ).fetchall()
        found: dict[str, list[str]] = {}
        for row in rows:
            found.setdefault(row["key"], []).append(row["document"])
        return found

    def references(self, project: str, generation: int, documents: Sequence[str]) -> list[tuple[str, str]]:
        """(referring, referred) documents of the references that stand in these documents."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select distinct source_document::text as source, target_document::text as target from reference
                   where project = %s and born <= %s and died > %s and source_document = any(%s::uuid[])
                     and target_document is not null and target_document <> source_document""",
                (project, generation, generation, list(documents)),
            ).fetchall()
        return [(row["source"], row["target"]) for row in rows]

    def adjacent(self, project: str, generation: int, chunk_ids: Sequence[str]) -> list[tuple[str, str]]:
        """Pairs among these chunks that stand right after each other in one document."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """with placed as (
                       select p.chunk_id, p.version_id, p.ordinal from placement p
                       where p.project = %s and p.born <= %s and p.died > %s and p.chunk_id = any(%s::uuid[]))
                   select a.chunk_id::text as one, b.chunk_id::text as other
                   from placed a join placed b on b.version_id = a.version_id and b.ordinal = a.ordinal + 1""",
                (project, generation, generation, list(chunk_ids)),
            ).fetchall()
        return [(row["one"], row["other"]) for row in rows]

    def around(
        self, project: str, generation: int, chunk_ids: Sequence[str], reach: int
    ) -> dict[str, tuple[list[str], list[str]]]:
        """The texts of up to `reach` chunks before and after each, in the order of the document."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select p.chunk_id::text as id, n.ordinal < p.ordinal as before, c.text
                   from placement p
                   join placement n on (n.project, n.version_id) = (p.project, p.version_id)
                     and n.ordinal between p.ordinal - %(reach)s and p.ordinal + %(reach)s and n.ordinal <> p.ordinal
                     and n.born <= %(g)s and n.died > %(g)s
                   join chunk c on (c.project, c.id) = (n.project, n.chunk_id) and c.born <= %(g)s and c.died > %(g)s
                   where p.project = %(p)s and p.born <= %(g)s and p.died > %(g)s and p.chunk_id = any(%(ids)s::uuid[])
                   order by p.chunk_id, n.ordinal""",
                {"p": project, "g": generation, "ids": list(chunk_ids), "reach": reach},
            ).fetchall()
        found: dict[str, tuple[list[str], list[str]]] = {}
        for row in rows:
            before, after = found.setdefault(row["id"], ([], []))
            (before if row["before"] else after).append(row["text"])
        return found
