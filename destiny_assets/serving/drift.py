"""What every layer holds against what the ledger says it should, item by item, over every generation that can still be read.

An item drifted when its id is missing or unknown, or when anything it says is not what the ledger says: a property, when it was
born or died, the ends of an edge, its vectors. Read-only; `findings` gives the differences names, `stages.repair` mends them.

How vectors are compared. The dense vector of every point is compared through its cosine with a random direction, which the store
computes, so that one number travels instead of 384. The BM25 vectors, and every number of the dense ones, are compared for a random
sample of 1,000 points, or for all of them where the look is `deep`; so are the bytes of originals, which are read only then.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from more_itertools import chunked

from destiny_assets.adapters.postgres.contents import PointContent
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.qdrant import HeldPoint, QdrantVectorIndex, collection_of
from destiny_assets.domain.generations import Generation
from destiny_assets.domain.graph import Edge, HeldItem, Node
from destiny_assets.domain.inventories import (
    Difference,
    Ids,
    InventoryBuilder,
    Lifetimes,
    difference,
    fingerprint,
    pack,
    unpack,
)
from destiny_assets.domain.sparse import ENCODER, SparseVector, encode_documents
from destiny_assets.errors import DamagedOriginalError, NotFoundError
from destiny_assets.ports import DocumentStore, KnowledgeGraph, Vectors

_SAMPLE = 1_000
_BATCH = 500
_NO_IDS: Ids = np.empty(0, "S16")


@dataclass(frozen=True, slots=True)
class Place:
    """What is compared at once: the originals, the graph, or one collection, and the generations that are read there."""

    layer: str
    collection: str | None = None
    model_id: str | None = None
    lifetimes: Lifetimes = field(default_factory=lambda: Lifetimes(()))
    current: int = 0
    """The current generation; 0 where it is not read here."""
    in_progress: bool = False
    """Whether a generation is being built here, whose items may or may not be there yet."""

    def ignores(self, born: object) -> bool:
        """Whether an item is the affair of a generation that nobody reads yet."""
        return self.in_progress and isinstance(born, int) and born > self.lifetimes.newest


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """What differs at one place. `vectors` are ids of points whose vectors alone are wrong, part of `found.stale`."""

    place: Place
    expected: int
    found: Difference
    vectors: Ids
    name: Callable[[bytes], str]

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return not (len(self.found.missing) or len(self.found.extra) or len(self.found.stale))


def places(ledger: PostgresLedger, project: str) -> list[Place]:
    """Where a project's generations are read; empty before the first publish."""
    generations = ledger.generations.all(project)
    readable = [one for one in generations if one.state == "published" and one.vacuumed_at is None]
    building = next((one for one in generations if one.state != "published"), None)
    current = next((one.number for one in readable if one.current), 0)
    if not readable:
        return []
    everything = partial(
        Place,
        lifetimes=Lifetimes(one.number for one in readable),
        current=current,
        in_progress=building is not None,
    )
    return [
        everything("documents"),
        *(_collection(name, readable, building, current) for name in collections_read(readable)),
        everything("graph"),
    ]


def collections_read(readable: list[Generation]) -> list[str]:
    """The collections of some generations, newest generation first."""
    return list(dict.fromkeys(one.collection for one in readable if one.collection))


def _collection(name: str, readable: list[Generation], building: Generation | None, current: int) -> Place:
    readers = [one for one in readable if one.collection == name]
    return Place(
        "vectors",
        name,
        readers[0].model_id,
        Lifetimes(one.number for one in readers),
        current if any(one.number == current for one in readers) else 0,
        building is not None and building.collection in (None, name),
    )


def compare(
    ledger: PostgresLedger,
    originals: DocumentStore,
    index: QdrantVectorIndex,
    graph: KnowledgeGraph,
    project: str,
    place: Place,
    *,
    deep: bool = False,
) -> Drift:
    """One place held against the ledger; raises `StoreUnavailableError`."""
    match place.layer:
        case "documents":
            return _compare_originals(ledger, originals, project, place, deep)
        case "vectors":
            return _compare_points(ledger, index, project, place, deep)
        case _:
            return _compare_graph(ledger, graph, project, place)


def item_content(project: str, item: Node | Edge, lifetimes: Lifetimes) -> dict[str, object]:
    """Everything a node or edge should say; of an edge, its ends too."""
    fixed = {"project": project, "id": item.id, "born": item.born, "died": lifetimes.end(item.died)}
    ends = {"from": f"{project}/{item.source}", "to": f"{project}/{item.target}"} if isinstance(item, Edge) else {}
    return {**item.properties, **fixed, **ends}


def kind_of(item: Node | Edge) -> str:
    """A node's label or an edge's type."""
    return str(item.label if isinstance(item, Node) else item.type)


def held_content(item: HeldItem, lifetimes: Lifetimes) -> dict[str, object]:
    """What a node or edge does say, in the same terms."""
    ends: dict[str, object] = {"from": item.ends[0], "to": item.ends[1]} if item.ends else {}
    return {**_as_readers_see(item.properties, lifetimes), **ends}


def point_content(point: PointContent, lifetimes: Lifetimes) -> dict[str, object]:
    """The payload a point should have."""
    return {
        "chunk_id": point.chunk_id,
        "document_id": point.document_id,
        "source": point.source,
        "born": point.born,
        "died": lifetimes.end(point.died),
    }


def payload_content(point: HeldPoint, lifetimes: Lifetimes) -> dict[str, object]:
    """The payload a point does have, in the same terms."""
    return _as_readers_see(point.payload, lifetimes)


def graph_items(ledger: PostgresLedger, project: str, lifetimes: Lifetimes) -> Iterator[Node | Edge]:
    """Every node, then every edge, that some generation shows."""
    for node in ledger.projections.graph_nodes(project):
        if lifetimes.shown(node.born, node.died):
            yield node
    for edge in ledger.projections.graph_edges(project):
        if lifetimes.shown(edge.born, edge.died):
            yield edge


def point_rows(
    ledger: PostgresLedger, project: str, place: Place, *, texts: bool = False
) -> Iterator[list[PointContent]]:
    """Every point that some generation reading a collection shows."""
    shown = place.lifetimes.shown
    for rows in ledger.contents.points(project, place.model_id or "", texts=texts):
        if kept := [row for row in rows if shown(row.born, row.died)]:
            yield kept


def sparse_is_known(project: str, place: Place) -> bool:
    """Whether this version of Destiny made the BM25 vectors of a collection, so that it can make them again."""
    return collection_of(place.collection or "", project, place.model_id or "", ENCODER)


def _as_readers_see(properties: Mapping[str, object], lifetimes: Lifetimes) -> dict[str, object]:
    content = dict(properties)
    died = content.get("died")
    if isinstance(died, int) and not isinstance(died, bool):
        content["died"] = lifetimes.end(died)
    return content


def _compare_originals(ledger: PostgresLedger, store: DocumentStore, project: str, place: Place, deep: bool) -> Drift:
    shown: dict[str, bool] = {}
    known = set()
    for sha256, born, died in ledger.contents.originals(project):
        known.add(sha256)
        if place.lifetimes.shown(born, died):
            shown[sha256] = shown.get(sha256, False) or born <= place.current < died
    expected, present = InventoryBuilder(), InventoryBuilder()
    for sha256, counted in shown.items():
        expected.add(sha256, bytes(8), counted=counted)
    for sha256 in store.ids(project):
        # A run stores an original before it names it in the ledger, and an original of an unpublished version is no surplus.
        if sha256 in shown or not (place.in_progress or sha256 in known):
            damaged = deep and sha256 in shown and not _is_whole(store, project, sha256)
            present.add(sha256, b"damaged!" if damaged else bytes(8))
    return _drift(place, expected, present)


def _is_whole(store: DocumentStore, project: str, sha256: str) -> bool:
    try:
        store.get(project, sha256)
    except DamagedOriginalError:
        return False
    except NotFoundError:
        return True  # Removed since it was listed; the next look finds it missing.
    return True


def _compare_graph(ledger: PostgresLedger, graph: KnowledgeGraph, project: str, place: Place) -> Drift:
    lifetimes, current = place.lifetimes, place.current
    expected, present = InventoryBuilder(), InventoryBuilder()
    for item in graph_items(ledger, project, lifetimes):
        content = fingerprint(kind_of(item), item_content(project, item, lifetimes))
        expected.add(item.id, content, counted=item.born <= current < item.died)
    for held in graph.held(project):
        if not place.ignores(held.properties.get("born")):
            present.add(held.id, fingerprint(held.kind, held_content(held, lifetimes)))
    return _drift(place, expected, present)


def _compare_points(ledger: PostgresLedger, index: QdrantVectorIndex, project: str, place: Place, deep: bool) -> Drift:
    lifetimes, collection = place.lifetimes, place.collection or ""
    expected, present = InventoryBuilder(), InventoryBuilder()
    random = np.random.default_rng()
    direction: Vectors | None = None
    for rows in point_rows(ledger, project, place):
        vectors = [row.vector for row in rows]
        size = next((len(vector) // 4 for vector in vectors if vector), None)
        if direction is None and size:
            direction = random.standard_normal(size, np.float32)
            direction /= np.linalg.norm(direction)
        expected.measure(_cosines(vectors, direction))
        for row in rows:
            content = fingerprint("point", point_content(row, lifetimes))
            expected.add(row.id, content, counted=row.born <= place.current < row.died)
    pages = index.held(collection) if index.exists(collection) else iter(())
    for page in pages:
        points = [point for point in page if not place.ignores(point.payload.get("born"))]
        if not points:
            continue
        ids = [point.id for point in points]
        unmeasured = np.zeros(len(ids), np.float32)
        present.measure(unmeasured if direction is None else index.along(collection, ids, direction))
        for point in points:
            present.add(point.id, fingerprint("point", payload_content(point, lifetimes)))
    drift = _drift(place, expected, present)
    same = drift.found.same
    if not deep and len(same) > _SAMPLE:
        same = np.sort(random.choice(same, _SAMPLE, replace=False))
    wrong = _wrong_vectors(ledger, index, project, place, [drift.name(id_) for id_ in same])
    if not len(wrong):
        return drift
    found = drift.found
    agreeing = found.same[~np.isin(found.same, wrong)]
    more = Difference(found.missing, found.extra, np.union1d(found.stale, wrong), agreeing, found.held)
    return Drift(place, drift.expected, more, wrong, drift.name)


def _wrong_vectors(ledger: PostgresLedger, index: QdrantVectorIndex, project: str, place: Place, ids: list[str]) -> Ids:
    """Those of the points whose vectors are not the ledger's, number by number."""
    wrong = []
    for some in chunked(ids, _BATCH):
        points = index.named(place.collection or "", some)
        stored = ledger.contents.texts(project, place.model_id or "", [str(one.payload["chunk_id"]) for one in points])
        told = [stored[str(point.payload["chunk_id"])] for point in points]
        sparse: list[SparseVector | None] = [None] * len(points)
        if sparse_is_known(project, place):
            sparse = list(encode_documents([text for text, _ in told]))
        for point, (_, vector), weights in zip(points, told, sparse, strict=True):
            if not (_same_dense(point.dense, vector) and (weights is None or _same_sparse(point.sparse, weights))):
                wrong.append(pack(point.id))
    return np.unique(np.array(wrong, "S16")) if wrong else _NO_IDS


def _same_dense(held: Vectors | None, vector: bytes | None) -> bool:
    if held is None or vector is None:
        return held is None and vector is None
    stored = np.frombuffer(vector, "<f4")
    # The store may have made the length 1 once more.
    return held.shape == stored.shape and bool(np.allclose(held, stored, rtol=0, atol=1e-5))


def _same_sparse(held: SparseVector | None, weights: SparseVector) -> bool:
    if held is None:
        return not len(weights.indices)
    order = np.argsort(held.indices)
    return np.array_equal(held.indices[order], weights.indices) and bool(
        np.allclose(held.values[order], weights.values, rtol=1e-5)
    )


def _cosines(vectors: list[bytes | None], direction: Vectors | None) -> Vectors:
    """Cosine of each vector with the direction; NaN where the ledger has none, which nothing equals."""
    found = np.full(len(vectors), np.nan, np.float32)
    there = [number for number, vector in enumerate(vectors) if vector]
    if there and direction is not None:
        rows = np.frombuffer(b"".join(vectors[number] or b"" for number in there), "<f4").reshape(len(there), -1)
        lengths = np.linalg.norm(rows, axis=1)
        found[there] = rows @ direction / np.where(lengths > 0, lengths, 1)
    return found


def _drift(place: Place, expected: InventoryBuilder, present: InventoryBuilder) -> Drift:
    should, does = expected.build(), present.build()

    def name(packed: bytes) -> str:
        # An id that is no UUID is remembered by the side that told it.
        return expected.odd(packed) or present.odd(packed) or unpack(packed)

    return Drift(place, len(should), difference(should, does), _NO_IDS, name)
