"""Identities: which entities are one."""

from typing import Any

import dagster as dg
from dagster import ResourceParam

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.assets.link import entities
from destiny_assets.assets.shell import CLEAN_UPSTREAM, OWNERS, run_stage
from destiny_assets.domain.identity.entities import MODEL
from destiny_assets.partitions import PROJECTS
from destiny_assets.stages.identities import merge_entities


@dg.asset(
    group_name="link",
    kinds={"postgres"},
    owners=OWNERS,
    code_version=MODEL,
    deps=[entities],
    partitions_def=PROJECTS,
    pool="postgres",
    automation_condition=CLEAN_UPSTREAM,
)
def entity_merges(
    context: dg.AssetExecutionContext, ledger: ResourceParam[PostgresLedger]
) -> dg.MaterializeResult[Any]:
    """Entities that are taken for one, each with its reasons; what people took back is never merged again."""
    project = context.partition_key
    return run_stage(
        context,
        ledger,
        "entity_merges",
        ledger.generations.building,
        lambda generation: merge_entities(ledger, project, generation.number),
        rows="merges",
    )
