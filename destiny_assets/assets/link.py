"""Link: from documents and chunks to entities, references and the graph layer."""

from typing import Any

import dagster as dg
from dagster import ResourceParam

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.assets.shell import CLEAN_UPSTREAM, OWNERS, run_stage
from destiny_assets.assets.understand import embeddings
from destiny_assets.partitions import PROJECTS
from destiny_assets.ports import EntityExtractor, KnowledgeGraph, Progress
from destiny_assets.stages.entities import RULES, link_documents
from destiny_assets.stages.link import project_graph


@dg.asset(
    group_name="link",
    kinds={"postgres"},
    owners=OWNERS,
    code_version=RULES,
    # A document that the embedding model refuses is not linked.
    deps=[embeddings],
    partitions_def=PROJECTS,
    pool="postgres",
    automation_condition=CLEAN_UPSTREAM,
)
def entities(
    context: dg.AssetExecutionContext,
    ledger: ResourceParam[PostgresLedger],
    extractor: ResourceParam[EntityExtractor],
    progress: ResourceParam[Progress],
) -> dg.MaterializeResult[Any]:
    """Entities named in the corpus, where each is mentioned, and which document refers to, requires or supersedes which."""
    project = context.partition_key
    return run_stage(
        context,
        ledger,
        "entities",
        ledger.generations.building,
        lambda generation: link_documents(ledger, extractor, project, generation.number, progress),
        rows="entities",
    )


@dg.asset(
    group_name="link",
    kinds={"neo4j"},
    owners=OWNERS,
    code_version="1",
    # Named, since the modules of the others need this one.
    deps=[entities, *map(dg.AssetKey, ("entity_merges", "decisions", "claims"))],
    partitions_def=PROJECTS,
    pool="neo4j",
    automation_condition=CLEAN_UPSTREAM,
)
def knowledge_graph(
    context: dg.AssetExecutionContext,
    ledger: ResourceParam[PostgresLedger],
    graph: ResourceParam[KnowledgeGraph],
    progress: ResourceParam[Progress],
) -> dg.MaterializeResult[Any]:
    """The graph layer: documents, chunks, entities, decisions and claims with what connects them, each visible from one generation to another."""
    project = context.partition_key
    return run_stage(
        context,
        ledger,
        "knowledge_graph",
        ledger.generations.building,
        lambda generation: project_graph(ledger, graph, project, generation.number, progress),
    )
