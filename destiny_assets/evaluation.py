"""Labelled data through the real pipeline: a throw-away project, the real job, the real service, and nothing left behind."""

import json
import resource
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from destiny_assets.adapters.postgres.benchmarks import Suite
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.projects import Source
from destiny_assets.errors import DestinyError
from destiny_assets.ingestion import ingest_project
from destiny_assets.ports import Progress
from destiny_assets.removal import remove_everywhere
from destiny_assets.settings import Settings
from destiny_assets.stages.measure import corpus, load_suite


def evaluate_retrieval(
    settings: Settings, folder: Path, progress: Progress, *, split: str = "test", per_query: Path | None = None
) -> dict[str, Any]:
    """Every recipe's metrics on a BEIR-layout folder; raises `DestinyError` when the corpus could not be published."""
    suite = load_suite(folder, split=split)
    with tempfile.TemporaryDirectory(prefix="destiny-corpus-") as written, _throw_away(settings) as (ledger, project):
        documents = _write_corpus(folder, Path(written))
        grades = {
            query: {_uri(item): grade for item, grade in judged.items()} for query, judged in suite.grades.items()
        }
        ledger.benchmarks.attach(project, Suite(folder.name, suite.queries, grades))
        ledger.projects.add_source(project, Source("corpus", "files", written))
        result = ingest_project(settings, project, progress, kept=False)
        if not result["published"]:
            raise DestinyError(f"{folder} could not be evaluated, its corpus was not published: {result['reason']}")
        if per_query is not None:
            _write_queries(ledger, project, per_query)
    ingesting = sum(
        spent for stage, spent in result["seconds"].items() if stage not in ("total", "retrieval_benchmark")
    )
    return {
        "dataset": folder.name,
        "split": split,
        "documents": documents,
        "chunks": result["chunks"]["total"],
        "queries": len(suite.queries),
        "ingest": {
            "seconds": round(ingesting, 2),
            "docs_per_s": round(documents / ingesting, 2),
            "embedding_seconds": result["embedding"]["seconds"],
            "chunks_per_s": round(result["embedding"]["texts"] / max(result["embedding"]["seconds"], 1e-9), 1),
            "stages": result["seconds"],
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        },
        "recipes": result["benchmark"][folder.name],
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


def _write_corpus(folder: Path, target: Path) -> int:
    """One Markdown file a document: its title as heading, then its text."""
    count = 0
    for record in corpus(folder):
        title, text = record.get("title") or "", record.get("text") or ""
        (target / _uri(str(record["_id"]))).write_text(f"# {title}\n\n{text}\n" if title else f"{text}\n", "utf-8")
        count += 1
    return count


def _uri(item: str) -> str:
    return f"{quote(item, safe='')}.md"


def _write_queries(ledger: PostgresLedger, project: str, path: Path) -> None:
    with path.open("w", encoding="utf-8") as lines:
        for record in ledger.benchmarks.queries(project):
            lines.write(json.dumps(record, ensure_ascii=False) + "\n")
