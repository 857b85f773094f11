"""The composition root: every asset, check, job, sensor and resource. The only module that sees everything."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from destiny_assets.assets.backups import home_backups, restore_drills
from destiny_assets.assets.calibration import claim_calibration, trust_benchmark
from destiny_assets.assets.claims import claims
from destiny_assets.assets.decisions import decisions
from destiny_assets.assets.identities import entity_merges
from destiny_assets.assets.ingest import documents, sources
from destiny_assets.assets.link import entities, knowledge_graph
from destiny_assets.assets.marts import build_marts_assets
from destiny_assets.assets.publish import published_generation, quality_gate, retrieval_benchmark
from destiny_assets.assets.reports import project_report
from destiny_assets.assets.trust import claim_probabilities, decision_risks, trust_scores
from destiny_assets.assets.understand import chunks, embeddings, vector_index
from destiny_assets.checks.expectations import contract_checks
from destiny_assets.checks.facts import fact_checks
from jobs.backups import backup_home, nightly_backup, nightly_restore, verify_backup
from jobs.care import repair_project, vacuum_project, weekly_vacuum
from jobs.ingest import benchmark_project, build_marts, ingest_project, nightly_ingest
from resources.folders import BackupsResource, CacheResource, ReportsResource
from resources.models import (
    ClaimModelResource,
    EmbedderResource,
    ExtractorResource,
    ProgressResource,
    ReaderResource,
    RerankerResource,
    TokensResource,
)
from resources.stores import GraphResource, LedgerResource, OriginalsResource, VectorsResource, WriterResource
from sensors.layers import on_layer_drift
from sensors.models import on_embedding_model_changed
from sensors.runs import on_generation_published, on_run_failure, on_run_killed
from sensors.sources import on_project_added, on_source_changed
from sensors.trust import on_feedback, on_trust_fell


def build_definitions(*, resources: Mapping[str, Any] | None = None, marts: bool = True) -> dg.Definitions:
    """Everything Dagster runs; `resources` replaces some by name.

    Without `marts` the dbt project is left out: reading it takes seconds that a single ingest need not wait for.
    """
    dbt_assets = build_marts_assets() if marts else []
    return dg.Definitions(
        assets=[
            *(sources, documents, chunks, embeddings, vector_index, entities, entity_merges),
            *(decisions, claims, knowledge_graph),
            *(trust_scores, claim_probabilities, claim_calibration, decision_risks, trust_benchmark),
            *(retrieval_benchmark, quality_gate, published_generation, project_report),
            *(home_backups, restore_drills),
            *dbt_assets,
        ],
        asset_checks=[*contract_checks(), *fact_checks()],
        jobs=[
            *(ingest_project, benchmark_project, repair_project, vacuum_project, backup_home, verify_backup),
            *([build_marts] if dbt_assets else []),
        ],
        schedules=[nightly_ingest, weekly_vacuum, nightly_backup, nightly_restore],
        sensors=[
            on_project_added,
            on_source_changed,
            on_layer_drift,
            on_embedding_model_changed,
            on_feedback,
            on_trust_fell,
            on_run_failure,
            on_run_killed,
            *([on_generation_published] if dbt_assets else []),
        ],
        resources={
            "ledger": LedgerResource(),
            "writer": WriterResource(),
            "originals": OriginalsResource(),
            "vectors": VectorsResource(),
            "graph": GraphResource(),
            "reader": ReaderResource(),
            "tokens": TokensResource(),
            "extractor": ExtractorResource(),
            "embedder": EmbedderResource(),
            "claim_model": ClaimModelResource(),
            "reranker": RerankerResource(),
            "progress": ProgressResource(),
            "reports": ReportsResource(),
            "cache": CacheResource(),
            "backups": BackupsResource(),
            **(resources or {}),
        },
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What ``dg`` and ``workspace.yaml`` load."""
    return build_definitions()
