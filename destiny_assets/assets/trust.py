"""Trust: how far each document and chunk can be relied on."""

from typing import Any

import dagster as dg
from dagster import ResourceParam

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.assets.link import entities
from destiny_assets.assets.shell import CLEAN_UPSTREAM, OWNERS, run_stage
from destiny_assets.domain.trust import MODEL
from destiny_assets.partitions import PROJECTS
from destiny_assets.stages.score import score_trust


@dg.asset(
    group_name="trust",
    kinds={"postgres"},
    owners=OWNERS,
    code_version=MODEL,
    deps=[entities],
    partitions_def=PROJECTS,
    pool="postgres",
    automation_condition=CLEAN_UPSTREAM,
)
def trust_scores(context: dg.AssetExecutionContext, ledger: ResourceParam[PostgresLedger]) -> dg.MaterializeResult[Any]:
    """A score in (0, 1) for every document and chunk, with the log-odds terms it is the sum of."""
    project = context.partition_key
    return run_stage(
        context,
        ledger,
        "trust_scores",
        ledger.generations.building,
        lambda generation: score_trust(ledger, project, generation.number),
    )
