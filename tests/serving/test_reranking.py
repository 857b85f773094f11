"""The recipe `reranked`: a remote model's order where there is one, hybrid's and a word about it where there is none."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from destiny_assets.adapters.postgres.benchmarks import Suite
from destiny_assets.adapters.reranker import HttpReranker
from destiny_assets.domain.retrieval import MEASURED
from destiny_assets.errors import ConfigurationError
from destiny_assets.serving.circuits import Circuits
from destiny_assets.stages.measure import measure_project
from tests.fakes.rerank_server import KEY, RerankServer, reranking
from tests.stages.growing import Growth, Layers, Silence, growing

QUESTION = "letters"


@pytest.fixture(scope="module")
def grown(layers: Layers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Growth]:
    with growing(layers, tmp_path_factory.mktemp("reranked") / "documents") as growth:
        growth.run()
        yield growth


@pytest.fixture
def remote() -> Iterator[RerankServer]:
    # Nothing else of the system prefers what is about bicycles.
    with reranking(lambda _, passage: 0.9 if "bicycle" in passage else 0.1) as server:
        yield server


@pytest.fixture
def reranker(remote: RerankServer) -> Iterator[HttpReranker]:
    opened = HttpReranker("rerank-test", url=remote.url, api_key=KEY, timeout_s=5)
    yield opened
    opened.close()


def test_the_rerankers_order_is_shown_and_it_read_titles_too(
    grown: Growth, reranker: HttpReranker, remote: RerankServer
) -> None:
    plain = grown.service().search(grown.project, QUESTION, k=50)
    found = grown.service(reranker=reranker).search(grown.project, QUESTION, k=50, recipe="reranked")
    assert (found.recipe, found.degraded) == ("reranked", [])
    assert "bicycle" in found.hits[0].text
    assert "bicycle" not in plain.hits[0].text
    assert {hit.chunk_id for hit in found.hits} == {hit.chunk_id for hit in plain.hits}
    scores = [hit.score for hit in found.hits]
    assert scores == sorted(scores, reverse=True)
    assert any(text.startswith("Bicycles > Repairs\n") for text in remote.requests[0]["documents"])


def test_without_a_reranker_the_recipe_is_refused_by_name(grown: Growth) -> None:
    with pytest.raises(ConfigurationError, match="DESTINY_RERANKER"):
        grown.service().search(grown.project, QUESTION, recipe="reranked")


def test_a_reranker_that_is_away_is_done_without_and_named(
    grown: Growth, reranker: HttpReranker, remote: RerankServer
) -> None:
    remote.reply = 503
    service = grown.service(reranker=reranker, circuits=Circuits())
    found = service.search(grown.project, QUESTION, recipe="reranked")
    assert (found.recipe, found.degraded) == ("hybrid", ["reranker"])
    assert found.hits == grown.service().search(grown.project, QUESTION).hits


def test_it_becomes_best_only_by_winning_and_is_done_without_visibly(
    layers: Layers, tmp_path: Path, reranker: HttpReranker, remote: RerankServer
) -> None:
    with growing(layers, tmp_path / "documents") as growth:
        queries = {f"q{n}": f"letters of day {n}" for n in range(24)}
        grades = {query: {"handbook/bicycles.rst": 1} for query in queries}
        layers.ledger.benchmarks.attach(growth.project, Suite("golden", queries, grades, frozenset(list(queries)[::2])))
        current = growth.run()
        facts = measure_project(
            *(layers.ledger, lambda: growth.service(reranker=reranker), current), run_id="again", progress=Silence()
        )
        assert facts["best_recipe"]["recipe"] == "reranked"
        assert set(facts["best_recipe"]["means"]) == {*MEASURED, "reranked"}
        remote.reply = 503
        away = measure_project(
            *(layers.ledger, lambda: growth.service(reranker=reranker), current), run_id="away", progress=Silence()
        )
        assert away["best_recipe"]["recipe"] != "reranked"
        assert "HTTP 503" in away["unmeasured"]["reranked"]
        # A generation that chose it, read by a process that has none.
        chosen = replace(current, facts={**(current.facts or {}), "best_recipe": facts["best_recipe"]})
        found = growth.service().search(growth.project, "letters", recipe="best", generation=chosen)
        assert (found.recipe, found.degraded) == ("hybrid", ["reranker"])
