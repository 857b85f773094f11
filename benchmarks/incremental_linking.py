"""What one change costs linking, trust and near-duplicates: ``python benchmarks/incremental_linking.py N CORPUS.jsonl[.gz]...``

Grows a throw-away project of N documents in the ledger (DESTINY_POSTGRES_URL) from the texts of the corpora (lines of
``{"_id" or "id", "title", "text"}``), each repeated with seeded edits until there are enough, then runs three generations: all of it,
one document edited, one document added under a new title. Prints seconds a stage, rows written, and the peak memory of this process.
No embedding, vector or graph layer takes part.
"""

import argparse
import json
import os
import random
import re
import resource
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from linking_speed import read

from destiny_assets.adapters.entity_extractors import open_extractor
from destiny_assets.adapters.postgres.documents import NewVersion
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.chunks import text_sha256
from destiny_assets.domain.documents import ParsedDocument
from destiny_assets.stages.entities import link_documents
from destiny_assets.stages.score import score_trust
from destiny_assets.stages.understand import chunk_documents

BATCH = 500
TABLES = ("entity", "mention", "reference", "trust_score", "near_duplicate", "document_duplicate")


class Words:
    """The `TokenCounter` port, without a model: a token is a word."""

    def token_starts(self, texts: Sequence[str]) -> list[npt.NDArray[np.int64]]:
        """Where words begin."""
        return [np.array([word.start() for word in re.finditer(r"\S+", text)], np.int64) for text in texts]


class Quiet:
    """The `Progress` port, for nobody."""

    def advance(self, stage: str, done: int, total: int) -> None:
        """Say nothing."""


def grown(paths: list[Path], count: int, characters: int) -> Iterator[NewVersion]:
    """`count` documents: the texts in turn, cut to a size, one word in a hundred replaced by one of another text."""
    texts = [document for document in read(paths) if len(document.parsed.text) > 500]
    vocabulary = sorted({word for document in texts for word in document.parsed.text.split()})
    chance = random.Random(0)
    for number in range(count):
        original = texts[number % len(texts)]
        start = chance.randrange(max(1, len(original.parsed.text) - characters))
        words = re.split(r"(\s+)", original.parsed.text[start : start + characters])
        for at in range(0, len(words), 2):
            if chance.random() < 0.01:
                words[at] = chance.choice(vocabulary)
        title = f"{original.parsed.title or original.id} number {number}"
        yield version(f"n{number:06}.txt", title, "".join(words))


def version(uri: str, title: str, text: str) -> NewVersion:
    """A document as just read."""
    parsed = ParsedDocument(title, text, "text/plain", "benchmark")
    return NewVersion("texts", uri, text_sha256(title + text), "mark", len(text), parsed)


def generation(ledger: PostgresLedger, project: str, versions: Iterator[NewVersion]) -> Mapping[str, Any]:
    """One run over some new versions: seconds a stage and rows born and died a table."""
    number = ledger.generations.open(project, "benchmark").number
    batch: list[NewVersion] = []
    for one in versions:
        batch.append(one)
        if len(batch) == BATCH:
            ledger.documents.store(project, number, batch)
            batch = []
    ledger.documents.store(project, number, batch)
    stages: dict[str, Callable[[], Mapping[str, Any]]] = {
        "chunks and near-duplicates": lambda: chunk_documents(ledger, Words(), project, number, Quiet()),
        "links": lambda: link_documents(ledger, open_extractor("none"), project, number, Quiet()),
        "trust": lambda: score_trust(ledger, project, number),
    }
    seconds, reports = {}, {}
    for name, stage in stages.items():
        start = time.perf_counter()
        reports[name] = stage()
        seconds[name] = round(time.perf_counter() - start, 2)
    changes = ledger.generations.changes(project, number)
    ledger.generations.publish(project, number, facts={}, reason="benchmark")
    return {
        "seconds": {**seconds, "total": round(sum(seconds.values()), 2)},
        "processor_s": round(time.process_time(), 1),
        "relinked": reports["links"]["relinked"],
        "rows": {table: changes[table] for table in TABLES},
        "chunks": reports["chunks and near-duplicates"]["total"],
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    """Grow, change, report as JSON lines."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("documents", type=int)
    arguments.add_argument("corpus", nargs="+", type=Path)
    arguments.add_argument("--characters", type=int, default=6_000, help="length of a document")
    options = arguments.parse_args()
    project = f"benchmark-{secrets.token_hex(4)}"
    with PostgresLedger(os.environ["DESTINY_POSTGRES_URL"]) as ledger:
        ledger.migrate()
        ledger.projects.add(project, throw_away=True)
        try:
            first = next(grown(options.corpus, 1, options.characters))
            edited = version(first.uri, first.parsed.title, first.parsed.text + "\n\nThe Kiwi Basket was changed once.")
            added = version(
                "new.txt",
                "Proposal for a violet reading lamp",
                "A violet reading lamp.\n\n" + first.parsed.text[:3_000],
            )
            steps = {
                "all": grown(options.corpus, options.documents, options.characters),
                "one edited": iter([edited]),
                "one added": iter([added]),
                "one edited again": iter([version(first.uri, first.parsed.title, first.parsed.text)]),
            }
            for name, versions in steps.items():
                print(
                    json.dumps({"step": name, "documents": options.documents, **generation(ledger, project, versions)}),
                    flush=True,
                )
        finally:
            ledger.projects.remove(project)


if __name__ == "__main__":
    main()
