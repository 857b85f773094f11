"""Link: documents, chunks, entities and what connects them become the graph layer."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.graph import FOREVER, Edge, Node
from destiny_assets.errors import ConflictError
from destiny_assets.ports import KnowledgeGraph, Progress

_Item = TypeVar("_Item", Node, Edge)


def project_graph(
    ledger: PostgresLedger, graph: KnowledgeGraph, project: str, generation: int, progress: Progress
) -> Mapping[str, Any]:
    """Bring the graph layer to the ledger: the generation's own changes, and what a killed run left of others.

    Reads what the generation changed and no more. Where the layer turns out to lack what the changes stand on, every id is
    compared. Reports what was written by label and type.
    """
    graph.prepare()
    rows, resumed = ledger.projections, ledger.generations.begin(project, generation, "graph")
    died = [edge.id for edge in rows.graph_edges(project, died=generation) if edge.born < generation]
    died += [node.id for node in rows.graph_nodes(project, died=generation) if node.born < generation]
    if resumed:
        # What the earlier run wrote and the ledger no longer has goes, and what it retired and should not have lives on.
        born_there = {id_ for _, id_ in graph.marked(project, "born", generation)}
        graph.remove(project, born_there - rows.graph_ids(project, generation))
        died_there = {id_ for _, id_ in graph.marked(project, "died", generation)}
        graph.retire(project, died_there - set(died), FOREVER)
        died = [id_ for id_ in died if id_ not in died_there]
    retired = graph.retire(project, died, generation)
    written: Counter[str] = Counter()

    def counted(items: Iterable[_Item]) -> Iterator[_Item]:
        for item in items:
            if item.died == FOREVER:
                written[str(item.label if isinstance(item, Node) else item.type)] += 1
                yield item
        progress.advance("graph", written.total(), 0)

    whole = retired == len(died)
    try:
        # Those already there too: a killed run may have left them with a name that changed since.
        graph.upsert_nodes(project, counted(rows.graph_nodes(project, born=generation)))
        graph.upsert_edges(project, counted(rows.graph_edges(project, born=generation)))
    except ConflictError:
        whole = False
    healed = 0 if whole else _heal(ledger, graph, project, generation)
    return {"written": written.total() + healed, "retired": retired, **written}


def _heal(ledger: PostgresLedger, graph: KnowledgeGraph, project: str, generation: int) -> int:
    """Compare every id and write what is missing; only after something changed the layer behind Destiny's back."""
    present = {id_ for _, id_ in graph.ids(project, generation)}
    nodes = {node.id: node for node in ledger.projections.graph_nodes(project, shown=generation)}
    edges = {edge.id: edge for edge in ledger.projections.graph_edges(project, shown=generation)}
    graph.remove(project, present - nodes.keys() - edges.keys())
    written = graph.upsert_nodes(project, (node for id_, node in nodes.items() if id_ not in present))
    return written + graph.upsert_edges(project, (edge for id_, edge in edges.items() if id_ not in present))
