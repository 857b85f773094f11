"""Cypher that Neo4j 5 and ArcadeDB share: how a project's nodes and edges are found, and what of them is written and read.

An item is found by its unique property ``key`` = ``project/id``; a project is a range of keys. Nothing is sent from here.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from destiny_assets.domain.graph import Edge, EdgeType, HeldItem, Node, NodeLabel
from destiny_assets.errors import ConflictError

Row = dict[str, object]
BATCH = 2_000
"""Items written or named in one transaction."""

_RESERVED = frozenset({"key", "project", "id", "born", "died"})
ENDS: Mapping[EdgeType, tuple[NodeLabel, NodeLabel]] = {
    EdgeType.PART_OF: (NodeLabel.CHUNK, NodeLabel.DOCUMENT),
    EdgeType.MENTIONS: (NodeLabel.CHUNK, NodeLabel.ENTITY),
    EdgeType.DENOTES: (NodeLabel.ENTITY, NodeLabel.DOCUMENT),
    EdgeType.LINKS_TO: (NodeLabel.ENTITY, NodeLabel.ENTITY),
    EdgeType.REQUIRES: (NodeLabel.ENTITY, NodeLabel.ENTITY),
    EdgeType.SUPERSEDES: (NodeLabel.ENTITY, NodeLabel.ENTITY),
    EdgeType.DECIDED_IN: (NodeLabel.DECISION, NodeLabel.DOCUMENT),
    EdgeType.DECIDED_BY: (NodeLabel.DECISION, NodeLabel.ENTITY),
    EdgeType.REPLACES: (NodeLabel.DECISION, NodeLabel.DECISION),
    EdgeType.STATED_IN: (NodeLabel.CLAIM, NodeLabel.DOCUMENT),
    EdgeType.ABOUT: (NodeLabel.CLAIM, NodeLabel.ENTITY),
    EdgeType.SAME_AS: (NodeLabel.ENTITY, NodeLabel.ENTITY),
}
"""An index serves one label, so an edge's type has to say the labels of its ends."""


OF_PROJECT = "{0}.key >= $first AND {0}.key < $last AND {0}.project = $project"
VISIBLE = "{0}.born <= $generation AND $generation < {0}.died"


def key_range(project: str) -> dict[str, str]:
    """Parameters of `OF_PROJECT`: all keys ``project/…``; ``0`` follows ``/``. A project named ``a/b`` lies within ``a``'s."""
    return {"project": project, "first": f"{project}/", "last": f"{project}0"}


def patterns() -> dict[str, str]:
    """What an item looks like, by its label or type."""
    nodes = {str(label): f"(item:{label})" for label in NodeLabel}
    return nodes | {str(type_): f"()-[item:{type_}]->()" for type_ in EdgeType}


def matching(condition: str) -> dict[str, str]:
    """MATCH clauses of a project's items by label or type; edges are found from their first node, which has the index."""
    condition = condition.format("item")
    nodes = {
        str(label): f"MATCH (item:{label}) WHERE {OF_PROJECT.format('item')} AND {condition}" for label in NodeLabel
    }
    edges = {
        str(type_): f"MATCH (start:{source})-[item:{type_}]->() WHERE {OF_PROJECT.format('start')} AND {condition}"
        for type_, (source, _) in ENDS.items()
    }
    return nodes | edges


def item_row(project: str, item: Node | Edge) -> Row:
    """A node or edge as a row to write; raises `ConflictError` for a property with a reserved name."""
    taken = _RESERVED & item.properties.keys()
    if taken:
        raise ConflictError(f"The graph keeps the property {min(taken)!r} for itself: rename it on {item.id!r}.")
    key = f"{project}/{item.id}"
    fixed = {"key": key, "project": project, "id": item.id, "born": item.born, "died": item.died}
    return {"key": key, "properties": {**item.properties, **fixed}}


def edge_row(project: str, edge: Edge) -> Row:
    """An edge as a row to write, with the keys of its ends."""
    ends = {"source": f"{project}/{edge.source}", "target": f"{project}/{edge.target}"}
    return item_row(project, edge) | ends


_Kind = TypeVar("_Kind", bound=NodeLabel | EdgeType)


def batches(rows: Iterable[tuple[_Kind, Row]]) -> Iterator[tuple[_Kind, list[Row]]]:
    """Rows of one kind together, at most `BATCH` at a time."""
    waiting: dict[_Kind, list[Row]] = {}
    for kind, row in rows:
        batch = waiting.setdefault(kind, [])
        batch.append(row)
        if len(batch) == BATCH:
            yield kind, waiting.pop(kind)
    yield from waiting.items()


def held_item(project: str, kind: str, ends: tuple[str, str] | None, properties: dict[str, Any]) -> HeldItem:
    """A node or edge as it was read; its key becomes its id."""
    return HeldItem(str(properties.pop("key")).removeprefix(f"{project}/"), kind, ends, properties)


def node_of(label: str, properties: dict[str, Any]) -> Node:
    """A node as Destiny wrote it."""
    own = {name: value for name, value in properties.items() if name not in _RESERVED}
    return Node(properties["id"], NodeLabel(label), properties["born"], own, properties["died"])
