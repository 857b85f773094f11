"""Do the layers hold the same ids as the ledger at one generation?"""

from dataclasses import dataclass

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.qdrant import QdrantVectorIndex
from destiny_assets.domain.generations import Generation
from destiny_assets.ports import DocumentStore, KnowledgeGraph

LAYERS = ("documents", "vectors", "graph")


@dataclass(frozen=True, slots=True)
class LayerAgreement:
    """One layer against the ledger: ids the ledger has and it lacks, and the other way round."""

    expected: int
    missing: int
    extra: int

    @property
    def ok(self) -> bool:
        """Whether the layer holds exactly what it should."""
        return not (self.missing or self.extra)


def layer_agreement(
    ledger: PostgresLedger,
    store: DocumentStore,
    index: QdrantVectorIndex,
    graph: KnowledgeGraph,
    generation: Generation,
    layer: str,
) -> LayerAgreement:
    """One of `LAYERS` against the ledger, id by id. Originals of other generations are no surplus."""
    project, number = generation.project, generation.number
    match layer:
        case "documents":
            expected, present = ledger.documents.hashes(project, number), set(store.ids(project))
            return LayerAgreement(len(expected), len(expected - present), 0)
        case "vectors":
            expected = set(ledger.projections.visible_chunks(project, number))
            collection = generation.collection
            present = set(index.visible_ids(collection, number)) if collection and index.exists(collection) else set()
        case _:
            expected = ledger.projections.graph_ids(project, number)
            present = {id_ for _, id_ in graph.ids(project, number)}
    return LayerAgreement(len(expected), len(expected - present), len(present - expected))
