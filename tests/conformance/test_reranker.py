"""What every `Reranker` owes: a score a passage in the order given, and a sentence without secrets when it can't."""

import json
from collections.abc import Callable, Iterator

import pytest

from destiny_assets.adapters.reranker import HttpReranker
from destiny_assets.errors import ModelError
from destiny_assets.ports import Reranker
from tests.fakes.rerank_server import KEY, RerankServer, reranking

QUESTION = "how many strings has a violin"
PASSAGES = ["Bread is baked from flour.", "A violin has four strings.", "", "Strings of beads \ud83d are sold here."]


@pytest.fixture
def server() -> Iterator[RerankServer]:
    with reranking() as remote:
        yield remote


@pytest.fixture
def opened(server: RerankServer) -> Iterator[Callable[[str], HttpReranker]]:
    made: list[HttpReranker] = []

    def open_with(key: str) -> HttpReranker:
        made.append(HttpReranker("rerank-test", url=server.url, api_key=key, timeout_s=5))
        return made[-1]

    yield open_with
    for one in made:
        one.close()


def test_scores_stand_in_the_order_of_the_passages(server: RerankServer, opened: Callable[[str], HttpReranker]) -> None:
    reranker: Reranker = opened(KEY)
    scores = reranker.scores(QUESTION, PASSAGES)
    assert len(scores) == len(PASSAGES)
    assert max(range(len(scores)), key=scores.__getitem__) == 1
    assert scores[0] == scores[2] == 0 < scores[3] < scores[1]
    assert (reranker.model_id, server.requests[0]["model"]) == ("rerank-test", "rerank-test")
    assert (server.requests[0]["query"], server.requests[0]["top_n"]) == (QUESTION, len(PASSAGES))
    assert server.requests[0]["documents"][1] == PASSAGES[1]


def test_no_passages_are_no_request(server: RerankServer, opened: Callable[[str], HttpReranker]) -> None:
    assert opened(KEY).scores(QUESTION, []) == []
    assert server.requests == []


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (500, "answered HTTP 500"),
        (b"<html>", "did not answer with a ranking"),
        (json.dumps({"results": [{"index": 0, "relevance_score": 1.0}]}).encode(), "ranked 1 passages where 2 were given"),
        (json.dumps({"results": [{"index": 0, "relevance_score": 1.0}] * 2}).encode(), "ranked 2 passages where 2 were given"),
        (b'{"results": [{"index": 0, "relevance_score": NaN}, {"index": 1, "relevance_score": 1}]}', "did not answer with a ranking|no number"),
    ],
)  # fmt: skip
def test_an_answer_out_of_contract_is_an_error(
    server: RerankServer, opened: Callable[[str], HttpReranker], reply: int | bytes, said: str
) -> None:
    server.reply = reply
    with pytest.raises(ModelError, match=said):
        opened(KEY).scores(QUESTION, ["one", "two"])


def test_a_wrong_key_is_told_without_showing_it(opened: Callable[[str], HttpReranker]) -> None:
    with pytest.raises(ModelError, match="DESTINY_RERANKER_API_KEY") as raised:
        opened("rr-mistyped").scores(QUESTION, PASSAGES)
    assert "rr-mistyped" not in str(raised.value)


def test_an_endpoint_that_is_away_is_told() -> None:
    with reranking() as remote:
        url = remote.url
    reranker = HttpReranker("rerank-test", url=url, api_key=None, timeout_s=1)
    with pytest.raises(ModelError, match=r"did not answer.*DESTINY_RERANKER_URL"):
        reranker.scores(QUESTION, PASSAGES)
    reranker.close()
