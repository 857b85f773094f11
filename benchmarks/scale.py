"""Speed and memory of the whole pipeline on many documents: ``python benchmarks/scale.py --texts corpus.jsonl.gz --documents 1000 10000``

Multiplies real texts by seeded edits to as many documents as asked for, then runs the real job on real local servers, each run in
a process of its own, from its start to its end:

- *cold*: nothing known yet, nothing embedded;
- *no change* and *one change*: the same project again, with one document edited for the second;
- *warm*: the same documents as a new project whose texts all have their vectors already;
- what the vector and the graph stage of the warm run wrote, written once more by the bare `qdrant_client` and the bare
  `neo4j` driver in the plainest loop, into the same servers.

``--embedder hashing`` (the default) puts a fast deterministic embedder of 384 dimensions in the model's place, to measure all that is
not the model; ``--embedder minilm`` embeds for real. The output says which one it was. Times of day are wall-clock, so ratios
within one run, and the processor time of the ingesting process, tell more than seconds where others use the machine.
"""

import argparse
import gzip
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from destiny_assets.ports import EmbeddingUsage, TextKind, Vectors

WORD = re.compile(r"\w+")
DIMENSION = 384
# Of ten words one is another: enough that copies are no near-duplicates of each other.
EDITED_SHARE = 0.1
MARK = "Zanzibarquux"


class HashingEmbedder:
    """The `Embedder` port without a model: each text a seeded direction of its own, as fast as one can be made."""

    pinned = True

    def __init__(self) -> None:
        self.model_id, self.dimension, self.usage = "hashing/384 for benchmarks", DIMENSION, EmbeddingUsage()

    def embed(self, texts: Sequence[str], kind: TextKind = "document") -> Vectors:  # noqa: ARG002
        """One unit vector a text, shape (len(texts), 384)."""
        began = time.perf_counter()
        made = np.empty((len(texts), DIMENSION), np.float32)
        for row, text in enumerate(texts):
            made[row] = np.random.default_rng(hash_of(text)).standard_normal(DIMENSION, np.float32)
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        self.usage.calls += bool(texts)
        self.usage.texts += len(texts)
        self.usage.seconds += time.perf_counter() - began
        return made


def hash_of(text: str) -> int:
    """A seed that is the same in every process."""
    import zlib

    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def read_texts(path: Path) -> list[tuple[str, str]]:
    """(suffix, text) of each file of a folder, or of each line ``{"title", "text"}`` of a JSON-lines file."""
    if path.is_dir():
        return [(file.suffix, file.read_text("utf-8")) for file in sorted(path.rglob("*")) if file.is_file()]
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as lines:
        records = map(json.loads, lines)
        return [(".md", f"# {record.get('title', '')}\n\n{record['text']}\n") for record in records]


def write_documents(folder: Path, texts: list[tuple[str, str]], count: int) -> int:
    """`count` documents, a thousand a folder: every text as it is, then copies with a tenth of their words changed; the bytes."""
    vocabulary = sorted({word for _, text in texts for word in WORD.findall(text) if word.isascii()})
    written = 0
    for number in range(count):
        round_, which = divmod(number, len(texts))
        suffix, text = texts[which]
        if round_:
            rng = random.Random(number)
            text = WORD.sub(lambda w: rng.choice(vocabulary) if rng.random() < EDITED_SHARE else w[0], text)  # noqa: B023
        path = folder / f"{number // 1_000:04}" / f"{number:06}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        written += path.write_bytes(text.encode())
    return written


def ingest(project: str, embedder: str) -> dict[str, Any]:
    """One ingest in a process of its own; its result with ``process_seconds`` (start and imports included) and ``peak_mb``."""
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, __file__, "--ingest", project, "--embedder", embedder], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    said = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if child.returncode:
        raise SystemExit(f"the ingest of {project} failed: {said[-2_000:]}")
    result: dict[str, Any] = json.loads(said)
    cpu = usage.ru_utime + usage.ru_stime
    return result | {
        "process_seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "peak_mb": round(usage.ru_maxrss / 1024),
    }


def ingest_here(project: str, embedder: str) -> None:
    """What the child process does: exactly ``destiny ingest PROJECT --json``, with the embedder replaced where asked."""
    from destiny_assets.cli.output import print_json, progress_bars
    from destiny_assets.ingestion import ingest_project
    from destiny_assets.settings import load_settings

    replaced = {"embedder": HashingEmbedder()} if embedder == "hashing" else {}
    with progress_bars() as progress:
        result = ingest_project(load_settings(), project, progress, resources=replaced)
    print_json(result)
    if result["failures"]:
        raise SystemExit(1)


def phase(name: str, result: dict[str, Any]) -> dict[str, Any]:
    """The row of one run in the report."""
    seconds = result["process_seconds"]
    embedding = result["embedding"]["seconds"]
    return {
        "phase": name,
        "seconds": seconds,
        "job_seconds": result["seconds"]["total"],
        "cpu_seconds": result["cpu_seconds"],
        "documents": result["documents"]["total"],
        "chunks": result["chunks"]["total"],
        "chunks_added": result["chunks"]["added"],
        "chunks_per_s": round(result["chunks"]["added"] / seconds, 1),
        "embedding_seconds": embedding,
        "whole_to_embedding": round(seconds / embedding, 3) if embedding else None,
        "model_calls": result["model_calls"],
        "layers_written": result["layers_written"],
        "peak_mb": result["peak_mb"],
        "published": result["published"],
        "stages": {stage: spent for stage, spent in result["seconds"].items() if stage != "total"},
    }


class Bench:
    """One corpus size on running servers."""

    def __init__(self, documents: int, texts: list[tuple[str, str]], embedder: str, folder: Path) -> None:
        from destiny_assets.adapters.postgres.ledger import PostgresLedger
        from destiny_assets.settings import load_settings

        self.settings = load_settings()
        self.ledger = PostgresLedger(self.settings.stores.postgres_url, pool_size=2)
        self.ledger.migrate()
        self.embedder, self.folder, self.count = embedder, folder, documents
        self.cold, self.warm = f"scale-{documents}", f"scale-{documents}-warm"
        self.megabytes = write_documents(folder, texts, documents) / 1e6

    def run(self, *, bare: bool) -> dict[str, Any]:
        """Every phase; the projects are removed afterwards."""
        from destiny_assets.removal import remove_everywhere

        report: dict[str, Any] = {"documents": self.count, "megabytes": round(self.megabytes, 1), "phases": []}
        for name, work in (
            ("cold", self.first),
            ("no change", lambda: ingest(self.cold, self.embedder)),
            ("one change", self.one_change),
            ("warm", self.warmed),
        ):
            report["phases"].append(phase(name, work()))
            show([report["phases"][-1]])
        if bare:
            report["writing"] = [self.bare_vectors(report["phases"][-1]), self.bare_graph(report["phases"][-1])]
            for row in report["writing"]:
                print(row, file=sys.stderr)
        for project in (self.cold, self.warm):
            remove_everywhere(self.settings, project)
        self.ledger.close()
        return report

    def first(self) -> dict[str, Any]:
        """Ingest what nobody has seen yet."""
        self._add(self.cold)
        return ingest(self.cold, self.embedder)

    def one_change(self) -> dict[str, Any]:
        """Edit one document, and see that its new sentence is in every layer of the generation that readers get."""
        edited = sorted(self.folder.rglob("*.*"))[self.count // 2]
        edited.write_text(f"{edited.read_text('utf-8')}\n\n{MARK} is the sentence that was added to this document.\n")
        result = ingest(self.cold, self.embedder)
        self._require_everywhere(result["generation"])
        return result

    def warmed(self) -> dict[str, Any]:
        """Ingest the same documents as another project, all of whose texts have their vectors."""
        self._add(self.warm)
        with self.ledger.transaction() as cursor:
            cursor.execute(
                """insert into embedding (project, model_id, embed_sha256, vector)
                   select %s, model_id, embed_sha256, vector from embedding where project = %s""",
                (self.warm, self.cold),
            )
        return ingest(self.warm, self.embedder)

    def _add(self, project: str) -> None:
        from destiny_assets.adapters.postgres.projects import Source

        self.ledger.projects.add(project, throw_away=True)
        self.ledger.projects.add_source(project, Source("folder", "files", str(self.folder)))

    def _require_everywhere(self, number: int) -> None:
        """The marked sentence is a chunk of the ledger, a point and a node of generation `number`."""
        from destiny_assets.adapters.neo4j import connect
        from destiny_assets.adapters.qdrant import QdrantVectorIndex
        from destiny_assets.domain.generations import layer_id
        from destiny_assets.domain.sparse import encode_query

        generation = self.ledger.generations.number(self.cold, number)
        with self.ledger.transaction() as cursor:
            rows = cursor.execute(
                "select id::text as id from chunk where project = %s and born = %s and text like %s",
                (self.cold, number, f"%{MARK}%"),
            ).fetchall()
        (chunk,) = [row["id"] for row in rows]
        with (
            QdrantVectorIndex(self.settings.stores.qdrant_url) as index,
            connect(self.settings.stores.neo4j_url) as graph,
        ):
            _, found = index.search(generation.collection or "", number, dense=None, sparse=encode_query(MARK), limit=1)
            around = graph.neighbours(self.cold, [layer_id(chunk, number)], number)
        if not generation.current or [hit.chunk_id for hit in found] != [chunk] or not around:
            raise SystemExit(f"the edited document is not in every layer: {found}, {around}")

    def bare_vectors(self, warm: dict[str, Any]) -> dict[str, Any]:
        """The same points by `qdrant_client` alone, 1,000 at a time into a collection like ours, made before the clock starts."""
        from destiny_assets.adapters.qdrant import Point, QdrantVectorIndex
        from destiny_assets.domain.sparse import encode_documents

        generation = self.ledger.generations.number(self.warm, 1)
        scratch, spent, written = f"{self.warm}-bare--0", 0.0, 0
        with QdrantVectorIndex(self.settings.stores.qdrant_url) as index:
            index.ensure(scratch, DIMENSION)
            for rows, vectors in self.ledger.projections.points(self.warm, generation.model_id or ""):
                sparse = encode_documents([row.text for row in rows])
                points = [
                    Point(row.id, row.chunk_id, row.document_id, row.source, row.born, weights)
                    for row, weights in zip(rows, sparse, strict=True)
                ]
                began = time.perf_counter()
                index.upsert(scratch, points, vectors)
                spent += time.perf_counter() - began
                written += len(points)
            index.drop(scratch)
        return compared("vectors", written, warm["stages"]["vector_index"], spent)

    def bare_graph(self, warm: dict[str, Any]) -> dict[str, Any]:
        """The same nodes and edges by the driver alone: `UNWIND ... MERGE`, 2,000 rows a transaction, made before the clock starts."""
        from destiny_assets.adapters.neo4j import connect

        other, spent, written = f"{self.warm}-bare", 0.0, 0
        with connect(self.settings.stores.neo4j_url) as graph:
            for items, write in (
                (self.ledger.projections.graph_nodes(self.warm, shown=1), graph.upsert_nodes),
                (self.ledger.projections.graph_edges(self.warm, shown=1), graph.upsert_edges),
            ):
                for batch in batches(items, 20_000):
                    began = time.perf_counter()
                    written += write(other, batch)
                    spent += time.perf_counter() - began
            graph.drop(other)
        return compared("graph", written, warm["stages"]["knowledge_graph"], spent)


def batches(items: Iterator[Any], size: int) -> Iterator[list[Any]]:
    """Lists of `size`, the last one shorter."""
    while batch := list(islice(items, size)):
        yield batch


def compared(layer: str, written: int, ours: float, bare: float) -> dict[str, Any]:
    """Items a second, ours and bare, and their ratio."""
    return {
        "layer": layer,
        "items": written,
        "stage_per_s": round(written / ours),
        "bare_per_s": round(written / bare),
        "ratio": round(bare / ours, 2),
    }


def show(phases: list[dict[str, Any]]) -> None:
    """The phases as lines on standard error."""
    for row in phases:
        stages = ", ".join(f"{stage} {spent:.1f}" for stage, spent in row["stages"].items())
        print(
            f"{row['phase']:10} {row['documents']:>7} documents {row['chunks']:>8} chunks {row['seconds']:8.1f} s "
            f"(job {row['job_seconds']:.1f}, own processor time {row['cpu_seconds']:.1f}) {row['chunks_per_s']:8.1f} chunks/s "
            f"{row['peak_mb']:5} MB {row['model_calls']} model calls, embedding {row['embedding_seconds']:.1f} s\n{' ' * 11}{stages}",
            file=sys.stderr,
        )


def growth(reports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How time and memory of each phase grew from each size to the next."""
    return [
        {
            "from": small["documents"],
            "to": large["documents"],
            "phase": before["phase"],
            "time": round(after["seconds"] / before["seconds"], 2),
            "memory": round(after["peak_mb"] / before["peak_mb"], 2),
        }
        for small, large in pairwise(reports)
        for before, after in zip(small["phases"], large["phases"], strict=True)
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--texts", type=Path, help="a folder of documents, or JSON lines of {title, text}, plain or .gz"
    )
    parser.add_argument("--documents", type=int, nargs="+", default=[1_000], help="sizes, one after another")
    parser.add_argument("--embedder", choices=("hashing", "minilm"), default="hashing")
    parser.add_argument(
        "--home", type=Path, help="where the local servers live; a temporary folder, removed, by default"
    )
    parser.add_argument("--no-bare", action="store_true", help="leave the bare loops out")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of lines")
    parser.add_argument("--ingest", metavar="PROJECT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ingest:
        ingest_here(options.ingest, options.embedder)
        return
    if not options.texts:
        parser.error("--texts is needed")
    measure(options)


def measure(options: argparse.Namespace) -> None:
    """Every size on servers of this benchmark's own."""
    from destiny_assets.local import supervisor

    texts = read_texts(options.texts)
    home = options.home or Path(tempfile.mkdtemp(prefix="scale-"))
    os.environ["DESTINY_HOME"] = str(home)
    supervisor.start(home)
    reports = []
    try:
        for documents in options.documents:
            with tempfile.TemporaryDirectory(prefix="scale-documents-") as folder:
                reports.append(Bench(documents, texts, options.embedder, Path(folder)).run(bare=not options.no_bare))
    finally:
        supervisor.stop(home)
        if options.home is None:
            shutil.rmtree(home)
    found = {
        "texts": options.texts.name,
        "distinct_texts": len(texts),
        "embedder": "minilm" if options.embedder == "minilm" else "hashing: a stand-in, no model was run",
        "processors": os.cpu_count(),
        "sizes": reports,
        "growth": growth(reports),
    }
    if options.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{found['distinct_texts']} texts of {found['texts']}, embedder {found['embedder']}")
    for row in found["growth"]:
        print(
            f"{row['phase']:10} {row['from']} to {row['to']} documents: {row['time']} x the time, {row['memory']} x the memory"
        )


if __name__ == "__main__":
    main()
