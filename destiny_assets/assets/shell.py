"""What every stage's asset does around its plain function: time it, keep its report in the ledger, show it as metadata."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.generations import Generation
from destiny_assets.errors import DestinyError, ModelError, StoreUnavailableError

OWNERS = ["team:knowledge"]
_RETRIES, _FIRST_WAIT_S = 2, 2
CLEAN_UPSTREAM = (dg.AutomationCondition.eager() & dg.AutomationCondition.all_deps_blocking_checks_passed()).with_label(
    "upstream changed and passed its blocking checks"
)


@contextmanager
def failing_in_words(context: dg.AssetExecutionContext) -> Iterator[None]:
    """Makes a failure Destiny knows a sentence; one that may pass by itself is tried again, twice, ever later.

    A `RetryPolicy` would do the second too, but Dagster applies it to Ctrl-C and "terminate" as well and starts the stopped step again.
    """
    try:
        yield
    except (StoreUnavailableError, ModelError) as error:
        if context.retry_number < _RETRIES:
            wait = _FIRST_WAIT_S * 2**context.retry_number
            raise dg.RetryRequested(max_retries=_RETRIES, seconds_to_wait=wait) from error
        raise dg.Failure(description=str(error), allow_retries=False) from error
    except DestinyError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error


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
    with failing_in_words(context):
        generation = find(context.partition_key)
        facts = dict(work(generation))
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
