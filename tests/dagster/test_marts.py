"""The dbt project on a real PostgreSQL: its numbers, its tests as asset checks, and a broken row that fails one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import dagster as dg
import numpy as np
import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from destiny_assets.adapters.postgres.calibrations import TrustBenchmark
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.marts import read_project_report
from destiny_assets.assets.marts import PROJECT_FOLDER, build_marts_assets, dbt_environment, parsed_manifest
from destiny_assets.assets.reports import project_report
from destiny_assets.domain.report.folder import ReportsFolder
from destiny_assets.domain.report.values import ProjectReport
from destiny_assets.domain.truth.holdout import HeldOut, calibrations
from destiny_assets.errors import ConfigurationError
from destiny_assets.settings import Stores

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
UPSTREAM = {
    *("documents", "chunks", "claims", "claim_probabilities", "trust_scores", "retrieval_benchmark", "quality_gate"),
    *("published_generation", "claim_calibration", "trust_benchmark"),
}
MARTS = {
    *("mart_knowledge_growth", "mart_layer_health", "mart_trust_distribution", "mart_benchmark_history"),
    *("mart_source_reliability", "mart_contested_slots", "mart_staleness"),
    *("mart_calibration", "mart_reliability_diagram", "mart_trust_benchmark"),
}


@contextmanager
def database(url: str) -> Iterator[str]:
    """A database of this file's own: dbt's tests judge every project of a ledger, other tests' half-filled ones too."""
    name = f"marts_{uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def fill(cursor: psycopg.Cursor[Any]) -> None:
    """Two generations of one project on two days: two documents and three chunks, then one document and one chunk less."""
    cursor.execute("set search_path to destiny")
    cursor.execute("insert into project (project) values ('wiki'), ('empty')")
    documents = [str(uuid4()), str(uuid4())]
    chunks = [str(uuid4()) for _ in range(3)]
    for number, (document, died) in enumerate(zip(documents, (2**31 - 1, 2), strict=True)):
        cursor.execute(
            "insert into document (project, id, source, uri) values ('wiki', %s, 'notes', %s)",
            (document, f"{number}.md"),
        )
        cursor.execute(
            """insert into document_version (project, id, document_id, sha256, text_sha256, fingerprint, parser, media_type, title,
                   authors, fields, headings, links, page_starts, bytes, characters, born, died)
               values ('wiki', %s, %s, '', '', '', '', '', %s, '{}', '{}', '[]', '[]', '{}', 1, 1, 1, %s)""",
            (str(uuid4()), document, f"Title <{number}>", died),
        )
    for chunk, document, died in zip(
        chunks, [documents[0], documents[0], documents[1]], [2**31 - 1] * 2 + [2], strict=True
    ):
        cursor.execute(
            """insert into chunk (project, id, document_id, text, context, heading_path, tokens, embed_sha256, signature, born, died)
               values ('wiki', %s, %s, '', '', '{}', 10, '', '', 1, %s)""",
            (chunk, document, died),
        )
    scores = [(documents[0], "document", 0.95, 1, 2**31 - 1), (documents[1], "document", 0.1, 1, 2)]
    scores += [
        (chunks[0], "chunk", 0.05, 1, 2),
        (chunks[0], "chunk", 1.0, 2, 2**31 - 1),
        (chunks[1], "chunk", 0.0, 1, 2**31 - 1),
    ]
    cursor.executemany(
        "insert into trust_score (project, id, item_kind, score, model, components, born, died) values ('wiki', %s, %s, %s, 'm', '[]', %s, %s)",
        scores,
    )
    fill_claims(cursor, documents[0])
    facts = {1: {"documents": 2, "chunks": 3, "tokens": 30}, 2: {"documents": 1, "chunks": 2, "tokens": 20}}
    for number, day in ((1, "2026-01-01"), (2, "2026-01-05")):
        cursor.execute(
            "insert into generation (project, number, state, published_at, facts) values ('wiki', %s, 'published', %s, %s)",
            (number, day, Jsonb(facts[number])),
        )
        cursor.execute(
            "insert into publication_event (project, generation, reason, at) values ('wiki', %s, 'checks passed', %s)",
            (number, day),
        )
        for at, found in ((f"{day} 00:00", 0.1), (f"{day} 01:00", 0.5 + number / 10)):
            cursor.execute(
                """insert into benchmark_run (project, id, generation, suite, recipe, queries, metrics, at)
                   values ('wiki', %s, %s, 'golden', 'hybrid', 4, %s, %s)""",
                (str(uuid4()), number, Jsonb({"ndcg@10": found, "p95_ms": 12.5, "note": "no number"}), at),
            )
    cursor.execute("insert into generation (project, number, state) values ('wiki', 3, 'building')")
    cursor.execute("insert into publication (project, generation, published_at) values ('wiki', 2, '2026-01-05')")
    layers = {
        "documents": {"expected": 1, "missing": 0, "extra": 0, "stale": 0},
        "vectors": {"expected": 2, "missing": 0, "extra": 0, "stale": 0},
        "graph": {"expected": 6, "missing": 1, "extra": 0, "stale": 0},
    }
    cursor.execute(
        """insert into stage_report (project, generation, stage, run_id, facts)
           values ('wiki', 2, 'quality_gate', 'r', %s), ('wiki', 2, 'chunks', 'r', '{}')""",
        (Jsonb({"layers": layers}),),
    )
    cursor.execute(
        "insert into benchmark_query (project, run_id, query_id, text, ranking, metrics) select project, id, q, q, %s, %s from benchmark_run, "
        "unnest(array['lost', 'found']) as q where generation = 2 and metrics ->> 'ndcg@10' = '0.7'",
        (Jsonb(["x.md", "0.md"]), Jsonb({"mrr@10": 0.5, "ndcg@10": 0.63})),
    )
    cursor.execute("update benchmark_query set metrics = '{\"mrr@10\": 0, \"ndcg@10\": 0}' where query_id = 'lost'")
    entity = str(uuid4())
    cursor.execute(
        "insert into entity (project, id, key, kind, name, aliases, born) values ('wiki', %s, 'mypy', 'term', 'mypy', '{}', 1)",
        (entity,),
    )
    cursor.executemany(
        """insert into mention (project, id, chunk_id, entity_id, surface, starts, ends, method, born)
           values ('wiki', %s, %s, %s, '', '{}', '{}', '', 1)""",
        [(str(uuid4()), chunk, entity) for chunk in chunks],
    )
    cursor.execute(
        "insert into reference (project, id, source_document, target_document, target, relation, stated_by, born) "
        "values ('wiki', %s, %s, %s, '', 'supersedes', %s, 1)",
        (str(uuid4()), documents[0], documents[1], documents[0]),
    )
    for number, reason in enumerate(("empty", "empty", "encrypted")):
        cursor.execute(
            """insert into quarantine (project, source, uri, stage, reason, detail, fingerprint, code)
               values ('wiki', 'notes', %s, 'documents', %s, '', '', '')""",
            (f"broken-{number}", reason),
        )


def fill_claims(cursor: psycopg.Cursor[Any], document: str) -> None:
    """Two values of one slot, claimed by two witnesses, one of them by both."""
    slot = str(uuid4())
    for value, probability, believed, witnesses in (("3", 0.7, True, ("ann", "ben")), ("4", 0.2, False, ("ann",))):
        claim = str(uuid4())
        cursor.execute(
            """insert into claim (project, id, slot_id, subject, predicate, value, origin, entity_ids, born)
               values ('wiki', %s, %s, 'Stamp', 'price', %s, 'stated', '{}', 1)""",
            (claim, slot, value),
        )
        cursor.execute(
            """insert into claim_probability
                   (project, id, slot_id, probability, score, standing, believed, contested, label, model, components, born)
               values ('wiki', %s, %s, %s, 0, 'current', %s, true, %s, 'm', '[]', 1)""",
            (claim, slot, probability, believed, True if believed else None),
        )
        for witness in witnesses:
            cursor.execute(
                """insert into evidence
                       (project, id, claim_id, slot_id, document_id, witness, rule, starts_at, ends_at, quote, about_itself, observed_at, born)
                   values ('wiki', %s, %s, %s, %s, %s, 'table', 0, 1, '', false, %s, 1)""",
                (str(uuid4()), claim, slot, document, witness, "2026-01-01" if believed else "2026-03-01"),
            )
    for witness in ("ann", "ben"):
        cursor.execute(
            """insert into source_reliability (project, id, witness, predicate, complete, coarse, level, copies, born)
               values ('wiki', %s, %s, 'price', 0.6, 0.1, 1, 1, 1)""",
            (str(uuid4()), witness),
        )


def fill_calibration(ledger: PostgresLedger) -> None:
    """Two generations measured on ten labelled slots, and one truth suite."""
    right, sure = np.array([1.0] * 8 + [0.0] * 2), np.array([0.95] * 6 + [0.55] * 4)
    found = calibrations(HeldOut({"destiny": right, "majority": right}, {"destiny": sure, "majority": sure}, 1))
    for generation in (1, 2):
        ledger.calibrations.store("wiki", generation, found, model="m", labels=11, undecided=1)
    methods = {name: {"precision": 0.9, "brier": 0.1, "ece": 0.05} for name in ("destiny", "majority")}
    gain = {"mean": 0.0, "interval_95": [-0.1, 0.1]}
    ledger.calibrations.store_benchmark(
        "wiki", TrustBenchmark("peaks", "0" * 64, "m", 0, 10, {"methods": methods, "precision_gain": gain}, NOON)
    )


@pytest.fixture(scope="module")
def ledger_url(stores: Stores) -> Iterator[str]:
    with database(stores.postgres_url) as url:
        with PostgresLedger(url, pool_size=1) as ledger:
            ledger.migrate()
            with ledger.transaction() as cursor:
                fill(cursor)
            fill_calibration(ledger)
        yield url


def build(url: str, home: Path, *, models: list[str] | None = None) -> dg.ExecuteInProcessResult:
    with pytest.MonkeyPatch.context() as environment, dg.DagsterInstance.ephemeral() as instance:
        environment.setenv("DESTINY_HOME", str(home))
        environment.setenv("DESTINY_POSTGRES_URL", url)
        selection = dg.AssetSelection.assets(*models) if models else None
        return dg.materialize(build_marts_assets(), instance=instance, selection=selection, raise_on_error=False)


@pytest.fixture(scope="module")
def built(ledger_url: str, stores_home: Path) -> dg.ExecuteInProcessResult:
    result = build(ledger_url, stores_home)
    assert result.success, [event.message for event in result.all_events if event.is_failure]
    return result


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, options="-c search_path=marts -c timezone=UTC") as connection:
        return connection.execute(query).fetchall()


def test_every_model_is_built_and_every_test_of_it_passes_as_an_asset_check(built: dg.ExecuteInProcessResult) -> None:
    assert built.success
    materialized = {
        event.asset_key.to_user_string() for event in built.get_asset_materialization_events() if event.asset_key
    }
    assert materialized >= MARTS
    checks = built.get_asset_check_evaluations()
    assert {check.asset_key.to_user_string() for check in checks} >= MARTS
    assert [check.check_name for check in checks if not check.passed] == []


def test_rows_of_each_mart_are_counted_for_dagster(built: dg.ExecuteInProcessResult) -> None:
    counted = {
        event.asset_key.to_user_string(): event.materialization.metadata["dagster/row_count"].value
        for event in built.get_asset_materialization_events()
        if event.asset_key and "dagster/row_count" in event.materialization.metadata
    }
    assert {name: counted[name] for name in MARTS} == {
        "mart_knowledge_growth": 2,
        "mart_layer_health": 1,
        "mart_trust_distribution": 20,
        "mart_benchmark_history": 4,
        "mart_source_reliability": 2,
        "mart_contested_slots": 1,
        "mart_staleness": 1,
        "mart_calibration": 4,
        "mart_reliability_diagram": 20,
        "mart_trust_benchmark": 2,
    }


@pytest.mark.usefixtures("built")
def test_growth_is_what_each_day_ended_with(ledger_url: str) -> None:
    found = rows(
        ledger_url,
        "select project, day::text, generation, documents, chunks, tokens, documents_added, tokens_added from mart_knowledge_growth order by day",
    )
    assert found == [("wiki", "2026-01-01", 1, 2, 3, 30, 2, 30), ("wiki", "2026-01-05", 2, 1, 2, 20, -1, -10)]


@pytest.mark.usefixtures("built")
def test_health_counts_the_layers_that_agree_and_the_quarantined_by_reason(ledger_url: str) -> None:
    found = rows(
        ledger_url,
        """select project, generation, documents, chunks, vectors_expected, graph_missing, layers_agreeing, quarantined,
                  quarantined_by_reason, age_hours > 0 from mart_layer_health""",
    )
    assert found == [("wiki", 2, 1, 2, 2, 1, 3, 3, {"empty": 2, "encrypted": 1}, True)]


@pytest.mark.usefixtures("built")
def test_trust_is_binned_in_tenths_for_what_readers_see_now(ledger_url: str) -> None:
    found = rows(
        ledger_url,
        "select item_kind, bin, items, mean_score from mart_trust_distribution where items > 0 order by 1, 2",
    )
    assert found == [("chunk", 0, 1, 0.5), ("chunk", 9, 1, 0.5), ("document", 9, 1, 0.95)]


@pytest.mark.usefixtures("built")
def test_claims_that_contradict_each_other_and_who_makes_them(ledger_url: str) -> None:
    assert rows(
        ledger_url,
        "select subject, predicate, current_claims, believed_value, believed_probability, is_labelled from mart_contested_slots",
    ) == [("Stamp", "price", 2, "3", 0.7, True)]
    assert rows(
        ledger_url,
        "select witness, reliability, claims, contested, believed, labelled_true, labelled_false from mart_source_reliability order by 1",
    ) == [("ann", 0.6, 2, 2, 1, 1, 0), ("ben", 0.6, 1, 1, 1, 1, 0)]


@pytest.mark.usefixtures("built")
def test_calibration_by_generation_and_the_newest_as_a_diagram(ledger_url: str) -> None:
    assert rows(
        ledger_url,
        """select generation, judged, undecided, precision, round(ece::numeric, 3)::text, is_newest from mart_calibration
           where method = 'destiny' order by 1""",
    ) == [(1, 10, 1, 0.8, "0.050", False), (2, 10, 1, 0.8, "0.050", True)]
    assert rows(
        ledger_url,
        "select bin, slots, mean_probability, share_right from mart_reliability_diagram where method = 'majority' and slots > 0 order by 1",
    ) == [(5, 4, 0.55, 0.5), (9, 6, pytest.approx(0.95), 1.0)]


@pytest.mark.usefixtures("built")
def test_what_is_believed_is_as_old_as_its_last_word(ledger_url: str) -> None:
    assert rows(
        ledger_url, "select predicate, slots, dated, last_said_at::date::text, oldest_days from mart_staleness"
    ) == [("price", 1, 1, "2026-01-01", 0.0)]


@pytest.mark.usefixtures("built")
def test_benchmarks_keep_the_newest_run_of_a_generation_and_the_change_since_the_last(ledger_url: str) -> None:
    found = rows(
        ledger_url,
        """select generation, metric, round(value::numeric, 3)::text, round(change::numeric, 3)::text, is_current
           from mart_benchmark_history order by 1, 2""",
    )
    assert found == [
        (1, "ndcg@10", "0.600", None, False),
        (1, "p95_ms", "12.500", None, False),
        (2, "ndcg@10", "0.700", "0.100", True),
        (2, "p95_ms", "12.500", "0.000", True),
    ]


@pytest.mark.usefixtures("built")
def test_a_broken_row_fails_the_test_that_guards_it(ledger_url: str, stores_home: Path) -> None:
    with psycopg.connect(ledger_url) as connection:
        connection.execute("update destiny.generation set facts = facts || '{\"documents\": -5}' where number = 2")
    broken = build(ledger_url, stores_home, models=["stg_generations", "stg_publications", "mart_knowledge_growth"])
    assert not broken.success
    failed = {check.check_name for check in broken.get_asset_check_evaluations() if not check.passed}
    assert "within_stg_generations_documents__chunks__tokens__entities__mentions__reference_count__0" in failed


def test_the_report_of_a_project_is_written_from_what_readers_see(ledger_url: str, tmp_path: Path) -> None:
    with PostgresLedger(ledger_url, pool_size=1) as ledger, dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("projects", ["wiki"])
        resources = {"ledger": ledger, "reports": ReportsFolder(tmp_path)}
        run = dg.materialize([project_report], partition_key="wiki", resources=resources, instance=instance)
    metadata = run.asset_materializations_for_node("project_report")[0].metadata
    page = Path(str(metadata["path"].value))
    assert metadata["bytes"].value == page.stat().st_size > 10_000
    said = page.read_text("utf-8")
    assert "<b>Generation 2</b>" in said
    assert "3 of 4 layers agree" in said
    assert "Title &lt;0&gt;" in said
    assert "<0>" not in said


def test_a_report_reads_only_the_generation_readers_see(ledger_url: str) -> None:
    with PostgresLedger(ledger_url, pool_size=1) as ledger:
        report = read_project_report(ledger, "wiki", NOON)
        with ledger.transaction() as cursor:
            cursor.execute("update publication set generation = 1 where project = 'wiki'")
        rolled_back = read_project_report(ledger, "wiki", NOON)
        with ledger.transaction() as cursor:
            cursor.execute("update publication set generation = 2 where project = 'wiki'")
        empty = read_project_report(ledger, "empty", NOON)
    assert report.counts == {"documents": 1, "chunks": 2, "tokens": 20, "entities": 1, "mentions": 3, "references": 1}
    assert [(layer.name, layer.agrees) for layer in report.layers] == [
        ("documents", True),
        ("ledger", True),
        ("vectors", True),
        ("graph", False),
    ]
    assert [(trust.kind, trust.bins[0], trust.bins[9], trust.mean) for trust in report.trust] == [
        ("document", 0, 1, 0.95),
        ("chunk", 1, 1, 0.5),
    ]
    assert [(entity.name, entity.chunks, entity.documents) for entity in report.entities] == [("mypy", 2, 1)]
    assert [(run.generation, run.metrics["ndcg@10"]) for run in report.benchmarks] == [(1, 0.6), (2, 0.7)]
    assert [(asked.text, asked.document, asked.rank) for asked in report.questions] == [
        ("found", "Title <0>", 2),
        ("lost", None, None),
    ]
    assert report.supersessions == ()
    assert [item.reason for item in report.quarantined] == ["empty", "empty", "encrypted"]
    assert rolled_back.counts is not None
    assert rolled_back.counts["documents"] == 2
    assert [(pair.older, pair.newer) for pair in rolled_back.supersessions] == [("Title <1>", "Title <0>")]
    assert empty == ProjectReport("empty", NOON)


def test_the_marts_follow_the_stages_whose_tables_they_read() -> None:
    (marts,) = build_marts_assets()
    assert {key.to_user_string() for key in marts.dependency_keys - marts.keys} == UPSTREAM
    assert {spec.group_name for spec in marts.specs} == {"marts"}
    assert {owner for spec in marts.specs for owner in spec.owners} == {"team:knowledge"}
    assert all({"dbt", "postgres"} <= spec.kinds for spec in marts.specs)
    assert all(spec.description for spec in marts.specs)


def test_every_column_of_every_model_is_described() -> None:
    models = [node for node in parsed_manifest(PROJECT_FOLDER)["nodes"].values() if node["resource_type"] == "model"]
    assert {model["name"] for model in models} >= MARTS
    assert [model["name"] for model in models if not model["description"]] == []
    assert [
        (model["name"], column)
        for model in models
        for column, known in model["columns"].items()
        if not known["description"]
    ] == []


@pytest.mark.usefixtures("built")
def test_every_column_there_is_is_described(ledger_url: str) -> None:
    described = {
        (node["name"], column)
        for node in parsed_manifest(PROJECT_FOLDER)["nodes"].values()
        if node["resource_type"] == "model"
        for column in node["columns"]
    }
    there = rows(
        ledger_url, "select table_name, column_name from information_schema.columns where table_schema = 'marts'"
    )
    assert set(there) == described


def test_a_project_that_was_parsed_is_not_parsed_again_and_one_that_does_not_parse_says_why(tmp_path: Path) -> None:
    parsed_manifest(PROJECT_FOLDER)
    copy = tmp_path / "dbt"
    shutil.copytree(PROJECT_FOLDER, copy, ignore=shutil.ignore_patterns("logs"))
    manifest = copy / "target" / "manifest.json"
    before = manifest.stat().st_mtime_ns
    parsed_manifest(copy)
    assert manifest.stat().st_mtime_ns == before
    (copy / "models" / "marts" / "mart_wrong.sql").write_text("select * from {{ ref('nothing') }}", "utf-8")
    with pytest.raises(ConfigurationError, match=r"(?s)does not parse.*nothing"):
        parsed_manifest(copy)
    assert manifest.stat().st_mtime_ns == before
    assert sorted(path.name for path in (copy / "target").glob("parse-*")) == []


def test_where_there_is_no_dbt_project_there_are_no_marts(tmp_path: Path) -> None:
    assert build_marts_assets(tmp_path / "dbt") == []


def test_the_url_becomes_what_the_profile_reads() -> None:
    assert dbt_environment("postgresql://ann:p%40ss@db.example:6432/ledger?sslmode=require") == {
        "DESTINY_DBT_HOST": "db.example",
        "DESTINY_DBT_PORT": "6432",
        "DESTINY_DBT_USER": "ann",
        "DESTINY_DBT_PASSWORD": "p@ss",
        "DESTINY_DBT_DBNAME": "ledger",
        "DESTINY_DBT_SSLMODE": "require",
    }
