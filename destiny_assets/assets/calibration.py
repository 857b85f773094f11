"""How good the model of trust is: on the project's own labels, and on the truth suites attached to it."""

from typing import Any

import dagster as dg
from dagster import ResourceParam

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.assets.shell import CLEAN_UPSTREAM, OWNERS, run_stage
from destiny_assets.assets.trust import claim_probabilities
from destiny_assets.domain.claims.scoring import MODEL as CLAIM_MODEL
from destiny_assets.domain.truth.beliefs import MODEL
from destiny_assets.partitions import PROJECTS
from destiny_assets.ports import Progress
from destiny_assets.stages.calibrate import calibrate_claims
from destiny_assets.stages.trust_suites import measure_trust


@dg.asset(
    group_name="trust",
    kinds={"postgres"},
    owners=OWNERS,
    code_version=CLAIM_MODEL,
    deps=[claim_probabilities],
    partitions_def=PROJECTS,
    pool="postgres",
    automation_condition=CLEAN_UPSTREAM,
)
def claim_calibration(
    context: dg.AssetExecutionContext, ledger: ResourceParam[PostgresLedger]
) -> dg.MaterializeResult[Any]:
    """How well probabilities of claims hold against people's labels, each judged by a model that never saw it, beside majority vote."""
    project = context.partition_key
    return run_stage(
        context,
        ledger,
        "claim_calibration",
        ledger.generations.building,
        lambda generation: calibrate_claims(ledger, project, generation.number),
        rows="judged",
    )


@dg.asset(
    group_name="benchmark",
    kinds={"postgres"},
    owners=OWNERS,
    code_version=MODEL,
    deps=[claim_probabilities],
    partitions_def=PROJECTS,
    pool="postgres",
    automation_condition=CLEAN_UPSTREAM,
)
def trust_benchmark(
    context: dg.AssetExecutionContext, ledger: ResourceParam[PostgresLedger], progress: ResourceParam[Progress]
) -> dg.MaterializeResult[Any]:
    """The model of trust on the project's truth suites, without labels and with fifty, as `destiny evaluate trust` measures it."""
    project = context.partition_key
    return run_stage(
        context,
        ledger,
        "trust_benchmark",
        # On its own (job `benchmark_project`) it measures between two ingests.
        ledger.generations.building_or_current,
        lambda _: measure_trust(ledger, project, progress),
        rows="measured",
    )
