"""What the vector and graph layers should hold, read from the ledger: they are pure functions of these rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, LiteralString

import numpy as np

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.domain.generations import layer_id
from destiny_assets.domain.graph import FOREVER, Edge, EdgeType, Node, NodeLabel
from destiny_assets.ports import Vectors

# Ends of edges whose hash is kept while edges are read: 10 MB.
_ENDS = 65_536


@dataclass(frozen=True, slots=True)
class PointRow:
    """One chunk row as the vector layer stores it."""

    id: str
    chunk_id: str
    document_id: str
    source: str
    text: str
    born: int
    died: int


# An edge is visible while everything it stands on is: its own row and both ends. So it is born or dies in a generation when one of
# the three does; which rows that can be is asked of each of the three tables' own indexes, never of the whole project.
_PART_OF: LiteralString = """
    select 'PART_OF' as type, p.id, c.id as source, c.born as source_born, v.id as target, v.born as target_born,
           greatest(p.born, c.born, v.born) as born, least(p.died, c.died, v.died) as died, p.ordinal as number, '' as note
    from placement p
    join chunk c on (c.project, c.id) = (p.project, p.chunk_id)
    join document_version v on (v.project, v.id) = (p.project, p.version_id)
    where p.project = %(p)s"""
_PART_OF_TOUCHED: LiteralString = """ and p.id in (
    select id from placement where project = %(p)s and {mark} = %(g)s
    union select x.id from chunk c join placement x on (x.project, x.chunk_id) = (c.project, c.id) where c.project = %(p)s and c.{mark} = %(g)s
    union select x.id from document_version v join placement x on (x.project, x.version_id) = (v.project, v.id)
          where v.project = %(p)s and v.{mark} = %(g)s)"""
_MENTIONS: LiteralString = """
    select 'MENTIONS', m.id, c.id, c.born, e.id, e.born,
           greatest(m.born, c.born, e.born), least(m.died, c.died, e.died), cardinality(m.starts), m.surface
    from mention m
    join chunk c on (c.project, c.id) = (m.project, m.chunk_id)
    join entity e on (e.project, e.id) = (m.project, m.entity_id)
    where m.project = %(p)s"""
_MENTIONS_TOUCHED: LiteralString = """ and m.id in (
    select id from mention where project = %(p)s and {mark} = %(g)s
    union select x.id from chunk c join mention x on (x.project, x.chunk_id) = (c.project, c.id) where c.project = %(p)s and c.{mark} = %(g)s
    union select x.id from entity e join mention x on (x.project, x.entity_id) = (e.project, e.id) where e.project = %(p)s and e.{mark} = %(g)s)"""
_DENOTES: LiteralString = """
    select 'DENOTES', e.id, e.id, e.born, v.id, v.born, greatest(e.born, v.born), least(e.died, v.died), 1, ''
    from entity e
    join document_version v on (v.project, v.document_id) = (e.project, e.document_id)
    where e.project = %(p)s and e.document_id is not null"""
_DENOTES_TOUCHED: LiteralString = """ and e.id in (
    select id from entity where project = %(p)s and {mark} = %(g)s
    union select x.id from document_version v join entity x on (x.project, x.document_id) = (v.project, v.document_id)
          where v.project = %(p)s and v.{mark} = %(g)s)"""
_REFERS: LiteralString = """
    select case r.relation when 'requires' then 'REQUIRES' when 'supersedes' then 'SUPERSEDES' else 'LINKS_TO' end,
           r.id, a.id, a.born, b.id, b.born, greatest(r.born, a.born, b.born), least(r.died, a.died, b.died), 1, r.target
    from reference r
    join entity a on (a.project, a.document_id) = (r.project, r.source_document)
    join entity b on (b.project, b.document_id) = (r.project, r.target_document)
    where r.project = %(p)s and a.document_id is not null and b.document_id is not null"""
_REFERS_TOUCHED: LiteralString = """ and r.id in (
    select id from reference where project = %(p)s and {mark} = %(g)s
    union select x.id from entity e join reference x on (x.project, x.source_document) = (e.project, e.document_id)
          where e.project = %(p)s and e.document_id is not null and e.{mark} = %(g)s
    union select x.id from entity e join reference x on (x.project, x.target_document) = (e.project, e.document_id)
          where e.project = %(p)s and e.document_id is not null and e.{mark} = %(g)s)"""
_DECIDED_IN: LiteralString = """
    select 'DECIDED_IN', d.id, d.id, d.born, v.id, v.born, greatest(d.born, v.born), least(d.died, v.died), 1, ''
    from decision d
    join document_version v on (v.project, v.document_id) = (d.project, d.document_id)
    where d.project = %(p)s"""
_DECIDED_IN_TOUCHED: LiteralString = """ and d.id in (
    select id from decision where project = %(p)s and {mark} = %(g)s
    union select x.id from document_version v join decision x on (x.project, x.document_id) = (v.project, v.document_id)
          where v.project = %(p)s and v.{mark} = %(g)s)"""
_DECIDED_BY: LiteralString = """
    select 'DECIDED_BY', md5(d.id::text || e.id::text)::uuid, d.id, d.born, e.id, e.born,
           greatest(d.born, e.born), least(d.died, e.died), 1, ''
    from decision d
    cross join lateral unnest(d.decider_ids) decider(id)
    join entity e on (e.project, e.id) = (d.project, decider.id)
    where d.project = %(p)s"""
_DECIDED_BY_TOUCHED: LiteralString = """ and (d.{mark} = %(g)s or e.{mark} = %(g)s)"""
_REPLACES: LiteralString = """
    select 'REPLACES', r.id, a.id, a.born, b.id, b.born, greatest(r.born, a.born, b.born), least(r.died, a.died, b.died), 1, r.target
    from reference r
    join decision a on (a.project, a.document_id) = (r.project, r.source_document)
    join decision b on (b.project, b.document_id) = (r.project, r.target_document)
    where r.project = %(p)s and r.relation = 'supersedes' and r.source_document <> r.target_document"""
_REPLACES_TOUCHED: LiteralString = """ and r.id in (
    select id from reference where project = %(p)s and {mark} = %(g)s
    union select x.id from decision d join reference x on (x.project, x.source_document) = (d.project, d.document_id)
          where d.project = %(p)s and d.{mark} = %(g)s
    union select x.id from decision d join reference x on (x.project, x.target_document) = (d.project, d.document_id)
          where d.project = %(p)s and d.{mark} = %(g)s)"""
_STATED_IN: LiteralString = """
    select 'STATED_IN', e.id, c.id, c.born, v.id, v.born,
           greatest(e.born, c.born, v.born), least(e.died, c.died, v.died), 1, e.witness
    from evidence e
    join claim c on (c.project, c.id) = (e.project, e.claim_id)
    join document_version v on (v.project, v.document_id) = (e.project, e.document_id)
    where e.project = %(p)s"""
_STATED_IN_TOUCHED: LiteralString = """ and e.id in (
    select id from evidence where project = %(p)s and {mark} = %(g)s
    union select x.id from claim c join evidence x on (x.project, x.claim_id) = (c.project, c.id) where c.project = %(p)s and c.{mark} = %(g)s
    union select x.id from document_version v join evidence x on (x.project, x.document_id) = (v.project, v.document_id)
          where v.project = %(p)s and v.{mark} = %(g)s)"""
_ABOUT: LiteralString = """
    select 'ABOUT', md5(c.id::text || e.id::text)::uuid, c.id, c.born, e.id, e.born,
           greatest(c.born, e.born), least(c.died, e.died), 1, ''
    from claim c
    cross join lateral unnest(c.entity_ids) named(id)
    join entity e on (e.project, e.id) = (c.project, named.id)
    where c.project = %(p)s"""
_ABOUT_TOUCHED: LiteralString = """ and (c.{mark} = %(g)s or e.{mark} = %(g)s)"""
_SAME_AS: LiteralString = """
    select 'SAME_AS', m.id, a.id, a.born, b.id, b.born,
           greatest(m.born, a.born, b.born), least(m.died, a.died, b.died), round(m.probability::numeric * 10000)::integer, m.id::text
    from entity_merge m
    join entity a on (a.project, a.id) = (m.project, m.absorbed_id)
    join entity b on (b.project, b.id) = (m.project, m.kept_id)
    where m.project = %(p)s"""
_SAME_AS_TOUCHED: LiteralString = """ and (m.{mark} = %(g)s or a.{mark} = %(g)s or b.{mark} = %(g)s)"""
_EDGE_KINDS = (
    (_PART_OF, _PART_OF_TOUCHED),
    (_MENTIONS, _MENTIONS_TOUCHED),
    (_DENOTES, _DENOTES_TOUCHED),
    (_REFERS, _REFERS_TOUCHED),
    (_DECIDED_IN, _DECIDED_IN_TOUCHED),
    (_DECIDED_BY, _DECIDED_BY_TOUCHED),
    (_REPLACES, _REPLACES_TOUCHED),
    (_STATED_IN, _STATED_IN_TOUCHED),
    (_ABOUT, _ABOUT_TOUCHED),
    (_SAME_AS, _SAME_AS_TOUCHED),
)

_NODES: LiteralString = """
with node as (
    select 'Document' as label, v.id, v.born, v.died, v.title as name, d.uri as detail, coalesce(v.status, '') as kind
    from document_version v join document d on (d.project, d.id) = (v.project, v.document_id) where v.project = %(p)s
    union all
    select 'Chunk', id, born, died, array_to_string(heading_path, ' > '), left(text, 120), '' from chunk where project = %(p)s
    union all
    select 'Entity', id, born, died, name, key, kind from entity where project = %(p)s
    union all
    select 'Decision', id, born, died, title, key, status from decision where project = %(p)s
    union all
    select 'Claim', id, born, died, subject, predicate, value from claim where project = %(p)s
)
select label, id::text as id, born, died, name, detail, kind from node where """


class Projections:
    """Rows for the vector and graph layers."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def new_chunks(self, project: str, generation: int) -> Iterator[str]:
        """Layer ids of the living chunk rows born in a generation."""
        return self._chunk_rows(project, generation, "born = %(g)s and died = %(forever)s")

    def retired_chunks(self, project: str, generation: int) -> Iterator[str]:
        """Layer ids of the chunk rows of older generations that died in one."""
        return self._chunk_rows(project, generation, "died = %(g)s and born < %(g)s")

    def visible_chunks(self, project: str, generation: int) -> Iterator[str]:
        """Layer ids of the chunk rows that a generation shows."""
        return self._chunk_rows(project, generation, "born <= %(g)s and died > %(g)s")

    def _chunk_rows(self, project: str, generation: int, which: LiteralString) -> Iterator[str]:
        with self._session.stream("chunk_rows") as cursor:
            cursor.execute(
                "select id::text as id, born from chunk where project = %(p)s and " + which,  # noqa: S608
                {"p": project, "g": generation, "forever": FOREVER},
            )
            for row in cursor:
                yield layer_id(row["id"], row["born"])

    def points(
        self, project: str, model_id: str, *, born: int | None = None, dead: bool = False, batch: int = 1_000
    ) -> Iterator[tuple[list[PointRow], Vectors]]:
        """Living chunk rows with their vectors, shape (n, dimension); of one generation only where `born` is given.

        With `dead`, those of all generations.
        """
        with self._session.stream("points") as cursor:
            cursor.execute(
                """select c.id::text as id, c.document_id::text as document_id, c.born, c.died, c.context || c.text as text, d.source, e.vector
                   from chunk c join document d on (d.project, d.id) = (c.project, c.document_id)
                   join embedding e on (e.project, e.model_id, e.embed_sha256) = (c.project, %(m)s, c.embed_sha256)
                   where c.project = %(p)s and (%(dead)s or c.died = %(forever)s) and (%(born)s::integer is null or c.born = %(born)s)""",
                {"p": project, "m": model_id, "born": born, "dead": dead, "forever": FOREVER},
            )
            while rows := cursor.fetchmany(batch):
                vectors = np.stack([np.frombuffer(row["vector"], "<f4") for row in rows]).astype(np.float32, copy=False)
                yield (
                    [
                        PointRow(
                            layer_id(row["id"], row["born"]),
                            row["id"],
                            row["document_id"],
                            row["source"],
                            row["text"],
                            row["born"],
                            row["died"],
                        )
                        for row in rows
                    ],
                    vectors,
                )

    def graph_nodes(
        self, project: str, *, born: int | None = None, died: int | None = None, shown: int | None = None
    ) -> Iterator[Node]:
        """Graph nodes, all of a project, or those born in, died in or shown by one generation."""
        which, named = _when(project, born, died, shown)
        with self._session.stream("graph_nodes") as cursor:
            cursor.execute(_NODES + which, named)
            for row in cursor:
                yield Node(
                    layer_id(row["id"], row["born"]),
                    NodeLabel(row["label"]),
                    row["born"],
                    _node_properties(row),
                    row["died"],
                )

    def graph_edges(
        self, project: str, *, born: int | None = None, died: int | None = None, shown: int | None = None
    ) -> Iterator[Edge]:
        """Graph edges, all of a project, or those born in, died in or shown by one generation."""
        which, named = _when(project, born, died, shown)
        # Most nodes are the end of several edges, and a hash a row is a tenth of a look at a million items.
        end = lru_cache(maxsize=_ENDS)(layer_id)
        with self._session.stream("graph_edges") as cursor:
            cursor.execute(_edges(born, died) + which, named)
            for row in cursor:
                yield Edge(
                    id=layer_id(f"{row['type']}:{row['id']}:{row['source_born']}:{row['target_born']}", row["born"]),
                    type=EdgeType(row["type"]),
                    source=end(row["source"], row["source_born"]),
                    target=end(row["target"], row["target_born"]),
                    born=row["born"],
                    properties=_edge_properties(row),
                    died=row["died"],
                )

    def chunk_ids(self, project: str) -> set[str]:
        """Layer ids of all chunk rows of a project, whichever generations show them."""
        with self._session.stream("chunk_ids") as cursor:
            cursor.execute("select id::text as id, born from chunk where project = %s", (project,))
            return {layer_id(row["id"], row["born"]) for row in cursor}

    def graph_ids(self, project: str, generation: int | None = None) -> set[str]:
        """Layer ids of every node and edge that a generation shows; of all generations without one."""
        nodes = {node.id for node in self.graph_nodes(project, shown=generation)}
        return nodes | {edge.id for edge in self.graph_edges(project, shown=generation)}


def _when(project: str, born: int | None, died: int | None, shown: int | None) -> tuple[LiteralString, dict[str, Any]]:
    """The condition on a node's or edge's own lifetime, and the parameters of the query."""
    if born is not None:
        return "born = %(g)s", {"p": project, "g": born}
    if died is not None:
        return "died = %(g)s", {"p": project, "g": died}
    return ("born <= %(g)s and died > %(g)s" if shown is not None else "true"), {"p": project, "g": shown}


def _edges(born: int | None, died: int | None) -> LiteralString:
    """All edges, or the ones that can have been born (or died) in the generation asked for."""
    mark: LiteralString = "born" if born is not None else "died"
    # Everything is born in a project's first generation: to look for what it touched would only cost a sort.
    touched = (born is not None and born > 1) or died is not None
    kinds: list[LiteralString] = [
        every + (among.replace("{mark}", mark) if touched else "") for every, among in _EDGE_KINDS
    ]
    union: LiteralString = " union all ".join(kinds)
    return (
        "with edge as ("
        + union
        + """) select type, id::text as id, source::text as source, source_born, target::text as target, target_born, born, died, number, note
from edge where born < died and """
    )


def _node_properties(row: dict[str, Any]) -> dict[str, str]:
    match row["label"]:
        case "Document":
            return {"item": row["id"], "title": row["name"], "uri": row["detail"], "status": row["kind"]}
        case "Chunk":
            return {"item": row["id"], "heading": row["name"], "preview": row["detail"]}
        case "Decision":
            return {"item": row["id"], "title": row["name"], "number": row["detail"], "status": row["kind"]}
        case "Claim":
            return {"item": row["id"], "subject": row["name"], "predicate": row["detail"], "value": row["kind"]}
        case _:
            return {"item": row["id"], "name": row["name"], "slug": row["detail"], "kind": row["kind"]}


def _edge_properties(row: dict[str, Any]) -> dict[str, str | int | float]:
    match row["type"]:
        case "PART_OF":
            return {"ordinal": row["number"]}
        case "MENTIONS":
            return {"count": row["number"], "surface": row["note"]}
        case "STATED_IN":
            return {"witness": row["note"]}
        case "SAME_AS":
            return {"probability": row["number"] / 10_000, "merge": row["note"]}
        case "DENOTES" | "DECIDED_IN" | "DECIDED_BY" | "ABOUT":
            return {}
        case _:
            return {"said": row["note"]}
