"""The server gives the answers of the client's own in-memory Qdrant, over generated points, filters and queries."""

import itertools
import math
import random
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from qdrant_client import QdrantClient
from qdrant_client import models as m

SIZE = 6
IDS: list[int | str] = [*range(12), *(str(uuid.UUID(int=2**100 + number)) for number in range(6))]
INDEXED = {
    "word": m.PayloadSchemaType.KEYWORD,
    "born": m.PayloadSchemaType.INTEGER,
    "share": m.PayloadSchemaType.FLOAT,
    "open": m.PayloadSchemaType.BOOL,
}

words = st.sampled_from(["ant", "bee", "cat"])
texts = st.sampled_from(["big red dog", "red cat sat", "Dog, big!", ""])
numbers = st.integers(0, 6)
shares = st.sampled_from([0.0, 0.25, 0.5, 2.0])
payloads = st.fixed_dictionaries(
    {},
    optional={
        "word": words | st.lists(words, max_size=2),
        "born": numbers,
        "share": shares,
        "open": st.booleans(),
        "plain": words | numbers | st.none() | st.booleans(),
        "text": texts,
        "list": st.lists(st.none() | numbers, max_size=3),
        "deep": st.fixed_dictionaries({}, optional={"word": words, "number": numbers}),
        "parts": st.lists(st.fixed_dictionaries({}, optional={"word": words, "number": numbers}), max_size=2),
    },
)
seeds = st.integers(0, 10**6)


def dense_of(seed: int) -> list[float]:
    return [random.Random(seed * SIZE + place).uniform(-0.5, 1.0) for place in range(SIZE)]


def sparse_of(seed: int) -> m.SparseVector:
    source = random.Random(seed)
    indices = source.sample(range(10), source.randint(1, 5))
    return m.SparseVector(indices=indices, values=[source.uniform(0.1, 3.0) for _ in indices])


# Seeded, not drawn: equal scores, whose order the oracle leaves open, are then rare.
dense_vectors, sparse_vectors = seeds.map(dense_of), seeds.map(sparse_of)
ids = st.sampled_from(IDS)
points = st.builds(
    lambda identity, dense, sparse, payload: m.PointStruct(
        id=identity, vector={**({"dense": dense} if dense else {}), **({"sparse": sparse} if sparse else {})},
        payload=payload,
    ),
    ids,
    st.none() | dense_vectors,
    st.none() | sparse_vectors,
    payloads,
)  # fmt: skip


def field(key: str, **condition: Any) -> m.FieldCondition:
    return m.FieldCondition(key=key, **condition)


bounds = st.fixed_dictionaries({}, optional=dict.fromkeys(("gt", "gte", "lt", "lte"), numbers))
inner = st.one_of(
    words.map(lambda value: field("word", match=m.MatchValue(value=value))),
    bounds.map(lambda value: field("number", range=m.Range(**value))),
)
leaves = st.one_of(
    st.tuples(st.sampled_from(["word", "plain", "deep.word", "parts[].word"]), words).map(
        lambda pair: field(pair[0], match=m.MatchValue(value=pair[1]))
    ),
    st.tuples(st.sampled_from(["born", "plain"]), numbers).map(
        lambda pair: field(pair[0], match=m.MatchValue(value=pair[1]))
    ),
    st.tuples(st.sampled_from(["open", "plain"]), st.booleans()).map(
        lambda pair: field(pair[0], match=m.MatchValue(value=pair[1]))
    ),
    st.tuples(st.sampled_from(["word", "plain"]), st.lists(words, min_size=1, max_size=2)).map(
        lambda pair: field(pair[0], match=m.MatchAny(any=pair[1]))
    ),
    st.tuples(st.sampled_from(["word", "plain"]), st.lists(words, min_size=1, max_size=2)).map(
        lambda pair: field(pair[0], match=m.MatchExcept(**{"except": pair[1]}))
    ),
    st.lists(numbers, min_size=1, max_size=3).map(lambda some: field("born", match=m.MatchAny(any=some))),
    st.tuples(st.sampled_from(["born", "plain", "share", "list", "deep.number"]), bounds).map(
        lambda pair: field(pair[0], range=m.Range(**pair[1]))
    ),
    st.sampled_from(["red", "dog big", "cat dog"]).map(lambda text: field("text", match=m.MatchText(text=text))),
    st.sampled_from(["red dog", "cat"]).map(lambda text: field("text", match=m.MatchTextAny(text_any=text))),
    st.sampled_from(["red dog", "big red"]).map(lambda text: field("text", match=m.MatchPhrase(phrase=text))),
    st.lists(ids, max_size=4).map(lambda some: m.HasIdCondition(has_id=some)),
    st.sampled_from(["word", "list", "plain", "deep.word"]).map(
        lambda key: m.IsEmptyCondition(is_empty=m.PayloadField(key=key))
    ),
    st.sampled_from(["list", "plain", "word"]).map(lambda key: m.IsNullCondition(is_null=m.PayloadField(key=key))),
    st.sampled_from(["dense", "sparse"]).map(lambda name: m.HasVectorCondition(has_vector=name)),
    st.lists(inner, min_size=1, max_size=2).map(
        lambda some: m.NestedCondition(nested=m.Nested(key="parts", filter=m.Filter(must=some)))
    ),
    bounds.map(
        lambda value: field("list", values_count=m.ValuesCount(**value)) if value else field("list", is_empty=True)
    ),
)


def filter_of(children: st.SearchStrategy[Any]) -> st.SearchStrategy[m.Filter]:
    clause = st.none() | st.lists(children, max_size=3)
    least = st.none() | st.builds(
        lambda some, count: m.MinShould(conditions=some, min_count=count),
        st.lists(children, min_size=1, max_size=3),
        st.integers(1, 2),
    )
    return st.builds(
        lambda must, should, must_not, min_should: m.Filter(
            must=must, should=should, must_not=must_not, min_should=min_should
        ),
        clause, clause, clause, least,
    )  # fmt: skip


filters = filter_of(st.recursive(leaves, filter_of, max_leaves=4))


class Pair:
    """The server and the oracle, given the same operations."""

    def __init__(self, server: QdrantClient, name: str) -> None:
        self.server, self.oracle, self.name = server, QdrantClient(":memory:"), name
        for client in (self.server, self.oracle):
            client.create_collection(
                name,
                vectors_config={"dense": m.VectorParams(size=SIZE, distance=m.Distance.COSINE)},
                sparse_vectors_config={"sparse": m.SparseVectorParams(modifier=m.Modifier.IDF)},
            )
        for key, kind in INDEXED.items():
            self.server.create_payload_index(name, key, kind)

    def both(self, method: str, *args: Any, **options: Any) -> tuple[Any, Any]:
        return (
            getattr(self.server, method)(self.name, *args, **options),
            getattr(self.oracle, method)(self.name, *args, **options),
        )

    def clear(self) -> None:
        self.both("delete", m.FilterSelector(filter=m.Filter()))

    def records(self) -> None:
        ours, theirs = self.both("scroll", limit=100, with_payload=True, with_vectors=True)
        assert [shape(record) for record in sorted(ours[0], key=order)] == [
            shape(record) for record in sorted(theirs[0], key=order)
        ]
        assert [record.id for record in ours[0]] == [record.id for record in sorted(ours[0], key=order)]


def order(record: Any) -> tuple[bool, int]:
    return (True, uuid.UUID(record.id).int) if isinstance(record.id, str) else (False, record.id)


def shape(record: Any) -> Any:
    """A record without the noise of 32-bit floats and of the order of a sparse vector's indices."""
    vectors = {}
    for name, vector in (record.vector or {}).items():
        if isinstance(vector, m.SparseVector):
            vectors[name] = sorted(
                (index, round(value, 4)) for index, value in zip(vector.indices, vector.values, strict=True)
            )
        else:
            vectors[name] = [round(value, 4) for value in vector]
    return record.id, record.payload or {}, vectors


def same_ranking(ours: m.QueryResponse, theirs: m.QueryResponse) -> None:
    """Equal scores in equal places; equal ids wherever a score stands alone, as far as the page shows its neighbours."""
    mine, yours = [point.score for point in ours.points], [point.score for point in theirs.points]
    assert mine == pytest.approx(yours, rel=1e-4, abs=1e-4)
    for place, (one, other) in enumerate(zip(ours.points, theirs.points, strict=True)):
        neighbours = [score for index, score in enumerate(yours) if index != place]
        alone = all(not math.isclose(other.score, score, rel_tol=1e-3, abs_tol=1e-3) for score in neighbours)
        if alone and 0 < place < len(yours) - 1:
            assert one.id == other.id
    tied = sorted(ours.points, key=lambda point: (-point.score, order(point)))
    assert [point.id for point in ours.points] == [point.id for point in tied]


@pytest.fixture(scope="module")
def pair(server: Any) -> Any:
    client = server.client()
    yield Pair(client, "oracle")
    client.close()


relaxed = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


@relaxed
@given(st.lists(points, min_size=1, max_size=15), st.lists(filters, min_size=1, max_size=6))
def test_the_same_points_pass_the_same_filters(pair: Pair, some: list[m.PointStruct], wanted: list[m.Filter]) -> None:
    pair.clear()
    pair.both("upsert", some)
    pair.records()
    for each in wanted:
        ours, theirs = pair.both("scroll", scroll_filter=each, limit=100, with_payload=False)
        assert {record.id for record in ours[0]} == {record.id for record in theirs[0]}, each
        ours, theirs = pair.both("count", count_filter=each, exact=True)
        assert ours == theirs


@relaxed
@given(
    st.lists(points, min_size=1, max_size=15),
    st.lists(ids, max_size=4),
    dense_vectors,
    sparse_vectors,
    st.none() | filters,
    st.integers(1, 8),
    st.integers(0, 2),
)
def test_queries_rank_alike_also_after_deletions(
    pair: Pair,
    some: list[m.PointStruct],
    gone: list[int | str],
    dense: list[float],
    sparse: m.SparseVector,
    condition: m.Filter | None,
    limit: int,
    offset: int,
) -> None:
    pair.clear()
    pair.both("upsert", some)
    if gone:
        pair.both("delete", gone)
    page: dict[str, Any] = {"query_filter": condition, "limit": limit, "offset": offset}
    same_ranking(*pair.both("query_points", query=dense, using="dense", **page))
    same_ranking(*pair.both("query_points", query=sparse, using="sparse", **page))
    for query, using in ((dense, "dense"), (sparse, "sparse")):
        scores = [
            point.score for point in pair.oracle.query_points(pair.name, query=query, using=using, limit=20).points
        ]
        assume(all(upper - lower > 1e-5 for upper, lower in itertools.pairwise(scores)))
    below = [m.Prefetch(query=dense, using="dense", limit=6), m.Prefetch(query=sparse, using="sparse", limit=6)]
    for fusion in (
        m.FusionQuery(fusion=m.Fusion.RRF),
        m.FusionQuery(fusion=m.Fusion.DBSF),
        m.RrfQuery(rrf=m.Rrf(k=60, weights=[1.0, 2.0])),
    ):
        same_ranking(*pair.both("query_points", prefetch=below, query=fusion, **page))
    same_ranking(*pair.both("query_points", prefetch=below, query=dense, using="dense", **page))
    corpus = m.SearchParams(idf=m.IdfCorpusParams(corpus=m.Filter(must=[field("born", range=m.Range(lte=3))])))
    same_ranking(*pair.both("query_points", query=sparse, using="sparse", search_params=corpus, **page))
    requests = [
        m.QueryRequest(query=dense, using="dense", limit=5, score_threshold=0.9),
        m.QueryRequest(query=sparse, using="sparse", limit=5, filter=condition),
        m.QueryRequest(prefetch=below, query=m.FusionQuery(fusion=m.Fusion.RRF), limit=5, with_payload=True),
    ]
    ours, theirs = pair.both("query_batch_points", requests)
    for mine, yours in zip(ours, theirs, strict=True):
        same_ranking(mine, yours)
    with_dense = [
        point.id for point in pair.oracle.scroll("oracle", m.Filter(must=[m.HasVectorCondition(has_vector="dense")]))[0]
    ]
    for identity in with_dense[:2]:
        same_ranking(*pair.both("query_points", query=identity, using="dense", **page))


steps = st.lists(
    st.one_of(
        st.tuples(st.just("upsert"), st.lists(points, min_size=1, max_size=4)),
        st.tuples(st.just("delete"), st.lists(ids, min_size=1, max_size=3)),
        st.tuples(st.just("delete"), filters.map(lambda each: m.FilterSelector(filter=each))),
        st.tuples(st.just("set_payload"), payloads, filters),
        st.tuples(st.just("overwrite_payload"), payloads, filters),
        st.tuples(
            st.just("delete_payload"), st.lists(st.sampled_from(["word", "born", "deep.word"]), min_size=1), filters
        ),
        st.tuples(st.just("clear_payload"), filters.map(lambda each: m.FilterSelector(filter=each))),
        st.tuples(st.just("delete_vectors"), st.just(["sparse"]), filters),
    ),
    min_size=1,
    max_size=8,
)


@relaxed
@given(st.lists(points, min_size=3, max_size=12), steps)
def test_every_sequence_of_writes_leaves_the_same_points(
    pair: Pair, some: list[m.PointStruct], wanted: list[tuple[Any, ...]]
) -> None:
    pair.clear()
    pair.both("upsert", some)
    for method, *arguments in wanted:
        pair.both(method, *arguments)
    pair.records()
    for key in ("word", "born", "open"):
        ours, theirs = pair.both("facet", key, limit=100, exact=True)
        assert {str(hit.value): hit.count for hit in ours.hits} == {str(hit.value): hit.count for hit in theirs.hits}
        counts = [hit.count for hit in ours.hits]
        assert counts == sorted(counts, reverse=True)


def test_a_page_follows_where_the_last_one_ended(pair: Pair) -> None:
    pair.clear()
    pair.both("upsert", [m.PointStruct(id=each, vector={}, payload={"born": 1}) for each in IDS])
    seen: list[Any] = []
    offset = None
    while True:
        page, offset = pair.server.scroll("oracle", limit=5, offset=offset, with_payload=False)
        seen += [record.id for record in page]
        if offset is None:
            break
    assert seen == IDS


def test_points_are_read_by_id_in_the_order_asked_for(pair: Pair) -> None:
    pair.clear()
    pair.both("upsert", [m.PointStruct(id=each, vector={}, payload={"born": 1, "word": "ant"}) for each in IDS])
    for selection in (True, False, ["word"], m.PayloadSelectorExclude(exclude=["word"])):
        ours, theirs = pair.both("retrieve", [IDS[-1], 5, 999, 0], with_payload=selection)
        assert [(each.id, each.payload or {}) for each in ours] == [(each.id, each.payload or {}) for each in theirs]


def test_ties_are_ordered_by_id_also_where_the_limit_cuts_through_them(pair: Pair) -> None:
    pair.clear()
    same = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    pair.server.upsert("oracle", [m.PointStruct(id=each, vector={"dense": same}) for each in range(300, 0, -1)])
    found = pair.server.query_points("oracle", query=same, using="dense", limit=5)
    assert [point.id for point in found.points] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("distance", list(m.Distance))
def test_every_distance_ranks_unnamed_vectors_like_the_oracle(client: QdrantClient, distance: m.Distance) -> None:
    oracle = QdrantClient(":memory:")
    vectors = [[math.sin(3 * row + column) + 1.1 for column in range(SIZE)] for row in range(30)]
    for each in (client, oracle):
        each.create_collection(f"d-{distance.value}", vectors_config=m.VectorParams(size=SIZE, distance=distance))
        each.upsert(
            f"d-{distance.value}",
            m.Batch(ids=list(range(30)), vectors=vectors, payloads=[{"row": row} for row in range(30)]),
        )
    ours, theirs = (
        each.query_points(
            f"d-{distance.value}", query=[0.5] * SIZE, limit=8, with_payload=True, with_vectors=True
        ).points
        for each in (client, oracle)
    )
    assert [(point.id, point.payload) for point in ours] == [(point.id, point.payload) for point in theirs]
    assert [point.score for point in ours] == pytest.approx([point.score for point in theirs], rel=1e-4)
    for mine, yours in zip(ours, theirs, strict=True):
        assert mine.vector == pytest.approx(yours.vector, rel=1e-4)


def test_every_kind_of_index_answers_like_the_oracle(client: QdrantClient) -> None:
    oracle = QdrantClient(":memory:")
    kinds: dict[str, Any] = {
        "keyword": m.KeywordIndexParams(type=m.KeywordIndexType.KEYWORD, is_tenant=True),
        "integer": m.IntegerIndexParams(type=m.IntegerIndexType.INTEGER, lookup=True, range=True),
        "float": m.PayloadSchemaType.FLOAT,
        "bool": m.PayloadSchemaType.BOOL,
        "uuid": m.PayloadSchemaType.UUID,
        "datetime": m.PayloadSchemaType.DATETIME,
        "text": m.TextIndexParams(type=m.TextIndexType.TEXT, tokenizer=m.TokenizerType.WORD, lowercase=True),
    }
    rows = [
        {
            "keyword": "abc"[row % 3],
            "integer": row % 5,
            "float": row / 4,
            "bool": row % 2 == 0,
            "uuid": str(uuid.UUID(int=row % 4)),
            "datetime": f"2026-01-{row + 1:02d}T00:00:00Z",
            "text": ["big red dog", "small dog", "red cat"][row % 3],
        }
        for row in range(20)
    ]
    for each in (client, oracle):
        each.create_collection("kinds", vectors_config=m.VectorParams(size=2, distance=m.Distance.DOT))
        each.upsert("kinds", [m.PointStruct(id=row, vector=[1.0, row], payload=rows[row]) for row in range(20)])
    for key, kind in kinds.items():
        client.create_payload_index("kinds", key, kind)
    schema = client.get_collection("kinds").payload_schema
    assert {key: index.data_type.value for key, index in schema.items()} == {key: key for key in kinds}
    conditions = [
        field("keyword", match=m.MatchValue(value="b")),
        field("integer", range=m.Range(gte=1, lt=3)),
        field("float", range=m.Range(gt=1.25)),
        field("bool", match=m.MatchValue(value=False)),
        field("uuid", match=m.MatchValue(value=str(uuid.UUID(int=3)))),
        field(
            "datetime", range=m.DatetimeRange(gte=datetime(2026, 1, 5, tzinfo=UTC), lt=datetime(2026, 1, 9, tzinfo=UTC))
        ),
        field("text", match=m.MatchText(text="Dog red")),
    ]
    for condition in conditions:
        ours, theirs = (each.scroll("kinds", m.Filter(must=[condition]), limit=50)[0] for each in (client, oracle))
        assert [record.id for record in ours] == [record.id for record in theirs], condition
        assert 0 < len(ours) < 20
    for direction in m.Direction:
        order_by = m.OrderBy(key="float", direction=direction)
        ours, theirs = (each.scroll("kinds", order_by=order_by, limit=7)[0] for each in (client, oracle))
        assert [record.id for record in ours] == [record.id for record in theirs]
    client.delete_payload_index("kinds", "float")
    assert "float" not in client.get_collection("kinds").payload_schema


@pytest.mark.parametrize("mode", list(m.UpdateMode))
def test_conditional_upserts_touch_what_they_may(pair: Pair, mode: m.UpdateMode) -> None:
    pair.clear()
    pair.both("upsert", [m.PointStruct(id=each, vector={}, payload={"born": each}) for each in range(4)])
    fresh = [m.PointStruct(id=each, vector={}, payload={"word": "new"}) for each in range(2, 6)]
    old = m.Filter(must=[field("born", range=m.Range(lte=2))])
    pair.both("upsert", fresh, update_filter=old, update_mode=mode)
    pair.records()
