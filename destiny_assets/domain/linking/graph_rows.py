"""Ledger rows as nodes and edges of the graph. Pure; the text of chunks stays in the ledger, the graph keeps a preview.

The id of an edge holds all that can change of it, so that a changed edge is a new one beside the old, and a reader of the
old generation keeps seeing what it saw.
"""

from collections.abc import Iterable, Mapping

from destiny_assets.domain.chunks import stable_id
from destiny_assets.domain.documents import Relation, Status
from destiny_assets.domain.graph import Edge, EdgeType, Node, NodeLabel, Property
from destiny_assets.domain.linking.records import EntityRow, MentionRow, ReferenceRow

PREVIEW_CHARACTERS = 120

_EDGE_OF = {
    Relation.LINKS_TO: EdgeType.LINKS_TO,
    Relation.MENTIONS: EdgeType.LINKS_TO,
    Relation.REQUIRES: EdgeType.REQUIRES,
    Relation.SUPERSEDES: EdgeType.SUPERSEDES,
}
"""SUPERSEDED_BY is left out: resolved it has become SUPERSEDES, unresolved it has no second end."""


def document_node(document: str, *, title: str, uri: str, status: Status | None, born: int) -> Node:
    """A document; `status` is empty when the document does not say."""
    return Node(
        document, NodeLabel.DOCUMENT, born, {"title": title, "uri": uri, "status": status.value if status else ""}
    )


def chunk_node(chunk: str, *, text: str, heading_path: tuple[str, ...], born: int) -> Node:
    """A chunk: the first `PREVIEW_CHARACTERS` of its text on one line, and its innermost heading."""
    preview = " ".join(text[: 2 * PREVIEW_CHARACTERS].split())[:PREVIEW_CHARACTERS]
    return Node(chunk, NodeLabel.CHUNK, born, {"heading": heading_path[-1] if heading_path else "", "preview": preview})


def entity_node(entity: EntityRow, *, born: int) -> Node:
    """An entity; its key in the linking sense is the property `entity_key`."""
    return Node(
        entity.id, NodeLabel.ENTITY, born, {"name": entity.name, "kind": entity.kind.value, "entity_key": entity.key}
    )


def part_of_edge(chunk: str, document: str, *, ordinal: int, start: int, end: int, born: int) -> Edge:
    """A chunk's place in its document: its number from 0, and the characters it covers."""
    identity = stable_id(EdgeType.PART_OF, chunk, document, str(ordinal), str(start), str(end))
    properties = {"ordinal": ordinal, "start": start, "end": end}
    return Edge(identity, EdgeType.PART_OF, chunk, document, born, properties)


def denotes_edge(entity: str, document: str, *, born: int) -> Edge:
    """From a document's entity to the document."""
    return Edge(stable_id(EdgeType.DENOTES, entity, document), EdgeType.DENOTES, entity, document, born)


def mention_edges(mentions: Iterable[MentionRow], *, born: int) -> list[Edge]:
    """One edge a pair of chunk and entity, with the number of mentions and the first one's surface; sorted by id."""
    pairs: dict[tuple[str, str], list[MentionRow]] = {}
    for mention in mentions:
        pairs.setdefault((mention.chunk_id, mention.entity_id), []).append(mention)
    edges = []
    for (chunk, entity), rows in pairs.items():
        first = min(rows, key=lambda row: (row.start, row.end, row.id))
        identity = stable_id(EdgeType.MENTIONS, chunk, entity, str(len(rows)), first.surface)
        properties: dict[str, Property] = {"count": len(rows), "surface": first.surface}
        edges.append(Edge(identity, EdgeType.MENTIONS, chunk, entity, born, properties))
    return sorted(edges, key=lambda edge: edge.id)


def reference_edges(references: Iterable[ReferenceRow], entity_of: Mapping[str, str], *, born: int) -> list[Edge]:
    """Edges between the entities of documents, one a pair and type, with the number of references; sorted by id.

    `entity_of` gives the entity of each document id. References without a target in the corpus make no edge.
    """
    pairs: dict[tuple[EdgeType, str, str], int] = {}
    for reference in references:
        kind = _EDGE_OF.get(reference.relation)
        if kind is not None and reference.target_document is not None:
            place = kind, entity_of[reference.source_document], entity_of[reference.target_document]
            pairs[place] = pairs.get(place, 0) + 1
    edges = [
        Edge(stable_id(kind, source, target, str(count)), kind, source, target, born, {"count": count})
        for (kind, source, target), count in pairs.items()
    ]
    return sorted(edges, key=lambda edge: edge.id)
