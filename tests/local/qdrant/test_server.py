"""What the server promises beyond right answers: its key, its errors, its memory, and readers that never wait."""

import json
import multiprocessing
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from qdrant_client import QdrantClient
from qdrant_client import models as m
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from tests.local.qdrant.conftest import KEY, Server, free_port

SIZE = 16


def vector(seed: int) -> list[float]:
    source = random.Random(seed)
    return [source.uniform(-1.0, 1.0) for _ in range(SIZE)]


def create(client: QdrantClient, name: str, **options: Any) -> None:
    client.create_collection(
        name,
        vectors_config={"dense": m.VectorParams(size=SIZE, distance=m.Distance.COSINE)},
        sparse_vectors_config={"sparse": m.SparseVectorParams(modifier=m.Modifier.IDF)},
        **options,
    )
    client.create_payload_index(name, "born", m.PayloadSchemaType.INTEGER)


def point(number: int, **payload: Any) -> m.PointStruct:
    sparse = m.SparseVector(indices=[number % 50, 60], values=[1.0, 0.5])
    return m.PointStruct(id=number, vector={"dense": vector(number), "sparse": sparse}, payload={"born": 1, **payload})


def refused(call: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(UnexpectedResponse) as caught:
        call()
    return caught.value.status_code or 0, json.loads(caught.value.content)["status"]["error"]


@pytest.fixture(scope="module")
def collection(server: Server) -> Any:
    client = server.client()
    create(client, "refusals")
    client.upsert("refusals", [point(number) for number in range(3)])
    yield client
    client.close()


UNSUPPORTED: dict[str, Callable[[QdrantClient], object]] = {
    "RecommendQuery": lambda client: client.query_points(
        "refusals", query=m.RecommendQuery(recommend=m.RecommendInput(positive=[0])), using="dense"
    ),
    "query/groups": lambda client: client.query_points_groups("refusals", "born", query=vector(1), using="dense"),
    "lookup_from": lambda client: client.query_points(
        "refusals", query=1, using="dense", lookup_from=m.LookupLocation(collection="other")
    ),
    "params.quantization": lambda client: client.query_points(
        "refusals",
        query=vector(1),
        using="dense",
        search_params=m.SearchParams(quantization=m.QuantizationSearchParams(rescore=True)),
    ),
    "query.mmr": lambda client: client.query_points(
        "refusals", query=m.NearestQuery(nearest=vector(1), mmr=m.Mmr(diversity=0.5)), using="dense"
    ),
    "geo_radius": lambda client: client.count(
        "refusals",
        m.Filter(
            must=[m.FieldCondition(key="at", geo_radius=m.GeoRadius(center=m.GeoPoint(lon=1, lat=1), radius=5.0))]
        ),
    ),
    "shard_key": lambda client: client.upsert("refusals", [point(1)], shard_key_selector="a"),
    "quantization_config": lambda client: client.create_collection(
        "never",
        vectors_config={"dense": m.VectorParams(size=4, distance=m.Distance.DOT)},
        quantization_config=m.ScalarQuantization(scalar=m.ScalarQuantizationConfig(type=m.ScalarType.INT8)),
    ),
    "replication_factor": lambda client: client.create_collection(
        "never", vectors_config={"dense": m.VectorParams(size=4, distance=m.Distance.DOT)}, replication_factor=2
    ),
    "multivector_config": lambda client: client.create_collection(
        "never",
        vectors_config={
            "dense": m.VectorParams(
                size=4,
                distance=m.Distance.DOT,
                multivector_config=m.MultiVectorConfig(comparator=m.MultiVectorComparator.MAX_SIM),
            )
        },
    ),
    "snapshots": lambda client: client.create_snapshot("refusals"),
}


@pytest.mark.parametrize("named", UNSUPPORTED)
def test_what_is_left_out_is_a_501_that_names_it(collection: QdrantClient, named: str) -> None:
    status, message = refused(lambda: UNSUPPORTED[named](collection))
    assert (status, named in message) == (501, True), message


INVALID: dict[str, tuple[int, Callable[[QdrantClient], object]]] = {
    "expected dim: 16, got 2": (400, lambda client: client.upsert("refusals", [_with({"dense": [1.0, 2.0]})])),
    "vector name error: other": (400, lambda client: client.upsert("refusals", [_with({"other": [1.0]})])),
    "finite": (400, lambda client: client.upsert("refusals", [_with({"dense": [1e300] * SIZE})])),
    "must be unique": (
        422,
        lambda client: client.upsert(
            "refusals", [_with({"sparse": m.SparseVector(indices=[1, 1], values=[1.0, 1.0])})]
        ),
    ),
    "not a valid point ID": (400, lambda client: client.upsert("refusals", [m.PointStruct(id="x", vector={})])),
    "No point with id 77": (404, lambda client: client.set_payload("refusals", {"born": 9}, [0, 77])),
    "`nothing` doesn't exist": (404, lambda client: client.get_collection("nothing")),
    "already exists": (409, lambda client: create(client, "refusals")),
    "Please create one to facet": (400, lambda client: client.facet("refusals", "unindexed")),
    "Not existing vector name": (400, lambda client: client.query_points("refusals", query=vector(1), using="other")),
    "limit": (422, lambda client: client.scroll("refusals", limit=0)),
}


def _with(vectors: Any) -> m.PointStruct:
    return m.PointStruct(id=500, vector=vectors)


@pytest.mark.parametrize("message", INVALID)
def test_an_invalid_request_is_refused_and_changes_nothing(collection: QdrantClient, message: str) -> None:
    expected, call = INVALID[message]
    status, said = refused(lambda: call(collection))
    assert (status, message in said) == (expected, True), said
    found, _ = collection.scroll("refusals", limit=10)
    assert [(record.id, record.payload) for record in found] == [(number, {"born": 1}) for number in range(3)]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("points/scroll", {"limit": 3, "limt": 4}),
        ("points/query", {"query": [1.0], "filter": {"must": [{"key": "a", "match": {"valu": 1}}]}}),
        ("points", {"ids": [1], "with_payloads": True}),
    ],
)
def test_a_field_qdrant_does_not_know_is_refused_by_name(
    collection: QdrantClient, server: Server, path: str, body: dict[str, Any]
) -> None:
    answer = httpx.post(f"{server.url}/collections/refusals/{path}", json=body, headers={"api-key": KEY})
    assert answer.status_code == 400
    assert any(word in answer.json()["status"]["error"] for word in ("limt", "valu", "with_payloads"))


def test_only_the_welcome_and_the_health_checks_answer_without_the_key(server: Server) -> None:
    for path in ("/", "/healthz", "/readyz"):
        assert httpx.get(server.url + path).status_code == 200
    for headers in ({}, {"api-key": "wrong"}, {"authorization": "Bearer wrong"}):
        for path in ("/collections", "/collections/x/points/1", "/telemetry"):
            assert httpx.get(server.url + path, headers=headers).status_code == 401
    for headers in ({"api-key": KEY}, {"authorization": f"Bearer {KEY}"}):
        assert httpx.get(f"{server.url}/collections", headers=headers).status_code == 200


def test_the_client_finds_the_server_compatible(server: Server, recwarn: pytest.WarningsRecorder) -> None:
    client = QdrantClient(url=server.url, api_key=KEY)
    assert client.info().title.startswith("qdrant")
    time.sleep(0.5)  # the client compares versions in a thread of its own
    client.close()
    assert not [warning for warning in recwarn if "ompatib" in str(warning.message)]


def test_aliases_switch_together_or_not_at_all(client: QdrantClient) -> None:
    create(client, "blue")
    create(client, "green")
    client.upsert("green", [point(1)])

    def to(name: str) -> m.CreateAliasOperation:
        return m.CreateAliasOperation(create_alias=m.CreateAlias(alias_name="live", collection_name=name))

    client.update_collection_aliases([to("blue")])
    assert (client.count("live").count, client.collection_exists("live")) == (0, True)
    drop = m.DeleteAliasOperation(delete_alias=m.DeleteAlias(alias_name="live"))
    client.update_collection_aliases([drop, to("green")])
    assert client.count("live").count == 1
    assert refused(lambda: client.update_collection_aliases([drop, to("missing")]))[0] == 404
    assert [alias.alias_name for alias in client.get_collection_aliases("green").aliases] == ["live"]
    client.delete_collection("green")
    assert not client.collection_exists("live")


def test_a_batch_of_updates_is_applied_in_order(client: QdrantClient) -> None:
    create(client, "batch")
    client.batch_update_points(
        "batch",
        [
            m.UpsertOperation(upsert=m.PointsList(points=[point(1), point(2)])),
            m.SetPayloadOperation(set_payload=m.SetPayload(payload={"x": 1}, points=[1, 2])),
            m.DeletePayloadOperation(delete_payload=m.DeletePayload(keys=["born"], points=[2])),
            m.DeleteOperation(delete=m.PointIdsList(points=[1])),
            m.UpdateVectorsOperation(
                update_vectors=m.UpdateVectors(points=[m.PointVectors(id=2, vector={"dense": vector(9)})])
            ),
        ],
    )
    found, _ = client.scroll("batch")
    assert [(record.id, record.payload) for record in found] == [(2, {"x": 1})]
    assert client.query_points("batch", query=vector(9), using="dense").points[0].score == pytest.approx(1.0)


def test_everything_is_there_after_sigterm_and_a_restart(own_server: Server) -> None:
    client = own_server.client()
    create(client, "kept", metadata={"model": "x"})
    client.upsert("kept", [point(number) for number in range(50)])
    client.update_collection_aliases(
        [m.CreateAliasOperation(create_alias=m.CreateAlias(alias_name="live", collection_name="kept"))]
    )
    before = client.get_collection("kept")
    assert own_server.stop() == 0
    own_server.start()
    after = client.get_collection("live")
    assert (after.points_count, after.config, after.payload_schema) == (50, before.config, before.payload_schema)
    with_born = m.Filter(must=[m.FieldCondition(key="born", range=m.Range(lte=1))])
    assert client.count("live", with_born).count == 50


def test_a_second_server_on_the_same_folder_says_so_in_one_sentence(server: Server) -> None:
    ended = subprocess.run(server.command(free_port()), capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Another Qdrant server already uses")
    assert ended.stderr.count("\n") == 1


def test_no_acknowledged_write_is_lost_by_kill_nine(own_server: Server) -> None:
    source = random.Random(5)
    client = own_server.client()
    create(client, "killed")
    expected: dict[int, int] = {}
    unanswered: set[int] = set()
    following = 0
    for _ in range(4):
        killer = threading.Timer(source.uniform(0.1, 0.7), own_server.stop, [signal.SIGKILL])
        killer.start()
        touched: list[int] = []
        try:
            while True:
                touched = list(range(following, following + 20))
                client.upsert("killed", [point(number, version=0) for number in touched])
                expected |= dict.fromkeys(touched, 0)
                following += 20
                touched = source.sample(sorted(expected), 10)
                version = source.randint(1, 10**6)
                client.set_payload("killed", {"version": version}, touched)
                expected |= dict.fromkeys(touched, version)
        except ResponseHandlingException:
            unanswered |= set(touched)
            following += 20
        killer.join()
        own_server.start()
        found, _ = client.scroll("killed", limit=100_000, with_vectors=["dense"])
        stored = {int(record.id): record for record in found}
        assert expected.keys() <= stored.keys()
        for number, version in expected.items():
            record = stored[number]
            assert record.payload is not None
            assert number in unanswered or record.payload["version"] == version
            assert isinstance(record.vector, dict)
            assert len(record.vector["dense"]) == SIZE
        assert client.count("killed", m.Filter(must=[m.FieldCondition(key="born", range=m.Range(gte=1))])).count == len(
            stored
        )
        # What the unanswered request did or did not do is settled now.
        expected = {number: record.payload["version"] for number, record in stored.items() if record.payload}
        unanswered.clear()
    assert len(expected) > 100


def _write(server: Server, first: int) -> None:
    client = server.client()
    for start in range(first, first + 200, 50):
        client.upsert("many", [point(number) for number in range(start, start + 50)])
        client.query_points("many", query=vector(start), using="dense", limit=3)
        client.set_payload("many", {"writer": first}, list(range(start, start + 50)))


def test_several_processes_write_and_read_at_once(server: Server, client: QdrantClient) -> None:
    create(client, "many")
    spawn = multiprocessing.get_context("spawn")
    address = Server(Path(server.path), server.port)
    writers = [spawn.Process(target=_write, args=(address, number * 1000)) for number in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    found, _ = client.scroll("many", limit=1000)
    assert len(found) == 600
    assert all(record.payload and record.payload["writer"] == int(record.id) // 1000 * 1000 for record in found)


def test_an_index_is_built_behind_readers_and_writers_and_loses_no_write(own_server: Server) -> None:
    client = own_server.client()
    few = m.OptimizersConfigDiff(indexing_threshold=100)
    create(client, "built", optimizers_config=few, hnsw_config=m.HnswConfigDiff(full_scan_threshold=10))
    for start in range(0, 6000, 1000):
        client.upsert("built", [point(number) for number in range(start, start + 1000)])
    assert client.get_collection("built").status == m.CollectionStatus.YELLOW
    waits: list[float] = []
    number, begun = 6000, time.monotonic()
    deadline = begun + 200
    while client.get_collection("built").status == m.CollectionStatus.YELLOW and time.monotonic() < deadline:
        started = time.monotonic()
        client.query_points("built", query=vector(number), using="dense", limit=5)
        waits.append(time.monotonic() - started)
        client.upsert("built", [point(number)])
        client.set_payload("built", {"born": 2}, [number - 6000])
        client.delete("built", [number - 3000])
        number += 1
        time.sleep(0.01)
        if number == 6100:
            break
    changed = number - 6000
    while client.get_collection("built").status == m.CollectionStatus.YELLOW and time.monotonic() < deadline:
        started = time.monotonic()
        client.query_points("built", query=vector(number), using="dense", limit=5)
        waits.append(time.monotonic() - started)
        time.sleep(0.02)
    took = time.monotonic() - begun
    info = client.get_collection("built")
    assert info.status == m.CollectionStatus.GREEN
    assert info.optimizer_status == m.OptimizersStatusOneOf.OK
    assert info.points_count == 6000
    # A build that held readers up would hold one up for nearly all of it.
    assert (info.segments_count, max(waits) < max(2.0, took / 2)) == (2, True), (info, max(waits), took)
    born_two = m.Filter(must=[m.FieldCondition(key="born", match=m.MatchValue(value=2))])
    assert client.count("built", born_two).count == changed
    assert client.retrieve("built", [3000, 3000 + changed - 1]) == []
    exact = m.SearchParams(exact=True)
    agreed = 0
    for seed in range(20):
        answers = [
            {
                hit.id
                for hit in client.query_points("built", vector(seed + 10**6), using="dense", search_params=each).points
            }
            for each in (None, exact)
        ]
        agreed += len(answers[0] & answers[1])
    assert agreed >= 180
    own_server.stop(signal.SIGKILL)
    own_server.start()
    assert (client.count("built").count, client.count("built", born_two).count) == (6000, changed)
    shards = list((own_server.path / "collections").glob("*/*"))
    assert len(shards) == 1
