import time
from collections.abc import Iterator

import numpy as np
import pytest

from destiny_assets.adapters.embedders.bert.embedder import LocalBert
from destiny_assets.adapters.embedders.factory import open_embedder
from destiny_assets.errors import ConfigurationError, ModelError, RefusedTextError
from destiny_assets.ports import Embedder
from tests.adapters.embedders.embeddings_server import KEY, MODEL, EmbeddingsServer, Json, running


@pytest.fixture(scope="module")
def minilm() -> LocalBert:
    return LocalBert()


@pytest.fixture
def server(minilm: LocalBert) -> Iterator[EmbeddingsServer]:
    with running(EmbeddingsServer(minilm)) as server:
        yield server


def remote(server: EmbeddingsServer, *, model: str = MODEL, key: str = KEY, options: str = "") -> Embedder:
    return open_embedder(f"openai:{model}", url=server.url + options, api_key=key)


def test_many_texts_are_asked_in_batches_by_count_and_size(server: EmbeddingsServer) -> None:
    embedder = remote(server)
    vectors = embedder.embed([f"text {number}" for number in range(300)])
    assert [len(request["input"]) for request in server.requests] == [128, 128, 44]
    assert vectors.shape == (300, 384)
    assert (embedder.usage.calls, embedder.usage.texts, embedder.usage.tokens) == (3, 300, 600)
    server.requests.clear()
    embedder.embed(["long text " * 1_000] * 30)
    assert [len(request["input"]) for request in server.requests] == [25, 5]


def test_no_request_is_made_before_it_is_needed(server: EmbeddingsServer) -> None:
    embedder = remote(server, options="?dimensions=64")
    assert embedder.dimension == 64
    assert embedder.model_id.endswith("/64")
    assert server.requests == []
    assert embedder.embed(["text"]).shape == (1, 64)
    assert server.requests[0]["dimensions"] == 64


def test_a_busy_endpoint_is_asked_again_after_the_time_it_names(server: EmbeddingsServer, minilm: LocalBert) -> None:
    server.failures = [(429, {"Retry-After": "0.2"}), (503, {"Retry-After": "0.2"})]
    began = time.perf_counter()
    vectors = remote(server).embed(["text"])
    assert time.perf_counter() - began >= 0.4
    assert len(server.requests) == 3
    assert float(vectors[0] @ minilm.embed(["text"])[0]) > 0.9999


def test_requests_are_spaced_where_a_rate_is_given(server: EmbeddingsServer) -> None:
    embedder = remote(server, options="?requests_per_minute=300")
    began = time.perf_counter()
    for _ in range(4):
        embedder.embed(["text"])
    assert time.perf_counter() - began >= 0.6


@pytest.mark.parametrize(
    ("status", "hint"), [(400, "HTTP 400"), (401, "DESTINY_EMBEDDING_API_KEY"), (404, "DESTINY_EMBEDDING_MODEL")]
)
def test_a_refusal_is_one_sentence_without_the_key(server: EmbeddingsServer, status: int, hint: str) -> None:
    server.failures = [(status, {})]
    with pytest.raises(ModelError, match=hint) as refusal:
        remote(server).embed(["text"])
    assert KEY not in str(refusal.value)
    assert refusal.value.__suppress_context__, "the library's message repeats what the endpoint wrote"


@pytest.mark.parametrize(
    ("status", "texts_are_at_fault"), [(400, True), (413, True), (422, True), (401, False), (404, False)]
)
def test_texts_at_fault_are_told_from_an_endpoint_at_fault(
    server: EmbeddingsServer, status: int, texts_are_at_fault: bool
) -> None:
    server.failures = [(status, {})]
    with pytest.raises(ModelError) as refusal:
        remote(server).embed(["text"])
    assert isinstance(refusal.value, RefusedTextError) is texts_are_at_fault


def test_a_wrong_key_is_refused(server: EmbeddingsServer) -> None:
    with pytest.raises(ModelError, match="DESTINY_EMBEDDING_API_KEY") as refusal:
        remote(server, key="sk-wrong").embed(["text"])
    assert "sk-wrong" not in str(refusal.value)


def test_a_password_in_the_url_is_shown_nowhere(server: EmbeddingsServer) -> None:
    embedder = open_embedder("openai:other", url=server.url.replace("//", "//user:hush@"), api_key=KEY)
    with pytest.raises(ModelError) as refusal:
        embedder.embed(["text"])
    assert "hush" not in str(refusal.value) + embedder.model_id + repr(embedder)


def drop_one(answer: Json) -> object:
    return answer | {"data": answer["data"][1:]}


def same_index(answer: Json) -> object:
    return answer | {"data": [row | {"index": 0} for row in answer["data"]]}


def shorten_one(answer: Json) -> object:
    first, *rest = answer["data"]
    return answer | {"data": [first | {"embedding": first["embedding"][:-1]}, *rest]}


def zero(answer: Json) -> object:
    return answer | {"data": [row | {"embedding": [0.0] * 384} for row in answer["data"]]}


def not_a_number(answer: Json) -> object:
    return answer | {"data": [row | {"embedding": [float("nan")] * 384} for row in answer["data"]]}


def empty_vectors(answer: Json) -> object:
    return answer | {"data": [row | {"embedding": []} for row in answer["data"]]}


def another_protocol(answer: Json) -> object:
    return {"embeddings": [row["embedding"] for row in answer["data"]]}


def a_web_page(answer: Json) -> object:
    return b"<html>Please log in</html>"


@pytest.mark.parametrize(
    "spoil",
    [drop_one, same_index, shorten_one, zero, not_a_number, empty_vectors, another_protocol, a_web_page],
)
def test_an_answer_out_of_contract_is_refused(server: EmbeddingsServer, spoil: object) -> None:
    server.spoil = spoil  # type: ignore[assignment]
    with pytest.raises(ModelError, match="The embedding endpoint"):
        remote(server).embed(["one", "two"])


def test_a_model_that_changes_its_dimension_is_refused(server: EmbeddingsServer) -> None:
    embedder = remote(server)
    assert embedder.dimension == 384
    server.spoil = lambda answer: (
        answer | {"data": [row | {"embedding": row["embedding"][:100]} for row in answer["data"]]}
    )
    with pytest.raises(ModelError, match="length 100 where 384 was expected"):
        embedder.embed(["text"])


def test_vectors_arrive_normalised_and_in_order(server: EmbeddingsServer, minilm: LocalBert) -> None:
    texts = ["one cat", "two dogs", "three birds"]
    assert np.allclose(remote(server).embed(texts), minilm.embed(texts), atol=1e-4)


@pytest.mark.parametrize(
    ("model", "url", "message"),
    [
        ("unknown", None, "is not known"),
        ("openai:", None, "is not known"),
        ("openai:model", None, "needs a key"),
        ("openai:model", "localhost:8000", "is not the URL"),
        ("openai:model", "http://localhost/v1?dimension=3", "'dimension' that is not known"),
        ("openai:model", "http://localhost/v1?dimensions=many", "whole number"),
        ("fastembed:no/such-model", None, "no text model 'no/such-model'"),
        ("fastembed:sentence-transformers/all-MiniLM-L6-v2", "/no/such/folder", "holds no model.onnx"),
    ],
)
def test_a_wrong_setting_is_explained(model: str, url: str | None, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        open_embedder(model, url=url)
