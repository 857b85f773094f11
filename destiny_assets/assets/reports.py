"""Reports: one page a project, written anew when a generation is published or measured again. What it looks like is `domain.report`'s."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster import ResourceParam

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.marts import read_project_report
from destiny_assets.assets.publish import published_generation, retrieval_benchmark
from destiny_assets.assets.shell import CLEAN_UPSTREAM, OWNERS, failing_in_words
from destiny_assets.domain.report.folder import ReportsFolder
from destiny_assets.domain.report.page import render_report
from destiny_assets.partitions import PROJECTS


@dg.asset(
    group_name="reports",
    kinds={"html"},
    owners=OWNERS,
    code_version="1",
    deps=[published_generation, retrieval_benchmark],
    partitions_def=PROJECTS,
    pool="postgres",
    automation_condition=CLEAN_UPSTREAM,
)
def project_report(
    context: dg.AssetExecutionContext, ledger: ResourceParam[PostgresLedger], reports: ResourceParam[ReportsFolder]
) -> dg.MaterializeResult[Any]:
    """What readers of the project see now, as one page that needs no server."""
    with failing_in_words(context):
        report = read_project_report(ledger, context.partition_key, datetime.now(UTC))
        page = reports.write(report.project, render_report(report))
    return dg.MaterializeResult(
        metadata={
            "generation": report.generation or 0,
            "path": dg.MetadataValue.path(page),
            "url": dg.MetadataValue.url(page.as_uri()),
            "bytes": page.stat().st_size,
        }
    )
