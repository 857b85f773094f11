"""Rows of the ledger as nodes and edges."""

import pytest

from destiny_assets.domain.documents import Relation, Status
from destiny_assets.domain.graph import EdgeType, NodeLabel
from destiny_assets.domain.linking import graph_rows
from destiny_assets.domain.linking.names import EntityKind
from destiny_assets.domain.linking.records import EntityRow, MentionRow, ReferenceRow


def mention(identity: str, start: int, surface: str, *, chunk: str = "c", entity: str = "e") -> MentionRow:
    return MentionRow(identity, chunk, entity, surface, start, start + len(surface), "gazetteer")


def reference(identity: str, relation: Relation, target: str | None = "b") -> ReferenceRow:
    return ReferenceRow(identity, "a", target, "B", relation, None, 0, 0)


def test_a_document_shows_its_title_place_and_status() -> None:
    node = graph_rows.document_node("d", title="Type Hints", uri="pep-0484.rst", status=Status.FINAL, born=3)
    assert (node.label, node.born) == (NodeLabel.DOCUMENT, 3)
    assert node.properties == {"title": "Type Hints", "uri": "pep-0484.rst", "status": "final"}
    assert graph_rows.document_node("d", title="", uri="", status=None, born=3).properties["status"] == ""


@pytest.mark.parametrize("text", ["", "short", "line\nbreak  and\tspaces " * 50, "x" * 10_000])
def test_a_chunk_shows_a_short_preview_and_never_its_text(text: str) -> None:
    node = graph_rows.chunk_node("c", text=text, heading_path=("Outer", "Inner"), born=1)
    preview = str(node.properties["preview"])
    assert len(preview) <= 120
    assert "\n" not in preview
    assert " ".join(text.split()).startswith(preview)
    assert node.properties["heading"] == "Inner"


def test_mentions_of_one_entity_in_one_chunk_are_one_edge_with_their_number_and_the_first_spelling() -> None:
    rows = [mention("2", 30, "event loops"), mention("1", 4, "Event Loop"), mention("3", 1, "x", entity="f")]
    edges = {edge.target: edge for edge in graph_rows.mention_edges(rows, born=2)}
    assert edges["e"].properties == {"count": 2, "surface": "Event Loop"}
    assert edges["f"].properties == {"count": 1, "surface": "x"}
    assert graph_rows.mention_edges(reversed(rows), born=2) == graph_rows.mention_edges(rows, born=2)


def test_a_changed_edge_is_another_edge() -> None:
    moved = [graph_rows.part_of_edge("c", "d", ordinal=n, start=0, end=9, born=1).id for n in (0, 1)]
    counted = [
        graph_rows.mention_edges(rows, born=1)[0].id for rows in ([mention("1", 4, "x")], [mention("1", 4, "y")])
    ]
    assert len({*moved, *counted}) == 4


def test_references_join_the_entities_of_documents() -> None:
    rows = [
        reference("1", Relation.LINKS_TO),
        reference("2", Relation.MENTIONS),
        reference("3", Relation.SUPERSEDES),
        reference("4", Relation.REQUIRES),
        reference("5", Relation.LINKS_TO, target=None),
    ]
    edges = graph_rows.reference_edges(rows, {"a": "entity-a", "b": "entity-b"}, born=1)
    assert {(edge.type, edge.properties["count"]) for edge in edges} == {
        (EdgeType.LINKS_TO, 2),
        (EdgeType.SUPERSEDES, 1),
        (EdgeType.REQUIRES, 1),
    }
    assert {(edge.source, edge.target) for edge in edges} == {("entity-a", "entity-b")}


def test_an_entity_denotes_its_document() -> None:
    row = EntityRow("e", "document:d", EntityKind.DOCUMENT, "Type Hints", ("PEP 484",))
    node = graph_rows.entity_node(row, born=1)
    assert node.properties == {"name": "Type Hints", "kind": "document", "entity_key": "document:d"}
    edge = graph_rows.denotes_edge("e", "d", born=1)
    assert (edge.type, edge.source, edge.target) == (EdgeType.DENOTES, "e", "d")
