"""What every stage's asset does around its plain function: time it, keep its report in the ledger, show it as metadata."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.generations import Generation
from destiny_assets.errors import DestinyError, ModelError, StoreUnavailableError

OWNERS = ["team:knowledge"]
RETRY = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL)
CLEAN_UPSTREAM = (dg.AutomationCondition.eager() & dg.AutomationCondition.all_deps_blocking_checks_passed()).with_label(
    "upstream changed and passed its blocking checks"
)


def run_stage(
    context: dg.AssetExecutionContext,
    ledger: PostgresLedger,
    stage: str,
    find: Callable[[str], Generation],
    work: Callable[[Generation], Mapping[str, Any]],
    *,
    rows: str | None = None,
) -> dg.MaterializeResult[Any]:
    """Find the project's generation, do `work` for it, and report its facts; `rows` names the fact that is the asset's row count."""
    began = time.perf_counter()
    try:
        generation = find(context.partition_key)
        facts = dict(work(generation))
    except DestinyError as error:
        # Only what may pass by itself is worth trying again.
        passing = isinstance(error, StoreUnavailableError | ModelError)
        raise dg.Failure(description=str(error), allow_retries=passing) from error
    facts.setdefault("seconds", round(time.perf_counter() - began, 3))
    ledger.generations.report(generation.project, generation.number, stage, context.run.run_id, facts)
    return dg.MaterializeResult(metadata=_metadata(generation, facts, rows))


def _metadata(generation: Generation, facts: Mapping[str, Any], rows: str | None) -> dict[str, Any]:
    shown: dict[str, Any] = {"generation": generation.number}
    for name, value in facts.items():
        shown[name] = dg.MetadataValue.json(value) if isinstance(value, dict | list) else value
    if rows is not None:
        shown["dagster/row_count"] = facts[rows]
    return shown
