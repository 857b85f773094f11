"""Understand: from documents to chunks, embeddings and the vector layer."""

import os
from typing import Any

import dagster as dg
from dagster import ResourceParam

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.qdrant import QdrantVectorIndex
from destiny_assets.assets.ingest import documents
from destiny_assets.assets.shell import CLEAN_UPSTREAM, OWNERS, run_stage
from destiny_assets.partitions import PROJECTS
from destiny_assets.ports import Embedder, Progress, TokenCounter
from destiny_assets.settings import embedding_budget
from destiny_assets.stages.understand import CHUNKING, chunk_documents, embed_chunks, index_vectors


@dg.asset(
    group_name="understand",
    kinds={"postgres"},
    owners=OWNERS,
    code_version=CHUNKING,
    deps=[documents],
    partitions_def=PROJECTS,
    pool="postgres",
    automation_condition=CLEAN_UPSTREAM,
)
def chunks(
    context: dg.AssetExecutionContext,
    ledger: ResourceParam[PostgresLedger],
    tokens: ResourceParam[TokenCounter],
    progress: ResourceParam[Progress],
) -> dg.MaterializeResult[Any]:
    """Every document cut into retrievable pieces along its own structure, with exact offsets; near-duplicates marked."""
    project = context.partition_key
    return run_stage(
        context,
        ledger,
        "chunks",
        ledger.generations.building,
        lambda generation: chunk_documents(ledger, tokens, project, generation.number, progress),
        rows="total",
    )


@dg.asset(
    group_name="understand",
    kinds={"postgres", "openvino"},
    owners=OWNERS,
    code_version="1",
    deps=[chunks],
    partitions_def=PROJECTS,
    pool="model",
    automation_condition=CLEAN_UPSTREAM,
)
def embeddings(
    context: dg.AssetExecutionContext,
    ledger: ResourceParam[PostgresLedger],
    embedder: ResourceParam[Embedder],
    progress: ResourceParam[Progress],
) -> dg.MaterializeResult[Any]:
    """A vector for every chunk's text, kept by the text's hash and the model: a text that was embedded once costs nothing again."""
    project = context.partition_key
    return run_stage(
        context,
        ledger,
        "embeddings",
        ledger.generations.building,
        lambda generation: embed_chunks(
            *(ledger, embedder, project, generation.number, progress), most_tokens=embedding_budget(os.environ)
        ),
        rows="texts",
    )


@dg.asset(
    group_name="understand",
    kinds={"qdrant"},
    owners=OWNERS,
    code_version="1",
    deps=[embeddings],
    partitions_def=PROJECTS,
    pool="qdrant",
    automation_condition=CLEAN_UPSTREAM,
)
def vector_index(
    context: dg.AssetExecutionContext,
    ledger: ResourceParam[PostgresLedger],
    vectors: ResourceParam[QdrantVectorIndex],
    embedder: ResourceParam[Embedder],
    progress: ResourceParam[Progress],
) -> dg.MaterializeResult[Any]:
    """The vector layer: a dense and a BM25 vector for every chunk, each visible from one generation to another."""
    project = context.partition_key
    return run_stage(
        context,
        ledger,
        "vector_index",
        ledger.generations.building,
        lambda generation: index_vectors(ledger, vectors, embedder, project, generation.number, progress),
        rows="points",
    )
