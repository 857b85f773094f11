"""The surface that Dagster shows: every asset, check, job, schedule, sensor and resource, by name."""

import dagster as dg
import pytest

from destiny_assets.definitions import build_definitions

ASSETS = {
    "sources": "ingest",
    "documents": "ingest",
    "chunks": "understand",
    "embeddings": "understand",
    "vector_index": "understand",
    "entities": "link",
    "entity_merges": "link",
    "decisions": "link",
    "claims": "link",
    "knowledge_graph": "link",
    "trust_scores": "trust",
    "claim_probabilities": "trust",
    "claim_calibration": "trust",
    "decision_risks": "trust",
    "retrieval_benchmark": "benchmark",
    "trust_benchmark": "benchmark",
    "quality_gate": "publish",
    "published_generation": "publish",
    "project_report": "reports",
    "home_backups": "backup",
    "restore_drills": "backup",
}
BLOCKING = {
    "document_contract": "documents",
    "chunk_contract": "chunks",
    "entity_contract": "entities",
    "merge_contract": "entity_merges",
    "merges_join_what_is_there": "entity_merges",
    "decision_contract": "decisions",
    "claim_contract": "claims",
    "probability_contract": "claim_probabilities",
    "reliability_contract": "claim_probabilities",
    "calibration_contract": "claim_calibration",
    "risk_contract": "decision_risks",
    "trust_contract": "trust_scores",
    "documents_have_chunks": "chunks",
    "chunks_stand_at_their_spans": "chunks",
    "chunks_have_vectors": "embeddings",
    "mentions_stand_at_their_spans": "entities",
    "claims_stand_at_their_spans": "claims",
    "claims_have_evidence": "claims",
    "claims_are_weighed": "claim_probabilities",
    "beliefs_are_the_sum_of_their_terms": "claim_probabilities",
    "scores_are_the_sum_of_their_terms": "trust_scores",
    "layers_agree": "quality_gate",
    "retrieval_is_no_worse": "retrieval_benchmark",
}
WARNING = {
    "documents_exist": "documents",
    "superseded_decisions_are_known": "decisions",
    "decisions_supersede_in_no_circle": "decisions",
    "decisions_stand_on_what_holds": "decision_risks",
    "grounds_are_known": "decision_risks",
    "golden_questions_are_answered": "retrieval_benchmark",
    "probabilities_hold": "claim_calibration",
    "trust_model_is_no_worse": "trust_benchmark",
}


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_definitions(marts=False)


@pytest.fixture(scope="module")
def whole() -> dg.Definitions:
    return build_definitions()


def test_everything_loads_and_fits_together(definitions: dg.Definitions, whole: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)
    dg.Definitions.validate_loadable(whole)


def test_the_assets_are_these_in_these_groups(definitions: dg.Definitions) -> None:
    specs = definitions.resolve_all_asset_specs()
    assert {spec.key.to_user_string(): spec.group_name for spec in specs} == ASSETS


def test_every_asset_says_what_it_is_where_it_lives_and_who_owns_it(whole: dg.Definitions) -> None:
    specs = [spec for spec in whole.resolve_all_asset_specs() if spec.group_name != "default"]
    assert len(specs) >= len(ASSETS)
    for spec in specs:
        assert spec.description, spec.key
        assert spec.kinds, spec.key
        assert spec.owners, spec.key


def test_every_stage_is_divided_by_project_and_never_finer(definitions: dg.Definitions) -> None:
    specs = [spec for spec in definitions.resolve_all_asset_specs() if spec.group_name != "backup"]
    partitions = {spec.partitions_def for spec in specs}
    assert partitions == {dg.DynamicPartitionsDefinition(name="projects")}


def test_the_checks_are_these_and_the_gates_block(definitions: dg.Definitions) -> None:
    checks = {
        spec.name: (spec.asset_key.to_user_string(), spec.blocking)
        for check in definitions.asset_checks or ()
        for spec in getattr(check, "check_specs", ())
    }
    expected = {name: (asset, True) for name, asset in BLOCKING.items()}
    expected |= {name: (asset, False) for name, asset in WARNING.items()}
    assert checks == expected


def test_jobs_schedules_and_sensors_are_these(whole: dg.Definitions) -> None:
    repository = whole.get_repository_def()
    names = {name for name in repository.job_names if not name.startswith("__")}
    assert names == {
        *("ingest_project", "benchmark_project", "build_marts", "repair_project", "vacuum_project"),
        *("backup_home", "verify_backup"),
    }
    schedules = {schedule.name: schedule for schedule in repository.schedule_defs}
    assert {name: (s.cron_schedule, s.job_name) for name, s in schedules.items()} == {
        "nightly_ingest": ("0 3 * * *", "ingest_project"),
        "nightly_backup": ("0 5 * * *", "backup_home"),
        "nightly_restore": ("0 6 * * *", "verify_backup"),
        "weekly_vacuum": ("0 5 * * 0", "vacuum_project"),
    }
    own = {sensor.name for sensor in repository.sensor_defs if not sensor.name.startswith("default_")}
    assert own == {
        *("on_project_added", "on_source_changed", "on_layer_drift", "on_embedding_model_changed"),
        *("on_feedback", "on_trust_fell", "on_run_failure", "on_run_killed", "on_generation_published"),
    }


def test_the_ingest_job_runs_every_stage_from_documents_to_the_report(definitions: dg.Definitions) -> None:
    job = definitions.resolve_job_def("ingest_project")
    keys = {key.to_user_string() for key in job.asset_layer.executable_asset_keys}
    assert keys == set(ASSETS) - {"sources", "home_backups", "restore_drills"}


def test_resources_can_be_replaced_by_name() -> None:
    marker = object()
    resources = build_definitions(resources={"progress": marker}, marts=False).resources or {}
    assert resources["progress"] is marker
    assert set(resources) == {
        *(
            "ledger",
            "writer",
            "originals",
            "vectors",
            "graph",
            "reader",
            "tokens",
            "extractor",
            "embedder",
            "claim_model",
            "reranker",
            "progress",
            "reports",
            "cache",
            "backups",
        )
    }
