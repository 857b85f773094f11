"""How long a million claims take: ``python benchmarks/trust_speed.py [--claims 1000000] [--sources 10000] [--table CLAIMS.csv[.gz]]``

Makes claims of numbers by sources of mixed reliability, a tenth of whose errors are shared (or reads those of a table), and prints seconds
and peak memory, each step in a process of its own:

- the model alone, as `destiny evaluate trust` runs it: to arrange the claims and to believe;
- the stage `claim_probabilities` over the ledger (DESTINY_POSTGRES_URL), in a throw-away project whose claims come in a hundred tables:
  all of it, then one table whose sources say what others say, and one claim that changes so. Testimony is written by the stage before, so what that
  costs is told apart.
"""

import argparse
import csv
import gzip
import json
import multiprocessing
import os
import resource
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from destiny_assets.adapters.postgres.claims import ReadDocument
from destiny_assets.adapters.postgres.documents import NewVersion
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.chunks import normalised, text_sha256
from destiny_assets.domain.claims.extraction import CLAIM_TABLE, Witnessed
from destiny_assets.domain.claims.records import Statement, claim_of
from destiny_assets.domain.documents import ParsedDocument
from destiny_assets.domain.truth.beliefs import believe, majority
from destiny_assets.domain.truth.claims import arrange
from destiny_assets.stages.believe import believe_claims

TABLES = 100


@dataclass(frozen=True, slots=True)
class Columns:
    """n claims of a table, column by column; `truth` has the true value of each object, where it is known."""

    objects: Sequence[str]
    attributes: Sequence[str]
    sources: Sequence[str]
    values: Sequence[str]
    truth: Mapping[str, str]


class Quiet:
    """The `Progress` port, for nobody."""

    def advance(self, stage: str, done: int, total: int) -> None:
        """Say nothing."""


def made(count: int, sources: int) -> Columns:
    """Claims of numbers; a few sources say much."""
    random = np.random.default_rng(0)
    things = count // 5
    thing = random.integers(0, things, count)
    few = np.minimum(random.pareto(1.2, count) * 50, sources - 1).astype(int)
    source = np.where(random.random(count) < 0.2, random.integers(0, sources, count), few)
    reliability = random.beta(6, 3, sources)
    truth = random.integers(1_000, 1_000_000, things)
    right = random.random(count) < reliability[source]
    wrong = np.where(random.random(count) < 0.1, truth[thing] + 1_000, random.integers(1_000, 1_000_000, count))
    return Columns(
        [f"thing {number}" for number in thing.tolist()],
        ["size"] * count,
        [f"source {number}" for number in source.tolist()],
        [str(value) for value in np.where(right, truth[thing], wrong).tolist()],
        {f"thing {number}": str(value) for number, value in enumerate(truth.tolist())},
    )


def read(path: Path) -> Columns:
    """The claims of a CSV table."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        rows = list(csv.DictReader(file))
    objects, attributes, sources, values = (
        [row[name] for row in rows] for name in ("object", "attribute", "source", "value")
    )
    return Columns(objects, attributes, sources, values, {})


def columns_of(options: argparse.Namespace) -> Columns:
    """The same in every process."""
    return read(options.table) if options.table else made(options.claims, options.sources)


def of_others(columns: Columns) -> list[str]:
    """For each claim the value that the next claim of its object has: what a source that changes its mind comes to say."""
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(columns.objects):
        rows.setdefault(name, []).append(row)
    found = list(columns.values)
    for some in rows.values():
        for row, following in zip(some, [*some[1:], some[0]], strict=True):
            found[row] = columns.values[following]
    return found


def by_the_model(options: argparse.Namespace) -> Mapping[str, Any]:
    """Arrange and believe, without a ledger."""
    columns = columns_of(options)
    clock = [time.perf_counter()]
    claims = arrange(columns.objects, columns.attributes, columns.sources, columns.values)
    clock.append(time.perf_counter())
    beliefs = believe(claims)
    clock.append(time.perf_counter())
    known = [float(columns.truth[name]) if name in columns.truth else None for name, _ in claims.slots]
    shares = {"destiny": beliefs.best, "majority": majority(claims)[1]}
    return {
        "claims": len(claims.slot),
        "sources": len(claims.sources),
        "slots": len(claims.slots),
        "arrange_s": round(clock[1] - clock[0], 1),
        "believe_s": round(clock[2] - clock[1], 1),
        "right": {
            name: round(float(np.mean([claims.value_form[value] == is_ for value, is_ in zip(best, known, strict=True)])), 4)
            for name, best in shares.items()
            if columns.truth
        },
    }  # fmt: skip


def tell(options: argparse.Namespace, project: str, tables: Sequence[int], changed: int) -> Mapping[str, Any]:
    """Open a generation and write the claims of some tables, the first `changed` of each with another value."""
    columns = columns_of(options)
    others = of_others(columns)
    start = time.perf_counter()
    written = 0
    with PostgresLedger(os.environ["DESTINY_POSTGRES_URL"]) as ledger:
        generation = ledger.generations.open(project, "benchmark").number
        ledger.documents.store(project, generation, [_version(table, generation) for table in tables])
        pending = [one for batch in ledger.documents.pending(project, "claimer", "benchmark") for one in batch]
        for document in pending:
            found = []
            for place, row in enumerate(range(int(document.uri), len(columns.objects), TABLES)):
                value = others[row] if place < changed else columns.values[row]
                claim = claim_of(columns.objects[row], columns.attributes[row], value)
                if claim is not None:
                    found.append(Witnessed(Statement(claim, "row", row=row), normalised(columns.sources[row])))
            told = ReadDocument(document.document_id, document.version_id, "", None, found)
            written += ledger.claims.store(project, generation, [told], "benchmark").written
    return {"tell_s": round(time.perf_counter() - start, 1), "rows": written}


def _version(table: int, generation: int) -> NewVersion:
    text = f"Table {table} as of generation {generation}"
    parsed = ParsedDocument(f"Table {table}", text, CLAIM_TABLE, "benchmark")
    return NewVersion("tables", str(table), text_sha256(text), "mark", len(text), parsed)


def score(project: str) -> Mapping[str, Any]:
    """Run the stage on the open generation, and publish it."""
    with PostgresLedger(os.environ["DESTINY_POSTGRES_URL"]) as ledger:
        generation = ledger.generations.open(project, "benchmark").number
        start, used = time.perf_counter(), time.process_time()
        report = believe_claims(ledger, project, generation, Quiet())
        seconds, processor = time.perf_counter() - start, time.process_time() - used
        ledger.generations.publish(project, generation, facts={}, reason="benchmark")
    return {
        "claim_probabilities_s": round(seconds, 1),
        "processor_s": round(processor, 1),
        **{name: report[name] for name in ("judged", "written", "claims", "contested")},
    }


def alone(step: Callable[..., Mapping[str, Any]], *given: Any) -> dict[str, Any]:
    """Run a step in a process of its own; what it reports, with the peak of its memory."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_with_memory, (step, given))


def _with_memory(step: Callable[..., Mapping[str, Any]], given: Sequence[Any]) -> dict[str, Any]:
    found = dict(step(*given))
    return found | {"peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}


def main() -> None:
    """Make the claims, score them, report as JSON lines."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--claims", type=int, default=1_000_000)
    arguments.add_argument("--sources", type=int, default=10_000)
    arguments.add_argument("--table", type=Path, help="a CSV table of claims, instead")
    options = arguments.parse_args()
    print(json.dumps({"step": "the model alone", **alone(by_the_model, options)}), flush=True)
    project = f"benchmark-{secrets.token_hex(4)}"
    steps = {
        "all": (range(TABLES), 0),
        "one table of a hundred": ([7], options.claims),
        "one claim": ([11], 1),
    }
    with PostgresLedger(os.environ["DESTINY_POSTGRES_URL"]) as ledger:
        ledger.migrate()
        ledger.projects.add(project, throw_away=True)
        try:
            for name, (tables, changed) in steps.items():
                told = alone(tell, options, project, tables, changed)
                told.pop("peak_memory_mb")
                print(json.dumps({"step": name, **told, **alone(score, project)}), flush=True)
        finally:
            ledger.projects.remove(project)


if __name__ == "__main__":
    main()
