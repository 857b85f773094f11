"""A small project that grows: ten documents in a folder, the real stages, the four real layers, a fast embedder."""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from destiny_assets.adapters.documents import open_document_store
from destiny_assets.adapters.embedders.bert.tokenizer import MiniLMTokenizer
from destiny_assets.adapters.entity_extractors import NoExtractor
from destiny_assets.adapters.neo4j import Neo4jKnowledgeGraph, connect
from destiny_assets.adapters.parsers.reader import DocumentReader
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.projects import Source
from destiny_assets.adapters.qdrant import QdrantVectorIndex
from destiny_assets.domain.generations import Generation
from destiny_assets.domain.trust import MODEL
from destiny_assets.ports import ClaimModel, DocumentStore, Embedder, EntityExtractor, TokenCounter
from destiny_assets.serving.agreement import LAYERS, layer_agreement
from destiny_assets.serving.service import KnowledgeService
from destiny_assets.settings import Stores
from destiny_assets.stages.believe import believe_claims
from destiny_assets.stages.calibrate import calibrate_claims
from destiny_assets.stages.claims import extract_claims
from destiny_assets.stages.decisions import record_decisions
from destiny_assets.stages.entities import link_documents
from destiny_assets.stages.grounds import watch_decisions
from destiny_assets.stages.identities import merge_entities
from destiny_assets.stages.ingest import ingest_sources
from destiny_assets.stages.link import project_graph
from destiny_assets.stages.measure import measure_project
from destiny_assets.stages.publish import publish_generation
from destiny_assets.stages.score import score_trust
from destiny_assets.stages.understand import CHUNKING, chunk_documents, embed_chunks, index_vectors
from tests.fakes.embedder import HashingEmbedder

DOCUMENTS = {
    "adr-001-queue.md": "# Use a queue for letters\n\n## Status\n\nSuperseded by [ADR 7](adr-007-stream.md)\n\n## Decision\n\n"
    "Letters wait in a queue called Pigeon until a courier is free.\n\nThe queue keeps every letter for seven days at most.\n",
    "adr-007-stream.md": "# Use a stream for letters\n\n## Status\n\nAccepted\n\n## Decision\n\n"
    "Letters are appended to a stream that is never emptied, so that a courier may read it twice.\n\n"
    "This record supersedes [ADR 1](adr-001-queue.md).\n",
    "handbook/couriers.md": "# Couriers\n\nA courier takes ten letters at a time and reports each of them as delivered.\n\n"
    "How letters wait is told in [the decision](../adr-007-stream.md).\n",
    "handbook/stamps.md": "# Stamps\n\nA stamp costs three crowns inside the country and nine crowns abroad.\n",
    "handbook/holidays.md": "# Holidays\n\nNobody delivers letters on the first of May, nor between Christmas and New Year.\n",
    "handbook/bicycles.rst": "Bicycles\n========\n\nEvery courier has a yellow bicycle, and its chain is oiled on Mondays.\n\n"
    "Repairs\n-------\n\nA broken bicycle is repaired in the workshop behind the old harbour.\n",
    "reports/spring.md": "---\ntitle: Spring report\nauthor: Ada Brook\ndate: 2024-04-01\n---\n\n# Spring report\n\n"
    "Deliveries rose by a quarter since the stream replaced the queue.\n",
    "reports/autumn.md": "---\ntitle: Autumn report\nauthor: Ada Brook\ndate: 2024-10-01\n---\n\n# Autumn report\n\n"
    "Complaints fell to four a week, most of them about wet letters in November rain.\n",
    "notes/rain.txt": "Wet letters are dried on the stove of the sorting room before anyone tries to read the address.\n",
    "notes/archive.rst": "The archive\n===========\n\nUndeliverable letters are kept in the archive for two years and then burned.\n",
}

STAGES = (
    *(
        "documents",
        "chunks",
        "embeddings",
        "vectors",
        "links",
        "identities",
        "decisions",
        "claims",
        "graph",
        "trust",
        "beliefs",
        "calibration",
    ),
    *("grounds", "benchmark", "gate", "publish"),
)
"""What `Growth.run` tells `Growth.started`, in this order."""

_tick = count(1)


class Silence:
    """The `Progress` port, for nobody to see."""

    def advance(self, stage: str, done: int, total: int) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Layers:
    """The four layers of the session's servers."""

    stores: Stores
    ledger: PostgresLedger
    originals: DocumentStore
    vectors: QdrantVectorIndex
    graph: Neo4jKnowledgeGraph


@contextmanager
def open_layers(stores: Stores) -> Iterator[Layers]:
    with ExitStack() as stack:
        ledger = stack.enter_context(PostgresLedger(stores.postgres_url, pool_size=4))
        ledger.migrate()
        yield Layers(
            stores,
            ledger,
            open_document_store(stores.documents_url),
            stack.enter_context(QdrantVectorIndex(stores.qdrant_url)),
            stack.enter_context(connect(stores.neo4j_url)),
        )


@dataclass
class Growth:
    """A project and the folder it grows from; `reports` holds what each stage said in the last `run`.

    `started` is told the name of each stage before it begins.
    """

    layers: Layers
    project: str
    folder: Path
    embedder: Embedder = field(default_factory=HashingEmbedder)
    tokens: TokenCounter = field(default_factory=MiniLMTokenizer)
    extractor: EntityExtractor = field(default_factory=NoExtractor)
    claim_model: ClaimModel | None = None
    claim_budget: int | None = None
    reports: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    started: Callable[[str], None] = lambda _: None

    def write(self, name: str, content: str | bytes) -> None:
        """Write one file in one step, with a time of change that no earlier write had."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whoever watches the folder sees one change, not a new content and then another time.
        part = self.folder.with_name(f"{self.project}.part")
        part.write_bytes(content if isinstance(content, bytes) else content.encode())
        moment = 1_700_000_000_000_000_000 + next(_tick) * 1_000_000_000
        os.utime(part, ns=(moment, moment))
        part.replace(path)

    def delete(self, name: str) -> None:
        (self.folder / name).unlink()

    def service(self, **more: Any) -> KnowledgeService:
        return KnowledgeService(self.layers.ledger, self.layers.vectors, lambda: self.embedder, **more)

    def open(self) -> Generation:
        return self.layers.ledger.generations.open(self.project, f"run-{secrets.token_hex(4)}")

    def run(self, *, until: str | None = None) -> Generation:
        """Every stage up to and with `until`; all of them publish. The generation that readers see, or the one left unfinished."""
        layers, project, silence = self.layers, self.project, Silence()
        number = self.open().number
        ledger = layers.ledger
        stages: dict[str, Callable[[], Mapping[str, Any]]] = {
            "documents": lambda: vars_of(
                ingest_sources(
                    ledger,
                    layers.originals,
                    DocumentReader(),
                    project,
                    number,
                    silence,
                    self.folder.parent / "cache",
                    codes={"chunks": CHUNKING, "embeddings": self.embedder.model_id},
                )
            ),
            "chunks": lambda: chunk_documents(ledger, self.tokens, project, number, silence),
            "embeddings": lambda: embed_chunks(ledger, self.embedder, project, number, silence),
            "vectors": lambda: index_vectors(ledger, layers.vectors, self.embedder, project, number, silence),
            "links": lambda: link_documents(ledger, self.extractor, project, number, silence),
            "identities": lambda: merge_entities(ledger, project, number),
            "decisions": lambda: record_decisions(ledger, project, number, silence),
            "claims": lambda: extract_claims(
                *(ledger, layers.originals, project, number, silence),
                model=self.claim_model,
                most_tokens=self.claim_budget,
            ),
            "graph": lambda: project_graph(ledger, layers.graph, project, number, silence),
            "trust": lambda: score_trust(ledger, project, number),
            "beliefs": lambda: believe_claims(ledger, project, number, silence),
            "calibration": lambda: calibrate_claims(ledger, project, number),
            "grounds": lambda: watch_decisions(ledger, project, number),
            "benchmark": lambda: measure_project(
                ledger, self.service, ledger.generations.building(project), run_id=project, progress=silence
            ),
        }
        assert (*stages, "gate", "publish") == STAGES
        self.reports = {}
        for name, stage in stages.items():
            self.started(name)
            self.reports[name] = stage()
            if name == until:
                return ledger.generations.building(project)
        building = ledger.generations.building(project)
        self.started("gate")
        self.require_agreement(building)
        self.started("publish")
        facts = ledger.reading.counts(project, number) | {
            "linker": self.reports["links"]["linker"],
            "trust_model": MODEL,
            "best_recipe": self.reports["benchmark"]["best_recipe"],
        }
        current, published, reason = publish_generation(ledger, building, facts)
        self.reports["published"] = {"published": published, "reason": reason}
        return current

    def agreement(self, generation: Generation) -> dict[str, tuple[int, int]]:
        """(missing, surplus) ids by layer."""
        found = {
            name: layer_agreement(
                self.layers.ledger, self.layers.originals, self.layers.vectors, self.layers.graph, generation, name
            )
            for name in LAYERS
        }
        return {name: (layer.missing, layer.extra + layer.stale) for name, layer in found.items()}

    def require_agreement(self, generation: Generation) -> None:
        assert self.agreement(generation) == dict.fromkeys(LAYERS, (0, 0))

    def seen(self, generation: Generation) -> dict[str, str]:
        """What a reader of a generation finds: the text of every chunk, by chunk id."""
        ledger, number = self.layers.ledger, generation.number
        with ledger.transaction() as cursor:
            rows = cursor.execute(
                "select id::text as id from chunk where project = %s and born <= %s and died > %s",
                (self.project, number, number),
            ).fetchall()
        passages = ledger.reading.passages(self.project, number, [row["id"] for row in rows])
        assert len(passages) == len(rows)
        return {id_: passage.text for id_, passage in passages.items()}

    def uris(self, generation: Generation) -> set[str]:
        ledger, number = self.layers.ledger, generation.number
        passages = ledger.reading.passages(self.project, number, list(self.seen(generation)))
        return {passage.uri for passage in passages.values()}

    def points(self) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
        """Everything the vector layer holds of the project: payload and vectors by id."""
        found = {}
        for collection in self.layers.vectors.collections(self.project):
            points, more = self.layers.vectors._client.scroll(
                collection, limit=10_000, with_payload=True, with_vectors=True
            )
            assert more is None
            for point in points:
                vectors = {name: str(value) for name, value in (point.vector or {}).items()}  # type: ignore[union-attr]
                found[str(point.id)] = (dict(point.payload or {}), vectors)
        return found

    def nodes(self) -> dict[str, dict[str, Any]]:
        """Everything the graph layer holds of the project: properties of nodes and edges by id."""
        asked = [f"MATCH {item} WHERE n.project = $p RETURN n.id, properties(n)" for item in ("(n)", "()-[n]->()")]
        with self.layers.graph._driver.session() as session:
            return {id_: dict(held) for text in asked for id_, held in session.run(text, p=self.project)}

    def text_of(self, uri: str, generation: Generation) -> str:
        """A document's parsed text as a generation shows it."""
        with self.layers.ledger.transaction() as cursor:
            row = cursor.execute(
                """select t.text from document d join document_version v on (v.project, v.document_id) = (d.project, d.id)
                   join document_text t on (t.project, t.text_sha256) = (v.project, v.text_sha256)
                   where d.project = %s and d.uri = %s and v.born <= %s and v.died > %s""",
                (self.project, uri, generation.number, generation.number),
            ).fetchone()
        assert row is not None
        return str(row["text"])


def vars_of(report: Any) -> dict[str, Any]:
    """The fields of a slotted dataclass."""
    return {name: getattr(report, name) for name in report.__slots__}


@contextmanager
def growing(
    layers: Layers, folder: Path, documents: Mapping[str, str] = DOCUMENTS, kind: str = "files"
) -> Iterator[Growth]:
    """A project of a random name over a folder with `documents`; gone from every layer afterwards."""
    growth = Growth(layers, f"grow-{secrets.token_hex(5)}", folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents.items():
        growth.write(name, text)
    layers.ledger.projects.add(growth.project)
    layers.ledger.projects.add_source(growth.project, Source("folder", kind, str(folder)))
    try:
        yield growth
    finally:
        layers.graph.drop(growth.project)
        for collection in layers.vectors.collections(growth.project):
            layers.vectors.drop(collection)
        layers.originals.delete(growth.project, list(layers.originals.ids(growth.project)))
        layers.ledger.projects.remove(growth.project)
