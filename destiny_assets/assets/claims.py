"""Claims: from documents and tables that state something to rows that can be asked and weighed."""

import os
from typing import Any

import dagster as dg
from dagster import ResourceParam

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.assets.link import entities
from destiny_assets.assets.shell import CLEAN_UPSTREAM, OWNERS, run_stage
from destiny_assets.partitions import PROJECTS
from destiny_assets.ports import ClaimModel, DocumentStore, Progress
from destiny_assets.settings import claim_model_budget
from destiny_assets.stages.claims import CODE, extract_claims


@dg.asset(
    group_name="link",
    kinds={"postgres"},
    owners=OWNERS,
    code_version=CODE,
    deps=[entities],
    partitions_def=PROJECTS,
    pool="postgres",
    automation_condition=CLEAN_UPSTREAM,
)
def claims(
    context: dg.AssetExecutionContext,
    ledger: ResourceParam[PostgresLedger],
    originals: ResourceParam[DocumentStore],
    claim_model: ResourceParam[ClaimModel | None],
    progress: ResourceParam[Progress],
) -> dg.MaterializeResult[Any]:
    """What documents and tables state: subject, predicate and value, who says so, and the exact place where it stands."""
    project = context.partition_key
    return run_stage(
        context,
        ledger,
        "claims",
        ledger.generations.building,
        lambda generation: extract_claims(
            *(ledger, originals, project, generation.number, progress),
            model=claim_model,
            most_tokens=claim_model_budget(os.environ),
        ),
        rows="claims",
    )
