"""The gate of a run: what the generation changed is verified item by item, in every layer; and what it changed is found whole."""

from collections.abc import Callable

import pytest

from destiny_assets.domain.generations import Generation
from destiny_assets.domain.graph import FOREVER
from destiny_assets.stages import verify
from destiny_assets.stages.ahead import one_ahead
from destiny_assets.stages.verify import LAYERS, Verified, verify_layer
from tests.stages.growing import DOCUMENTS, Growth

STAMPS = "handbook/stamps.md"


def verified(growth: Growth, generation: Generation, layer: str) -> Verified:
    layers = growth.layers
    return verify_layer(layers.ledger, layers.originals, layers.vectors, layers.graph, generation, layer)


def second_generation(growth: Growth) -> Generation:
    """A document edited, one added and one deleted, ready to be published."""
    growth.run()
    growth.write(STAMPS, DOCUMENTS[STAMPS].replace("three crowns", "four crowns"))
    growth.write("notes/new.md", "# New\n\nThe new courier starts in June, and her name is Ingeborg.\n")
    growth.delete("notes/rain.txt")
    return growth.run(until="trust")


def test_layers_that_hold_the_changes_agree_and_are_as_large_as_the_whole(growth: Growth) -> None:
    second = second_generation(growth)
    found = {layer: verified(growth, second, layer) for layer in LAYERS}
    assert {(layer.missing, layer.extra, layer.stale) for layer in found.values()} == {(0, 0, 0)}
    assert found["documents"].expected == len(DOCUMENTS)
    assert found["vectors"].expected == len(growth.seen(second))
    assert found["graph"].expected == sum(growth.layers.graph.count(growth.project, 2).values())
    assert 0 < found["graph"].compared < found["graph"].expected


def lose_original(growth: Growth) -> None:
    fresh = growth.layers.ledger.documents.new_hashes(growth.project, 2)
    growth.layers.originals.delete(growth.project, list(fresh)[:1])


def lose_new_point(growth: Growth) -> None:
    (collection,) = growth.layers.vectors.collections(growth.project)
    growth.layers.vectors.remove(collection, list(growth.layers.vectors.marked(collection, "born", 2))[:1])


def lose_old_point(growth: Growth) -> None:
    (collection,) = growth.layers.vectors.collections(growth.project)
    old = growth.layers.vectors.marked(collection, "born", 1) - growth.layers.vectors.marked(collection, "died", 2)
    growth.layers.vectors.remove(collection, list(old)[:1])


def revive_points(growth: Growth) -> None:
    (collection,) = growth.layers.vectors.collections(growth.project)
    retired = growth.layers.vectors.marked(collection, "died", 2)
    growth.layers.vectors.set_died(collection, list(retired)[:1], FOREVER)


def lose_new_edge(growth: Growth) -> None:
    born = [id_ for kind, id_ in growth.layers.graph.marked(growth.project, "born", 2) if kind == "PART_OF"]
    growth.layers.graph.remove(growth.project, born[:1])


def revive_edge(growth: Growth) -> None:
    died = [id_ for kind, id_ in growth.layers.graph.marked(growth.project, "died", 2) if kind == "PART_OF"]
    growth.layers.graph.retire(growth.project, died[:1], FOREVER)


HARM: list[tuple[str, Callable[[Growth], None], str]] = [
    ("documents", lose_original, "missing"),
    ("vectors", lose_new_point, "missing"),
    ("vectors", lose_old_point, "missing"),
    ("vectors", revive_points, "stale"),
    ("graph", lose_new_edge, "missing"),
    ("graph", revive_edge, "stale"),
]


@pytest.mark.parametrize(("layer", "harm", "side"), HARM, ids=[harm.__name__ for _, harm, _ in HARM])
def test_a_layer_that_lacks_a_change_is_apart(
    growth: Growth, layer: str, harm: Callable[[Growth], None], side: str
) -> None:
    second = second_generation(growth)
    harm(growth)
    found = verified(growth, second, layer)
    assert {name: getattr(found, name) for name in ("missing", "extra", "stale")} == {
        "missing": 0,
        "extra": 0,
        "stale": 0,
        side: 1,
    }


def test_sets_are_told_apart_by_what_is_in_them() -> None:
    one, two, three = ("00000000-0000-0000-0000-00000000000" + digit for digit in "123")
    assert verify._apart(lambda: [one, two], lambda: [two, one]) == (2, 0, 0)
    assert verify._apart(lambda: [one, two], lambda: [two, three]) == (2, 1, 1)
    assert verify._apart(lambda: [one], lambda: [one, three]) == (1, 0, 1)


def test_what_a_generation_changed_in_the_graph_is_found_whole(growth: Growth) -> None:
    second_generation(growth)
    growth.run()
    growth.write("notes/rain.txt", DOCUMENTS["notes/rain.txt"])
    growth.write("adr-007-stream.md", DOCUMENTS["adr-007-stream.md"].replace("a stream for", "one stream for"))
    growth.run()
    rows, project = growth.layers.ledger.projections, growth.project
    edges = list(rows.graph_edges(project))
    for number in (1, 2, 3):
        assert {edge.id for edge in rows.graph_edges(project, born=number)} == {e.id for e in edges if e.born == number}
        assert {edge.id for edge in rows.graph_edges(project, died=number)} == {e.id for e in edges if e.died == number}
    assert {edge.born for edge in edges} == {1, 2, 3}
    assert {2, 3} <= {edge.died for edge in edges}


def test_a_layer_is_begun_once_a_generation(growth: Growth) -> None:
    generations, number = growth.layers.ledger.generations, growth.open().number
    assert [generations.begin(growth.project, number, layer) for layer in ("graph", "graph", "other")] == [
        False,
        True,
        False,
    ]


def test_each_item_comes_after_the_next_was_asked_for() -> None:
    asked: list[int] = []

    def begun(number: int) -> int:
        asked.append(number)
        return number

    ahead = one_ahead(map(begun, range(3)))
    assert (next(ahead), asked) == (0, [0, 1])
    assert list(ahead) == [1, 2]
