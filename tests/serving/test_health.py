"""Whether the layers are well and agree: told, and nothing is mended by asking."""

import uuid

import pytest

from destiny_assets.adapters.qdrant import Point, QdrantVectorIndex
from destiny_assets.domain.sparse import encode_query
from destiny_assets.errors import NotFoundError
from destiny_assets.serving.health import diagnose
from destiny_assets.serving.results import Diagnosis
from tests.stages.growing import DOCUMENTS, Growth


def diagnosis(growth: Growth, vectors: QdrantVectorIndex | None = None) -> Diagnosis:
    layers = growth.layers
    return diagnose(layers.ledger, layers.originals, vectors or layers.vectors, layers.graph, growth.project)


def test_a_project_with_nothing_published_is_well(growth: Growth) -> None:
    found = diagnosis(growth)
    assert (found.ok, found.generation, list(found.layers)) == (True, None, ["ledger"])


def test_layers_that_agree_are_well(growth: Growth) -> None:
    published = growth.run()
    found = diagnosis(growth)
    assert (found.ok, found.generation) == (True, 1)
    assert set(found.layers) == {"ledger", "documents", "vectors", "graph"}
    assert found.layers["ledger"].count == found.layers["vectors"].count == len(growth.seen(published))
    assert found.layers["documents"].count == len(DOCUMENTS)
    assert found.agreement == {
        side: {"documents": 0, "vectors": 0, "graph": 0} for side in ("missing", "extra", "stale")
    }


def test_a_lost_original_point_or_node_is_counted_by_layer_and_stays_lost(growth: Growth) -> None:
    published = growth.run()
    layers = growth.layers
    layers.originals.delete(growth.project, [next(iter(layers.originals.ids(growth.project)))])
    layers.vectors.remove(published.collection or "", list(growth.points())[:2])
    layers.graph.remove(growth.project, [next(i for i, held in growth.nodes().items() if "uri" in held)])
    for _ in range(2):
        found = diagnosis(growth)
        assert not found.ok
        assert (found.agreement["missing"]["documents"], found.agreement["missing"]["vectors"]) == (1, 2)
        assert found.agreement["missing"]["graph"] >= 2
        assert found.layers["vectors"].detail == "2 missing"
        assert (found.layers["graph"].ok, found.layers["ledger"].ok) == (False, True)


def test_what_a_layer_still_shows_of_another_generation_is_stale(growth: Growth) -> None:
    published = growth.run()
    growth.delete("notes/rain.txt")
    second = growth.run()
    (retired,) = growth.layers.vectors.marked(second.collection or "", "died", 2)
    growth.layers.vectors.set_died(published.collection or "", [retired], 2**31 - 1)
    found = diagnosis(growth)
    assert (found.ok, found.agreement["stale"]["vectors"], found.layers["vectors"].detail) == (False, 1, "1 stale")


def test_what_the_ledger_has_never_heard_of_is_extra(growth: Growth) -> None:
    published = growth.run()
    stranger = Point(str(uuid.uuid4()), "chunk", "document", "source", 1, encode_query("stranger"))
    growth.layers.vectors.upsert(published.collection or "", [stranger], growth.embedder.embed(["stranger"]))
    found = diagnosis(growth)
    assert (found.ok, found.agreement["extra"]["vectors"], found.layers["vectors"].detail) == (False, 1, "1 unknown")


def test_a_layer_that_does_not_answer_is_named_and_the_others_are_judged(growth: Growth) -> None:
    growth.run()
    with QdrantVectorIndex("http://:key-of-the-test@127.0.0.1:1", timeout_s=1) as gone:
        found = diagnosis(growth, gone)
    assert (found.ok, found.layers["vectors"].ok, found.layers["graph"].ok) == (False, False, True)
    assert "key-of-the-test" not in found.layers["vectors"].detail


def test_what_is_quarantined_is_listed_with_its_reason(growth: Growth) -> None:
    growth.write("empty.md", "")
    growth.run()
    (item,) = diagnosis(growth).quarantined
    assert (item["document"], item["stage"], item["reason"], item["tries"]) == ("empty.md", "documents", "empty", 1)


def test_a_project_that_does_not_exist_is_no_diagnosis(growth: Growth) -> None:
    layers = growth.layers
    with pytest.raises(NotFoundError, match="nowhere"):
        diagnose(layers.ledger, layers.originals, layers.vectors, layers.graph, "nowhere")
