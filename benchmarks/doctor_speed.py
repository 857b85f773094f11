"""How long `doctor` takes over many items: a synthetic project is put into the ledger, its layers are rebuilt, then all is compared.

    .venv/bin/python benchmarks/doctor_speed.py --items 1000000

Items are points, nodes and edges together. It starts the local servers in a folder of its own, removes it afterwards, breaks ten
items of each of four kinds before the second look, and prints one JSON document: seconds to load, of a look at layers that agree, of
a look that names what is broken and of the repair, the processor time of this process alone, and its peak memory. Vectors have 64
numbers: the store's own work grows with that, the comparison's does not.
"""

import argparse
import json
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from destiny_assets.adapters.documents import open_document_store
from destiny_assets.adapters.neo4j import connect
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.qdrant import QdrantVectorIndex
from destiny_assets.domain.chunks import stable_id, text_sha256
from destiny_assets.local import supervisor
from destiny_assets.serving.health import diagnose
from destiny_assets.settings import URL_VARIABLES, Stores
from destiny_assets.stages.rebuild import rebuild_layer
from destiny_assets.stages.repair import repair_project

PROJECT = "synthetic"
MODEL = "synthetic-64"
DIMENSION = 64
CHUNKS_A_DOCUMENT = 20
WORDS = [f"word{number}" for number in range(5_000)]


class Silence:
    """The `Progress` port, for nobody to see."""

    def advance(self, stage: str, done: int, total: int) -> None:
        """Say nothing."""


def main() -> None:
    """Load, look, break, look, repair, look."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000, help="points, nodes and edges together")
    # A chunk is a point, a node, an edge to its document and one edge and a half to entities.
    chunks = parser.parse_args().items * 2 // 9
    home = Path(tempfile.mkdtemp(prefix="doctor-"))
    try:
        urls = supervisor.start(home)
        print(json.dumps(measure(Stores(*(urls[name] for name in URL_VARIABLES)), chunks), indent=2))
    finally:
        supervisor.stop(home)
        shutil.rmtree(home)


def measure(stores: Stores, chunks: int) -> dict[str, Any]:
    """Seconds of each step."""
    seconds: dict[str, float] = {}
    processor_seconds: dict[str, float] = {}
    with (
        PostgresLedger(stores.postgres_url) as ledger,
        QdrantVectorIndex(stores.qdrant_url) as vectors,
        connect(stores.neo4j_url) as graph,
    ):
        ledger.migrate()
        layers = (ledger, open_document_store(stores.documents_url), vectors, graph)

        def timed(name: str, work: Any) -> Any:
            print(name, file=sys.stderr, flush=True)
            began, spent = time.perf_counter(), time.process_time()
            result = work()
            seconds[name] = round(time.perf_counter() - began, 2)
            processor_seconds[name] = round(time.process_time() - spent, 2)
            return result

        timed("load the ledger", lambda: load(ledger, layers[1], chunks))
        built = {
            layer: timed(f"rebuild {layer}", lambda layer=layer: rebuild_layer(*layers, PROJECT, layer, Silence()))
            for layer in ("vectors", "graph")
        }
        well = timed("doctor, all well", lambda: diagnose(*layers, PROJECT))
        assert well.ok, well.layers
        broken = break_some(ledger, vectors, graph)
        named = timed("doctor, 40 broken", lambda: diagnose(*layers, PROJECT))
        assert len(named.examples) == broken, named.agreement
        mended = timed("repair", lambda: repair_project(*layers, PROJECT, Silence(), Path("cache")))
        assert mended.ok
        assert mended.written == broken
    return {
        "items": sum(facts["items"] for facts in built.values()),
        "points": built["vectors"]["items"],
        "nodes and edges": built["graph"]["items"],
        "seconds": seconds,
        "processor_seconds_of_this_process": processor_seconds,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def load(ledger: PostgresLedger, originals: Any, chunks: int) -> None:
    """A published generation of `chunks` chunks, twenty a document, with three mentions in every two chunks."""
    draw = random.Random(7)
    documents = max(chunks // CHUNKS_A_DOCUMENT, 1)
    entities = max(chunks // 10, 2)
    ledger.projects.add(PROJECT)
    sha256 = originals.put(PROJECT, b"synthetic")
    document = [stable_id("d", str(n)) for n in range(documents)]
    version = [stable_id("v", str(n)) for n in range(documents)]
    entity = [stable_id("e", str(n)) for n in range(entities)]

    def chunk_rows() -> Iterator[tuple[Any, ...]]:
        for n in range(chunks):
            text = " ".join(draw.choices(WORDS, k=12))
            where = min(n // CHUNKS_A_DOCUMENT, documents - 1)
            digest = bytes.fromhex(text_sha256(str(n)))
            yield (PROJECT, stable_id("c", str(n)), document[where], text, "", ["Heading"], 12, digest, b"", 1)

    def vector_rows() -> Iterator[tuple[Any, ...]]:
        numbers = np.random.default_rng(7)
        for n in range(chunks):
            vector = numbers.standard_normal(DIMENSION).astype("<f4")
            vector /= np.linalg.norm(vector)
            yield PROJECT, MODEL, bytes.fromhex(text_sha256(str(n))), vector.tobytes()

    def mention_rows() -> Iterator[tuple[Any, ...]]:
        for n in range(chunks):
            for place in range(1 + n % 2):
                named = entity[(n * 7 + place * 3) % entities]
                yield PROJECT, stable_id("m", str(n), str(place)), stable_id("c", str(n)), named, "it", [0], [2], "x", 1

    with ledger.transaction() as cursor:

        def copy(table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
            with cursor.copy(f"copy {table} ({columns}) from stdin") as into:
                for row in rows:
                    into.write_row(row)
            cursor.execute(f"analyze {table}")

        copy("document", "project, id, source, uri", ((PROJECT, d, "s", f"{d}.md") for d in document))
        copy(
            "document_version",
            "project, id, document_id, sha256, text_sha256, fingerprint, parser, media_type, title, authors, fields, headings, "
            "links, page_starts, bytes, characters, born",
            (
                (
                    PROJECT,
                    v,
                    d,
                    sha256,
                    "",
                    "",
                    "none/1",
                    "text/plain",
                    f"Title {v}",
                    [],
                    "{}",
                    "[]",
                    "[]",
                    [],
                    9,
                    9,
                    1,
                )
                for v, d in zip(version, document, strict=True)
            ),
        )
        copy(
            "chunk",
            "project, id, document_id, text, context, heading_path, tokens, embed_sha256, signature, born",
            chunk_rows(),
        )
        copy("embedding", "project, model_id, embed_sha256, vector", vector_rows())
        copy(
            "placement",
            "project, id, version_id, chunk_id, ordinal, starts_at, ends_at, born",
            (
                (
                    PROJECT,
                    stable_id("p", str(n)),
                    version[min(n // CHUNKS_A_DOCUMENT, documents - 1)],
                    stable_id("c", str(n)),
                    n % CHUNKS_A_DOCUMENT,
                    0,
                    9,
                    1,
                )
                for n in range(chunks)
            ),
        )
        copy(
            "entity",
            "project, id, key, kind, name, aliases, born",
            ((PROJECT, e, f"k{e}", "term", f"n{e}", [], 1) for e in entity),
        )
        copy("mention", "project, id, chunk_id, entity_id, surface, starts, ends, method, born", mention_rows())
    opened = ledger.generations.open(PROJECT, "load")
    ledger.generations.set_index(
        PROJECT, opened.number, model_id=MODEL, collection=f"{PROJECT}--loaded", unrelated_cosine=0.0
    )
    ledger.generations.publish(PROJECT, opened.number, facts={}, reason="loaded")


def break_some(ledger: PostgresLedger, vectors: QdrantVectorIndex, graph: Any) -> int:
    """Delete ten points and edit ten, delete ten edges and edit ten nodes; how many that is."""
    current = ledger.generations.current(PROJECT)
    collection = current.collection or "" if current else ""
    page = next(vectors.held(collection))
    vectors.remove(collection, [point.id for point in page[:10]])
    vectors.set_died(collection, [point.id for point in page[10:20]], 1)
    edges, nodes = [], []
    for item in graph.held(PROJECT):
        if item.kind == "MENTIONS":
            edges.append(item.id)
            if len(edges) == 10:
                break
        elif item.kind == "Chunk" and len(nodes) < 10:
            nodes.append(item.id)
    graph.remove(PROJECT, edges)
    graph.retire(PROJECT, nodes, 1)
    return 40


if __name__ == "__main__":
    main()
