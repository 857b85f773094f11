"""Are the four layers well, and do they agree? Read-only: it names what is wrong and mends nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.qdrant import QdrantVectorIndex
from destiny_assets.errors import StoreUnavailableError
from destiny_assets.ports import DocumentStore, KnowledgeGraph
from destiny_assets.serving.agreement import LAYERS
from destiny_assets.serving.drift import Drift, Place, compare, places
from destiny_assets.serving.findings import name_findings
from destiny_assets.serving.results import Diagnosis, Finding, LayerHealth

_SIDES = ("missing", "extra", "stale")


@dataclass(slots=True)
class _Seen:
    """What was seen of one layer, over all its places."""

    held: int = 0
    missing: int = 0
    extra: int = 0
    stale: int = 0
    examples: list[Finding] = field(default_factory=list)

    def health(self) -> LayerHealth:
        words = {"missing": self.missing, "unknown": self.extra, "stale": self.stale}
        wrong = [f"{count} {word}" for word, count in words.items() if count]
        return LayerHealth(not wrong, self.held, ", ".join(wrong) or "agrees with the ledger")


def diagnose(
    ledger: PostgresLedger,
    originals: DocumentStore,
    vectors: QdrantVectorIndex,
    graph: KnowledgeGraph,
    project: str,
    *,
    deep: bool = False,
) -> Diagnosis:
    """The health of a project's layers over all generations that can be read; one that does not answer is named, not raised.

    `LayerHealth.count` is what the current generation shows. `deep` compares every vector whole and reads every original.
    """
    ledger.projects.require(project)
    current = ledger.generations.current(project)
    layers = {"ledger": LayerHealth(True, 0, "answers, nothing published yet")}
    compared = places(ledger, project)
    seen: dict[str, _Seen] = {}
    if current is not None:
        counts = ledger.reading.counts(project, current.number)
        told = f"{counts['documents']} documents, {counts['chunks']} chunks, {counts['entities']} entities"
        layers["ledger"] = LayerHealth(True, counts["chunks"], told)

        def look(layer: str) -> _Seen | StoreUnavailableError:
            try:
                return _look(
                    [place for place in compared if place.layer == layer],
                    lambda place: compare(ledger, originals, vectors, graph, project, place, deep=deep),
                    lambda drift: name_findings(ledger, vectors, graph, project, drift),
                    superseded(ledger, vectors, project) if layer == "vectors" else [],
                )
            except StoreUnavailableError as error:
                return error

        # Each layer answers from a process of its own, so they are asked at once.
        with ThreadPoolExecutor(len(LAYERS)) as threads:
            for layer, outcome in zip(LAYERS, threads.map(look, LAYERS), strict=True):
                if isinstance(outcome, StoreUnavailableError):
                    layers[layer] = LayerHealth(False, 0, str(outcome))
                else:
                    seen[layer] = outcome
                    layers[layer] = outcome.health()
    return Diagnosis(
        ok=all(layer.ok for layer in layers.values()),
        project=project,
        generation=current.number if current else None,
        layers=layers,
        agreement={side: {name: getattr(layer, side) for name, layer in seen.items()} for side in _SIDES},
        quarantined=[
            {
                "document": item.uri,
                "source": item.source,
                "stage": item.stage,
                "reason": item.reason,
                "detail": item.detail,
                "tries": item.tries,
            }
            for item in ledger.projects.quarantined(project)
        ],
        generations=sorted({number for place in compared for number in place.lifetimes.readable}),
        examples=[finding for layer in seen.values() for finding in layer.examples],
        deep=deep,
        refused=ledger.generations.refused(project),
    )


def superseded(ledger: PostgresLedger, vectors: QdrantVectorIndex, project: str) -> list[Finding]:
    """Collections of a project that no generation reads: left by a rebuild that was killed, or by a vacuum."""
    read = {one.collection for one in ledger.generations.all(project) if one.vacuumed_at is None}
    left = [name for name in vectors.collections(project) if name not in read]
    return [Finding("vectors", "collection", name, "extra", None, {}) for name in left]


def _look(
    compared: list[Place],
    compare_place: Callable[[Place], Drift],
    name: Callable[[Drift], list[Finding]],
    collections: list[Finding],
) -> _Seen:
    seen = _Seen(extra=len(collections), examples=list(collections))
    for place in compared:
        drift = compare_place(place)
        found = drift.found
        seen.held += found.held
        seen.missing += len(found.missing)
        seen.extra += len(found.extra)
        seen.stale += len(found.stale)
        if not drift.ok:
            seen.examples += name(drift)
    return seen
