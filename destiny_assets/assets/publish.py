"""Measure the generation, hold its layers against each other, and let readers see it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import dagster as dg
from dagster import ResourceParam

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.qdrant import QdrantVectorIndex
from destiny_assets.assets.calibration import claim_calibration
from destiny_assets.assets.link import knowledge_graph
from destiny_assets.assets.shell import CLEAN_UPSTREAM, OWNERS, run_stage
from destiny_assets.assets.trust import claim_probabilities, decision_risks, trust_scores
from destiny_assets.assets.understand import vector_index
from destiny_assets.domain.gate import ACCEPT_WORSE
from destiny_assets.domain.generations import Generation
from destiny_assets.domain.trust import MODEL
from destiny_assets.partitions import PROJECTS
from destiny_assets.ports import DocumentStore, Embedder, KnowledgeGraph, Progress, Reranker
from destiny_assets.serving.service import KnowledgeService
from destiny_assets.stages.measure import measure_project
from destiny_assets.stages.publish import publish_generation
from destiny_assets.stages.verify import LAYERS, verify_layer


@dg.asset(
    group_name="benchmark",
    kinds={"postgres", "qdrant"},
    owners=OWNERS,
    code_version="1",
    deps=[vector_index, trust_scores],
    partitions_def=PROJECTS,
    pool="qdrant",
    automation_condition=CLEAN_UPSTREAM,
)
def retrieval_benchmark(
    context: dg.AssetExecutionContext,
    ledger: ResourceParam[PostgresLedger],
    vectors: ResourceParam[QdrantVectorIndex],
    embedder: ResourceParam[Embedder],
    reranker: ResourceParam[Reranker | None],
    progress: ResourceParam[Progress],
) -> dg.MaterializeResult[Any]:
    """The project's golden questions put to the generation through the service that readers use, recipe by recipe."""
    return run_stage(
        context,
        ledger,
        "retrieval_benchmark",
        # On its own (job `benchmark_project`) it measures what readers see now.
        ledger.generations.building_or_current,
        lambda generation: measure_project(
            ledger,
            lambda: KnowledgeService(ledger, vectors, lambda: embedder, reranker=reranker),
            generation,
            run_id=context.run.run_id,
            progress=progress,
        ),
    )


@dg.asset(
    group_name="publish",
    kinds={"postgres", "qdrant", "neo4j"},
    owners=OWNERS,
    code_version="1",
    deps=[
        *(vector_index, knowledge_graph, trust_scores, claim_probabilities, claim_calibration, decision_risks),
        retrieval_benchmark,
    ],
    partitions_def=PROJECTS,
    pool="postgres",
    automation_condition=CLEAN_UPSTREAM,
)
def quality_gate(
    context: dg.AssetExecutionContext,
    ledger: ResourceParam[PostgresLedger],
    originals: ResourceParam[DocumentStore],
    vectors: ResourceParam[QdrantVectorIndex],
    graph: ResourceParam[KnowledgeGraph],
) -> dg.MaterializeResult[Any]:
    """What the generation changed held against every layer, id by id. Its check decides whether readers will see it."""

    def work(generation: Generation) -> dict[str, Any]:
        # Each layer answers from a process of its own, so they are asked at once.
        with ThreadPoolExecutor(len(LAYERS)) as threads:
            layers = threads.map(
                lambda layer: verify_layer(ledger, originals, vectors, graph, generation, layer), LAYERS
            )
            found = dict(zip(LAYERS, layers, strict=True))
        return {"layers": {name: asdict(layer) for name, layer in found.items()}}

    return run_stage(context, ledger, "quality_gate", ledger.generations.building, work)


@dg.asset(
    group_name="publish",
    kinds={"postgres"},
    owners=OWNERS,
    code_version="1",
    deps=[quality_gate],
    partitions_def=PROJECTS,
    pool="postgres",
    automation_condition=CLEAN_UPSTREAM,
)
def published_generation(
    context: dg.AssetExecutionContext, ledger: ResourceParam[PostgresLedger]
) -> dg.MaterializeResult[Any]:
    """What readers see: one row that names the generation, written only after every blocking check passed."""

    def work(generation: Generation) -> dict[str, Any]:
        project, number = generation.project, generation.number
        linker = ledger.generations.stage_facts(project, number, "entities")["linker"]
        measured = ledger.generations.stage_facts(project, number, "retrieval_benchmark")
        facts = ledger.reading.counts(project, number) | {
            "linker": linker,
            "trust_model": MODEL,
            "best_recipe": measured["best_recipe"],
        }
        # Only a refusal is overridden: a reason given in advance to a generation that is no worse says nothing.
        accepted = context.run.tags.get(ACCEPT_WORSE) if measured["gate"]["refused"] else None
        current, published, reason = publish_generation(ledger, generation, facts, accepted_because=accepted)
        return {"current": current.number, "published": published, "reason": reason, **facts}

    return run_stage(context, ledger, "published_generation", ledger.generations.building, work, rows="chunks")
