import json
import re
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_rust_stemmers import SnowballStemmer

from destiny_assets.domain.sparse import SparseVector, encode_documents, encode_query
from destiny_assets.domain.stemming import stem


def score(query: str, document: str) -> float:
    vector, asked = encode_documents([document])[0], encode_query(query)
    weights = dict(zip(vector.indices.tolist(), vector.values.tolist(), strict=True))
    return sum(weights.get(index, 0.0) for index in asked.indices.tolist())


def well_formed(vector: SparseVector) -> bool:
    return (
        vector.indices.dtype == np.uint32
        and vector.values.dtype == np.float32
        and len(vector.indices) == len(vector.values)
        and bool(np.all(np.diff(vector.indices.astype(np.int64)) > 0))
        and bool(np.all(vector.values > 0))
        and bool(np.all(np.isfinite(vector.values)))
    )


@settings(deadline=None)
@given(text=st.text(max_size=300))
def test_any_text_becomes_well_formed_vectors(text: str) -> None:
    (document,) = encode_documents([text])
    query = encode_query(text)
    assert well_formed(document)
    assert well_formed(query)
    assert document.indices.tolist() == query.indices.tolist()


@settings(deadline=None)
@given(texts=st.lists(st.text(max_size=50), max_size=5))
def test_a_text_has_the_same_vector_in_any_company(texts: list[str]) -> None:
    for text, vector in zip(texts, encode_documents(texts), strict=True):
        (alone,) = encode_documents([text])
        assert alone.indices.tolist() == vector.indices.tolist()
        assert alone.values.tolist() == vector.values.tolist()


def test_values_are_those_of_the_bm25_formula() -> None:
    (vector,) = encode_documents(["cat cat dog " * 20])
    assert len(vector.indices) == 2
    length = 1.2 * (1 - 0.75 + 0.75 * 60 / 64)
    expected = sorted([40 * 2.2 / (40 + length), 20 * 2.2 / (20 + length)])
    assert sorted(vector.values.tolist()) == pytest.approx(expected, rel=1e-6)


def test_the_same_word_in_a_longer_text_weighs_less() -> None:
    assert score("cat", "a cat") > score("cat", "a cat " + "and a dog " * 50)


@pytest.mark.parametrize(
    ("query", "document"),
    [
        ("connections", "They connected it."),
        ("CAFE", "the café opens"),
        ("home", "set DESTINY_HOME first"),
        ("version 3.11", "Python 3.11 is needed"),
        ("\uff46\uff55\uff4c\uff4c width", "full"),
        ("句子", "這是一個句子。"),
        ("Müllers", "muller"),
    ],
)
def test_a_query_finds_what_it_means(query: str, document: str) -> None:
    assert score(query, document) > 0


def test_stop_words_are_not_terms() -> None:
    assert not len(encode_query("to be or not to be").indices)
    assert not len(encode_query("").indices)


def test_stems_agree_with_an_independent_porter2_on_a_whole_vocabulary() -> None:
    tokenizer = files("destiny_assets.adapters.embedders.bert").joinpath("tokenizer.json").read_text("utf-8")
    words = [word for word in json.loads(tokenizer)["model"]["vocab"] if re.fullmatch("[a-z]+", word)]
    assert len(words) > 20_000
    assert [stem(word) for word in words] == SnowballStemmer("english").stem_words(words)


@settings(deadline=None)
@given(word=st.text(alphabet="abcdeiylmnorstugz", max_size=14))
def test_stems_agree_with_an_independent_porter2_on_made_up_words(word: str) -> None:
    assert stem(word) == SnowballStemmer("english").stem_word(word)
