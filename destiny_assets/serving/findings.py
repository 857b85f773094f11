"""Differences as a person reads them: which item of which layer, of which document, and what about it differs."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import numpy as np
from more_itertools import chunked

from destiny_assets.adapters.postgres.contents import PointContent
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.qdrant import QdrantVectorIndex
from destiny_assets.domain.graph import Edge, Node
from destiny_assets.domain.inventories import Ids, among
from destiny_assets.ports import KnowledgeGraph
from destiny_assets.serving.drift import (
    Drift,
    graph_items,
    held_content,
    item_content,
    kind_of,
    payload_content,
    point_content,
    point_rows,
)
from destiny_assets.serving.results import Finding

EXAMPLES = 20
"""How many items of a layer are named for each of missing, extra and stale."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LOOK = 1_000
_Item = TypeVar("_Item", PointContent, Node | Edge)
Content = Mapping[str, object]


def name_findings(
    ledger: PostgresLedger, index: QdrantVectorIndex, graph: KnowledgeGraph, project: str, drift: Drift
) -> list[Finding]:
    """The first `EXAMPLES` of each problem at one place."""
    found = drift.found
    problems = {"missing": found.missing[:EXAMPLES], "extra": found.extra[:EXAMPLES], "stale": found.stale[:EXAMPLES]}
    named = {problem: [drift.name(id_) for id_ in ids] for problem, ids in problems.items()}
    match drift.place.layer:
        case "documents":
            return _originals(ledger, project, named)
        case "vectors":
            return _points(ledger, index, project, drift, problems, named)
        case _:
            return _graph_items(ledger, graph, project, drift, problems, named)


def _originals(ledger: PostgresLedger, project: str, named: Mapping[str, list[str]]) -> list[Finding]:
    homes = ledger.contents.homes(project, [sha256 for ids in named.values() for sha256 in ids])
    return [
        Finding(
            "documents",
            "original",
            sha256,
            problem,
            homes[sha256][0].uri if sha256 in homes else None,
            {"bytes": [sha256, "damaged"]} if problem == "stale" else {},
        )
        for problem, ids in named.items()
        for sha256 in ids
    ]


def _points(
    ledger: PostgresLedger,
    index: QdrantVectorIndex,
    project: str,
    drift: Drift,
    problems: Mapping[str, Ids],
    named: Mapping[str, list[str]],
) -> list[Finding]:
    place = drift.place
    rows = (row for rows in point_rows(ledger, project, place) for row in rows)
    should = {row.id: row for row in wanted_items(rows, np.union1d(problems["missing"], problems["stale"]))}
    does = (
        {point.id: point for point in index.named(place.collection or "", [*named["extra"], *named["stale"]])}
        if named["extra"] or named["stale"]
        else {}
    )
    documents = {id_: row.document_id for id_, row in should.items()}
    documents |= {id_: str(does[id_].payload.get("document_id")) for id_ in named["extra"] if id_ in does}
    uris = _uris(ledger, project, documents.values())
    findings = []
    for problem, ids in named.items():
        for id_ in ids:
            row, point = should.get(id_), does.get(id_)
            differs: dict[str, list[object]] = {}
            if problem == "stale" and row and point:
                differs = _apart(point_content(row, place.lifetimes), payload_content(point, place.lifetimes))
                differs = differs or {"vector": ["the ledger's", "another"] if row.vector else ["gone", "there"]}
            findings.append(Finding("vectors", "point", id_, problem, uris.get(documents.get(id_, "")), differs))
    return findings


def _graph_items(
    ledger: PostgresLedger,
    graph: KnowledgeGraph,
    project: str,
    drift: Drift,
    problems: Mapping[str, Ids],
    named: Mapping[str, list[str]],
) -> list[Finding]:
    lifetimes = drift.place.lifetimes
    wanted = np.union1d(problems["missing"], problems["stale"])
    should = {item.id: item for item in wanted_items(graph_items(ledger, project, lifetimes), wanted)}
    does = {item.id: item for item in graph.named(project, [*named["extra"], *named["stale"]])}
    # An edge belongs to the document of the node it starts from.
    starts = {edge.id: edge.source for edge in should.values() if isinstance(edge, Edge)}
    starts |= {
        id_: item.ends[0].removeprefix(f"{project}/") for id_, item in does.items() if item.ends and id_ not in starts
    }
    nodes = {item.id: item.properties.get("item") for item in graph.named(project, sorted(set(starts.values())))}
    rows = {id_: str(nodes.get(start)) for id_, start in starts.items()}
    rows |= {item.id: str(item.properties.get("item")) for item in should.values() if isinstance(item, Node)}
    rows |= {id_: str(item.properties.get("item")) for id_, item in does.items() if not item.ends and id_ not in rows}
    uris = _uris(ledger, project, rows.values())
    findings = []
    for problem, ids in named.items():
        for id_ in ids:
            item, held = should.get(id_), does.get(id_)
            differs: dict[str, list[object]] = {}
            if problem == "stale" and item and held:
                differs = _apart(item_content(project, item, lifetimes), held_content(held, lifetimes))
                if kind_of(item) != held.kind:
                    differs["kind"] = [kind_of(item), held.kind]
                differs = differs or {"times": [1, "several"]}
            kind = kind_of(item) if item else held.kind if held else ""
            findings.append(Finding("graph", kind, id_, problem, uris.get(rows.get(id_, "")), differs))
    return findings


def wanted_items(items: Iterable[_Item], ids: Ids) -> Iterator[_Item]:
    """Those of the items whose id is among `ids`; the rest is not read once all are found."""
    left = len(ids)
    for some in chunked(items if left else (), _LOOK):
        for item, asked in zip(some, among([item.id for item in some], ids), strict=True):
            if asked:
                yield item
                left -= 1
        if not left:
            return


def _apart(should: Content, does: Content) -> dict[str, list[object]]:
    names = sorted(should.keys() | does.keys())
    return {
        name: [should.get(name), does.get(name)]
        for name in names
        if (name in should) != (name in does) or repr(should[name]) != repr(does[name])
    }


def _uris(ledger: PostgresLedger, project: str, ids: Iterable[str]) -> dict[str, str]:
    return ledger.contents.uris(project, sorted({id_ for id_ in ids if _UUID.fullmatch(id_)}))
