"""Trust: how far each document, chunk and claim can be relied on, and which decisions rest on what no longer can."""

from typing import Any

import dagster as dg
from dagster import ResourceParam

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.assets.claims import claims
from destiny_assets.assets.decisions import decisions
from destiny_assets.assets.identities import entity_merges
from destiny_assets.assets.link import entities
from destiny_assets.assets.shell import CLEAN_UPSTREAM, OWNERS, run_stage
from destiny_assets.domain.claims.scoring import MODEL as CLAIM_MODEL
from destiny_assets.domain.trust import MODEL
from destiny_assets.partitions import PROJECTS
from destiny_assets.ports import Progress
from destiny_assets.stages.believe import believe_claims
from destiny_assets.stages.grounds import CODE as GROUNDS_CODE
from destiny_assets.stages.grounds import watch_decisions
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


@dg.asset(
    group_name="trust",
    kinds={"postgres"},
    owners=OWNERS,
    code_version=CLAIM_MODEL,
    deps=[claims, entity_merges],
    partitions_def=PROJECTS,
    pool="postgres",
    automation_condition=CLEAN_UPSTREAM,
)
def claim_probabilities(
    context: dg.AssetExecutionContext, ledger: ResourceParam[PostgresLedger], progress: ResourceParam[Progress]
) -> dg.MaterializeResult[Any]:
    """A probability in (0, 1) for every claim, with the log-odds terms of its witnesses, what contradicts and what replaced it."""
    project = context.partition_key
    return run_stage(
        context,
        ledger,
        "claim_probabilities",
        ledger.generations.building,
        lambda generation: believe_claims(ledger, project, generation.number, progress),
        rows="claims",
    )


@dg.asset(
    group_name="trust",
    kinds={"postgres"},
    owners=OWNERS,
    code_version=GROUNDS_CODE,
    deps=[decisions, claim_probabilities, trust_scores],
    partitions_def=PROJECTS,
    pool="postgres",
    automation_condition=CLEAN_UPSTREAM,
)
def decision_risks(
    context: dg.AssetExecutionContext, ledger: ResourceParam[PostgresLedger]
) -> dg.MaterializeResult[Any]:
    """What each decision rests on, and which decisions are at risk since something of it fell, was replaced or is gone."""
    project = context.partition_key
    return run_stage(
        context,
        ledger,
        "decision_risks",
        ledger.generations.building,
        lambda generation: watch_decisions(ledger, project, generation.number),
        rows="grounds",
    )
