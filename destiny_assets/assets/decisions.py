"""Decisions: from documents that record one to rows that can be asked."""

from typing import Any

import dagster as dg
from dagster import ResourceParam

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.assets.link import entities
from destiny_assets.assets.shell import CLEAN_UPSTREAM, OWNERS, run_stage
from destiny_assets.domain.decisions import RULES
from destiny_assets.partitions import PROJECTS
from destiny_assets.ports import Progress
from destiny_assets.stages.decisions import record_decisions


@dg.asset(
    group_name="link",
    kinds={"postgres"},
    owners=OWNERS,
    code_version=RULES,
    deps=[entities],
    partitions_def=PROJECTS,
    pool="postgres",
    automation_condition=CLEAN_UPSTREAM,
)
def decisions(
    context: dg.AssetExecutionContext, ledger: ResourceParam[PostgresLedger], progress: ResourceParam[Progress]
) -> dg.MaterializeResult[Any]:
    """Every decision that a log, a decision record or a proposal states: who, when, how important, and what replaced it."""
    project = context.partition_key
    return run_stage(
        context,
        ledger,
        "decisions",
        ledger.generations.building,
        lambda generation: record_decisions(ledger, project, generation.number, progress),
        rows="total",
    )
