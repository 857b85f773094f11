"""Removing a project from all four layers."""

from destiny_assets.adapters.documents import open_document_store
from destiny_assets.adapters.neo4j import connect
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.qdrant import QdrantVectorIndex
from destiny_assets.settings import Settings


def remove_everywhere(settings: Settings, project: str) -> dict[str, int]:
    """Delete a project from the graph, the vectors, the originals and the ledger, in that order; what was there, by layer.

    The ledger goes last: killed half-way, the project is still known and the command can be given again.
    """
    stores = settings.stores
    with PostgresLedger(stores.postgres_url, pool_size=2) as ledger:
        ledger.projects.require(project)
        with connect(stores.neo4j_url) as graph:
            nodes = graph.drop(project)
        with QdrantVectorIndex(stores.qdrant_url) as vectors:
            collections = sum(vectors.drop(name) for name in vectors.collections(project))
        originals = open_document_store(stores.documents_url)
        removed = originals.delete(project, list(originals.ids(project)))
        ledger.projects.remove(project)
    return {"graph nodes": nodes, "vector collections": collections, "originals": removed, "ledger": 1}
