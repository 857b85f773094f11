"""Do the layers hold the same ids as the ledger at one generation?"""

from dataclasses import dataclass

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.qdrant import QdrantVectorIndex
from destiny_assets.domain.generations import Generation
from destiny_assets.ports import DocumentStore, KnowledgeGraph

LAYERS = ("documents", "vectors", "graph")


@dataclass(frozen=True, slots=True)
class LayerAgreement:
    """One layer against the ledger at one generation.

    `missing`: ids the ledger shows and the layer does not. `stale`: ids the layer still shows, though the ledger has retired them or
    not yet shown them. `extra`: ids the layer shows and the ledger has never heard of.
    """

    expected: int
    missing: int
    extra: int
    stale: int

    @property
    def ok(self) -> bool:
        """Whether the layer holds exactly what it should."""
        return not (self.missing or self.extra or self.stale)


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
            expected = ledger.documents.hashes(project, number)
            return LayerAgreement(len(expected), len(expected - set(store.ids(project))), 0, 0)
        case "vectors":
            expected = set(ledger.projections.visible_chunks(project, number))
            collection = generation.collection
            present = set(index.visible_ids(collection, number)) if collection and index.exists(collection) else set()
            known = ledger.projections.chunk_ids
        case _:
            expected = ledger.projections.graph_ids(project, number)
            present = {id_ for _, id_ in graph.ids(project, number)}
            known = ledger.projections.graph_ids
    surplus = present - expected
    stale = len(surplus & known(project)) if surplus else 0
    return LayerAgreement(len(expected), len(expected - present), len(surplus) - stale, stale)
