"""One ingest from request to result document: the contract of ``destiny ingest --json``."""

from collections.abc import Mapping
from typing import Any

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.gate import ACCEPT_WORSE
from destiny_assets.errors import ConflictError
from destiny_assets.ports import Progress
from destiny_assets.runner import Outcome, run_job
from destiny_assets.settings import Settings

_COUNTED = ("added", "changed", "moved", "removed", "unchanged", "quarantined", "total")


def ingest_project(
    settings: Settings,
    project: str,
    progress: Progress,
    *,
    kept: bool = True,
    resources: Mapping[str, Any] | None = None,
    accept_worse: str | None = None,
) -> dict[str, Any]:
    """Run the job `ingest_project`, with some of its Dagster resources replaced where given.

    Raises `NotFoundError` or `ConflictError` when the project is not there or has no source.
    `accept_worse` is why readers shall see a generation that the benchmark gate refuses.
    """
    with PostgresLedger(settings.stores.postgres_url, pool_size=2) as ledger:
        ledger.migrate()
        ledger.projects.require(project)
        if not (ledger.projects.sources(project) or ledger.generations.current(project)):
            raise ConflictError(
                f"Project {project!r} has no source. Add one with: destiny source add {project} files FOLDER"
            )
        outcome = run_job(
            settings,
            "ingest_project",
            project=project,
            progress=progress,
            kept=kept,
            resources=resources,
            tags={ACCEPT_WORSE: accept_worse} if accept_worse else None,
        )
        current = ledger.generations.current(project)
        return _document(project, outcome, current.number if current else None, ledger)


def _document(project: str, outcome: Outcome, current: int | None, ledger: PostgresLedger) -> dict[str, Any]:
    reports = outcome.reports
    published = reports.get("published_generation", {})
    documents, chunks, embedding, claims = (
        dict(reports.get(stage, {})) for stage in ("documents", "chunks", "embeddings", "claims")
    )
    # Later stages may have refused documents that this one had taken.
    documents["quarantined"] = len(ledger.projects.quarantined(project))
    if published.get("published"):
        documents |= ledger.documents.counts(project, published["current"])
    building = [generation.number for generation in ledger.generations.all(project) if generation.state != "published"]
    return {
        "project": project,
        "generation": published.get("current") or next(iter(building), current),
        "published": bool(published.get("published")),
        "reason": published.get("reason") or "; ".join(outcome.failures) or "the run failed",
        "documents": {name: documents.get(name, 0) for name in _COUNTED},
        "chunks": {name: chunks.get(name, 0) for name in ("added", "retired", "total", "tokens")},
        "embedding": {
            "model": embedding.get("model"),
            "texts": embedding.get("texts", 0),
            "tokens": embedding.get("tokens", 0),
            "seconds": embedding.get("seconds", 0.0),
        },
        "claims": {
            "claims": claims.get("claims", 0),
            "written": claims.get("written", 0),
            **{name: value for name, value in claims.items() if name.startswith("model")},
        },
        "model_calls": embedding.get("calls", 0) + claims.get("model_calls", 0),
        "layers_written": {
            "vectors": reports.get("vector_index", {}).get("upserted", 0)
            + reports.get("vector_index", {}).get("retired", 0),
            "graph": reports.get("knowledge_graph", {}).get("written", 0)
            + reports.get("knowledge_graph", {}).get("retired", 0),
        },
        "benchmark": reports.get("retrieval_benchmark", {}).get("suites", {}),
        "best_recipe": reports.get("retrieval_benchmark", {}).get("best_recipe", {}),
        "differences": reports.get("retrieval_benchmark", {}).get("differences", {}),
        "gate": reports.get("retrieval_benchmark", {}).get("gate", {}),
        "seconds": {"total": outcome.seconds, **{stage: facts.get("seconds", 0.0) for stage, facts in reports.items()}},
        "checks": {"passed": outcome.passed_checks, "failed": outcome.failed_checks},
        "failures": outcome.failures,
        "run_id": outcome.run_id,
    }
