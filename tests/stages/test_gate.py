"""The gate on real layers: twelve ways in which a generation is worse are refused, what is as good or better passes."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qdrant_client import models

from destiny_assets.adapters.postgres.benchmarks import Suite
from destiny_assets.adapters.qdrant import DENSE
from destiny_assets.ports import TextKind, Vectors
from destiny_assets.stages.measure import measure_project
from tests.fakes.embedder import HashingEmbedder
from tests.stages.growing import Growth, Layers, Silence, growing

_PUMPS = (
    "Amsel",
    "Drossel",
    "Fink",
    "Star",
    "Lerche",
    "Meise",
    "Specht",
    "Kranich",
    "Milan",
    "Bussard",
    "Sperber",
    "Zeisig",
)
_PLACES = (
    *(["cellar", "harbour", "mill", "orchard", "quarry", "station"]),
    *(["tannery", "brewery", "chapel", "lighthouse", "sawmill", "foundry"]),
)
_FAULTS = (
    *(["rust", "frost", "sand", "lightning", "mussels", "vibration"]),
    *(["corrosion", "silt", "overheating", "cavitation", "leakage", "algae"]),
)


def page(pump: str, place: str, fault: str) -> str:
    return (
        f"# Pump {pump}\n\nThis machine stands in the {place} and moves water uphill every morning before sunrise.\n\n"
        f"## Repairs\n\nIts last failure was caused by {fault}, which cost the town two weeks and one new valve.\n"
    )


PAGES = {
    f"pumps/{number:02}.md": page(*facts) for number, facts in enumerate(zip(_PUMPS, _PLACES, _FAULTS, strict=True))
}
QUESTIONS: dict[str, tuple[str, str]] = {}
for _number, (_pump, _place, _fault) in enumerate(zip(_PUMPS, _PLACES, _FAULTS, strict=True)):
    _uri = f"pumps/{_number:02}.md"
    QUESTIONS |= {
        f"{_number:02}-name": (f"tell me about the pump {_pump}", _uri),
        f"{_number:02}-place": (f"which machine stands in the {_place}", _uri),
        f"{_number:02}-fault": (f"what failed because of {_fault}", _uri),
    }
SUITE = Suite(
    "pumps",
    {query: text for query, (text, _) in QUESTIONS.items()},
    {query: {uri: 1} for query, (_, uri) in QUESTIONS.items()},
)


class SpoiledEmbedder(HashingEmbedder):
    """Gives documents the vectors that `spoil` makes of the right ones; questions get the right ones."""

    def __init__(self, name: str, spoil: Callable[[Vectors], Vectors]) -> None:
        super().__init__("one")
        self._spoiled, self._spoil = name, spoil
        # A text keeps the vector it once got, in whatever company it comes again: else the model would be refused as changed.
        self._given: dict[str, Vectors] = {}

    @property
    def model_id(self) -> str:
        return f"spoiled/{self._spoiled}"

    def embed(self, texts: Sequence[str], kind: TextKind = "document") -> Vectors:
        right = super().embed(texts, kind)
        if kind != "document" or not len(texts):
            return right
        for text, vector in zip(texts, self._spoil(right), strict=True):
            self._given.setdefault(text, vector)
        return np.stack([self._given[text] for text in texts])


@contextmanager
def published_pumps(layers: Layers, folder: Path) -> Iterator[Growth]:
    """A published and measured generation of twelve pumps."""
    with growing(layers, folder, PAGES) as growth:
        layers.ledger.benchmarks.attach(growth.project, SUITE)
        growth.run()
        yield growth


@pytest.fixture(scope="module")
def shared_pumps(layers: Layers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Growth]:
    with published_pumps(layers, tmp_path_factory.mktemp("pumps") / "documents") as growth:
        yield growth


@pytest.fixture
def pumps(shared_pumps: Growth) -> Growth:
    """Twelve pumps as published. What a test before this one left unpublished is the next run's to put right."""
    shutil.rmtree(shared_pumps.folder)
    for name, text in PAGES.items():
        shared_pumps.write(name, text)
    shared_pumps.embedder = HashingEmbedder()
    return shared_pumps


@pytest.fixture
def own_pumps(layers: Layers, tmp_path: Path) -> Iterator[Growth]:
    """Twelve pumps of the test's own, whose published generation it may harm."""
    with published_pumps(layers, tmp_path / "documents") as growth:
        yield growth


def judged(growth: Growth, harm: Callable[[Growth], object] | None = None) -> dict[str, Any]:
    """The gate's report on the next generation; `harm` is done to its finished layers."""
    building = growth.run(until="trust")
    if harm is not None:
        harm(growth)
    return measure_project(growth.layers.ledger, growth.service, building, run_id="second", progress=Silence())["gate"]


def rewrite(change: Callable[[int, str], str]) -> Callable[[Growth], None]:
    def spoil(growth: Growth) -> None:
        for number, (name, text) in enumerate(PAGES.items()):
            growth.write(name, change(number, text))

    return spoil


def lose_half(growth: Growth) -> None:
    for name in list(PAGES)[::2]:
        growth.delete(name)


def flood(growth: Growth) -> None:
    questions = [text for text, _ in QUESTIONS.values()]
    for number in range(360):
        said = " ".join(questions[(number + step) % len(questions)] for step in range(3))
        growth.write(f"noise/{number:03}.md", f"# {said}\n\n{said}. {said}, copy {number % 5}.\n")


def embed_with(name: str, spoil: Callable[[Vectors], Vectors]) -> Callable[[Growth], None]:
    def use(growth: Growth) -> None:
        growth.embedder = SpoiledEmbedder(name, spoil)

    return use


BAD_DOCUMENTS: dict[str, Callable[[Growth], None]] = {
    "half of the documents lost": lose_half,
    "chunks cut off": rewrite(lambda _, text: text[:14] + "\n"),
    "texts in another language": rewrite(
        lambda _, text: text.split("\n")[0] + "\n\nDiese Maschine hebt Wasser; repariert wird sie vom Schmied.\n"
    ),
    "titles gone": rewrite(lambda _, text: text.partition("\n\n")[2]),
    "an old copy": rewrite(lambda number, _: page(_PUMPS[number], "old shed", "age")),
    "contents under each other's names": rewrite(lambda number, _: list(PAGES.values())[(number + 1) % len(PAGES)]),
    "flooded with duplicates of noise": flood,
    "vectors shuffled": embed_with("shuffled", lambda right: np.roll(right, 5, axis=0)),
    "vectors turned around": embed_with("negated", lambda right: -right),
    "a worse model": embed_with(
        "worse", lambda right: np.tile(right.mean(axis=0) / np.linalg.norm(right.mean(axis=0)), (len(right), 1))
    ),
}


def drop_sparse(growth: Growth) -> None:
    client = growth.layers.vectors._client
    (collection,) = growth.layers.vectors.collections(growth.project)
    points, _ = client.scroll(collection, limit=1_000, with_payload=True, with_vectors=[DENSE])
    client.upsert(
        collection,
        [models.PointStruct(id=point.id, vector=point.vector, payload=point.payload) for point in points],  # type: ignore[arg-type]
        wait=True,
    )


def swap_ids(growth: Growth) -> None:
    client = growth.layers.vectors._client
    (collection,) = growth.layers.vectors.collections(growth.project)
    points, _ = client.scroll(collection, limit=1_000, with_payload=True)
    for point, other in zip(points, [*points[3:], *points[:3]], strict=True):
        assert other.payload is not None
        names = {key: other.payload[key] for key in ("chunk_id", "document_id")}
        client.set_payload(collection, names, points=[point.id], wait=True)


BAD_LAYERS: dict[str, Callable[[Growth], None]] = {"sparse vectors dropped": drop_sparse, "ids swapped": swap_ids}

GOOD: dict[str, Callable[[Growth], None]] = {
    "more documents": lambda growth: growth.write("pumps/more.md", page("Uhu", "windmill", "hail")),
    "a document made longer": lambda growth: growth.write(
        "pumps/00.md", PAGES["pumps/00.md"] + "\nIt was painted green.\n"
    ),
    "white space": rewrite(lambda _, text: text + "\n\n"),
}


@pytest.mark.parametrize("kind", BAD_DOCUMENTS)
def test_a_worse_generation_is_refused_with_the_questions_that_broke(pumps: Growth, kind: str) -> None:
    BAD_DOCUMENTS[kind](pumps)
    gate = judged(pumps)
    assert gate["compared_with"] == 1
    assert gate["refused"], kind
    assert set(gate["refused"][0]["broken"]) <= set(QUESTIONS)
    assert gate["refused"][0]["broken"]


@pytest.mark.parametrize("kind", BAD_LAYERS)
def test_a_spoiled_layer_is_refused_though_readers_of_the_current_one_suffer_too(own_pumps: Growth, kind: str) -> None:
    GOOD["more documents"](own_pumps)
    assert judged(own_pumps, BAD_LAYERS[kind])["refused"], kind


@pytest.mark.parametrize("kind", GOOD)
def test_what_is_as_good_passes(own_pumps: Growth, kind: str) -> None:
    GOOD[kind](own_pumps)
    assert judged(own_pumps)["refused"] == []


def test_a_projects_own_tolerance_counts(own_pumps: Growth) -> None:
    BAD_DOCUMENTS["half of the documents lost"](own_pumps)
    for metric in ("ndcg@10", "recall@100"):
        own_pumps.layers.ledger.benchmarks.tolerate(own_pumps.project, metric, 1.0)
    assert judged(own_pumps)["refused"] == []


def test_a_generation_nobody_measured_is_measured_for_the_comparison(own_pumps: Growth) -> None:
    own_pumps.layers.ledger.benchmarks.attach(
        own_pumps.project, Suite("later", dict(SUITE.queries), dict(SUITE.grades))
    )
    lose_half(own_pumps)
    assert {fall["suite"] for fall in judged(own_pumps)["refused"]} == {"pumps", "later"}


def test_what_an_older_ranking_found_is_measured_anew_before_anything_is_held_against_it(own_pumps: Growth) -> None:
    ledger, project = own_pumps.layers.ledger, own_pumps.project
    published = len(ledger.benchmarks.history(project))
    with ledger.transaction() as cursor:
        cursor.execute("update benchmark_run set ranking = 'ranking/0' where project = %s", (project,))
        # As if the older one had found nothing at all: whatever is found now would be no fall.
        cursor.execute("update benchmark_query set ranking = '[]' where project = %s", (project,))
    assert ledger.benchmarks.rankings(project, 1, SUITE, "hybrid") == {}
    lose_half(own_pumps)
    gate = judged(own_pumps)
    assert gate["compared_with"] == 1
    assert {fall["metric"] for fall in gate["refused"]} >= {"ndcg@10"}
    # What was measured of the published one to compare is not kept as its history.
    assert len([run for run in ledger.benchmarks.history(project) if run.generation == 1]) == published
