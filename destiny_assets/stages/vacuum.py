"""Vacuum: what no generation within the retention window shows goes from every layer.

The generations are marked first, so that nobody is pointed at one that is half gone; then the layers, and the ledger's rows last of
those that name items elsewhere. Killed anywhere it can be run again: what is to go follows from the marks and from what is there.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from more_itertools import chunked

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.qdrant import QdrantVectorIndex
from destiny_assets.ports import DocumentStore, KnowledgeGraph
from destiny_assets.serving.health import superseded

_BATCH = 1_000


def vacuum_project(
    ledger: PostgresLedger,
    originals: DocumentStore,
    index: QdrantVectorIndex,
    graph: KnowledgeGraph,
    project: str,
    keep_days: float,
) -> dict[str, Any]:
    """Remove what only generations show that were last current over `keep_days` days ago; counts by layer.

    What the current generation or any within the window shows stays. The caller holds the write lock; raises `StoreUnavailableError`.
    """
    ledger.projects.require(project)
    oldest, marked = ledger.vacuum.mark(project, datetime.now(UTC) - timedelta(days=keep_days))
    removed: dict[str, Any] = {"vectors": 0, "collections": 0, "graph": 0, "ledger": {}, "documents": 0}
    if oldest:
        read = {one.collection for one in ledger.generations.all(project) if one.vacuumed_at is None and one.collection}
        removed["collections"] = sum(index.drop(left.id) for left in superseded(ledger, index, project))
        removed["vectors"] = sum(index.remove_dead(name, oldest) for name in sorted(read) if index.exists(name))
        removed["graph"] = graph.remove_dead(project, oldest)
        removed["ledger"] = ledger.vacuum.delete_rows(project, oldest)
        removed["documents"] = _delete_unnamed(ledger, originals, project)
    return {
        "project": project,
        "keep_days": keep_days,
        "oldest": oldest or None,
        "generations": marked,
        "removed": removed,
    }


def _delete_unnamed(ledger: PostgresLedger, originals: DocumentStore, project: str) -> int:
    """Remove the originals that no version, published or not, no pushed document and no web answer names; how many."""
    removed = 0
    for some in chunked(list(originals.ids(project)), _BATCH):
        with ledger.vacuum.unnamed(project, some) as unnamed:
            removed += originals.delete(project, unnamed)
    return removed
