"""The Python client against the real API: what comes back is typed, what fails is told, what may succeed is asked again."""

import asyncio
import inspect
import json
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from destiny_assets.adapters.postgres import selection
from destiny_assets.adapters.postgres.beliefs import StoredLabel
from destiny_assets.adapters.postgres.benchmarks import BenchmarkRun
from destiny_assets.adapters.postgres.browsing import ChangedDocument, DocumentRow, EntityRow, MentionRow
from destiny_assets.adapters.postgres.calibrations import StoredBin, StoredCalibration, TrustBenchmark
from destiny_assets.adapters.postgres.claim_reading import StoredClaim, StoredEvidence
from destiny_assets.adapters.postgres.decisions import StoredDecision
from destiny_assets.adapters.postgres.generations import IngestRun
from destiny_assets.adapters.postgres.ingest_requests import IngestRequest
from destiny_assets.domain import generations
from destiny_assets.domain.report.values import ProjectReport
from destiny_assets.sdk import claim_records as c
from destiny_assets.sdk import endpoints, oversight, records
from destiny_assets.sdk import oversight_records as o
from destiny_assets.sdk.async_client import AsyncDestiny
from destiny_assets.sdk.calls import Call, Filters
from destiny_assets.sdk.client import Destiny
from destiny_assets.sdk.errors import (
    CircuitOpenError,
    ConflictError,
    InvalidRequestError,
    NotAllowedError,
    NotFoundError,
    ProblemError,
    UnreachableError,
)
from destiny_assets.sdk.resilience import Circuit, Patience
from destiny_assets.serving import measurements, results
from destiny_assets.serving.api.routes import history, projects, state
from destiny_assets.serving.library import EntityPage
from tests.serving.api.opened import Opened, opened_over
from tests.serving.api.port import growing_port
from tests.stages.growing import DOCUMENTS, Growth, Layers, growing

QUESTION = "what does a stamp cost abroad"
SAME_NAMES = (
    "Hit",
    "SearchResult",
    "ContextItem",
    "ContextPack",
    "Citation",
    "Answer",
    "Nearest",
    "TrustExplanation",
    "Pushed",
    "Copy",
    "HeldBack",
)
QUICK = Patience(attempts=3, first_wait_s=0.01, longest_wait_s=0.02, failures=4, rest_s=30.0)


@pytest.fixture(scope="module")
def opened(layers: Layers, stores_home: Path) -> Iterator[Opened]:
    with opened_over(layers, stores_home) as server:
        yield server


@pytest.fixture(scope="module")
def grown(layers: Layers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Growth]:
    with growing(layers, tmp_path_factory.mktemp("sdk") / "documents") as growth:
        growth.run()
        yield growth


@pytest.fixture(scope="module")
def port(layers: Layers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Growth]:
    with growing_port(layers, tmp_path_factory.mktemp("port")) as growth:
        yield growth


@pytest.fixture
def client(opened: Opened, grown: Growth) -> Iterator[Destiny]:
    with Destiny(opened.url, opened.key(f"{grown.project}=curator")) as one:
        yield one


def test_reads_are_records(client: Destiny, grown: Growth) -> None:
    found = client.search(grown.project, QUESTION, k=2, filters=Filters(sources=["folder"]))
    assert isinstance(found.hits[0], records.Hit)
    assert (found.generation, len(found.hits), found.hits[0].uri) == (1, 2, "handbook/stamps.md")
    (document,) = client.documents(grown.project, uri=found.hits[0].uri)
    assert client.text(grown.project, document.id)[slice(*found.hits[0].span)] == found.hits[0].text
    assert client.original(grown.project, document.id).decode() == DOCUMENTS["handbook/stamps.md"]
    assert client.document(grown.project, document.id) == document
    assert client.ask(grown.project, QUESTION).citations[0].quote
    assert client.context(grown.project, QUESTION, tokens=50).tokens <= 50
    assert client.explain_trust(grown.project, document.uri).p == pytest.approx(document.trust)
    assert [one.key for one in client.decisions(grown.project)] == ["adr-007-stream"]
    (old,) = [one for one in client.decisions(grown.project, everything=True) if not one.holds]
    assert [one.key for one in client.decision_history(grown.project, old.id).replaced_by] == ["adr-007-stream"]
    (current,) = client.generations(grown.project)
    assert (current.current, current.published_at is not None) == (True, True)
    entity = next(one for one in client.entities(grown.project, limit=200) if one.mentions)
    assert client.neighbourhood(grown.project, entity.id).edges
    assert client.doctor(grown.project)["ok"] is True
    assert [one.project for one in client.projects()] == [grown.project]
    assert client.project(grown.project).documents == len(DOCUMENTS)
    assert client.me().grants == {grown.project: "curator"}


def test_what_is_claimed_said_and_measured_are_records(opened: Opened, port: Growth) -> None:
    name = port.project
    with Destiny(opened.url, opened.key(f"{name}=curator")) as client:
        red, blue = client.claims(name, subject="ferry", contested=True)
        assert (red.predicate, red.label, {red.value, blue.value}) == ("colour", None, {"red", "blue"})
        told = client.explain_claim(name, red.id)
        assert sum(term["log_odds"] for term in told.terms) == pytest.approx(told.log_odds)
        assert ([rival.claim for rival in told.against], bool(told.evidence)) == ([blue.id], True)
        assert not any(sentence.startswith("Or ") for sentence in told.would_change)
        assert client.label(name, {red.id: True}).changed == 1
        assert [(one.claim, one.verdict) for one in client.labels(name)] == [(red.id, True)]
        assert client.take_label_back(name, red.id).changed == 1
        assert client.labels(name).items == []
        with pytest.raises(NotFoundError, match="Nobody labelled"):
            client.take_label_back(name, red.id)
        assert {slot.subject for slot in client.suggest_labels(name).slots} == {"harbour", "ferry"}
        measured = client.calibration(name)
        assert (measured.generation, measured.benchmarks) == (3, [])
        assert {one.method for one in measured.calibration} <= {"destiny", "majority"}
        assert {one.value for one in client.choices(name).sources} >= {"folder", "said"}
        report = client.report(name)
        assert (report.generation, report.counts is not None, len(report.growth)) == (3, True, 3)
        assert client.runs(name).items == []
        changed = client.changes(name, 3, since=1)
        assert [(one.uri, one.change) for one in changed.documents] == [("notes/rain.txt", "changed")]
        assert {run.recipe for run in client.benchmarks(name, suite="golden")} == {"lexical"}
        (curve,) = client.benchmark_curves(name, metric="recall@10").curves
        assert [point.generation for point in curve.points] == [1, 2, 3]
        compared = client.compare_benchmarks(
            name, suite="golden", recipe="lexical", before=1, after=2, metric="recall@10"
        )
        assert ([one.question for one in compared.questions], compared.change["mean"] < 0) == (["q3"], True)
        entity = next(one for one in client.entities(name, limit=200) if one.mentions)
        shown = client.entity(name, entity.id)
        assert (shown.entity, len(shown.mentions) > 0) == (entity, True)
        assert {source.name for source in client.sources(name)} >= {"folder", "said"}
        assert client.ingests(name).items == []
        assert client.readiness().ready


def test_administrators_ask_of_what_was_done(opened: Opened, growth: Growth) -> None:
    with Destiny(opened.url, opened.key("*=admin")) as admin:
        (folder,) = admin.sources(growth.project)
        assert admin.remove_source(growth.project, folder.name) == {"sources": 1}
        attached = admin.add_source(growth.project, folder.kind, folder.uri, name=folder.name)
        assert (attached.source.name, attached.documents) == (folder.name, len(DOCUMENTS))
        newest, before, *_ = admin.audit(project=growth.project, limit=5)
        assert (newest.action, before.action) == ("source.add", "source.remove")
        assert newest.id > before.id
        assert "destiny_request_seconds" in admin.metrics()


def test_an_ingest_is_followed_to_its_end(opened: Opened, layers: Layers, grown: Growth) -> None:
    noted = layers.ledger.ingest_requests.add(grown.project, str(uuid.uuid4()), "tests", None)
    layers.ledger.ingest_requests.end(grown.project, noted.id, "succeeded", {"generation": 1}, "well")

    async def followed(key: str) -> list[records.Ingest]:
        async with AsyncDestiny(opened.url, key) as client:
            return [one async for one in client.follow(await client.ingest(grown.project, noted.id))]

    key = opened.key(f"{grown.project}=reader")
    with Destiny(opened.url, key) as client:
        told = list(client.follow(client.ingest(grown.project, noted.id)))
    assert [(one.state, one.ended) for one in told] == [("succeeded", True)]
    assert asyncio.run(followed(key)) == told


NAMES = {"name": "{project}", "claim": "{id}", "generation": "{number}", "project": "{project}", "id": "{id}"}
REST = {"k": 1, "before": 1, "after": 1, "since": 1, "limit": 1, "content": b"", "verdicts": {}}


def test_every_operation_has_a_method_and_every_method_an_operation() -> None:
    described = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text("utf-8"))
    operations = {(m.upper(), path) for path, methods in described["paths"].items() for m in methods}
    found = set()
    for module in (endpoints, oversight):
        for name, function in vars(module).items():
            if not inspect.isfunction(function) or function.__module__ != module.__name__:
                continue
            needed = {
                one.name: NAMES.get(one.name, REST.get(one.name, "x"))
                for one in inspect.signature(function).parameters.values()
                if one.default is inspect.Parameter.empty
            }
            if name == "remove_source":
                needed["name"] = "{name}"
            call: Call[Any] = function(**needed)
            found.add((call.method, unquote(call.path)))
            for client in (Destiny, AsyncDestiny):
                assert vars(client)[name].__doc__, name
    assert operations - found == {("GET", "/v1/openapi.json")} & operations
    assert found - operations == set()


def test_pages_go_on(client: Destiny, grown: Growth) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        page = client.documents(grown.project, limit=3, cursor=cursor)
        seen += [document.uri for document in page]
        if (cursor := page.next_cursor) is None:
            break
    assert seen == sorted(DOCUMENTS)


def test_writes_are_done_and_refusals_are_errors_by_kind(
    client: Destiny, opened: Opened, growth: Growth, grown: Growth
) -> None:
    with Destiny(opened.url, opened.key(f"{growth.project}=curator")) as writer:
        assert (
            writer.push(growth.project, "a.md", "# A\n", authors=["Ada"], media_type="text/markdown").state
            == "accepted"
        )
        assert writer.forget(growth.project, "a.md").state == "forgotten"
        with pytest.raises(ConflictError, match="one of files"):
            writer.push(growth.project, "a.md", b"x", source="folder")
    assert client.rollback(grown.project, 1).number == 1
    with pytest.raises(NotFoundError, match="no generation 7") as raised:
        client.rollback(grown.project, 7)
    assert (raised.value.kind, raised.value.status, raised.value.request_id is not None) == ("not-found", 404, True)
    with pytest.raises(InvalidRequestError, match="recipe"):
        client.search(grown.project, "x", recipe="NOT ONE")
    with pytest.raises(NotAllowedError):
        client.create_project("mine")
    with (
        Destiny(opened.url, "nonsense") as nobody,
        pytest.raises(NotAllowedError, match="unknown, was revoked or has expired"),
    ):
        nobody.me()


def test_projects_come_and_go(opened: Opened) -> None:
    with Destiny(opened.url, opened.key("*=admin")) as admin:
        assert [admin.create_project("sdk-made"), admin.create_project("sdk-made")] == [True, False]
        with pytest.raises(ConflictError, match="no source"):
            admin.start_ingest("sdk-made")
        assert admin.remove_project("sdk-made")["ledger"] == 1


def test_coroutines_ask_the_same(opened: Opened, grown: Growth) -> None:
    async def several() -> list[records.SearchResult]:
        async with AsyncDestiny(opened.url, opened.key(f"{grown.project}=reader")) as client:
            with pytest.raises(NotFoundError):
                await client.project("nowhere")
            return await asyncio.gather(*(client.search(grown.project, QUESTION, k=1) for _ in range(10)))

    found = asyncio.run(several())
    assert {result.hits[0].uri for result in found} == {"handbook/stamps.md"}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        *((getattr(records, name), getattr(results, name)) for name in SAME_NAMES),
        *((records.Document, DocumentRow), (records.Entity, EntityRow), (records.Decision, StoredDecision)),
        *((records.Ingest, IngestRequest), (records.Generation, generations.Generation)),
        *((c.Claim, StoredClaim), (c.Evidence, StoredEvidence), (c.Label, StoredLabel), (o.Run, IngestRun)),
        *((o.BenchmarkRun, BenchmarkRun), (o.ChangedDocument, ChangedDocument), (o.Mention, MentionRow)),
        *((c.Calibration, StoredCalibration), (c.CalibrationBin, StoredBin), (c.TrustBenchmark, TrustBenchmark)),
        *((o.Choice, selection.Choice), (o.Choices, selection.Choices), (o.EntityPage, EntityPage)),
        *((getattr(c, name), getattr(results, name)) for name in ("ClaimExplanation", "Rival", "Labelled", "OpenSlot", "Suggestions")),
        (c.TrustMeasured, results.TrustMeasured),
        *((getattr(o, name), getattr(measurements, name)) for name in ("Point", "Curve", "Curves", "ChangedQuestion", "Comparison")),
        *((o.Changes, history.Changes), (o.Source, projects.SourceShown), (o.Attached, projects.Attached), (o.AuditEvent, projects.AuditShown)),
    ],
)  # fmt: skip
def test_a_record_has_the_fields_that_the_server_sends(ours: Any, theirs: Any) -> None:
    assert [one.name for one in fields(ours)] == [one.name for one in fields(theirs)]


def test_a_report_and_readiness_have_the_fields_that_the_server_sends() -> None:
    assert {one.name for one in fields(o.Report)} == {one.name for one in fields(ProjectReport)}
    assert [one.name for one in fields(o.Readiness)] == list(state.Readiness.model_fields)
    assert [one.name for one in fields(o.LayerState)] == list(state.LayerState.model_fields)


def test_a_field_of_a_newer_server_is_left_out() -> None:
    said = {"id": "x", "name": "n", "grants": {}, "requests_per_second": 1.0, "colour": "red"}
    assert records.record(records.Me, said) == records.Me("x", "n", {}, 1.0)


def test_it_is_imported_fast_and_without_the_pipeline() -> None:
    code = "import sys, destiny_assets.sdk.client, destiny_assets.sdk.async_client; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {
        "dagster",
        "numpy",
        "psycopg",
        "qdrant_client",
        "neo4j",
        "openai",
        "fastapi",
        "pydantic",
        "sqlalchemy",
        "destiny_assets.settings",
    }
    assert heavy & set(loaded) == set()


@contextmanager
def answering(*statuses: int) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """A server that answers with these statuses in turn, the last for ever; (method, idempotency key) of what it was asked."""
    left, asked = list(statuses), []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            status = left.pop(0) if len(left) > 1 else left[0]
            asked.append((self.command, self.headers.get("Idempotency-Key")))
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = b'{"created": true}' if status == 200 else b"not JSON"
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.answer()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            """Keep the test's output clean."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}", asked
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def test_what_may_succeed_is_asked_again_under_the_same_idempotency_key() -> None:
    with answering(503, 429, 200) as (url, asked), Destiny(url, "k", patience=QUICK) as client:
        assert client.create_project("x") is True
    assert len(asked) == 3
    assert len({key for _, key in asked}) == 1
    assert asked[0][1]


def test_what_will_not_succeed_is_asked_once() -> None:
    with (
        answering(500) as (url, asked),
        Destiny(url, "k", patience=QUICK) as client,
        pytest.raises(ProblemError, match="500"),
    ):
        client.me()
    assert len(asked) == 1


def test_a_server_that_keeps_failing_is_left_alone_for_a_while() -> None:
    with answering(503) as (url, asked), Destiny(url, "k", patience=QUICK) as client:
        with pytest.raises(ProblemError):
            client.me()
        with pytest.raises(CircuitOpenError, match="asked again in"):
            client.me()
        with pytest.raises(CircuitOpenError):
            client.me()
    assert len(asked) == 4


def test_a_circuit_closes_again_when_one_attempt_after_the_rest_goes_well() -> None:
    now = [0.0]
    circuit = Circuit(Patience(failures=2, rest_s=10.0), clock=lambda: now[0])
    for _ in range(2):
        assert circuit.rest() == 0.0
        circuit.note(False)
    assert circuit.rest() == 10.0
    now[0] = 10.5
    assert (circuit.rest(), circuit.rest() > 0) == (0.0, True)
    circuit.note(True)
    assert circuit.rest() == 0.0


def test_a_server_that_is_not_there_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        Destiny(f"http://127.0.0.1:{port}", "k", patience=QUICK) as client,
        pytest.raises(UnreachableError, match=str(port)),
    ):
        client.me()
