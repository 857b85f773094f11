"""Are the four layers well, and do they agree? Read-only: it names what is wrong and mends nothing."""

from dataclasses import asdict

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.qdrant import QdrantVectorIndex
from destiny_assets.errors import StoreUnavailableError
from destiny_assets.ports import DocumentStore, KnowledgeGraph
from destiny_assets.serving.agreement import LayerAgreement, layer_agreement
from destiny_assets.serving.results import Diagnosis, LayerHealth


def diagnose(
    ledger: PostgresLedger,
    originals: DocumentStore,
    vectors: QdrantVectorIndex,
    graph: KnowledgeGraph,
    project: str,
) -> Diagnosis:
    """The health of a project's layers at its current generation; a layer that does not answer is named, not raised."""
    ledger.projects.require(project)
    current = ledger.generations.current(project)
    layers = {"ledger": LayerHealth(True, 0, "answers, nothing published yet")}
    agreement: dict[str, LayerAgreement] = {}
    if current is not None:
        counts = ledger.reading.counts(project, current.number)
        layers["ledger"] = LayerHealth(
            True,
            counts["chunks"],
            f"{counts['documents']} documents, {counts['chunks']} chunks, {counts['entities']} entities",
        )
        for name in ("documents", "vectors", "graph"):
            try:
                agreement[name] = layer_agreement(ledger, originals, vectors, graph, current, name)
            except StoreUnavailableError as error:
                layers[name] = LayerHealth(False, 0, str(error))
            else:
                layers[name] = _health(agreement[name])
    quarantined = [
        {
            "document": item.uri,
            "source": item.source,
            "stage": item.stage,
            "reason": item.reason,
            "detail": item.detail,
            "tries": item.tries,
        }
        for item in ledger.projects.quarantined(project)
    ]
    return Diagnosis(
        ok=all(layer.ok for layer in layers.values()),
        project=project,
        generation=current.number if current else None,
        layers=layers,
        agreement={
            side: {name: asdict(layer)[side] for name, layer in agreement.items()}
            for side in ("missing", "extra", "stale")
        },
        quarantined=quarantined,
    )


def _health(layer: LayerAgreement) -> LayerHealth:
    wrong = [
        f"{count} {word}"
        for count, word in ((layer.missing, "missing"), (layer.extra, "unknown"), (layer.stale, "stale"))
        if count
    ]
    return LayerHealth(layer.ok, layer.expected - layer.missing, ", ".join(wrong) or "agrees with the ledger")
