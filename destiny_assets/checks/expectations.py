"""Great Expectations suites as blocking asset checks: the shape of every row a generation adds. The only importer of the library."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster import ResourceParam

from destiny_assets.adapters.postgres.contracts import (
    calibration_rows,
    chunk_rows,
    claim_rows,
    decision_rows,
    document_rows,
    entity_rows,
    merge_rows,
    probability_rows,
    reliability_rows,
    risk_rows,
    trust_rows,
)
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.assets.calibration import claim_calibration
from destiny_assets.assets.claims import claims
from destiny_assets.assets.decisions import decisions
from destiny_assets.assets.identities import entity_merges
from destiny_assets.assets.ingest import documents
from destiny_assets.assets.link import entities
from destiny_assets.assets.trust import claim_probabilities, decision_risks, trust_scores
from destiny_assets.assets.understand import chunks
from destiny_assets.domain.claims.currency import Standing
from destiny_assets.domain.claims.records import LONGEST, Origin
from destiny_assets.domain.documents import Status
from destiny_assets.domain.grounds import RiskReason
from destiny_assets.domain.identity.entities import THRESHOLD

if TYPE_CHECKING:
    import pandas as pd

Rows = Callable[[PostgresLedger, str, int], Iterator[list[dict[str, Any]]]]


@dataclass(frozen=True, slots=True)
class Contract:
    """A suite over the rows a generation adds: (expectation type, arguments) pairs, validated in bounded pieces."""

    name: str
    asset: dg.AssetsDefinition
    rows: Rows
    expectations: tuple[tuple[str, dict[str, Any]], ...]


CONTRACTS = (
    Contract(
        "document_contract",
        documents,
        document_rows,
        (
            ("ExpectColumnValuesToBeUnique", {"column": "id"}),
            ("ExpectColumnValuesToNotBeNull", {"column": "title"}),
            ("ExpectColumnValueLengthsToBeBetween", {"column": "title", "min_value": 1, "max_value": 2_000}),
            ("ExpectColumnValuesToMatchRegex", {"column": "sha256", "regex": "^[0-9a-f]{64}$"}),
            ("ExpectColumnValuesToBeBetween", {"column": "characters", "min_value": 1}),
            ("ExpectColumnValuesToBeBetween", {"column": "bytes", "min_value": 1}),
        ),
    ),
    Contract(
        "chunk_contract",
        chunks,
        chunk_rows,
        (
            ("ExpectColumnValuesToBeUnique", {"column": "id"}),
            ("ExpectColumnValueLengthsToBeBetween", {"column": "text", "min_value": 1}),
            ("ExpectColumnValuesToBeBetween", {"column": "tokens", "min_value": 1, "max_value": 256}),
            ("ExpectColumnPairValuesAToBeGreaterThanB", {"column_A": "ends_at", "column_B": "starts_at"}),
            ("ExpectColumnPairValuesToBeEqual", {"column_A": "span", "column_B": "characters"}),
        ),
    ),
    Contract(
        "entity_contract",
        entities,
        entity_rows,
        (
            ("ExpectColumnValuesToBeUnique", {"column": "key"}),
            ("ExpectColumnValueLengthsToBeBetween", {"column": "name", "min_value": 1}),
            (
                "ExpectColumnValuesToBeInSet",
                {"column": "kind", "value_set": ["document", "person", "identifier", "name", "term"]},
            ),
        ),
    ),
    Contract(
        "merge_contract",
        entity_merges,
        merge_rows,
        (
            ("ExpectColumnValuesToBeUnique", {"column": "id"}),
            ("ExpectColumnPairValuesToBeEqual", {"column_A": "reasoned", "column_B": "probability"}),
            (
                "ExpectColumnValuesToBeBetween",
                {"column": "probability", "min_value": THRESHOLD, "max_value": 1, "strict_max": True},
            ),
        ),
    ),
    Contract(
        "decision_contract",
        decisions,
        decision_rows,
        (
            ("ExpectColumnValuesToBeUnique", {"column": "id"}),
            ("ExpectColumnValueLengthsToBeBetween", {"column": "key", "min_value": 1}),
            ("ExpectColumnValueLengthsToBeBetween", {"column": "title", "min_value": 1}),
            ("ExpectColumnValuesToBeBetween", {"column": "importance", "min_value": 0, "max_value": 1}),
            ("ExpectColumnValuesToBeInSet", {"column": "status", "value_set": [str(status) for status in Status]}),
        ),
    ),
    Contract(
        "claim_contract",
        claims,
        claim_rows,
        (
            ("ExpectColumnValuesToBeUnique", {"column": "id"}),
            *(
                ("ExpectColumnValueLengthsToBeBetween", {"column": column, "min_value": 1, "max_value": LONGEST})
                for column in ("subject", "predicate", "value")
            ),
            ("ExpectColumnValueLengthsToBeBetween", {"column": "witness", "min_value": 1}),
            ("ExpectColumnValuesToNotBeNull", {"column": "value"}),
            ("ExpectColumnValuesToBeInSet", {"column": "origin", "value_set": [str(origin) for origin in Origin]}),
        ),
    ),
    Contract(
        "probability_contract",
        claim_probabilities,
        probability_rows,
        (
            ("ExpectColumnValuesToBeUnique", {"column": "id"}),
            (
                "ExpectColumnValuesToBeBetween",
                {"column": "probability", "min_value": 0, "max_value": 1, "strict_min": True, "strict_max": True},
            ),
            ("ExpectColumnValuesToBeInSet", {"column": "standing", "value_set": [str(word) for word in Standing]}),
        ),
    ),
    Contract(
        "reliability_contract",
        claim_probabilities,
        reliability_rows,
        (
            ("ExpectColumnValuesToBeUnique", {"column": "id"}),
            ("ExpectColumnValueLengthsToBeBetween", {"column": "witness", "min_value": 1}),
            *(
                ("ExpectColumnValuesToBeBetween", {"column": column, "min_value": 0, "max_value": 1})
                for column in ("complete", "coarse", "together")
            ),
            ("ExpectColumnValuesToBeBetween", {"column": "copies", "min_value": 1}),
        ),
    ),
    Contract(
        "calibration_contract",
        claim_calibration,
        calibration_rows,
        (
            ("ExpectColumnValuesToBeUnique", {"column": "method"}),
            *(
                ("ExpectColumnValuesToBeBetween", {"column": column, "min_value": 0, "max_value": 1})
                for column in ("precision", "brier", "ece", "ece_low", "ece_high")
            ),
            ("ExpectColumnValuesToBeBetween", {"column": "log_loss", "min_value": 0}),
            (
                "ExpectColumnPairValuesAToBeGreaterThanB",
                {"column_A": "ece_high", "column_B": "ece_low", "or_equal": True},
            ),
            ("ExpectColumnPairValuesToBeEqual", {"column_A": "binned", "column_B": "judged"}),
        ),
    ),
    Contract(
        "risk_contract",
        decision_risks,
        risk_rows,
        (
            ("ExpectColumnValuesToBeUnique", {"column": "id"}),
            ("ExpectColumnValueLengthsToBeBetween", {"column": "named", "min_value": 1}),
            ("ExpectColumnValueLengthsToBeBetween", {"column": "said", "min_value": 10}),
            ("ExpectColumnValuesToBeInSet", {"column": "reason", "value_set": [str(reason) for reason in RiskReason]}),
        ),
    ),
    Contract(
        "trust_contract",
        trust_scores,
        trust_rows,
        (
            ("ExpectColumnValuesToBeUnique", {"column": "id"}),
            ("ExpectColumnValuesToBeBetween", {"column": "score", "min_value": 0, "max_value": 1}),
            ("ExpectColumnValuesToBeInSet", {"column": "item_kind", "value_set": ["document", "chunk"]}),
        ),
    ),
)


def contract_checks() -> list[dg.AssetChecksDefinition]:
    """Every contract as a blocking asset check."""
    return [_check(contract) for contract in CONTRACTS]


def broken_expectations(contract: Contract, frame: "pd.DataFrame") -> list[str]:
    """The expectations that some row of the frame breaks, with how many rows do; validated in memory."""
    import great_expectations as gx
    import great_expectations.expectations as gxe

    suite = gx.ExpectationSuite(
        name=contract.name, expectations=[getattr(gxe, kind)(**arguments) for kind, arguments in contract.expectations]
    )
    source = _world().data_sources.add_or_update_pandas(contract.name)
    batch = (
        source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    )
    return [
        f"{result.expectation_config.type}({_columns(result.expectation_config.kwargs)}): "
        f"{result.result.get('unexpected_count', result.result.get('observed_value', 'broken'))}"
        for result in batch.validate(suite).results
        if not result.success
    ]


def _check(contract: Contract) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=contract.asset,
        name=contract.name,
        blocking=True,
        description=f"Every row added has the shape that readers count on ({len(contract.expectations)} expectations).",
    )
    def check(context: dg.AssetCheckExecutionContext, ledger: ResourceParam[PostgresLedger]) -> dg.AssetCheckResult:
        generation = ledger.generations.building_or_current(context.run.tags["dagster/partition"])
        rows, broken = 0, []
        for piece in contract.rows(ledger, generation.project, generation.number):
            # A generation that adds no rows need not wait for these imports.
            import pandas as pd

            rows += len(piece)
            broken += broken_expectations(contract, pd.DataFrame.from_records(piece))
        return dg.AssetCheckResult(
            passed=not broken,
            metadata={
                "generation": generation.number,
                "rows": rows,
                "expectations": len(contract.expectations),
                "broken": dg.MetadataValue.json(broken),
            },
        )

    return check


@cache
def _world() -> Any:
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    world = gx.get_context(mode="ephemeral")
    world.variables.progress_bars = ProgressBarsConfig(globally=False)
    return world


def _columns(arguments: dict[str, Any]) -> str:
    return ", ".join(str(arguments[name]) for name in ("column", "column_A", "column_B") if name in arguments)
