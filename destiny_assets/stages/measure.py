"""Measure: a benchmark suite run through the same service that readers use, in the generation being judged."""

import csv
import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from destiny_assets.adapters.postgres.benchmarks import QueryResult, Suite
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.generations import Generation
from destiny_assets.domain.metrics import mean_metrics, percentile, query_metrics
from destiny_assets.domain.retrieval import RECIPES
from destiny_assets.errors import ConfigurationError
from destiny_assets.ports import Progress
from destiny_assets.serving.service import KnowledgeService

# Deep enough for recall@100 over documents when the best document fills several places with its chunks.
_DEPTH = 300


def load_suite(folder: Path, *, split: str = "test") -> Suite:
    """A BEIR-layout folder: ``queries.jsonl[.gz]`` and ``qrels/SPLIT.tsv``; queries without a judgement are left out."""
    grades: dict[str, dict[str, int]] = {}
    with _opened(folder / "qrels", f"{split}.tsv") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            grades.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    with _opened(folder, "queries.jsonl") as lines:
        records = [json.loads(line) for line in lines if line.strip()]
    queries = {str(record["_id"]): record["text"] for record in records if str(record["_id"]) in grades}
    if not queries:
        raise ConfigurationError(
            f"{folder} has no judged question: no id of queries.jsonl occurs in qrels/{split}.tsv."
        )
    return Suite(folder.name, queries, {query: grades[query] for query in queries})


def measure_retrieval(
    ledger: PostgresLedger,
    open_service: Callable[[], KnowledgeService],
    project: str,
    generation: int,
    suite: Suite,
    *,
    run_id: str,
    progress: Progress,
    recipes: Sequence[str] = tuple(RECIPES),
) -> dict[str, dict[str, float]]:
    """Every recipe's metrics on a suite, stored with each query's own; latencies in milliseconds of a search for ten, one at a time."""
    found: dict[str, dict[str, float]] = {}
    for number, recipe in enumerate(recipes):
        # A service of its own a recipe: the first one's cached query vectors would make the next look fast.
        service = open_service()
        results, latencies = [], []
        for done, (query, text) in enumerate(suite.queries.items(), start=1):
            # Timed as a reader asks it, and before the deep search puts the query's vector into the cache.
            latencies.append(service.search(project, text, recipe=recipe, generation=generation).latency_ms)
            hits = service.search(project, text, k=_DEPTH, recipe=recipe, generation=generation).hits
            ranking = list(dict.fromkeys(hit.uri for hit in hits))
            results.append(QueryResult(query, text, ranking[:100], query_metrics(ranking, suite.grades[query])))
            progress.advance("benchmark", number * len(suite.queries) + done, len(recipes) * len(suite.queries))
        metrics = mean_metrics(result.metrics for result in results)
        metrics |= {f"p{share}_ms": percentile(latencies, share / 100) for share in (50, 95, 99)}
        found[recipe] = {name: round(value, 4) for name, value in metrics.items()}
        ledger.benchmarks.store(
            project, generation, run_id=run_id, suite=suite.name, recipe=recipe, metrics=found[recipe], results=results
        )
    return found


@contextmanager
def _opened(folder: Path, name: str) -> Iterator[TextIO]:
    """A text file of the folder, plain or gzipped; raises `ConfigurationError` when neither is there."""
    if (plain := folder / name).is_file():
        with plain.open(encoding="utf-8", newline="") as lines:
            yield lines
    elif (packed := folder / f"{name}.gz").is_file():
        with gzip.open(packed, "rt", encoding="utf-8", newline="") as lines:
            yield lines
    else:
        raise ConfigurationError(
            f"{folder} holds neither {name} nor {name}.gz. A suite is a folder in BEIR layout; see docs/benchmarks.md."
        )


def corpus(folder: Path) -> Iterator[dict[str, Any]]:
    """The documents of a BEIR-layout folder: ``_id``, ``title``, ``text``."""
    with _opened(folder, "corpus.jsonl") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def measure_project(
    ledger: PostgresLedger,
    open_service: Callable[[], KnowledgeService],
    generation: Generation,
    *,
    run_id: str,
    progress: Progress,
) -> dict[str, Any]:
    """Every suite of a project; a generation being built in which nothing changed is not measured again."""
    project, number = generation.project, generation.number
    latest = ledger.generations.latest(project)
    unchanged = (
        generation.state == "building"
        and latest is not None
        and generation.collection in (None, latest.collection)
        and not any(ledger.generations.changes(project, number).values())
    )
    suites = [] if unchanged else ledger.benchmarks.suites(project)
    return {
        "queries": sum(len(suite.queries) for suite in suites),
        "suites": {
            suite.name: measure_retrieval(
                ledger, open_service, project, number, suite, run_id=run_id, progress=progress
            )
            for suite in suites
        },
    }
