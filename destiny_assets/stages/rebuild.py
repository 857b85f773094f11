"""Rebuild: a whole layer from the ledger, without a model, while readers go on.

Vectors are built into collections beside the ones that are read, verified, and switched to in one update of the ledger; a reader that
had pinned an old collection asks the ledger again (`serving.service`). The graph is one space for all generations and readers, so it
is written over in place: everything that should be there first replaces what is there, then goes what should not be.
"""

from dataclasses import replace
from typing import Any

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.qdrant import QdrantVectorIndex, collection_name, free_collection
from destiny_assets.domain.inventories import Lifetimes
from destiny_assets.domain.sparse import ENCODER
from destiny_assets.errors import ConflictError
from destiny_assets.ports import DocumentStore, KnowledgeGraph, Progress
from destiny_assets.serving.drift import Drift, Place, compare, graph_items, places, point_rows
from destiny_assets.stages.repair import remove_misplaced, write_items, write_points

REBUILT = ("vectors", "graph")


def rebuild_layer(
    ledger: PostgresLedger,
    originals: DocumentStore,
    index: QdrantVectorIndex,
    graph: KnowledgeGraph,
    project: str,
    layer: str,
    progress: Progress,
) -> dict[str, Any]:
    """Build one of `REBUILT` anew for all generations that can be read; the caller holds the write lock.

    Raises `ConflictError` when what was built is not what the ledger says; readers then keep what they had.
    """
    ledger.projects.require(project)
    todo = [place for place in places(ledger, project) if place.layer == layer]
    if not todo:
        raise ConflictError(f"Project {project!r} has nothing published yet. Run: destiny ingest {project}")

    def verified(place: Place) -> Drift:
        drift = compare(ledger, originals, index, graph, project, place)
        if not drift.ok:
            found = drift.found
            raise ConflictError(
                f"The {layer} of {project!r} were built anew and {len(found.missing)} items are missing, {len(found.extra)} extra and "
                f"{len(found.stale)} stale. Readers keep what they had. See: destiny doctor {project}"
            )
        return drift

    if layer == "graph":
        (place,) = todo
        written = _rebuild_graph(ledger, originals, index, graph, project, place, progress)
        facts: dict[str, Any] = {"items": verified(place).expected}
    else:
        totals = {
            target: sum(len(rows) for rows in point_rows(ledger, project, target)) for target in _targets(project, todo)
        }
        # A project without a chunk has a collection without a point, and nothing to build.
        built = [target for target, total in totals.items() if total]
        written = 0
        for target in built:
            index.drop(target.collection or "")
            for rows in point_rows(ledger, project, target, texts=True):
                written += write_points(index, target, rows)
                progress.advance("vectors", written, sum(totals.values()))
        facts = {"items": sum(verified(target).expected for target in built)}
        renamed = {
            old.collection or "": new.collection or "" for old in todo for new in built if old.model_id == new.model_id
        }
        ledger.generations.switch_collections(project, renamed)
        for name in renamed:
            index.drop(name)
        facts["collections"] = renamed
    return {"project": project, "layer": layer, "written": written, "model_calls": 0, **facts}


def _targets(project: str, read: list[Place]) -> list[Place]:
    """One new collection an embedding model, for the generations of all collections of that model."""
    taken = {place.collection or "" for place in read}
    built = []
    for model_id in dict.fromkeys(place.model_id or "" for place in read):
        of_model = [place for place in read if (place.model_id or "") == model_id]
        numbers = {number for place in of_model for number in place.lifetimes.readable}
        name = free_collection(collection_name(project, model_id, ENCODER), taken)
        built.append(replace(of_model[0], collection=name, lifetimes=Lifetimes(numbers), in_progress=False))
    return built


def _rebuild_graph(
    ledger: PostgresLedger,
    originals: DocumentStore,
    index: QdrantVectorIndex,
    graph: KnowledgeGraph,
    project: str,
    place: Place,
    progress: Progress,
) -> int:
    graph.prepare()
    # What has the wrong label or ends would stand in the way of what is written.
    remove_misplaced(ledger, graph, project, compare(ledger, originals, index, graph, project, place))
    total = sum(1 for _ in graph_items(ledger, project, place.lifetimes))
    written = write_items(graph, project, graph_items(ledger, project, place.lifetimes), place.lifetimes)
    progress.advance("graph", written, total)
    return written
