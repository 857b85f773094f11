"""A layer that is away: readers are answered all the same, from the published generation alone, told what is missing, and it heals."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from destiny_assets.adapters.language_model import OpenAILanguageModel
from destiny_assets.adapters.neo4j import connect
from destiny_assets.adapters.postgres.isolation import IsolatedLedger, read_project, reading_url
from destiny_assets.adapters.qdrant import QdrantVectorIndex
from destiny_assets.domain.circuits import CircuitState
from destiny_assets.domain.filters import Filters
from destiny_assets.domain.retrieval import RECIPES, RERANKED
from destiny_assets.domain.sparse import encode_query
from destiny_assets.errors import LayerAwayError, ModelError, StoreUnavailableError
from destiny_assets.ports import TextKind, Vectors
from destiny_assets.serving.circuits import Circuits
from destiny_assets.serving.library import Library
from destiny_assets.serving.service import KnowledgeService
from tests.fakes.chat_server import KEY, chatting
from tests.fakes.embedder import HashingEmbedder
from tests.fakes.relay import Relay, relaying
from tests.stages.growing import DOCUMENTS, Growth, Layers, growing

STAMPS = "handbook/stamps.md"
QUESTION = "stamp costs crowns abroad"


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class FailingEmbedder(HashingEmbedder):
    """The same vectors, while it is `there`."""

    there = True

    def embed(self, texts: Sequence[str], kind: TextKind = "document") -> Vectors:
        if not self.there:
            raise ModelError("The model is away.")
        return super().embed(texts, kind)


@dataclass
class Away:
    """A service whose layers can be taken away."""

    service: KnowledgeService
    vectors: Relay
    embedder: FailingEmbedder
    circuits: Circuits
    clock: Clock = field(default_factory=Clock)


@pytest.fixture(scope="module")
def grown(layers: Layers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Growth]:
    """In the second generation stamps cost four crowns and rain is gone; a third is being built, in which they cost five."""
    with growing(layers, tmp_path_factory.mktemp("away") / "documents") as growth:
        growth.run()
        growth.write(STAMPS, DOCUMENTS[STAMPS].replace("three crowns", "four crowns"))
        growth.delete("notes/rain.txt")
        growth.run()
        growth.write(STAMPS, DOCUMENTS[STAMPS].replace("three crowns", "five crowns"))
        growth.run(until="vectors")
        yield growth


@pytest.fixture
def away(grown: Growth) -> Iterator[Away]:
    clock, embedder = Clock(), FailingEmbedder()
    circuits = Circuits(clock)
    with (
        relaying(grown.layers.stores.qdrant_url) as relay,
        QdrantVectorIndex(relay.url, timeout_s=1) as vectors,
    ):
        yield Away(
            KnowledgeService(grown.layers.ledger, vectors, lambda: embedder, circuits=circuits),
            relay, embedder, circuits, clock,
        )  # fmt: skip
    circuits.close()


@pytest.mark.parametrize("recipe", sorted(RECIPES.keys() - RERANKED))
def test_without_vectors_every_recipe_finds_the_passage_in_the_ledger(away: Away, grown: Growth, recipe: str) -> None:
    away.vectors.cut("refusing")
    found = away.service.search(grown.project, QUESTION, recipe=recipe)
    assert (found.hits[0].uri, found.degraded, found.generation) == (STAMPS, ["vectors"], 2)
    assert "four crowns" in found.hits[0].text


@pytest.mark.parametrize(("generation", "price"), [(1, "three"), (2, "four")])
def test_the_stand_in_shows_exactly_one_published_generation(
    away: Away, grown: Growth, generation: int, price: str
) -> None:
    away.vectors.cut("refusing")
    pinned = grown.layers.ledger.generations.number(grown.project, generation)
    everything = "stamp courier letters queue stream bicycle archive complaints deliveries wet holidays first"
    found = away.service.search(grown.project, everything, k=100, generation=generation)
    assert {hit.uri for hit in found.hits} == grown.uris(pinned)
    assert {hit.chunk_id for hit in found.hits} <= set(grown.seen(pinned))
    assert price in next(hit.text for hit in found.hits if hit.uri == STAMPS)


def test_filters_hold_without_vectors(away: Away, grown: Growth) -> None:
    away.vectors.cut("refusing")
    only = Filters(authors=["Ada Brook"])
    found = away.service.search(grown.project, "letters stream queue complaints", filters=only, k=50)
    assert {hit.uri for hit in found.hits} == {"reports/spring.md", "reports/autumn.md"}
    none = away.service.search(grown.project, "letters", filters=Filters(sources=["elsewhere"]))
    assert none.hits == []


def test_the_stand_in_reads_as_the_role_that_sees_one_project(away: Away, grown: Growth, growth: Growth) -> None:
    growth.run()
    away.vectors.cut("refusing")
    with IsolatedLedger(reading_url(grown.layers.stores.postgres_url), pool_size=2) as reading:
        read_project(growth.project)
        assert len(reading.lexical.search(growth.project, 1, encode_query("stamp"), 5)) == 1
        with pytest.raises(StoreUnavailableError, match="no search index"):
            reading.lexical.search(grown.project, 2, encode_query("stamp"), 5)


def test_a_project_that_was_never_indexed_is_refused_and_indexed_whole_by_its_next_ingest(
    away: Away, growth: Growth
) -> None:
    growth.run()
    with growth.layers.ledger.transaction() as cursor:
        for table in ("text_segment", "text_posting"):
            cursor.execute(f"delete from {table} where project = %s and kind = 'terms'", (growth.project,))
    away.vectors.cut("refusing")
    with pytest.raises(StoreUnavailableError, match=f"destiny ingest {growth.project}"):
        away.service.search(growth.project, QUESTION)
    growth.write("notes/ink.md", "# Ink\n\nBlue ink fades within a year.\n")
    growth.run()
    assert away.service.search(growth.project, QUESTION).hits[0].uri == STAMPS
    assert away.service.search(growth.project, QUESTION, generation=1).hits[0].uri == STAMPS


def test_it_heals_by_itself_and_asks_nothing_while_it_rests(away: Away, grown: Growth) -> None:
    away.vectors.cut("refusing")
    for _ in range(3):
        away.service.search(grown.project, QUESTION)
    assert away.circuits.states()["vectors"] is CircuitState.OPEN
    made = away.vectors.connections
    assert away.service.search(grown.project, QUESTION).degraded == ["vectors"]
    assert away.vectors.connections == made
    away.vectors.mode = "through"
    assert away.service.search(grown.project, QUESTION).degraded == ["vectors"]
    away.clock.now += 2
    assert away.service.search(grown.project, QUESTION).degraded == []
    assert away.circuits.states()["vectors"] is CircuitState.CLOSED


def test_a_layer_that_takes_and_never_answers_is_given_up(away: Away, grown: Growth) -> None:
    away.vectors.cut("hanging")
    found = away.service.search(grown.project, QUESTION)
    assert (found.hits[0].uri, found.degraded) == (STAMPS, ["vectors"])


def test_a_lost_collection_degrades_its_project_and_no_other(away: Away, grown: Growth, growth: Growth) -> None:
    growth.run()
    (collection,) = growth.layers.vectors.collections(growth.project)
    growth.layers.vectors.drop(collection)
    for _ in range(5):
        assert away.service.search(growth.project, QUESTION).degraded == ["vectors"]
    assert away.service.search(grown.project, QUESTION).degraded == []


@pytest.mark.parametrize("recipe", ["hybrid", "dense", "best"])
def test_without_the_model_words_decide(away: Away, grown: Growth, recipe: str) -> None:
    away.embedder.there = False
    found = away.service.search(grown.project, QUESTION, recipe=recipe)
    assert (found.hits[0].uri, found.degraded) == (STAMPS, ["model"])
    answer = away.service.ask(grown.project, QUESTION)
    assert (answer.degraded, "nine crowns abroad" in answer.answer) == (["model"], True)
    pack = away.service.context(grown.project, QUESTION, tokens=200)
    assert (pack.degraded, pack.items[0].uri) == (["model"], STAMPS)


def test_without_vectors_and_model_words_decide_in_the_ledger(away: Away, grown: Growth) -> None:
    away.vectors.cut("refusing")
    away.embedder.there = False
    found = away.service.search(grown.project, QUESTION, diversity=0.5)
    assert (found.hits[0].uri, found.degraded) == (STAMPS, ["vectors", "model"])
    exact = grown.service().search(grown.project, QUESTION, recipe="lexical")
    assert [hit.chunk_id for hit in found.hits][:3] == [hit.chunk_id for hit in exact.hits][:3]


def test_without_a_language_model_the_answer_is_quoted(grown: Growth) -> None:
    with chatting(503) as server:
        model = OpenAILanguageModel("gpt-test", url=server.url, api_key=KEY)
        circuits = Circuits()
        answer = grown.service(language_model=model, circuits=circuits).ask(grown.project, QUESTION)
        circuits.close()
    assert (answer.method, answer.degraded) == ("extractive", ["language_model"])
    assert answer.citations


def test_without_a_graph_nothing_is_expanded(grown: Growth) -> None:
    ledger, circuits = grown.layers.ledger, Circuits()
    with ledger.transaction() as cursor:
        row = cursor.execute(
            "select id::text as id from chunk where project = %s and born <= 2 and died > 2", (grown.project,)
        ).fetchone()
    assert row is not None
    with relaying(grown.layers.stores.neo4j_url) as relay, connect(relay.url) as graph:
        library = Library(ledger, grown.layers.originals, graph, circuits)
        whole = library.neighbourhood(grown.project, 2, row["id"], 50)
        assert (bool(whole.edges), whole.degraded) == (True, [])
        relay.cut("refusing")
        without = library.neighbourhood(grown.project, 2, row["id"], 50)
        assert (without.edges, without.degraded, without.node) == ([], ["graph"], whole.node)
        relay.mode = "through"
        assert library.neighbourhood(grown.project, 2, row["id"], 50) == whole
    circuits.close()


def test_a_graph_that_never_answers_is_given_up() -> None:
    circuits, released = Circuits(), threading.Event()
    for _ in range(3):
        with pytest.raises(LayerAwayError, match=r"did not answer within 0\.01 s"):
            circuits.within("graph", released.wait, seconds=0.01)
    assert circuits.states()["graph"] is CircuitState.OPEN
    released.set()
    circuits.close()


def test_whoever_measures_is_not_fobbed_off(grown: Growth) -> None:
    with relaying(grown.layers.stores.qdrant_url) as relay, QdrantVectorIndex(relay.url) as vectors:
        relay.mode = "refusing"
        service = KnowledgeService(grown.layers.ledger, vectors, HashingEmbedder)
        with pytest.raises(StoreUnavailableError, match="vector layer"):
            service.search(grown.project, QUESTION)
