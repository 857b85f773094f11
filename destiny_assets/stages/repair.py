"""Repair: what a layer lost, holds too much or says wrongly is brought back to what the ledger says, and nothing else is touched.

No model is called: vectors are the ledger's. Readers go on: a point or node is replaced in one write, never taken away first.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from more_itertools import chunked

from destiny_assets.adapters.postgres.contents import PointContent
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.qdrant import Point, QdrantVectorIndex
from destiny_assets.adapters.source_context import SourceContext
from destiny_assets.adapters.sources import open_source
from destiny_assets.domain.graph import Edge, Node
from destiny_assets.domain.inventories import Ids, Lifetimes
from destiny_assets.domain.sparse import encode_documents
from destiny_assets.errors import DestinyError, UnreadableDocumentError
from destiny_assets.ports import DocumentStore, KnowledgeGraph, Progress, SourceReader
from destiny_assets.serving.drift import (
    Drift,
    Place,
    compare,
    graph_items,
    kind_of,
    places,
    point_rows,
    sparse_is_known,
)
from destiny_assets.serving.findings import name_findings, wanted_items
from destiny_assets.serving.health import superseded
from destiny_assets.serving.results import Finding

_BATCH = 1_000
# An edge is lost with its node, and seen to be lost only once the node is back under its right label.
_ROUNDS = 3


@dataclass(slots=True)
class RepairReport:
    """What was mended, counted by layer and problem; `items` names some of it, `left` what could not be mended and what to do."""

    project: str
    generations: list[int]
    mended: dict[str, dict[str, int]] = field(default_factory=dict)
    items: list[Finding] = field(default_factory=list)
    left: list[Finding] = field(default_factory=list)
    model_calls: int = 0

    @property
    def ok(self) -> bool:
        """Whether the layers are as the ledger says now."""
        return not self.left

    @property
    def written(self) -> int:
        """Items mended."""
        return sum(sum(counts.values()) for counts in self.mended.values())

    def document(self) -> dict[str, Any]:
        """The contract of ``destiny repair --json``."""
        return {"ok": self.ok, **asdict(self)}


def repair_project(
    ledger: PostgresLedger,
    originals: DocumentStore,
    index: QdrantVectorIndex,
    graph: KnowledgeGraph,
    project: str,
    progress: Progress,
    cache: Path,
    *,
    deep: bool = False,
) -> RepairReport:
    """Mend every layer over all generations that can be read; raises `StoreUnavailableError`. The caller holds the write lock.

    `cache` is a folder for what sources can fetch again.
    """
    ledger.projects.require(project)
    todo = places(ledger, project)
    report = RepairReport(project, sorted({number for place in todo for number in place.lifetimes.readable}))
    for done, place in enumerate(todo):
        progress.advance("repair", done, len(todo))
        report.mended.setdefault(place.layer, {"missing": 0, "extra": 0, "stale": 0})
        drift = compare(ledger, originals, index, graph, project, place, deep=deep)
        named: list[Finding] = []
        for _ in range(_ROUNDS):
            if drift.ok:
                break
            named += name_findings(ledger, index, graph, project, drift)
            _mend(ledger, originals, index, graph, project, drift, cache)
            before, drift = drift, compare(ledger, originals, index, graph, project, place, deep=deep)
            if not _count(report, before, drift):
                break
        left = [] if drift.ok else name_findings(ledger, index, graph, project, drift)
        report.left += _explained(left, project, place)
        report.items += [one for one in named if one.id not in {still.id for still in left}]
    if todo:
        for unread in superseded(ledger, index, project):
            index.drop(unread.id)
            report.items.append(unread)
            report.mended["vectors"]["extra"] += 1
    progress.advance("repair", len(todo), len(todo))
    return report


def write_points(index: QdrantVectorIndex, place: Place, rows: Iterable[PointContent]) -> int:
    """Write points from the ledger's rows, replacing what they held; rows without a vector are left out. The number written."""
    written = 0
    for some in chunked((row for row in rows if row.vector), _BATCH):
        vectors = np.frombuffer(b"".join(row.vector or b"" for row in some), "<f4").reshape(len(some), -1)
        index.ensure(place.collection or "", vectors.shape[1])
        points = [
            Point(row.id, row.chunk_id, row.document_id, row.source, row.born, weights, place.lifetimes.end(row.died))
            for row, weights in zip(some, encode_documents([row.text for row in some]), strict=True)
        ]
        index.upsert(place.collection or "", points, vectors.astype(np.float32, copy=False))
        written += len(points)
    return written


def write_items(graph: KnowledgeGraph, project: str, items: Iterable[Node | Edge], lifetimes: Lifetimes) -> int:
    """Write nodes and edges, nodes first as they come, replacing what they said; the number written."""
    written = 0
    for some in chunked(items, _BATCH * 10):
        ended = [replace(item, died=lifetimes.end(item.died)) for item in some]
        written += graph.upsert_nodes(project, (item for item in ended if isinstance(item, Node)))
        written += graph.upsert_edges(project, (item for item in ended if isinstance(item, Edge)))
    return written


def remove_misplaced(ledger: PostgresLedger, graph: KnowledgeGraph, project: str, drift: Drift) -> int:
    """Remove what the ledger does not know, and what no write can put right: another label, other ends, the same id twice."""
    removed = 0
    for some in chunked(drift.found.extra, _BATCH):
        removed += graph.remove(project, [drift.name(id_) for id_ in some])
    for asked in chunked(wanted_items(graph_items(ledger, project, drift.place.lifetimes), drift.found.stale), _BATCH):
        expected = {item.id: (kind_of(item), _ends(project, item)) for item in asked}
        held = graph.named(project, list(expected))
        seen = [item.id for item in held]
        wrong = {item.id for item in held if (item.kind, item.ends) != expected[item.id] or seen.count(item.id) > 1}
        removed += graph.remove(project, sorted(wrong))
    return removed


def _mend(
    ledger: PostgresLedger,
    originals: DocumentStore,
    index: QdrantVectorIndex,
    graph: KnowledgeGraph,
    project: str,
    drift: Drift,
    cache: Path,
) -> None:
    place, found = drift.place, drift.found
    absent = np.union1d(found.missing, found.stale)
    match place.layer:
        case "documents":
            originals.delete(project, [drift.name(id_) for id_ in found.extra])
            _read_again(ledger, originals, project, [drift.name(id_) for id_ in absent], cache)
        case "vectors":
            if len(found.extra):
                index.remove(place.collection or "", [drift.name(id_) for id_ in found.extra])
            if sparse_is_known(project, place):
                write_points(index, place, _rows(ledger, project, place, absent))
        case _:
            graph.prepare()
            remove_misplaced(ledger, graph, project, drift)
            write_items(
                graph, project, wanted_items(graph_items(ledger, project, place.lifetimes), absent), place.lifetimes
            )


def _rows(ledger: PostgresLedger, project: str, place: Place, ids: Ids) -> Iterator[PointContent]:
    rows = (row for rows in point_rows(ledger, project, place, texts=True) for row in rows)
    return wanted_items(rows, ids)


def _ends(project: str, item: Node | Edge) -> tuple[str, str] | None:
    return (f"{project}/{item.source}", f"{project}/{item.target}") if isinstance(item, Edge) else None


def _read_again(
    ledger: PostgresLedger, originals: DocumentStore, project: str, sha256s: list[str], cache: Path
) -> None:
    """Store originals anew from their sources, where those still hold the same bytes."""
    wanted: dict[tuple[str, str], set[str]] = {}
    for sha256, homes in ledger.contents.homes(project, sha256s).items():
        for home in homes:
            wanted.setdefault((home.source, home.uri), set()).add(sha256)
    for source in ledger.projects.sources(project):
        uris = {uri for name, uri in wanted if name == source.name}
        # A source that is away gives nothing; what it would have given is reported as left.
        with suppress(DestinyError):
            context = SourceContext(project, source.name, ledger, originals, cache)
            place = open_source(source.kind, source.uri, source.options, context)
            for uri, data in _bytes_of(place, uris) if uris else ():
                sha256 = hashlib.sha256(data).hexdigest()
                if sha256 in wanted[source.name, uri]:
                    # A store keeps what it has under a name, damaged or not.
                    originals.delete(project, [sha256])
                    originals.put(project, data)


def _bytes_of(place: SourceReader, uris: set[str]) -> Iterator[tuple[str, bytes]]:
    """(uri, bytes) of those items that the source still holds and that can be read."""
    for item in place.scan():
        if item.uri in uris:
            with suppress(UnreadableDocumentError):
                yield item.uri, place.read(item).data


def _count(report: RepairReport, before: Drift, after: Drift) -> int:
    """Note what is right now and was not before; its number."""
    counts = report.mended[before.place.layer]
    remaining = {side: getattr(after.found, side) for side in counts}
    mended = {side: len(np.setdiff1d(getattr(before.found, side), remaining[side])) for side in counts}
    for side, number in mended.items():
        counts[side] += number
    return sum(mended.values())


def _explained(findings: list[Finding], project: str, place: Place) -> list[Finding]:
    again = f"Bring the source back and run `destiny repair {project}` again, or take it from a backup: destiny restore"
    if place.layer == "documents":
        return [replace(finding, todo=f"No source holds these bytes any more. {again}.") for finding in findings]
    if place.layer == "graph":
        return [replace(finding, todo="Look into the graph server's log.") for finding in findings]
    todo = (
        "The ledger has lost this text's vector. Take the ledger from a backup: destiny restore"
        if sparse_is_known(project, place)
        else f"Another version of Destiny made this collection. Build it anew with: destiny rebuild {project} --layer vectors"
    )
    return [replace(finding, todo=todo) for finding in findings]
