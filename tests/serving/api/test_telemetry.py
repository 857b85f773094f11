"""Metrics, traces and logs of the doors: what they tell, to whom, and what they keep to themselves."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from destiny_assets.adapters.tracing import open_tracing
from destiny_assets.serving.circuits import LAYERS
from destiny_assets.telemetry import REQUEST_ID, JsonLines
from tests.fakes.collector import Collector, collecting
from tests.serving.api.opened import Opened, opened_over
from tests.stages.growing import Growth, Layers

QUESTION = "what does a very secret stamp cost abroad"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def sample(client: httpx.Client, name: str, **labels: str) -> float:
    """The sum of a metric's samples that have these labels."""
    answer = client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return sum(
        one.value
        for family in text_string_to_metric_families(answer.text)
        for one in family.samples
        if one.name == name and labels.items() <= one.labels.items()
    )


class TestMetrics:
    def test_requests_and_calls_are_counted(self, admin: httpx.Client, reader: httpx.Client, grown: Growth) -> None:
        route = {"route": "/v1/projects/{project}/search", "status": "200"}
        before = sample(admin, "destiny_request_seconds_count", **route)
        searches = sample(admin, "destiny_layer_call_seconds_count", layer="vectors", operation="search")
        assert reader.get(f"/v1/projects/{grown.project}/search", params={"q": QUESTION}).status_code == 200
        assert sample(admin, "destiny_request_seconds_count", **route) == before + 1
        assert sample(admin, "destiny_layer_call_seconds_count", layer="vectors", operation="search") == searches + 1
        assert sample(admin, "destiny_layer_call_seconds_count", layer="ledger") > 0
        assert sample(admin, "destiny_circuit_open") == 0

    def test_no_address_makes_a_series_of_its_own(self, admin: httpx.Client) -> None:
        for number in range(3):
            admin.get(f"/nowhere/{number}")
        assert sample(admin, "destiny_request_seconds_count", route="-", status="404") >= 3
        assert "/nowhere" not in admin.get("/metrics").text

    def test_they_are_for_who_may_read_every_project(self, opened: Opened, reader: httpx.Client) -> None:
        assert httpx.get(f"{opened.url}/metrics").status_code == 401
        assert reader.get("/metrics").status_code == 403
        with opened.client("*=reader") as client:
            assert client.get("/metrics").status_code == 200
            assert QUESTION not in client.get("/metrics").text


class TestReadiness:
    def test_it_tells_each_layer_to_whoever_has_a_key(self, opened: Opened, reader: httpx.Client) -> None:
        told = reader.get("/v1/readiness")
        assert (told.status_code, told.json()["ready"], told.json()["degraded"]) == (200, True, [])
        assert [one["layer"] for one in told.json()["layers"]] == ["ledger", *LAYERS]
        assert httpx.get(f"{opened.url}/v1/readiness").status_code == 401
        assert httpx.get(f"{opened.url}/livez").text == "alive"
        assert httpx.get(f"{opened.url}/readyz").text == "ready"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


class TestTraces:
    def test_a_request_is_a_span_above_its_calls_and_below_its_callers(
        self, layers: Layers, stores_home: Path, grown: Growth, collector: Collector, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        tracing = open_tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
        assert tracing is not None
        with (
            opened_over(layers, stores_home, tracing=tracing) as server,
            server.client(f"{grown.project}=reader") as one,
        ):
            found = one.get(
                f"/v1/projects/{grown.project}/search", params={"q": QUESTION}, headers={"traceparent": PARENT}
            )
            assert found.status_code == 200
        tracing.close()
        (door,) = collector.named("GET /v1/projects/{project}/search")
        assert (door.trace_id.hex(), door.parent_span_id.hex()) == tuple(PARENT.split("-")[1:3])
        told = {a.key: a.value.string_value or a.value.int_value for a in door.attributes}
        assert told["destiny.project"] == grown.project
        assert told["destiny.request_id"] == found.headers["X-Request-Id"]
        assert told["http.response.status_code"] == 200
        calls = {span.name for span in collector.spans if span.parent_span_id == door.span_id}
        assert {"ledger transaction", "vectors search", "model ask"} <= calls
        assert collector.services == {"destiny"}
        assert not any(secret in str(collector.spans) for secret in ("secret stamp", one.headers["Authorization"][7:]))

    def test_nothing_is_traced_unless_an_endpoint_is_named(self) -> None:
        assert open_tracing({}) is None


class TestLogs:
    @pytest.fixture
    def lines(self) -> JsonLines:
        return JsonLines()

    def test_a_line_is_json_and_names_its_request(self, lines: JsonLines) -> None:
        REQUEST_ID.set("r-1")
        record = logging.makeLogRecord(
            {"name": "destiny.api", "levelname": "WARNING", "msg": "it %s", "args": ("rains",)}
        )
        told = json.loads(lines.format(record))
        assert (told["level"], told["logger"], told["message"], told["request_id"]) == (
            "warning",
            "destiny.api",
            "it rains",
            "r-1",
        )
        members = json.loads(lines.format(logging.makeLogRecord({"msg": '{"request_id": "r-2", "status": 200}'})))
        assert (members["request_id"], members["status"]) == ("r-2", 200)
        assert json.loads(lines.format(logging.makeLogRecord({"msg": "{odd"})))["message"] == "{odd"
