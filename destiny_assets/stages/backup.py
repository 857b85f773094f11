"""Backup and restore: the ledger of one moment with its originals out, and all four layers back from them without a model.

Vectors and graph are projections of the ledger, the embeddings are rows of it; so neither is part of a backup. Dagster's own run
history and the marts are not either: the first is no knowledge, the second are built anew.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from destiny_assets.adapters.backups import FORMAT, Backup, BackupFolder, Manifest
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.qdrant import Point, QdrantVectorIndex
from destiny_assets.domain.generations import Generation
from destiny_assets.domain.retrieval import SELF_CONTAINED
from destiny_assets.domain.sparse import encode_documents
from destiny_assets.errors import ConflictError, NotFoundError
from destiny_assets.ports import DocumentStore, Embedder, KnowledgeGraph, Progress
from destiny_assets.serving.agreement import LAYERS, layer_agreement
from destiny_assets.serving.service import KnowledgeService

_TOP = 10
_PROBES = 20


@dataclass(frozen=True, slots=True)
class Home:
    """The four layers that a backup is taken of or restored into."""

    ledger: PostgresLedger
    originals: DocumentStore
    vectors: QdrantVectorIndex
    graph: KnowledgeGraph


def make_backup(
    ledger: PostgresLedger, originals: DocumentStore, folder: BackupFolder, *, keep: int, progress: Progress
) -> dict[str, Any]:
    """One consistent copy, whatever is ingested meanwhile; older backups than the newest `keep` go.

    Originals that the folder already has are not copied again. Raises `ConflictError` while another backup is made.
    """
    began = time.perf_counter()
    with folder.writing() as writer:
        with ledger.snapshots.taken() as snapshot:
            moment, revision, published = snapshot.moment(), snapshot.revision(), snapshot.published()
            tables = []
            found = snapshot.tables()
            for number, table in enumerate(found, start=1):
                tables.append(writer.table(table.name, table.columns, snapshot.count(table), snapshot.rows(table)))
                progress.advance("ledger", number, len(found))
            named = snapshot.originals()
        there = {project: set(folder.originals.ids(project)) for project in published}
        copied, size, missing = 0, 0, []
        for number, (project, sha256) in enumerate(named, start=1):
            if sha256 not in there[project]:
                try:
                    data = originals.get(project, sha256)
                except NotFoundError:
                    # One lost original is no reason to save none of the others.
                    missing.append(f"{project}/{sha256}")
                    continue
                folder.originals.put(project, data)
                copied, size = copied + 1, size + len(data)
            progress.advance("originals", number, len(named))
        backup = writer.finish(
            Manifest(
                format=FORMAT,
                destiny=version("destiny"),
                revision=revision,
                made_at=moment.isoformat(),
                seconds=round(time.perf_counter() - began, 3),
                tables=tables,
                projects=published,
                originals=len(named),
                originals_bytes=size,
                originals_sha256=writer.originals(named),
                missing=missing,
            )
        )
    removed = folder.prune(keep)
    manifest = backup.manifest
    return {
        "backup": str(backup.folder),
        "made_at": manifest.made_at,
        "seconds": manifest.seconds,
        "ledger": {"rows": sum(t.rows for t in tables), "tables": len(tables), "bytes": sum(t.bytes for t in tables)},
        "originals": {"named": len(named), "copied": copied, "bytes": size, "missing": missing},
        "projects": manifest.projects,
        "removed": removed,
    }


def restore_backup(backup: Backup, home: Home, *, replace: bool, progress: Progress) -> dict[str, Any]:
    """Bring an empty home to what a backup holds; readers see nothing of it before all four layers are whole.

    A restore that was cut short is taken up again by the same call. Raises `ConflictError` for a damaged backup, and for a home that
    holds something unless told to `replace` it.
    """
    clock = _Clock()
    backup.verify()
    clock.lap("verify")
    ledger, name = home.ledger, backup.folder.name
    if ledger.snapshots.unfinished() != name:
        if not (replace or ledger.snapshots.is_empty()):
            raise ConflictError(
                "This home holds knowledge already. Restore into an empty home, or say --replace to lose it."
            )
        ledger.snapshots.drop()
        ledger.migrate(backup.manifest.revision)
        ledger.snapshots.fill(name, [(t.name, t.columns, backup.rows(t.name)) for t in backup.manifest.tables])
    ledger.migrate()
    clock.lap("ledger")
    missing = set(backup.manifest.missing)
    named = list(backup.named_originals())
    for number, (project, sha256) in enumerate(named, start=1):
        if f"{project}/{sha256}" not in missing:
            home.originals.put(project, backup.originals.get(project, sha256))
        progress.advance("originals", number, len(named))
    clock.lap("originals")
    for project in backup.manifest.projects:
        fill_vectors(ledger, home.vectors, project, progress)
    clock.lap("vectors")
    for project in backup.manifest.projects:
        fill_graph(ledger, home.graph, project, progress)
    clock.lap("graph")
    ledger.snapshots.reveal()
    projects = {project: _state(home, project, held) for project, held in backup.manifest.projects.items()}
    clock.lap("agreement")
    return {
        "backup": str(backup.folder),
        "made_at": backup.manifest.made_at,
        "ok": all(state["ok"] for state in projects.values()),
        "projects": projects,
        "ledger_rows": sum(table.rows for table in backup.manifest.tables),
        "originals": len(named) - len(missing),
        "missing_originals": sorted(missing),
        "model_calls": 0,
        "seconds": clock.seconds,
    }


def fill_vectors(ledger: PostgresLedger, index: QdrantVectorIndex, project: str, progress: Progress) -> None:
    """Make every collection that a published generation reads anew from the ledger, with the chunks of all generations."""
    for collection in index.collections(project):
        index.drop(collection)
    read = {(g.collection, g.model_id) for g in ledger.generations.all(project) if g.collection and g.model_id}
    for collection, model_id in sorted((str(c), str(m)) for c, m in read):
        done = 0
        for rows, vectors in ledger.projections.points(project, model_id, dead=True):
            if not done:
                index.ensure(collection, vectors.shape[1])
            sparse = encode_documents([row.text for row in rows])
            points = [
                Point(row.id, row.chunk_id, row.document_id, row.source, row.born, weights, row.died)
                for row, weights in zip(rows, sparse, strict=True)
            ]
            index.upsert(collection, points, vectors)
            done += len(rows)
            progress.advance("vectors", done, 0)


def fill_graph(ledger: PostgresLedger, graph: KnowledgeGraph, project: str, progress: Progress) -> None:
    """Make the project's graph anew from the ledger, with the nodes and edges of all generations."""
    graph.drop(project)
    graph.prepare()
    written = graph.upsert_nodes(project, ledger.projections.graph_nodes(project))
    progress.advance("graph", written, 0)
    progress.advance("graph", written + graph.upsert_edges(project, ledger.projections.graph_edges(project)), 0)


def golden_rankings(
    ledger: PostgresLedger, service: KnowledgeService, project: str, generation: int
) -> dict[str, list[str]]:
    """The best ten chunks for each golden question and recipe at a generation; for a project without questions, of titles."""
    questions = {
        f"{suite.name}/{query}": text
        for suite in ledger.benchmarks.suites(project)
        for query, text in suite.queries.items()
    }
    if not questions:
        questions = {f"title/{uri}": title for uri, title in ledger.reading.titles(project, generation, _PROBES)}
    return {
        f"{recipe}/{query}": [
            hit.chunk_id for hit in service.search(project, text, k=_TOP, recipe=recipe, generation=generation).hits
        ]
        for recipe in SELF_CONTAINED
        for query, text in questions.items()
    }


def compared(live: Home, copy: Home, backup: Backup, embedder: Embedder) -> dict[str, dict[str, Any]]:
    """A restored home against the one it was saved from, project by project: counts, and the best ten for each golden question.

    `moved_on` says that the live project has published or built something since: the weights of its words then count other chunks
    too, so of the rankings only the dense ones must be the same.
    """
    found: dict[str, dict[str, Any]] = {}
    for project, held in backup.manifest.projects.items():
        number = held["generation"]
        if number is None:
            continue
        homes = (live, copy)
        rankings, counts = [], []
        for home in homes:
            service = KnowledgeService(home.ledger, home.vectors, lambda: embedder)
            rankings.append(golden_rankings(home.ledger, service, project, number))
            counts.append(home.ledger.reading.counts(project, number))
        theirs, ours = rankings
        same = [name for name, ranking in theirs.items() if ours.get(name) == ranking]
        generations = live.ledger.generations.all(project)
        found[project] = {
            "generation": number,
            "moved_on": held["unfinished"] or generations[0].number != number,
            "same_counts": counts[0] == counts[1],
            "rankings": len(theirs),
            "same_rankings": len(same),
            "same_dense_rankings": sum(name.startswith("dense/") for name in same),
            "dense_rankings": sum(name.startswith("dense/") for name in theirs),
        }
    return found


def _state(home: Home, project: str, held: Mapping[str, Any]) -> dict[str, Any]:
    """What became of one project: its generation, counts against those it was published with, agreement of its layers."""
    current = home.ledger.generations.current(project)
    if current is None:
        return {"generation": None, "ok": held["generation"] is None, "unfinished": held["unfinished"]}
    counts = home.ledger.reading.counts(project, current.number)
    published = {name: value for name, value in (held["facts"] or {}).items() if name in counts}
    agreement = dict(_agreement(home, current))
    return {
        "generation": current.number,
        "ok": current.number == held["generation"]
        and published.items() <= counts.items()
        and not any(layer["missing"] or layer["extra"] or layer["stale"] for layer in agreement.values()),
        "unfinished": held["unfinished"],
        "counts": counts,
        "agreement": agreement,
    }


def _agreement(home: Home, generation: Generation) -> Iterator[tuple[str, dict[str, int]]]:
    for layer in LAYERS:
        yield layer, asdict(layer_agreement(home.ledger, home.originals, home.vectors, home.graph, generation, layer))


class _Clock:
    """Seconds by step, and in all."""

    def __init__(self) -> None:
        self._began = self._last = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.seconds[step] = round(now - self._last, 3)
        self.seconds["total"] = round(now - self._began, 3)
        self._last = now
