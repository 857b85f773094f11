"""An answer told while it is made: over HTTP as events, through both clients, in a model's words and in quotations."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from destiny_assets.adapters.language_model import OpenAILanguageModel
from destiny_assets.sdk.async_client import AsyncDestiny
from destiny_assets.sdk.client import Destiny
from destiny_assets.sdk.errors import NotFoundError
from destiny_assets.sdk.records import Answer
from tests.fakes.chat_server import KEY, chatting
from tests.serving.api.opened import Opened, opened_over
from tests.stages.growing import Growth, Layers

QUESTION = "what does a stamp cost abroad"


def events(client: httpx.Client, project: str, question: str) -> list[tuple[str, Any]]:
    with client.stream("POST", f"/v1/projects/{project}/ask/stream", json={"question": question}) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        text = response.read().decode()
    parts = [block.split("\n", 1) for block in text.strip().split("\n\n")]
    return [(kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for kind, data in parts]


def test_quotations_are_told_and_are_those_of_ask(reader: httpx.Client, grown: Growth) -> None:
    told = events(reader, grown.project, QUESTION)
    whole = reader.post(f"/v1/projects/{grown.project}/ask", json={"question": QUESTION}).json()
    assert [kind for kind, _ in told] == ["text", "answer"]
    assert told[0][1]["text"] == told[1][1]["answer"]
    assert {**told[1][1], "latency_ms": 0} == {**whole, "latency_ms": 0}
    assert (whole["refused"], "four crowns" in whole["answer"]) == (False, True)


def test_a_models_words_come_piece_by_piece_through_both_clients(
    layers: Layers, stores_home: Path, grown: Growth
) -> None:
    with chatting("Nine crowns abroad [1].") as remote:
        model = OpenAILanguageModel("gpt-test", url=remote.url, api_key=KEY)
        with opened_over(layers, stores_home, language_model=model) as server:
            key = server.key(f"{grown.project}=reader")
            with Destiny(server.url, key) as client:
                told = list(client.ask_aloud(grown.project, QUESTION))
                with pytest.raises(NotFoundError):
                    list(client.ask_aloud("never-there", QUESTION))

            async def awaited() -> list[Any]:
                async with AsyncDestiny(server.url, key) as client:
                    return [one async for one in client.ask_aloud(grown.project, QUESTION)]

            again = asyncio.run(awaited())
    *pieces, answer = told
    assert "".join(map(str, pieces)) == "Nine crowns abroad [1]."
    assert len(pieces) == 4
    assert isinstance(answer, Answer)
    assert (answer.answer, answer.method, len(answer.citations)) == ("Nine crowns abroad [1].", "gpt-test", 1)
    assert again[:-1] == pieces


def test_a_model_that_breaks_off_is_replaced_by_quotations(layers: Layers, stores_home: Path, grown: Growth) -> None:
    with chatting("Nine BROKEN") as remote:
        model = OpenAILanguageModel("gpt-test", url=remote.url, api_key=KEY)
        with (
            opened_over(layers, stores_home, language_model=model) as server,
            server.client(f"{grown.project}=reader") as client,
        ):
            told = events(client, grown.project, QUESTION)
    assert [kind for kind, _ in told] == ["text", "text", "answer"]
    assert (told[-1][1]["method"], told[-1][1]["degraded"]) == ("extractive", ["language_model"])
    assert told[-1][1]["citations"]


@pytest.mark.parametrize("said", ["The passages do not answer this.", "Everybody knows: nine crowns.", "See [99]."])
def test_a_model_that_cites_nothing_is_a_refusal(layers: Layers, stores_home: Path, grown: Growth, said: str) -> None:
    with chatting(said) as remote:
        model = OpenAILanguageModel("gpt-test", url=remote.url, api_key=KEY)
        answer = grown.service(language_model=model).ask(grown.project, QUESTION)
    assert (answer.refused, answer.citations, answer.method) == (True, [], "gpt-test")
    assert answer.answer == "Nothing in this project answers that."
    assert (answer.support, len(answer.nearest), answer.not_found) == (None, 3, [])
    assert set(answer.looked_for) == {"stamp", "cost", "abroad"}


def test_a_refusal_is_the_same_over_http_as_events_and_through_the_client(
    opened: Opened, reader: httpx.Client, grown: Growth
) -> None:
    question = "Which emperor forged the seal of Zanzibar?"
    whole = reader.post(f"/v1/projects/{grown.project}/ask", json={"question": question}).json()
    assert (whole["refused"], whole["citations"]) == (True, [])
    assert set(whole["not_found"]) == set(whole["looked_for"]) == {"emperor", "forged", "seal", "zanzibar"}
    assert whole["nearest"]
    # Nothing is told that is taken back later.
    assert [kind for kind, _ in events(reader, grown.project, question)] == ["answer"]
    with Destiny(opened.url, opened.key(f"{grown.project}=reader")) as client:
        said = client.ask(grown.project, question)
    assert (said.refused, said.looked_for, said.not_found) == (True, whole["looked_for"], whole["not_found"])
    assert [passage.text for passage in said.nearest] == [passage["text"] for passage in whole["nearest"]]


def test_wrong_requests_are_problems_before_anything_is_told(
    opened: Opened, reader: httpx.Client, grown: Growth
) -> None:
    assert reader.post(f"/v1/projects/{grown.project}/ask/stream", json={}).status_code == 422
    assert reader.post("/v1/projects/never-there/ask/stream", json={"question": "x"}).status_code == 404
    assert httpx.post(f"{opened.url}/v1/projects/{grown.project}/ask/stream", json={}).status_code == 401
