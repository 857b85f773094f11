"""`KnowledgeService` on real layers: every read is pinned to one generation, every span is exact, every refusal is told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from destiny_assets.adapters.language_model import OpenAILanguageModel
from destiny_assets.domain.retrieval import RECIPES, RERANKED
from destiny_assets.domain.same_model import PROBES
from destiny_assets.errors import ConflictError, ModelError, NotFoundError
from destiny_assets.ports import Embedder
from destiny_assets.serving.service import KnowledgeService
from tests.fakes.chat_server import KEY, chatting
from tests.fakes.embedder import HashingEmbedder
from tests.stages.growing import DOCUMENTS, Growth, Layers, growing

STAMPS = "handbook/stamps.md"
QUESTION = "what does a stamp cost abroad"


@pytest.fixture(scope="module")
def grown(layers: Layers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Growth]:
    """Two generations, for tests that only read: in the second, stamps cost four crowns and rain is gone."""
    with growing(layers, tmp_path_factory.mktemp("grown") / "documents") as growth:
        growth.run()
        growth.write(STAMPS, DOCUMENTS[STAMPS].replace("three crowns", "four crowns"))
        growth.delete("notes/rain.txt")
        growth.run()
        yield growth


@pytest.fixture
def service(grown: Growth) -> KnowledgeService:
    return grown.service()


class TestSearch:
    """Passages, best first, of one generation."""

    @pytest.mark.parametrize("recipe", sorted(RECIPES.keys() - RERANKED))
    def test_every_recipe_finds_the_passage_that_answers(
        self, service: KnowledgeService, grown: Growth, recipe: str
    ) -> None:
        found = service.search(grown.project, "stamp costs crowns abroad", recipe=recipe)
        assert found.hits[0].uri == STAMPS
        assert (found.generation, found.recipe, found.degraded) == (2, recipe, [])
        scores = [hit.score for hit in found.hits]
        assert scores == sorted(scores, reverse=True)

    @pytest.mark.parametrize("generation", [1, 2])
    def test_every_span_is_exact_in_the_document_of_that_generation(
        self, service: KnowledgeService, grown: Growth, generation: int
    ) -> None:
        pinned = grown.layers.ledger.generations.number(grown.project, generation)
        found = service.search(grown.project, "letters", k=100, generation=generation)
        assert {hit.uri for hit in found.hits} == grown.uris(pinned)
        for hit in found.hits:
            assert grown.text_of(hit.uri, pinned)[slice(*hit.span)] == hit.text

    def test_an_old_generation_answers_as_it_did(self, service: KnowledgeService, grown: Growth) -> None:
        now = service.search(grown.project, QUESTION).hits[0]
        then = service.search(grown.project, QUESTION, generation=1).hits[0]
        assert ("four crowns" in now.text, "three crowns" in then.text) == (True, True)
        rain = {hit.uri for hit in service.search(grown.project, "wet letters stove", generation=1).hits}
        assert "notes/rain.txt" in rain
        assert "notes/rain.txt" not in {hit.uri for hit in service.search(grown.project, "wet letters stove").hits}

    def test_a_time_means_the_generation_that_was_current_then(self, service: KnowledgeService, grown: Growth) -> None:
        first = grown.layers.ledger.generations.number(grown.project, 1).published_at
        assert first is not None
        found = service.search(grown.project, QUESTION, as_of=first)
        assert (found.generation, "three crowns" in found.hits[0].text) == (1, True)
        assert service.search(grown.project, QUESTION, as_of=datetime.now(UTC)).generation == 2
        with pytest.raises(NotFoundError, match="nothing published at"):
            service.search(grown.project, QUESTION, as_of=first - timedelta(days=1))

    def test_k_limits_the_hits(self, service: KnowledgeService, grown: Growth) -> None:
        all_of_them = service.search(grown.project, "letters", k=100).hits
        assert [hit.chunk_id for hit in service.search(grown.project, "letters", k=3).hits] == [
            hit.chunk_id for hit in all_of_them[:3]
        ]

    def test_hits_that_are_trusted_less_are_withheld_and_counted(
        self, service: KnowledgeService, grown: Growth
    ) -> None:
        every = service.search(grown.project, "letters", k=100)
        some = service.search(grown.project, "letters", k=100, min_trust=0.5)
        assert 0 < len(some.hits) < len(every.hits)
        assert all(hit.trust >= 0.5 for hit in some.hits)
        assert some.withheld == len(every.hits) - len(some.hits)
        assert [hit for hit in every.hits if hit.trust >= 0.5] == some.hits
        assert service.search(grown.project, "letters", min_trust=0.9999).hits == []

    def test_trusted_hits_are_found_below_distrusted_ones(self, service: KnowledgeService, grown: Growth) -> None:
        question = "letters wait in a queue called Pigeon until a courier is free"
        best = service.search(grown.project, question, k=1).hits[0]
        assert best.uri == "adr-001-queue.md"
        trusted = service.search(grown.project, question, k=1, min_trust=0.5).hits
        assert len(trusted) == 1
        assert trusted[0].uri != best.uri

    def test_a_superseded_document_says_by_what_and_is_trusted_less(
        self, service: KnowledgeService, grown: Growth
    ) -> None:
        hits = {hit.uri: hit for hit in service.search(grown.project, "letters queue stream", k=100).hits}
        old, new = hits["adr-001-queue.md"], hits["adr-007-stream.md"]
        assert (old.superseded_by, new.superseded_by) == (["Use a stream for letters"], [])
        assert old.status == "superseded"
        assert old.trust < new.trust

    @pytest.mark.parametrize("text", ["", "   ", "!?", "zyzzyva", "ß" * 3000, "a\x00b"])
    def test_odd_questions_are_answered_not_refused(self, service: KnowledgeService, grown: Growth, text: str) -> None:
        for recipe in RECIPES.keys() - RERANKED:
            assert service.search(grown.project, text, recipe=recipe).project == grown.project

    def test_what_does_not_exist_is_named(self, service: KnowledgeService, grown: Growth) -> None:
        with pytest.raises(NotFoundError, match="There is no project 'nowhere'"):
            service.search("nowhere", "anything")
        with pytest.raises(NotFoundError, match=r"no recipe 'magic'.*hybrid"):
            service.search(grown.project, "anything", recipe="magic")
        with pytest.raises(NotFoundError, match="no generation 9"):
            service.search(grown.project, "anything", generation=9)

    def test_a_project_without_a_publish_says_how_to_get_one(self, growth: Growth) -> None:
        growth.run(until="trust")
        with pytest.raises(NotFoundError, match=f"destiny ingest {growth.project}"):
            growth.service().search(growth.project, "letters")


class Pinned(HashingEmbedder):
    """A model whose id says that it is always the same."""

    pinned = True


class TestModels:
    """Vectors of different models never mix."""

    def test_another_model_than_the_generations_is_refused(self, grown: Growth) -> None:
        other = KnowledgeService(grown.layers.ledger, grown.layers.vectors, lambda: HashingEmbedder("two"))
        with pytest.raises(ConflictError, match="hashing-words"):
            other.search(grown.project, "letters")
        assert other.search(grown.project, "letters", recipe="lexical").hits

    def test_a_model_that_its_id_pins_is_asked_the_question_alone(self, grown: Growth) -> None:
        model = Pinned()
        service = KnowledgeService(grown.layers.ledger, grown.layers.vectors, lambda: model)
        service.search(grown.project, "letters")
        assert model.usage.texts == 1

    def test_a_question_is_embedded_once_and_words_alone_load_no_model(self, grown: Growth) -> None:
        opened: list[Embedder] = []

        def load() -> Embedder:
            opened.append(HashingEmbedder())
            return opened[-1]

        service = KnowledgeService(grown.layers.ledger, grown.layers.vectors, load)
        service.search(grown.project, "letters", recipe="lexical")
        assert opened == []
        for _ in range(3):
            service.search(grown.project, "letters")
        # The question once, and before it what tells that the model is still the one that embedded the project.
        assert [embedder.usage.texts for embedder in opened] == [1 + PROBES]


class TestAsk:
    """Answers with citations that can be checked."""

    def test_every_citation_quotes_its_document_at_its_span(self, service: KnowledgeService, grown: Growth) -> None:
        answer = service.ask(grown.project, QUESTION)
        assert (answer.method, answer.generation) == ("extractive", 2)
        assert "four crowns" in answer.answer
        pinned = grown.layers.ledger.generations.number(grown.project, 2)
        assert [citation.number for citation in answer.citations] == list(range(1, len(answer.citations) + 1))
        for citation in answer.citations:
            assert grown.text_of(citation.uri, pinned)[slice(*citation.span)] == citation.quote
            assert f"{' '.join(citation.quote.split())} [{citation.number}]" in answer.answer

    def test_an_old_time_is_answered_as_it_was_then(self, service: KnowledgeService, grown: Growth) -> None:
        first = grown.layers.ledger.generations.number(grown.project, 1)
        answer = service.ask(grown.project, QUESTION, as_of=first.published_at)
        assert "three crowns" in answer.answer
        assert all(
            grown.text_of(citation.uri, first)[slice(*citation.span)] == citation.quote for citation in answer.citations
        )

    def test_what_the_passages_do_not_say_is_refused_with_what_was_looked_for_and_what_came_nearest(
        self, service: KnowledgeService, grown: Growth
    ) -> None:
        answer = service.ask(grown.project, "Which stamp abroad did the emperor of Zanzibar forge?")
        assert (answer.refused, answer.citations, answer.method) == (True, [], "extractive")
        assert answer.answer == "Nothing in this project answers that."
        assert answer.support is not None
        assert answer.support < service.ask(grown.project, QUESTION).support
        assert set(answer.looked_for) == {"stamp", "abroad", "emperor", "zanzibar", "forge"}
        assert set(answer.not_found) == {"emperor", "zanzibar", "forge"}
        assert set(answer.looked_for[-2:]) == {"stamp", "abroad"}
        pinned = grown.layers.ledger.generations.number(grown.project, 2)
        assert STAMPS in {passage.uri for passage in answer.nearest}
        for passage in answer.nearest:
            assert grown.text_of(passage.uri, pinned)[slice(*passage.span)] == passage.text

    def test_an_answer_tells_its_support_and_names_nothing_it_looked_for(
        self, service: KnowledgeService, grown: Growth
    ) -> None:
        answer = service.ask(grown.project, QUESTION)
        assert (answer.refused, answer.looked_for, answer.not_found, answer.nearest) == (False, [], [], [])
        assert answer.support is not None
        assert 0.3 < answer.support < 1

    def test_a_project_without_documents_says_that_nothing_answers(self, growth: Growth) -> None:
        for name in DOCUMENTS:
            growth.delete(name)
        growth.run()
        answer = growth.service().ask(growth.project, QUESTION)
        assert (answer.answer, answer.citations) == ("Nothing in this project answers that.", [])

    def test_a_language_model_answers_from_numbered_passages_and_its_citations_are_resolved(
        self, grown: Growth
    ) -> None:
        with chatting("Four crowns [2], once three [1][2]; see [99] and [0].") as remote:
            model = OpenAILanguageModel("gpt-test", url=remote.url, api_key=KEY)
            answer = grown.service(language_model=model).ask(grown.project, QUESTION)
        assert (answer.method, answer.answer) == ("gpt-test", "Four crowns [2], once three [1][2]; see [99] and [0].")
        assert [citation.number for citation in answer.citations] == [2, 1]
        pinned = grown.layers.ledger.generations.number(grown.project, 2)
        asked = remote.requests[0]["messages"][1]["content"]
        for citation in answer.citations:
            assert grown.text_of(citation.uri, pinned)[slice(*citation.span)] == citation.quote
            assert f"[{citation.number}] {citation.document}\n{citation.quote}" in asked
        assert asked.endswith(f"Question: {QUESTION}")

    def test_a_language_model_that_fails_is_an_error_that_shows_no_key(self, grown: Growth) -> None:
        with chatting(400) as remote:
            model = OpenAILanguageModel("gpt-test", url=remote.url, api_key=KEY)
            with pytest.raises(ModelError, match="'gpt-test' did not answer") as raised:
                grown.service(language_model=model).ask(grown.project, QUESTION)
        assert KEY not in str(raised.value)


class TestExplanations:
    """Why an item is trusted as it is."""

    def test_the_terms_sum_to_the_logit_of_the_trust_that_search_shows(
        self, service: KnowledgeService, grown: Growth
    ) -> None:
        for hit in service.search(grown.project, "letters", k=100).hits:
            found = service.explain_trust(grown.project, hit.chunk_id)
            assert (found.item, found.kind) == (hit.chunk_id, "chunk")
            assert found.p == pytest.approx(hit.trust, abs=1e-6)
            assert sum(term["log_odds"] for term in found.terms) == pytest.approx(found.log_odds)
            assert all(term["why"] for term in found.terms)

    def test_an_item_is_found_by_uri_and_by_the_beginning_of_its_id(
        self, service: KnowledgeService, grown: Growth
    ) -> None:
        found = service.explain_trust(grown.project, STAMPS)
        assert (found.kind, found.label) == ("document", STAMPS)
        chunk = service.search(grown.project, QUESTION).hits[0].chunk_id
        assert service.explain_trust(grown.project, chunk[:8]).item == chunk

    @pytest.mark.parametrize("item", ["nothing.md", "00000000", "", "%", "notes/rain.txt"])
    def test_what_the_generation_does_not_show_has_no_explanation(
        self, service: KnowledgeService, grown: Growth, item: str
    ) -> None:
        with pytest.raises(NotFoundError, match="is no chunk or document of generation 2"):
            service.explain_trust(grown.project, item)

    def test_an_older_explanation_is_kept(self, service: KnowledgeService, grown: Growth) -> None:
        first = grown.layers.ledger.generations.number(grown.project, 1).published_at
        assert service.explain_trust(grown.project, "notes/rain.txt", as_of=first).generation == 1
