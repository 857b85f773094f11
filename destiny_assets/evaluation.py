"""Labelled data through the real pipeline: a throw-away project, the real job, the real service, and nothing left behind."""

import json
import resource
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from destiny_assets.adapters.embedders.factory import open_embedder
from destiny_assets.adapters.postgres.benchmarks import Suite
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.projects import Source
from destiny_assets.adapters.qdrant import QdrantVectorIndex
from destiny_assets.domain.retrieval import BEST
from destiny_assets.errors import DestinyError
from destiny_assets.ingestion import ingest_project
from destiny_assets.ports import Progress
from destiny_assets.removal import remove_everywhere
from destiny_assets.serving.service import KnowledgeService
from destiny_assets.settings import Settings
from destiny_assets.stages.readers import latencies_of_readers
from destiny_assets.stages.suites import write_out

_ASKED = 300


def evaluate_retrieval(
    settings: Settings, folder: Path, progress: Progress, *, split: str = "test", per_query: Path | None = None
) -> dict[str, Any]:
    """Every recipe's metrics on a BEIR-layout folder; raises `DestinyError` when the corpus could not be published."""
    with tempfile.TemporaryDirectory(prefix="destiny-corpus-") as written, _throw_away(settings) as (ledger, project):
        labelled = write_out(folder, Path(written), split=split)
        suite = labelled.suite
        ledger.benchmarks.attach(project, suite)
        for source in labelled.sources:
            ledger.projects.add_source(project, Source(source, "files", str(Path(written) / source)))
        result = ingest_project(settings, project, progress, kept=False)
        if not result["published"]:
            raise DestinyError(f"{folder} could not be evaluated, its corpus was not published: {result['reason']}")
        if per_query is not None:
            _write_queries(ledger, project, per_query)
        readers = _concurrent_readers(settings, project, suite)
    ingesting = sum(
        spent for stage, spent in result["seconds"].items() if stage not in ("total", "retrieval_benchmark")
    )
    return {
        "dataset": folder.name,
        "split": split,
        "kind": labelled.kind,
        "documents": labelled.documents,
        "chunks": result["chunks"]["total"],
        "queries": len(suite.queries),
        "ingest": {
            "seconds": round(ingesting, 2),
            "docs_per_s": round(labelled.documents / ingesting, 2),
            "embedding_seconds": result["embedding"]["seconds"],
            "chunks_per_s": round(result["embedding"]["texts"] / max(result["embedding"]["seconds"], 1e-9), 1),
            "stages": result["seconds"],
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        },
        "recipes": result["benchmark"][suite.name],
        "best": result["best_recipe"],
        "differences": result["differences"][suite.name],
        "readers": readers,
    }


@contextmanager
def _throw_away(settings: Settings) -> Iterator[tuple[PostgresLedger, str]]:
    """A project that is gone from every layer when the block ends, however it ends."""
    project = f"evaluate-{secrets.token_hex(4)}"
    with PostgresLedger(settings.stores.postgres_url, pool_size=2) as ledger:
        ledger.migrate()
        ledger.projects.add(project, throw_away=True)
        try:
            yield ledger, project
        finally:
            remove_everywhere(settings, project)


def _concurrent_readers(settings: Settings, project: str, suite: Suite) -> dict[str, dict[str, float]]:
    """Latencies of the recipe `best` by how many readers ask at once."""
    embedding = settings.embedding
    embedder = open_embedder(embedding.model, url=embedding.url, api_key=embedding.api_key)
    with (
        PostgresLedger(settings.stores.postgres_url, pool_size=16) as ledger,
        QdrantVectorIndex(settings.stores.qdrant_url) as vectors,
    ):
        generation = ledger.generations.current(project)
        assert generation is not None  # noqa: S101 (it was published above)
        found = latencies_of_readers(
            lambda: KnowledgeService(ledger, vectors, lambda: embedder), generation, suite, BEST, asked=_ASKED
        )
    return {str(readers): latencies for readers, latencies in found.items()}


def _write_queries(ledger: PostgresLedger, project: str, path: Path) -> None:
    with path.open("w", encoding="utf-8") as lines:
        for record in ledger.benchmarks.queries(project):
            lines.write(json.dumps(record, ensure_ascii=False) + "\n")
