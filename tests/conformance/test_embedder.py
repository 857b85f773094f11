"""What every embedder promises, run by every one of them: two models, two engines, a remote endpoint over HTTP, fastembed."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from destiny_assets.adapters.embedders.bert.embedder import LocalBert
from destiny_assets.adapters.embedders.bert.models import BGE_SMALL, MINILM
from destiny_assets.adapters.embedders.factory import open_embedder
from destiny_assets.ports import Embedder
from tests.adapters.embedders.embeddings_server import KEY, MODEL, EmbeddingsServer, running
from tests.adapters.embedders.fetched import fetch_or_skip

SENTENCES = [
    "The kitten is asleep on the rug.",
    "A small cat is sleeping on the carpet.",
    "The central bank raised interest rates again.",
    "Interest rates went up once more, said the central bank.",
    "Install the package with pip before you start the server.",
]
ODD = ["", " \n", "\ud800 lone", "\x00\x07", "e\u0301\u200b", "漢字", "x" * 20_000, "🙂" * 300]


@pytest.fixture(scope="module")
def minilm() -> LocalBert:
    return LocalBert(engine="openvino", precision="f32")


def fastembed_folder(folder: Path) -> Path:
    """The files that fastembed looks for, made of the ones that our packages carry."""
    tokenizer = Path(__file__).parents[2] / "destiny_assets/adapters/embedders/bert/tokenizer.json"
    shutil.copy(tokenizer, folder)
    shutil.copy(MINILM.file(), folder)
    special = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]"}
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 256, **special}))
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    (folder / "config.json").write_text(json.dumps({"pad_token_id": 0}))
    return folder


@pytest.fixture(scope="module")
def bge_small() -> Iterator[LocalBert]:
    # Pytest keeps its own folders for three sessions, and weights are 133 MB.
    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DESTINY_HOME", home)
        fetch_or_skip()
        yield LocalBert(BGE_SMALL, precision="f32")


@pytest.fixture(
    scope="module",
    params=[
        "minilm:f32",
        "minilm:fastest",
        "minilm:onnxruntime",
        "bge-small:f32",
        "openai",
        "openai:128",
        "fastembed",
    ],
)
def embedder(
    request: pytest.FixtureRequest, minilm: LocalBert, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Embedder]:
    match request.param:
        case "minilm:f32":
            yield minilm
        case "minilm:fastest":
            yield open_embedder("minilm")
        case "minilm:onnxruntime":
            yield LocalBert(engine="onnxruntime")
        case "bge-small:f32":
            yield request.getfixturevalue("bge_small")
        case "openai":
            with running(EmbeddingsServer(minilm)) as server:
                yield open_embedder(f"openai:{MODEL}", url=server.url, api_key=KEY)
        case "openai:128":
            with running(EmbeddingsServer(minilm)) as server:
                yield open_embedder(f"openai:{MODEL}", url=f"{server.url}?dimensions=128", api_key=KEY)
        case "fastembed":
            pytest.importorskip("fastembed", reason="fastembed is an extra: pip install 'destiny[fastembed]'")
            folder = fastembed_folder(tmp_path_factory.mktemp("fastembed"))
            yield open_embedder("fastembed:sentence-transformers/all-MiniLM-L6-v2", url=str(folder))


class TestEmbedder:
    """One suite for every implementation of the `Embedder` port."""

    def test_every_text_has_one_unit_vector_of_the_promised_dimension(self, embedder: Embedder) -> None:
        vectors = embedder.embed(SENTENCES)
        assert vectors.dtype == np.float32
        assert vectors.shape == (len(SENTENCES), embedder.dimension)
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(SENTENCES)), abs=1e-5)

    def test_no_texts_give_no_vectors(self, embedder: Embedder) -> None:
        assert embedder.embed([]).shape == (0, embedder.dimension)

    def test_similar_sentences_are_closer_than_unlike_ones(self, embedder: Embedder) -> None:
        cosines = embedder.embed(SENTENCES) @ embedder.embed(SENTENCES, "query").T
        for one, other in [(0, 1), (2, 3)]:
            unlike = [place for place in range(len(SENTENCES)) if place not in (one, other)]
            assert cosines[one, other] > cosines[one, unlike].max() + 0.3

    def test_vectors_keep_the_order_of_texts_of_any_length(self, embedder: Embedder) -> None:
        texts = [f"Item {number}. " + "and more words " * (number * 7 % 20) for number in range(40)]
        alone = np.concatenate([embedder.embed([text]) for text in texts[::10]])
        assert np.argmax(alone @ embedder.embed(texts).T, axis=1).tolist() == list(range(0, 40, 10))

    def test_a_text_has_the_same_vector_alone_and_in_company(self, embedder: Embedder) -> None:
        company = [*SENTENCES, SENTENCES[0] * 9, "word " * 400]
        alone = np.concatenate([embedder.embed([text]) for text in company])
        assert np.sum(alone * embedder.embed(company), axis=1).min() > 0.9999
        assert np.array_equal(embedder.embed(SENTENCES), embedder.embed(SENTENCES))

    def test_odd_texts_are_embedded_too(self, embedder: Embedder) -> None:
        vectors = embedder.embed(ODD)
        assert np.isfinite(vectors).all()
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(ODD)), abs=1e-5)

    def test_what_is_too_long_is_cut(self, embedder: Embedder) -> None:
        long = "The server reads its settings once. " * 400
        start, end = embedder.embed([long + "Elephants.", long + "Giraffes."])
        assert float(start @ end) == pytest.approx(1.0, abs=1e-5)

    def test_threads_get_the_vectors_of_their_own_texts(self, embedder: Embedder) -> None:
        expected = embedder.embed(SENTENCES)
        with ThreadPoolExecutor(4) as pool:
            rows = list(pool.map(lambda place: embedder.embed([SENTENCES[place % 5]])[0], range(20)))
        assert min(float(row @ expected[place % 5]) for place, row in enumerate(rows)) > 0.9999

    def test_usage_counts_what_was_asked(self, embedder: Embedder) -> None:
        before = (embedder.usage.calls, embedder.usage.texts, embedder.usage.tokens, embedder.usage.seconds)
        embedder.embed(SENTENCES)
        assert embedder.usage.calls > before[0]
        assert embedder.usage.texts == before[1] + len(SENTENCES)
        assert 40 <= embedder.usage.tokens - before[2] <= 100
        assert embedder.usage.seconds > before[3]

    def test_the_model_id_tells_it_from_every_other(self, embedder: Embedder) -> None:
        assert len(embedder.model_id) > 20
        assert KEY not in embedder.model_id


def test_implementations_of_the_same_model_agree(minilm: LocalBert, tmp_path: Path) -> None:
    expected = minilm.embed(SENTENCES)
    fastembed = open_embedder(
        "fastembed:sentence-transformers/all-MiniLM-L6-v2", url=str(fastembed_folder(tmp_path))
    ).embed(SENTENCES)
    for other in (LocalBert(engine="onnxruntime").embed(SENTENCES), fastembed):
        assert np.sum(expected * other, axis=1).min() > 0.99999
    assert np.sum(expected * LocalBert(engine="openvino", precision="bf16").embed(SENTENCES), axis=1).min() > 0.999


def test_both_engines_read_a_sentence_by_its_first_token_alike(bge_small: LocalBert) -> None:
    expected = bge_small.embed(SENTENCES)
    assert np.sum(expected * LocalBert(BGE_SMALL, "onnxruntime").embed(SENTENCES), axis=1).min() > 0.99999


def test_a_question_is_put_as_the_model_was_taught(bge_small: LocalBert) -> None:
    question = "Who raised the interest rates?"
    told = bge_small.embed([f"{BGE_SMALL.query_prefix}{question}"])
    assert np.array_equal(bge_small.embed([question], "query"), told)
    assert float(bge_small.embed([question])[0] @ told[0]) < 0.99
