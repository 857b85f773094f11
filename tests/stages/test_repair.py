"""Layers broken by hand, of four generations at once: doctor names each break, repair and rebuild bring back exactly what was."""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from destiny_assets.adapters.qdrant import DENSE, Point
from destiny_assets.domain.graph import FOREVER, Edge, EdgeType, Node, NodeLabel
from destiny_assets.domain.sparse import encode_query
from destiny_assets.errors import NotFoundError
from destiny_assets.serving.health import diagnose
from destiny_assets.serving.results import Diagnosis, Finding
from destiny_assets.stages.rebuild import rebuild_layer
from destiny_assets.stages.repair import RepairReport, repair_project
from destiny_assets.stages.vacuum import vacuum_project
from tests.fakes.embedder import HashingEmbedder
from tests.stages.growing import DOCUMENTS, Growth, Silence

STAMPS, RAIN = "handbook/stamps.md", "notes/rain.txt"
NEW = "# New\n\nThe new courier starts in June, and her name is Ingeborg.\n"


@pytest.fixture
def grown(growth: Growth) -> Growth:
    """Four generations: an edit and an addition, a new model, and a document that came back."""
    growth.run()
    growth.write(STAMPS, DOCUMENTS[STAMPS].replace("three crowns", "four crowns"))
    growth.write("notes/new.md", NEW)
    growth.delete(RAIN)
    growth.run()
    growth.embedder = HashingEmbedder("two")
    growth.run()
    growth.write(RAIN, DOCUMENTS[RAIN])
    growth.delete("handbook/holidays.md")
    assert growth.run().number == 4
    return growth


def examine(growth: Growth, *, deep: bool = False) -> Diagnosis:
    layers = growth.layers
    return diagnose(layers.ledger, layers.originals, layers.vectors, layers.graph, growth.project, deep=deep)


def repair(growth: Growth, *, deep: bool = False) -> RepairReport:
    layers = growth.layers
    return repair_project(
        layers.ledger,
        layers.originals,
        layers.vectors,
        layers.graph,
        growth.project,
        Silence(),
        growth.folder.parent / "cache",
        deep=deep,
    )


def rebuild(growth: Growth, layer: str) -> dict[str, Any]:
    layers = growth.layers
    return rebuild_layer(
        layers.ledger, layers.originals, layers.vectors, layers.graph, growth.project, layer, Silence()
    )


def vacuum(growth: Growth, keep_days: float = 0) -> dict[str, Any]:
    layers = growth.layers
    return vacuum_project(layers.ledger, layers.originals, layers.vectors, layers.graph, growth.project, keep_days)


def cypher(growth: Growth, text: str, **parameters: Any) -> None:
    with growth.layers.graph._driver.session(database=growth.layers.graph._database) as session:
        session.run(text, parameters).consume()


def collection(growth: Growth) -> str:
    current = growth.layers.ledger.generations.current(growth.project)
    assert current is not None
    return current.collection or ""


def first(growth: Growth, holds: str) -> str:
    return min(id_ for id_, held in growth.nodes().items() if holds in held)


def drop_collection(growth: Growth) -> tuple[str, str]:
    growth.layers.vectors.drop(collection(growth))
    return "vectors", "missing"


def drop_the_collection_of_an_older_generation(growth: Growth) -> tuple[str, str]:
    growth.layers.vectors.drop(growth.layers.ledger.generations.number(growth.project, 1).collection or "")
    return "vectors", "missing"


def delete_points(growth: Growth) -> tuple[str, str]:
    growth.layers.vectors.remove(collection(growth), sorted(growth.points())[::3])
    return "vectors", "missing"


def edit_payload(growth: Growth) -> tuple[str, str]:
    ids = [str(point.id) for page in growth.layers.vectors.held(collection(growth)) for point in page]
    growth.layers.vectors._client.set_payload(collection(growth), {"source": "elsewhere"}, points=ids[:1], wait=True)
    growth.layers.vectors._client.set_payload(collection(growth), {"born": 0}, points=ids[1:2], wait=True)
    growth.layers.vectors._client.set_payload(collection(growth), {"died": 3, "note": "x"}, points=ids[2:3], wait=True)
    growth.layers.vectors._client.clear_payload(collection(growth), points_selector=ids[3:4], wait=True)
    return "vectors", "stale"


def edit_vector(growth: Growth) -> tuple[str, str]:
    from qdrant_client import models

    (page,) = growth.layers.vectors.held(collection(growth))
    vector = growth.embedder.embed(["something else"])[0].tolist()
    growth.layers.vectors._client.update_vectors(
        collection(growth), [models.PointVectors(id=page[0].id, vector={DENSE: vector})], wait=True
    )
    return "vectors", "stale"


def edit_words(growth: Growth) -> tuple[str, str]:
    from qdrant_client import models

    (page,) = growth.layers.vectors.held(collection(growth))
    words = models.SparseVector(indices=[1, 2], values=[0.5, 0.25])
    growth.layers.vectors._client.update_vectors(
        collection(growth), [models.PointVectors(id=page[0].id, vector={"bm25": words})], wait=True
    )
    return "vectors", "stale"


def add_points(growth: Growth) -> tuple[str, str]:
    stranger = Point(str(uuid.uuid4()), "chunk", "document", "source", 1, encode_query("stranger"))
    growth.layers.vectors.upsert(collection(growth), [stranger], growth.embedder.embed(["stranger"]))
    growth.layers.vectors._client.upsert(
        collection(growth),
        [_numbered(growth)],
        wait=True,
    )
    return "vectors", "extra"


def _numbered(growth: Growth) -> Any:
    from qdrant_client import models

    return models.PointStruct(id=7, vector={DENSE: growth.embedder.embed(["seven"])[0].tolist()}, payload={})


def add_collection(growth: Growth) -> tuple[str, str]:
    growth.layers.vectors.ensure(f"{growth.project}--leftover", 8)
    return "vectors", "extra"


def delete_nodes(growth: Growth) -> tuple[str, str]:
    growth.layers.graph.remove(growth.project, [first(growth, "preview"), first(growth, "uri"), first(growth, "slug")])
    return "graph", "missing"


def delete_edges(growth: Growth) -> tuple[str, str]:
    growth.layers.graph.remove(growth.project, [first(growth, "surface"), first(growth, "ordinal")])
    return "graph", "missing"


def edit_nodes(growth: Growth) -> tuple[str, str]:
    for holds, change in (("preview", "n.preview = 'x'"), ("uri", "n.died = 2"), ("slug", "n.note = true")):
        key = f"{growth.project}/{first(growth, holds)}"
        cypher(growth, f"MATCH (n) WHERE n.key = $key SET {change}", key=key)
    return "graph", "stale"


def edit_edges(growth: Growth) -> tuple[str, str]:
    key = f"{growth.project}/{first(growth, 'surface')}"
    cypher(growth, "MATCH ()-[e:MENTIONS]->() WHERE e.key = $key SET e.surface = 'someone else'", key=key)
    return "graph", "stale"


def move_edge(growth: Growth) -> tuple[str, str]:
    """An edge that says the same between other nodes."""
    graph, project = growth.layers.graph, growth.project
    (held,) = graph.named(project, [first(growth, "ordinal")])
    assert held.ends is not None
    chunk, document = (key.removeprefix(f"{project}/") for key in held.ends)
    other = min(id_ for id_, properties in growth.nodes().items() if "uri" in properties and id_ != document)
    born, died, ordinal = (growth.nodes()[held.id][name] for name in ("born", "died", "ordinal"))
    graph.remove(project, [held.id])
    graph.upsert_edges(project, [Edge(held.id, EdgeType.PART_OF, chunk, other, born, {"ordinal": ordinal}, died)])
    return "graph", "stale"


def add_nodes(growth: Growth) -> tuple[str, str]:
    graph, project = growth.layers.graph, growth.project
    stranger, other = Node("stranger", NodeLabel.ENTITY, 1), Node(str(uuid.uuid4()), NodeLabel.ENTITY, 9)
    graph.upsert_nodes(project, [stranger, other])
    graph.upsert_edges(project, [Edge("strange", EdgeType.LINKS_TO, stranger.id, other.id, 1)])
    return "graph", "extra"


def lose_original(growth: Growth) -> tuple[str, str]:
    (sha256,) = hashes(growth, STAMPS, living=True)
    growth.layers.originals.delete(growth.project, [sha256])
    return "documents", "missing"


def add_original(growth: Growth) -> tuple[str, str]:
    growth.layers.originals.put(growth.project, b"nobody's")
    return "documents", "extra"


def hashes(growth: Growth, uri: str, *, living: bool) -> list[str]:
    with growth.layers.ledger.transaction() as cursor:
        rows = cursor.execute(
            """select v.sha256 from document_version v join document d on (d.project, d.id) = (v.project, v.document_id)
               where v.project = %s and d.uri = %s and (v.died = %s) = %s""",
            (growth.project, uri, FOREVER, living),
        ).fetchall()
    return [row["sha256"] for row in rows]


BREAKS = (
    *(
        drop_collection,
        drop_the_collection_of_an_older_generation,
        delete_points,
        edit_payload,
        edit_vector,
        edit_words,
    ),
    *(add_points, add_collection, delete_nodes, delete_edges, edit_nodes, edit_edges, move_edge, add_nodes),
    *(lose_original, add_original),
)


def state(growth: Growth) -> tuple[Any, ...]:
    layers = growth.layers
    return (
        growth.points(),
        growth.nodes(),
        {item.id: item.ends for item in layers.graph.held(growth.project)},
        sorted(layers.originals.ids(growth.project)),
        layers.vectors.collections(growth.project),
    )


def test_layers_nobody_touched_are_well_over_all_generations_and_repair_writes_nothing(grown: Growth) -> None:
    before = state(grown)
    found = examine(grown, deep=True)
    assert (found.ok, found.generations, found.examples, found.deep) == (True, [1, 2, 3, 4], [], True)
    report = repair(grown, deep=True)
    assert (report.ok, report.written, report.items) == (True, 0, [])
    assert state(grown) == before


def test_each_break_alone_is_named_and_mended(grown: Growth) -> None:
    before, asked = state(grown), grown.embedder.usage.calls
    for broken in BREAKS:
        layer, problem = broken(grown)
        assert state(grown) != before, broken.__name__
        found = examine(grown)
        told = (broken.__name__, found.agreement)
        assert found.agreement[problem][layer] > 0, told
        wrong = {(one.layer, one.problem) for one in found.examples}
        assert (layer, problem) in wrong, told
        assert {name for name, health in found.layers.items() if not health.ok} == {layer}, told
        calls = grown.embedder.usage.calls
        report = repair(grown)
        assert report.ok, (broken.__name__, report.left)
        assert report.mended[layer][problem] >= found.agreement[problem][layer], told
        assert grown.embedder.usage.calls == calls
        assert state(grown) == before, broken.__name__
    assert examine(grown, deep=True).ok
    # `edit_vector` and the like embed a text of their own.
    assert grown.embedder.usage.calls >= asked


def test_everything_broken_at_once_is_mended_and_mending_again_finds_nothing(grown: Growth) -> None:
    before = state(grown)
    for broken in BREAKS:
        if broken is not drop_collection:
            broken(grown)
    assert set(examine(grown).layers) == {"ledger", "documents", "vectors", "graph"}
    assert repair(grown).ok
    assert state(grown) == before
    assert repair(grown).written == 0
    for number in (1, 2, 3, 4):
        grown.require_agreement(grown.layers.ledger.generations.number(grown.project, number))


def test_an_example_says_which_document_and_what_about_it_differs(grown: Growth) -> None:
    id_ = min(node for node, held in grown.nodes().items() if held.get("uri") == "notes/new.md")
    cypher(grown, "MATCH (n:Document) WHERE n.key = $key SET n.title = 'Old'", key=f"{grown.project}/{id_}")
    (found,) = examine(grown).examples
    assert found == Finding("graph", "Document", id_, "stale", "notes/new.md", {"title": ["New", "Old"]})


class TestOriginals:
    """Bytes that went or changed."""

    def test_one_that_no_source_holds_any_more_is_left_with_what_to_do(self, grown: Growth) -> None:
        (sha256,) = hashes(grown, STAMPS, living=False)
        grown.layers.originals.delete(grown.project, [sha256])
        report = repair(grown)
        (left,) = report.left
        assert (report.ok, left.id, left.uri, left.problem) == (False, sha256, STAMPS, "missing")
        assert "backup" in (left.todo or "")

    def test_damaged_bytes_are_seen_by_a_deep_look_and_read_again(self, grown: Growth) -> None:
        (sha256,) = hashes(grown, STAMPS, living=True)
        folder = Path(urlsplit(grown.layers.stores.documents_url).path)
        (path,) = [found for found in folder.rglob(sha256) if grown.project in found.parts]
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + b"!")
        assert examine(grown).ok
        found = examine(grown, deep=True)
        assert [(one.id, one.uri, one.problem) for one in found.examples] == [(sha256, STAMPS, "stale")]
        assert repair(grown, deep=True).mended["documents"] == {"missing": 0, "extra": 0, "stale": 1}
        assert path.read_bytes() == whole


def test_a_generation_being_built_is_no_drift_and_repair_leaves_it_alone(grown: Growth) -> None:
    grown.write("notes/late.md", "# Late\n\nThe late letter of Ingeborg is still on its way.\n")
    grown.delete(STAMPS)
    grown.run(until="graph")
    before = state(grown)
    assert examine(grown).ok
    assert repair(grown).written == 0
    assert state(grown) == before
    fifth = grown.run()
    assert (fifth.number, STAMPS in grown.uris(fifth)) == (5, False)
    assert examine(grown, deep=True).ok


@pytest.mark.parametrize("layer", ["vectors", "graph"])
def test_a_layer_is_rebuilt_while_readers_see_only_right_answers(grown: Growth, layer: str) -> None:
    service = grown.service()
    asked = ("courier letters", "stamp crowns abroad", "wet letters")

    def answers() -> list[list[tuple[str, float]]]:
        return [
            [(hit.chunk_id, round(hit.score, 4)) for hit in service.search(grown.project, text, k=5).hits]
            for text in asked
        ]

    right, points, nodes = answers(), grown.points(), grown.nodes()
    edges = {"e": grown.layers.graph.count(grown.project, 4)}
    wrong: list[Any] = []
    seen = 0
    stop = threading.Event()

    def read() -> None:
        nonlocal seen
        while not stop.is_set():
            try:
                found, counted = answers(), grown.layers.graph.count(grown.project, 4)
            except Exception as error:  # noqa: BLE001 - whatever a reader sees is what this test is about
                wrong.append(error)
                return
            if found != right or counted != edges["e"]:
                wrong.append((found, counted))
            seen += 1

    calls = grown.embedder.usage.calls
    reader = threading.Thread(target=read)
    reader.start()
    try:
        facts = [rebuild(grown, layer) for _ in range(2)]
    finally:
        stop.set()
        reader.join()
    assert wrong == []
    assert seen > 0
    assert [one["model_calls"] for one in facts] == [0, 0]
    assert grown.embedder.usage.calls == calls
    assert (grown.points(), grown.nodes()) == (points, nodes)
    assert examine(grown, deep=True).ok
    for number in (1, 2, 3, 4):
        grown.require_agreement(grown.layers.ledger.generations.number(grown.project, number))


def test_what_was_broken_is_rebuilt_and_the_next_run_builds_on_it(grown: Growth) -> None:
    points, nodes = grown.points(), grown.nodes()
    for broken in (delete_points, edit_payload, add_points, delete_nodes, edit_edges, move_edge, add_nodes):
        broken(grown)
    old = collection(grown)
    rebuild(grown, "vectors")
    rebuild(grown, "graph")
    assert (grown.points(), grown.nodes()) == (points, nodes)
    assert collection(grown) != old
    assert grown.run().number == 4
    assert grown.reports["published"]["reason"] == "nothing changed"
    grown.write(STAMPS, DOCUMENTS[STAMPS])
    fifth = grown.run()
    assert fifth.collection == collection(grown)
    assert grown.reports["vectors"]["upserted"] == 1
    assert examine(grown, deep=True).ok


class TestVacuum:
    """What no generation within the window shows goes, and nothing else."""

    def test_within_the_window_nothing_goes(self, grown: Growth) -> None:
        before = state(grown)
        facts = vacuum(grown, keep_days=1)
        assert (facts["oldest"], facts["generations"], facts["removed"]["ledger"]) == (1, [], {})
        assert state(grown) == before

    def test_past_it_everything_of_old_generations_goes_from_every_layer(self, grown: Growth) -> None:
        current = grown.layers.ledger.generations.number(grown.project, 4)
        old = grown.layers.ledger.generations.number(grown.project, 1)
        (gone,) = hashes(grown, "handbook/holidays.md", living=False)
        seen = grown.seen(current)
        facts = vacuum(grown)
        assert (facts["oldest"], facts["generations"]) == (4, [1, 2, 3])
        removed = facts["removed"]
        assert removed["collections"] == 1
        assert removed["vectors"] > 0
        assert removed["graph"] > 0
        assert removed["documents"] == 2
        assert removed["ledger"]["embedding"] > 0
        assert gone not in set(grown.layers.originals.ids(grown.project))
        assert old.collection not in grown.layers.vectors.collections(grown.project)
        assert grown.seen(current) == seen
        assert {held["died"] for held in grown.nodes().values()} == {FOREVER}
        assert {payload["died"] for payload, _ in grown.points().values()} == {FOREVER}
        assert len(grown.points()) == len(seen)
        found = examine(grown, deep=True)
        assert (found.ok, found.generations) == (True, [4])
        again = vacuum(grown)
        assert (again["generations"], again["removed"]["graph"], again["removed"]["ledger"]) == ([], 0, {})

    def test_generations_that_are_gone_say_so(self, grown: Growth) -> None:
        between = datetime.now(UTC)
        grown.write(STAMPS, DOCUMENTS[STAMPS])
        grown.run()
        vacuum(grown)
        ledger, service = grown.layers.ledger, grown.service()
        for asked in (
            lambda: ledger.generations.rollback(grown.project, 2),
            lambda: service.search(grown.project, "letters", as_of=between),
            lambda: service.search(grown.project, "letters", generation=4),
        ):
            with pytest.raises(NotFoundError, match="vacuumed"):
                asked()
        assert service.search(grown.project, "letters").generation == 5

    def test_killed_half_way_it_is_finished_by_the_next(self, grown: Growth) -> None:
        ledger = grown.layers.ledger
        assert ledger.vacuum.mark(grown.project, datetime.now(UTC)) == (4, [1, 2, 3])
        grown.layers.graph.remove_dead(grown.project, 4)
        assert examine(grown).agreement["missing"] == {"documents": 0, "vectors": 0, "graph": 0}
        # Also where the window has grown since.
        facts = vacuum(grown, keep_days=30)
        assert facts["removed"]["ledger"]["chunk"] > 0
        assert examine(grown, deep=True).ok

    def test_what_was_rolled_back_to_stays_with_everything_after_it(self, grown: Growth) -> None:
        grown.layers.ledger.generations.rollback(grown.project, 2)
        before = grown.seen(grown.layers.ledger.generations.number(grown.project, 2))
        assert vacuum(grown)["generations"] == [1]
        second = grown.layers.ledger.generations.current(grown.project)
        assert second is not None
        assert grown.seen(second) == before
        assert examine(grown, deep=True).ok
        grown.layers.ledger.generations.rollback(grown.project, 4)
        assert examine(grown).ok


def rebuild_both(growth: Growth) -> None:
    rebuild(growth, "vectors")
    rebuild(growth, "graph")


@pytest.mark.parametrize("care", [repair, rebuild_both])
def test_rollback_and_as_of_answer_the_same_after_care(growth: Growth, care: Callable[[Growth], Any]) -> None:
    growth.run()
    between = datetime.now(UTC)
    growth.delete(STAMPS)
    growth.run()
    service = growth.service()

    def answers() -> list[Any]:
        now = service.search(growth.project, "stamp crowns").hits
        then = service.search(growth.project, "stamp crowns", as_of=between).hits
        growth.layers.ledger.generations.rollback(growth.project, 1)
        back = service.search(growth.project, "stamp crowns").hits
        growth.layers.ledger.generations.rollback(growth.project, 2)
        return [now, then, back]

    right = answers()
    for broken in (delete_points, delete_nodes, add_nodes):
        broken(growth)
    care(growth)
    assert answers() == right
    assert right[1] == right[2] != right[0]
