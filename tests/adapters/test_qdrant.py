"""The vector layer over the real local server: generations, both rankings, and what is said when it does not answer."""

import secrets
from collections.abc import Iterator
from uuid import uuid4

import numpy as np
import pytest

from destiny_assets.adapters.qdrant import Point, QdrantVectorIndex, collection_name
from destiny_assets.domain.graph import FOREVER
from destiny_assets.domain.sparse import encode_documents, encode_query
from destiny_assets.errors import StoreUnavailableError
from destiny_assets.settings import Stores
from tests.fakes.embedder import HashingEmbedder

TEXTS = ["a stamp costs three crowns", "a courier has a yellow bicycle", "letters wait in the queue"]
EMBEDDER = HashingEmbedder()


@pytest.fixture(scope="module")
def index(stores: Stores) -> Iterator[QdrantVectorIndex]:
    with QdrantVectorIndex(stores.qdrant_url) as opened:
        yield opened


@pytest.fixture
def collection(index: QdrantVectorIndex) -> Iterator[str]:
    name = collection_name(f"q-{secrets.token_hex(4)}", EMBEDDER.model_id, "bm25-1")
    index.ensure(name, EMBEDDER.dimension)
    yield name
    index.drop(name)


def fill(index: QdrantVectorIndex, collection: str, texts: list[str], born: int) -> list[str]:
    points = [
        Point(str(uuid4()), str(uuid4()), str(uuid4()), "folder", born, sparse) for sparse in encode_documents(texts)
    ]
    index.upsert(collection, points, EMBEDDER.embed(texts))
    return [point.id for point in points]


def test_a_collection_is_made_once_and_dropped_once(index: QdrantVectorIndex, collection: str) -> None:
    ids = fill(index, collection, TEXTS, 1)
    index.ensure(collection, EMBEDDER.dimension)
    assert set(index.visible_ids(collection, 1)) == set(ids)
    assert index.exists(collection)
    assert index.drop(collection)
    assert not index.exists(collection)
    assert not index.drop(collection)


def test_a_generation_shows_what_is_born_and_not_dead(index: QdrantVectorIndex, collection: str) -> None:
    first = fill(index, collection, TEXTS, 1)
    second = fill(index, collection, ["the archive burns letters"], 2)
    index.set_died(collection, first[:1], 2)
    assert set(index.visible_ids(collection, 1)) == set(first)
    assert set(index.visible_ids(collection, 2)) == {*first[1:], *second}
    assert (index.count(collection, 1), index.count(collection, 2)) == (3, 3)
    assert index.marked(collection, "born", 2) == set(second)
    assert index.marked(collection, "died", 2) == set(first[:1])
    index.set_died(collection, first[:1], FOREVER)
    assert index.count(collection, 2) == 4


def test_both_rankings_are_of_one_generation(index: QdrantVectorIndex, collection: str) -> None:
    first = fill(index, collection, TEXTS, 1)
    fill(index, collection, ["a stamp costs four crowns"], 2)
    query = "stamp costs crowns"
    dense, sparse = EMBEDDER.embed([query], "query")[0], encode_query(query)
    by_cosine, by_bm25 = index.search(collection, 1, dense=dense, sparse=sparse, limit=10)
    assert {candidate.point_id for candidate in by_cosine} == set(first)
    assert [candidate.point_id for candidate in by_bm25] == first[:1]
    cosines = EMBEDDER.embed(TEXTS) @ dense
    assert {c.point_id: c.score for c in by_cosine} == pytest.approx(dict(zip(first, cosines, strict=True)), abs=1e-5)
    _, newer = index.search(collection, 2, dense=None, sparse=sparse, limit=10)
    assert len(newer) == 2


def test_a_ranking_that_is_not_asked_for_is_empty(index: QdrantVectorIndex, collection: str) -> None:
    fill(index, collection, TEXTS, 1)
    dense = EMBEDDER.embed(["stamp"], "query")[0]
    assert index.search(collection, 1, dense=dense, sparse=None, limit=2)[1] == []
    assert len(index.search(collection, 1, dense=dense, sparse=None, limit=2)[0]) == 2
    assert index.search(collection, 1, dense=None, sparse=encode_query(""), limit=2) == ([], [])


def test_what_its_words_found_has_its_cosine_too(index: QdrantVectorIndex, collection: str) -> None:
    ids = fill(index, collection, TEXTS, 1)
    dense = EMBEDDER.embed(["a yellow bicycle"], "query")[0]
    by_cosine, by_bm25 = index.search(collection, 1, dense=dense, sparse=encode_query(TEXTS[2]), limit=1)
    assert {one.point_id for one in by_bm25} == {ids[2]}
    cosines = dict(zip(ids, EMBEDDER.embed(TEXTS) @ dense, strict=True))
    assert {one.point_id: one.score for one in by_cosine} == pytest.approx(
        {id_: cosines[id_] for id_ in {ids[2], max(cosines, key=lambda id_: cosines[id_])}}, abs=1e-5
    )


def test_more_points_than_a_page_are_all_listed(index: QdrantVectorIndex, collection: str) -> None:
    count = 5_300
    vectors = np.tile(EMBEDDER.embed(["one"]), (count, 1))
    (sparse,) = encode_documents(["one"])
    points = [Point(str(uuid4()), "c", "d", "folder", 1, sparse) for _ in range(count)]
    for start in range(0, count, 1_000):
        index.upsert(collection, points[start : start + 1_000], vectors[start : start + 1_000])
    ids = {point.id for point in points}
    assert set(index.visible_ids(collection, 1)) == ids
    index.set_died(collection, ids, 2)
    assert (index.count(collection, 1), index.count(collection, 2)) == (count, 0)
    index.remove(collection, ids)
    assert index.count(collection, 1) == 0


def test_removing_and_ending_what_is_not_there_is_harmless(index: QdrantVectorIndex, collection: str) -> None:
    ids = fill(index, collection, TEXTS, 1)
    index.remove(collection, [str(uuid4())])
    index.set_died(collection, [str(uuid4()), ids[0]], 2)
    assert index.count(collection, 2) == len(ids) - 1


def test_the_collections_of_a_project_are_its_own(index: QdrantVectorIndex) -> None:
    name = f"p-{secrets.token_hex(4)}"
    ours = [collection_name(name, "model-1", "bm25-1"), collection_name(name, "model-2", "bm25-1")]
    # A project's name may itself hold two dashes.
    theirs = [collection_name(f"{name}--x", "model-1", "bm25-1"), collection_name(f"{name}-x", "model-1", "bm25-1")]
    try:
        for collection in (*ours, *theirs):
            index.ensure(collection, 4)
        assert index.collections(name) == sorted(ours)
    finally:
        for collection in (*ours, *theirs):
            index.drop(collection)


def test_models_have_collections_of_their_own() -> None:
    assert collection_name("wiki", "a", "bm25-1") != collection_name("wiki", "b", "bm25-1")
    assert collection_name("wiki", "a", "bm25-1") != collection_name("wiki", "a", "bm25-2")
    assert collection_name("wiki", "a", "bm25-1") == collection_name("wiki", "a", "bm25-1")


@pytest.mark.filterwarnings("error")
def test_a_server_that_is_not_there_is_named_without_its_key() -> None:
    with (
        QdrantVectorIndex("http://:a-secret-key@127.0.0.1:1", timeout_s=1) as gone,
        pytest.raises(StoreUnavailableError, match=r"http://127.0.0.1:1 .*destiny status") as raised,
    ):
        gone.ping()
    assert "a-secret-key" not in str(raised.value)


def test_a_wrong_key_is_refused_and_not_shown(stores: Stores) -> None:
    address = stores.qdrant_url.rpartition("@")[2]
    with (
        QdrantVectorIndex(f"http://:wrong-key@{address}") as index,
        pytest.raises(StoreUnavailableError) as raised,
    ):
        index.ping()
    assert "wrong-key" not in str(raised.value)


def test_the_server_answers(index: QdrantVectorIndex) -> None:
    index.ping()
