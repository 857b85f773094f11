"""Does every layer hold what this generation changed? The gate of every run; whole layers are compared by ``destiny doctor``.

What an older generation holds was verified before it was published, so a run looks at its own changes, id by id, and at counts
of the whole where a layer gives them from an index. Nothing is mended here.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.qdrant import QdrantVectorIndex
from destiny_assets.domain.generations import Generation
from destiny_assets.domain.graph import FOREVER, EdgeType, NodeLabel
from destiny_assets.ports import DocumentStore, KnowledgeGraph

LAYERS = ("documents", "vectors", "graph")
# More items than this are read in one pass over the project's part of the graph: looking one up costs as much as passing fifty.
_LOOKED_UP = 20_000
_Item = tuple[NodeLabel | EdgeType, str]


@dataclass(frozen=True, slots=True)
class Verified:
    """A layer against the ledger in what one generation changed.

    `expected` is what the layer should show in all, `compared` how many of that (and of what it should not show any more) were
    looked at one by one. `missing`: shown by the ledger alone. `extra`: born in the layer alone. `stale`: retired in the ledger alone.
    """

    expected: int
    compared: int
    missing: int
    extra: int
    stale: int


def verify_layer(
    ledger: PostgresLedger,
    store: DocumentStore,
    index: QdrantVectorIndex,
    graph: KnowledgeGraph,
    generation: Generation,
    layer: str,
) -> Verified:
    """One of `LAYERS` against the ledger, in what `generation` (the one being built) changed."""
    match layer:
        case "documents":
            return _documents(ledger, store, generation)
        case "vectors":
            return _vectors(ledger, index, generation)
        case _:
            return _graph(ledger, graph, generation)


def _documents(ledger: PostgresLedger, store: DocumentStore, generation: Generation) -> Verified:
    project, number = generation.project, generation.number
    expected = ledger.reading.layer_sizes(project, number)["documents"]
    fresh = ledger.documents.new_hashes(project, number)
    return Verified(expected, len(fresh), len(store.missing(project, fresh)), 0, 0)


def _vectors(ledger: PostgresLedger, index: QdrantVectorIndex, generation: Generation) -> Verified:
    project, number, collection = generation.project, generation.number, generation.collection
    expected = ledger.reading.layer_sizes(project, number)["vectors"]
    latest, rows = ledger.generations.latest(project), ledger.projections
    if collection is None or not index.exists(collection):
        return Verified(expected, 0, expected, 0, 0)
    if latest is None or latest.collection != collection:
        # A new collection: nothing in it was ever verified.
        compared, missing, extra = _apart(
            lambda: rows.visible_chunks(project, number), lambda: index.visible_ids(collection, number)
        )
        return Verified(expected, compared, missing, extra, 0)
    born, missing, extra = _apart(
        lambda: rows.new_chunks(project, number), lambda: index.marked(collection, "born", number)
    )
    died, stale, hidden = _apart(
        lambda: rows.retired_chunks(project, number), lambda: index.marked(collection, "died", number)
    )
    # Points that no change touched are counted only.
    surplus = index.count(collection, number) - expected
    return Verified(expected, born + died, max(missing + hidden, -surplus), extra, max(stale, surplus - extra))


def _graph(ledger: PostgresLedger, graph: KnowledgeGraph, generation: Generation) -> Verified:
    project, number = generation.project, generation.number
    expected = ledger.reading.layer_sizes(project, number)["graph"]
    born = list(islice(_living(ledger, project, number), _LOOKED_UP))
    died = list(islice(_retired(ledger, project, number), _LOOKED_UP))
    if len(born) + len(died) < _LOOKED_UP:
        there = {id_: (since, until) for id_, since, until in graph.lifetimes(project, [*born, *died])}
        missing = sum(there.get(id_) != (number, FOREVER) for _, id_ in born)
        hidden = sum(id_ not in there for _, id_ in died)
        stale = sum(id_ in there and there[id_][1] != number for _, id_ in died)
        return Verified(expected, len(born) + len(died), missing + hidden, 0, stale)
    compared, missing, extra = _apart(
        lambda: (id_ for _, id_ in _living(ledger, project, number)),
        lambda: (id_ for _, id_ in graph.marked(project, "born", number)),
    )
    ended, stale, hidden = _apart(
        lambda: (id_ for _, id_ in _retired(ledger, project, number)),
        lambda: (id_ for _, id_ in graph.marked(project, "died", number)),
    )
    return Verified(expected, compared + ended, missing + hidden, extra, stale)


def _living(ledger: PostgresLedger, project: str, number: int) -> Iterator[_Item]:
    """Nodes and edges that live since a generation."""
    rows = ledger.projections
    yield from ((node.label, node.id) for node in rows.graph_nodes(project, born=number) if node.died == FOREVER)
    yield from ((edge.type, edge.id) for edge in rows.graph_edges(project, born=number) if edge.died == FOREVER)


def _retired(ledger: PostgresLedger, project: str, number: int) -> Iterator[_Item]:
    """Nodes and edges of older generations that died in this one."""
    rows = ledger.projections
    yield from ((node.label, node.id) for node in rows.graph_nodes(project, died=number) if node.born < number)
    yield from ((edge.type, edge.id) for edge in rows.graph_edges(project, died=number) if edge.born < number)


def _apart(expected: Callable[[], Iterable[str]], present: Callable[[], Iterable[str]]) -> tuple[int, int, int]:
    """(how many are expected, how many of them are not present, how many are present and not expected).

    A first generation has millions of ids: those of two sides that agree are never held in memory, only counted and summed.
    """
    count, total = _summed(expected())
    if (count, total) == _summed(present()):
        return count, 0, 0
    wanted, found = set(expected()), set(present())
    return count, len(wanted - found), len(found - wanted)


def _summed(ids: Iterable[str]) -> tuple[int, int]:
    """How many ids, and the sum of their 128-bit numbers: by chance no two sets have the same."""
    count = total = 0
    for id_ in ids:
        count += 1
        total += int(id_.replace("-", ""), 16)
    return count, total
