"""What every knowledge graph must do, asked of the local server and of a real Neo4j."""

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from destiny_assets.adapters.neo4j import Neo4jKnowledgeGraph, connect
from destiny_assets.domain.graph import FOREVER, Edge, EdgeType, HeldItem, Node, NodeLabel
from destiny_assets.errors import ConfigurationError, ConflictError, StoreUnavailableError
from destiny_assets.ports import KnowledgeGraph
from tests.fakes.relay import relaying

# The first run of a machine fetches a server, which may take minutes.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module", params=["local", "neo4j"])
def graph(request: pytest.FixtureRequest) -> Iterator[Neo4jKnowledgeGraph]:
    local = request.param == "local"
    url = request.getfixturevalue("stores").neo4j_url if local else request.getfixturevalue("neo4j_url")
    with connect(url) as connected:
        connected.prepare()
        yield connected


@pytest.fixture
def project(graph: Neo4jKnowledgeGraph) -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex[:8]}"
    yield name
    graph.drop(name)


def document(
    identity: str, *, born: int = 1, died: int = FOREVER, **properties: str | int | float | bool | list[str]
) -> Node:
    return Node(identity, NodeLabel.DOCUMENT, born, properties, died)


def chunk(identity: str, *, born: int = 1) -> Node:
    return Node(identity, NodeLabel.CHUNK, born)


def entity(identity: str, *, born: int = 1) -> Node:
    return Node(identity, NodeLabel.ENTITY, born)


def test_the_adapter_fills_the_port(graph: Neo4jKnowledgeGraph) -> None:
    port: KnowledgeGraph = graph
    port.prepare()


def test_a_streamed_read_begins_again_where_it_could_not_begin(
    graph: Neo4jKnowledgeGraph, project: str, request: pytest.FixtureRequest
) -> None:
    small_graph(graph, project)
    local = request.node.callspec.params["graph"] == "local"
    url = request.getfixturevalue("stores").neo4j_url if local else request.getfixturevalue("neo4j_url")
    with relaying(url) as relay, connect(relay.url) as reader, ThreadPoolExecutor(1) as thread:
        relay.mode = "refusing"

        def after_the_first() -> None:
            while not relay.connections:
                time.sleep(0.001)
            relay.mode = "through"

        waiting = thread.submit(after_the_first)
        assert set(reader.ids(project, 2)) == set(graph.ids(project, 2))
        waiting.result()
        assert relay.connections > 1


def small_graph(graph: KnowledgeGraph, project: str) -> None:
    """Document d with chunks c1 (generation 1) and c2 (generation 2), which mention e; e links to f."""
    graph.upsert_nodes(project, [document("d"), chunk("c1"), chunk("c2", born=2), entity("e"), entity("f")])
    graph.upsert_edges(
        project,
        [
            Edge("p1", EdgeType.PART_OF, "c1", "d", 1, {"ordinal": 0}),
            Edge("p2", EdgeType.PART_OF, "c2", "d", 2, {"ordinal": 1}),
            Edge("m1", EdgeType.MENTIONS, "c1", "e", 1, {"count": 2}),
            Edge("l1", EdgeType.LINKS_TO, "e", "f", 1),
        ],
    )


def test_a_reader_sees_what_was_born_before_and_has_not_died(graph: KnowledgeGraph, project: str) -> None:
    small_graph(graph, project)
    assert set(graph.ids(project, 1)) == {
        ("Document", "d"), ("Chunk", "c1"), ("Entity", "e"), ("Entity", "f"),
        ("PART_OF", "p1"), ("MENTIONS", "m1"), ("LINKS_TO", "l1"),
    }  # fmt: skip
    assert set(graph.ids(project, 2)) - set(graph.ids(project, 1)) == {("Chunk", "c2"), ("PART_OF", "p2")}
    assert set(graph.ids(project, 0)) == set()


def test_counts_agree_with_ids_and_name_every_label_and_type(graph: KnowledgeGraph, project: str) -> None:
    small_graph(graph, project)
    counts = graph.count(project, 2)
    assert counts.keys() == {*NodeLabel, *EdgeType}
    listed = [kind for kind, _ in graph.ids(project, 2)]
    assert counts == {kind: listed.count(kind) for kind in counts}
    assert counts["Chunk"] == 2
    assert counts["REQUIRES"] == 0


def test_retiring_hides_from_the_next_generation_only(graph: KnowledgeGraph, project: str) -> None:
    small_graph(graph, project)
    assert graph.retire(project, ["c1", "p1", "m1", "unknown"], 2) == 3
    assert ("Chunk", "c1") in set(graph.ids(project, 1))
    assert {("Chunk", "c1"), ("PART_OF", "p1"), ("MENTIONS", "m1")}.isdisjoint(graph.ids(project, 2))
    assert graph.retire(project, ["c1", "p1", "m1"], 2) == 0


def test_named_items_tell_when_they_live(graph: KnowledgeGraph, project: str) -> None:
    small_graph(graph, project)
    graph.retire(project, ["c1", "p1"], 2)
    asked: list[tuple[NodeLabel | EdgeType, str]] = [
        (NodeLabel.CHUNK, "c1"),
        (NodeLabel.CHUNK, "c2"),
        (NodeLabel.ENTITY, "c2"),
        (NodeLabel.ENTITY, "unknown"),
        (EdgeType.PART_OF, "p1"),
        (EdgeType.LINKS_TO, "l1"),
    ]
    assert sorted(graph.lifetimes(project, asked)) == [
        ("c1", 1, 2),
        ("c2", 2, FOREVER),
        ("l1", 1, FOREVER),
        ("p1", 1, 2),
    ]
    assert list(graph.lifetimes(f"{project}-other", asked)) == []


def test_upserting_a_retired_node_again_revives_it(graph: KnowledgeGraph, project: str) -> None:
    small_graph(graph, project)
    graph.retire(project, ["c1"], 2)
    graph.upsert_nodes(project, [chunk("c1")])
    assert ("Chunk", "c1") in set(graph.ids(project, 5))


def test_removing_a_node_removes_its_edges(graph: KnowledgeGraph, project: str) -> None:
    small_graph(graph, project)
    assert graph.remove(project, ["c1", "l1", "unknown"]) == 2
    assert set(graph.ids(project, 1)) == {("Document", "d"), ("Entity", "e"), ("Entity", "f")}
    assert graph.remove(project, ["c1", "l1"]) == 0


def test_writing_twice_leaves_one_of_each_with_the_later_properties(graph: KnowledgeGraph, project: str) -> None:
    small_graph(graph, project)
    small_graph(graph, project)
    assert sum(graph.count(project, 2).values()) == 9
    graph.upsert_nodes(project, [document("d", title="Old", note="gone later")])
    graph.upsert_nodes(project, [document("d", title="New")])
    (found,) = [one for one in graph.neighbours(project, ["c1"], 1) if one.edge is EdgeType.PART_OF]
    assert found.node == document("d", title="New")


def test_projects_do_not_see_each_other_even_when_one_name_begins_the_other(
    graph: KnowledgeGraph, project: str
) -> None:
    inner = f"{project}/inner"
    small_graph(graph, project)
    try:
        small_graph(graph, inner)
        graph.upsert_nodes(inner, [document("only-inner")])
        assert ("Document", "only-inner") not in set(graph.ids(project, 9))
        assert graph.retire(project, ["only-inner"], 2) == 0
        assert graph.drop(project) == 5
        assert sum(graph.count(project, 9).values()) == 0
        assert sum(graph.count(inner, 9).values()) == 10
    finally:
        assert graph.drop(inner) == 6


def test_an_edge_to_a_missing_node_is_refused_by_name_and_its_batch_is_not_written(
    graph: KnowledgeGraph, project: str
) -> None:
    graph.upsert_nodes(project, [chunk("c"), document("d")])
    edges = [Edge("p", EdgeType.PART_OF, "c", "d", 1), Edge("q", EdgeType.PART_OF, "c", "nowhere", 1)]
    with pytest.raises(ConflictError, match="nowhere"):
        graph.upsert_edges(project, edges)
    assert graph.count(project, 1)["PART_OF"] == 0


def test_an_edge_id_names_one_edge_only(graph: KnowledgeGraph, project: str) -> None:
    graph.upsert_nodes(project, [entity("a"), entity("b"), entity("c")])
    graph.upsert_edges(project, [Edge("x", EdgeType.LINKS_TO, "a", "b", 1)])
    with pytest.raises(ConflictError):
        graph.upsert_edges(project, [Edge("x", EdgeType.LINKS_TO, "a", "c", 1)])


def test_everything_held_is_told_with_ends_and_all_it_says(graph: KnowledgeGraph, project: str) -> None:
    small_graph(graph, project)
    graph.retire(project, ["m1"], 2)
    held = {item.id: item for item in graph.held(project)}
    assert held.keys() == {"d", "c1", "c2", "e", "f", "p1", "p2", "m1", "l1"}
    fixed = {"project": project, "id": "m1", "born": 1, "died": 2}
    assert held["m1"] == HeldItem("m1", "MENTIONS", (f"{project}/c1", f"{project}/e"), {**fixed, "count": 2})
    assert (held["c2"].kind, held["c2"].ends, held["c2"].properties["born"]) == ("Chunk", None, 2)
    assert sorted(graph.named(project, ["m1", "c2", "nobody"]), key=lambda item: item.id) == [held["c2"], held["m1"]]
    assert list(graph.named(project, [])) == []


def test_what_died_is_removed_and_what_lives_stays(graph: KnowledgeGraph, project: str) -> None:
    small_graph(graph, project)
    graph.retire(project, ["c1", "p1", "m1"], 2)
    graph.retire(project, ["l1"], 3)
    assert graph.remove_dead(project, 1) == 0
    assert graph.remove_dead(project, 2) == 3
    assert {item.id for item in graph.held(project)} == {"d", "c2", "e", "f", "p2", "l1"}
    assert graph.remove_dead(project, 2) == 0


def test_neighbours_are_found_in_both_directions(graph: KnowledgeGraph, project: str) -> None:
    small_graph(graph, project)
    found = graph.neighbours(project, ["e", "d"], 1)
    assert [(one.origin, one.edge, one.outgoing, one.node.id) for one in found] == [
        ("e", EdgeType.LINKS_TO, True, "f"),
        ("e", EdgeType.MENTIONS, False, "c1"),
        ("d", EdgeType.PART_OF, False, "c1"),
    ]
    assert found == graph.neighbours(project, ["e", "d", "e"], 1)


def test_neighbours_are_limited_by_origin_and_generation(graph: KnowledgeGraph, project: str) -> None:
    graph.upsert_nodes(project, [entity("hub"), entity("other"), *(chunk(f"c{i}", born=1 + i % 2) for i in range(20))])
    graph.upsert_edges(project, [Edge(f"m{i:02}", EdgeType.MENTIONS, f"c{i}", "hub", 1) for i in range(20)])
    graph.upsert_edges(project, [Edge("n", EdgeType.MENTIONS, "c0", "other", 1)])
    found = graph.neighbours(project, ["hub", "other"], 1, limit=3)
    assert [one.node.id for one in found] == ["c0", "c2", "c4", "c0"]
    assert graph.neighbours(project, [], 1) == []


ODD = ["", "naïve 🦊", 'O\'Brien "quoted" \\ {key: 1}', "line\nbreak\ttab", "\u0000nul", "שלום", "a" * 20_000, "$rows"]


@pytest.mark.parametrize("value", [*ODD, [], ODD[:4], 2**62, -1, 1.5, 0.1 + 0.2, True, False])
def test_a_property_comes_back_as_it_was(
    graph: KnowledgeGraph, project: str, value: str | int | float | bool | list[str]
) -> None:
    graph.upsert_nodes(project, [document("d ö/é", value=value), chunk("c")])
    graph.upsert_edges(project, [Edge("p", EdgeType.PART_OF, "c", "d ö/é", 1)])
    (found,) = graph.neighbours(project, ["c"], 1)
    assert found.node == document("d ö/é", value=value)
    assert type(found.node.properties["value"]) is type(value)


def test_a_reserved_property_is_refused(graph: KnowledgeGraph, project: str) -> None:
    with pytest.raises(ConflictError, match="'died'"):
        graph.upsert_nodes(project, [Node("d", NodeLabel.DOCUMENT, 1, {"died": 3})])


def test_threads_writing_the_same_items_at_once_all_succeed(graph: KnowledgeGraph, project: str) -> None:
    nodes = [entity(f"e{i}") for i in range(300)]
    edges = [Edge(f"l{i}", EdgeType.LINKS_TO, f"e{i}", f"e{(i * 7) % 300}", 1) for i in range(300)]

    def write(start: int) -> int:
        written = 0
        for first in range(0, 300, 50):
            at = (first + start * 50) % 300
            written += graph.upsert_nodes(project, nodes[at : at + 50])
        return written + graph.upsert_edges(project, edges)

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(write, [0, 0, 1])) == [600] * 3
    counts = graph.count(project, 1)
    assert (counts["Entity"], counts["LINKS_TO"]) == (300, 300)


def test_more_than_one_batch_is_written_read_and_dropped(graph: KnowledgeGraph, project: str) -> None:
    assert graph.upsert_nodes(project, (entity(f"e{i}") for i in range(2_500))) == 2_500
    edges = [Edge(f"l{i}", EdgeType.LINKS_TO, f"e{i}", f"e{(i * 7) % 2_500}", 1) for i in range(2_500)]
    assert graph.upsert_edges(project, edges) == 2_500
    assert len(set(graph.ids(project, 1))) == 5_000
    assert graph.retire(project, (f"l{i}" for i in range(2_200)), 2) == 2_200
    assert graph.count(project, 2)["LINKS_TO"] == 300
    assert graph.drop(project) == 2_500
    assert list(graph.ids(project, 1)) == []


def test_a_graph_that_is_gone_says_so_without_the_password() -> None:
    with connect("bolt://neo4j:hunter2secret@127.0.0.1:9/team") as gone:
        with pytest.raises(StoreUnavailableError, match=r"127\.0\.0\.1:9") as raised:
            gone.count("p", 1)
        with pytest.raises(StoreUnavailableError):
            list(gone.ids("p", 1))
        assert "hunter2" not in str(raised.value) + repr(gone)


def test_a_wrong_password_is_a_matter_of_configuration(graph: Neo4jKnowledgeGraph) -> None:
    with (
        connect(f"bolt://root:wrong-password@{graph.address}") as refused,
        pytest.raises(ConfigurationError, match="refuses the user") as raised,
    ):
        refused.count("p", 1)
    assert "wrong-password" not in str(raised.value)


@pytest.mark.parametrize("url", ["", "http://localhost:7687", "bolt://", "bolt://u:pw@host:port", "bolt://u:pw@[::1"])
def test_a_url_that_is_no_graph_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        connect(url)
    assert "pw" not in str(raised.value)
