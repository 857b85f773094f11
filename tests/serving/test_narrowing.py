"""Filters, modes, copies, neighbours, diversity and context packs, on real layers."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from destiny_assets.adapters.embedders.bert.tokenizer import MiniLMTokenizer
from destiny_assets.domain.filters import Filters, Mode
from destiny_assets.domain.retrieval import recipe_named
from destiny_assets.errors import ConfigurationError
from destiny_assets.serving.candidates import VectorCandidates
from destiny_assets.serving.ranking import Ranker
from destiny_assets.serving.service import KnowledgeService
from destiny_assets.serving.word_counts import WordCounts
from tests.stages.growing import DOCUMENTS, Growth, Layers, growing

PIGEON = "letters wait in a queue called Pigeon until a courier is free"
NOTICE = (
    "All couriers meet in the old harbour at noon to hear the news of the week from Ada Brook, who writes it down.\n"
)
MORE = {
    "notes/notice.md": f"---\ntags: [meeting, harbour]\nroom: Blue\n---\n\n# Notice\n\n{NOTICE}",
    "notes/notice-copy.md": f"---\ntags: draft\n---\n\n# Notice\n\n{NOTICE}",
    # One says both halves of a question, in two sections; the other says the first half in fewer words.
    "notes/lamps.md": "# Lamps\n\n## Fuel\n\nWhale oil burns for nine long evenings.\n\n## Care\n\nTrim a wick of cotton on Sundays.\n",
    "notes/ships.md": "# Ships\n\n## Fuel\n\nWhale oil burns for nine evenings.\n\n## Crew\n\nA cook sleeps on deck on Sundays.\n",
}


@pytest.fixture(scope="module")
def grown(layers: Layers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Growth]:
    with growing(layers, tmp_path_factory.mktemp("narrow") / "documents", DOCUMENTS | MORE) as growth:
        growth.run()
        yield growth


@pytest.fixture
def service(grown: Growth) -> KnowledgeService:
    return grown.service()


@pytest.mark.parametrize(
    ("filters", "uris"),
    [
        (Filters(authors=["ada brook"]), {"reports/spring.md", "reports/autumn.md"}),
        (Filters(statuses=["Accepted"]), {"adr-007-stream.md"}),
        (Filters(tags=["harbour"]), {"notes/notice.md"}),
        (Filters(where=[("room", "blue")]), {"notes/notice.md"}),
        (Filters(since=datetime(2024, 5, 1, tzinfo=UTC)), {"reports/autumn.md"}),
        (Filters(until=datetime(2024, 5, 1, tzinfo=UTC)), {"reports/spring.md"}),
        (Filters(authors=["Ada Brook"], until=datetime(2024, 5, 1, tzinfo=UTC)), {"reports/spring.md"}),
        (Filters(authors=["nobody"]), set()),
        (Filters(sources=["elsewhere"]), set()),
        (Filters(kinds=["git"]), set()),
    ],
)
def test_a_filter_shows_just_the_documents_that_meet_it(
    service: KnowledgeService, grown: Growth, filters: Filters, uris: set[str]
) -> None:
    for recipe in ("hybrid", "graph", "conversation"):
        found = service.search(grown.project, "deliveries letters couriers", k=100, recipe=recipe, filters=filters)
        assert {hit.uri for hit in found.hits} == uris, recipe


def test_a_source_and_its_kind_show_all_of_it(service: KnowledgeService, grown: Growth) -> None:
    every = service.search(grown.project, "letters", k=100).hits
    for filters in (Filters(sources=["folder"]), Filters(kinds=["files"])):
        assert service.search(grown.project, "letters", k=100, filters=filters).hits == every


def test_balanced_and_strict_hold_back_what_is_superseded_and_say_why(service: KnowledgeService, grown: Growth) -> None:
    assert service.search(grown.project, PIGEON).hits[0].uri == "adr-001-queue.md"
    for mode in (Mode.BALANCED, Mode.STRICT):
        found = service.search(grown.project, PIGEON, mode=mode)
        assert found.hits[0].uri != "adr-001-queue.md"
        held = next(item for item in found.held if item.uri == "adr-001-queue.md")
        assert held.reason == "superseded by Use a stream for letters"
        assert found.withheld >= 1


def test_a_near_duplicate_is_folded_into_the_hit_above_it(service: KnowledgeService, grown: Growth) -> None:
    found = service.search(grown.project, "couriers meet in the old harbour at noon", k=100)
    notices = [hit for hit in found.hits if "at noon" in hit.text]
    assert len(notices) == 1
    assert {notices[0].uri, *(copy.uri for copy in notices[0].copies)} == {"notes/notice.md", "notes/notice-copy.md"}


def test_what_the_passages_of_a_document_say_of_the_question_together_counts(grown: Growth) -> None:
    layers, question = grown.layers, "whale oil burns evenings cotton wick"
    ranker = Ranker(
        layers.ledger,
        VectorCandidates(layers.vectors, None),
        WordCounts(layers.ledger),
        lambda project, model, text: grown.embedder.embed([text], "query")[0],  # noqa: ARG005
    )
    pinned = layers.ledger.generations.current(grown.project)
    assert pinned is not None
    alone = replace(recipe_named("hybrid"), covers=0.0)
    before, after = ranker.rank_by_each(pinned, question, [alone, replace(alone, covers=1.0)], 100, Filters())
    passages = layers.ledger.reading.passages(grown.project, pinned.number, list(before.point))
    burning = {one.uri: chunk for chunk, one in passages.items() if "Whale oil" in one.text}
    # The mean of its own score and what its document says: all of the question in one, four of its six words in the other.
    said = {uri: 2 * dict(after.scores)[chunk] - dict(before.scores)[chunk] for uri, chunk in burning.items()}
    assert said["notes/lamps.md"] == pytest.approx(1.0)
    assert 0.4 < said["notes/ships.md"] < 0.9


def test_neighbours_come_in_the_order_of_the_document(service: KnowledgeService, grown: Growth) -> None:
    hit = service.search(grown.project, "workshop behind the old harbour repairs", k=1, surrounding=1).hits[0]
    assert (hit.uri, hit.after) == ("handbook/bicycles.rst", [])
    assert "yellow bicycle" in hit.before[0]


def test_diversity_changes_the_order_and_loses_nothing(service: KnowledgeService, grown: Growth) -> None:
    plain = service.search(grown.project, "letters", k=100).hits
    mixed = service.search(grown.project, "letters", k=100, diversity=0.7).hits
    assert {hit.chunk_id for hit in mixed} == {hit.chunk_id for hit in plain}
    assert [hit.chunk_id for hit in mixed] != [hit.chunk_id for hit in plain]


@pytest.mark.parametrize("budget", [1, 30, 64, 100, 333, 1_000_000])
def test_a_context_keeps_its_budget_by_the_tokenizers_own_count(
    service: KnowledgeService, grown: Growth, budget: int
) -> None:
    found = service.context(grown.project, "how do letters wait", tokens=budget)
    (starts,) = MiniLMTokenizer().token_starts([found.text])
    assert len(starts) == found.tokens <= budget
    assert sum(item.tokens for item in found.items) == found.tokens
    pinned = grown.layers.ledger.generations.number(grown.project, found.generation)
    for item in found.items:
        assert grown.text_of(item.uri, pinned)[slice(*item.span)] == item.text
        assert f"[{item.number}]" in found.text
        assert 0 < item.trust < 1
    assert [item.value for item in found.items] == sorted((item.value for item in found.items), reverse=True)
    if budget == 1_000_000:
        assert {item.uri for item in found.items} >= {"adr-007-stream.md", "handbook/stamps.md"}
        assert found.left_out == 0


def test_a_context_of_no_or_too_many_tokens_is_refused(service: KnowledgeService, grown: Growth) -> None:
    for tokens in (0, 1_000_001):
        with pytest.raises(ConfigurationError, match="1 to 1,000,000"):
            service.context(grown.project, "letters", tokens=tokens)


def test_a_document_named_by_a_found_one_is_found_too(layers: Layers, grown: Growth) -> None:
    del layers
    service = grown.service()
    question = "what is told of how letters wait"
    plain = {hit.uri: rank for rank, hit in enumerate(service.search(grown.project, question, k=100).hits)}
    graph = {
        hit.uri: rank for rank, hit in enumerate(service.search(grown.project, question, k=100, recipe="graph").hits)
    }
    assert graph["adr-007-stream.md"] <= plain["adr-007-stream.md"]
