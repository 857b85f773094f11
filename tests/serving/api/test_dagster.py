"""Dagster's UI behind the gate, with the real `dagster-webserver`: who sees it, who changes anything through it, and what is left of it."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from destiny_assets.domain.access import Caller, Role
from destiny_assets.errors import ConfigurationError
from destiny_assets.serving.api.app import create_app
from destiny_assets.serving.dagster.operations import Request, operation_of, request_of
from destiny_assets.serving.dagster.process import DagsterProcess
from tests.serving.api.opened import Opened
from tests.serving.api.test_sessions import COOKIE, browser
from tests.stages.growing import Growth

GRAPHQL = "/dagster/graphql"
VERSION = "{ version }"
PAUSE = "mutation Pause { setAutoMaterializePaused(paused: true) }"
PERMISSIONS = "{ permissions { permission value } }"
LAUNCH = """mutation Launch($executionParams: ExecutionParams!) {
  launchRun(executionParams: $executionParams) { __typename ... on LaunchRunSuccess { run { runId status } } ... on PythonError { message } }
}"""
SUBSCRIBE = "subscription Told { locationStateChangeEvents { event { eventType } } }"


@pytest.fixture(scope="module")
def viewer(opened: Opened) -> Iterator[httpx.Client]:
    with opened.client("*=reader") as client:
        # The first visitor waits until Dagster has read every definition.
        client.timeout = httpx.Timeout(240)
        yield client


def ask(client: httpx.Client, query: str, **variables: Any) -> httpx.Response:
    return client.post(GRAPHQL, json={"query": query, "variables": variables})


def noted(opened: Opened) -> list[dict[str, Any]]:
    events = opened.layers.ledger.audit.page(project=None, before=None, limit=50)
    return [{"actor": e.actor, "project": e.project, **dict(e.detail)} for e in events if e.action == "dagster.change"]


class TestWhoMaySee:
    def test_nobody_without_a_key_or_session(self, opened: Opened) -> None:
        for path in ("/dagster/", "/dagster/assets", "/dagster/_next/static/x.js", "/dagster/server_info"):
            assert httpx.get(opened.url + path).status_code == 401
            led = httpx.get(opened.url + path, headers={"Accept": "text/html"})
            assert (led.status_code, led.headers["location"].startswith("/sign-in?next=/dagster/")) == (303, True)
        assert httpx.post(opened.url + GRAPHQL, json={"query": VERSION}).status_code == 401

    @pytest.mark.parametrize("role", ["reader", "admin"])
    def test_nobody_whose_key_opens_one_project_for_it_shows_all(
        self, opened: Opened, grown: Growth, role: str
    ) -> None:
        with opened.client(f"{grown.project}={role}") as client:
            refused = client.get("/dagster/runs")
            assert (refused.status_code, "every project" in refused.json()["detail"]) == (403, True)
            assert ask(client, VERSION).status_code == 403
        with opened.client("*=client") as client:
            assert client.get("/dagster/").status_code == 403

    def test_whoever_may_read_every_project_sees_its_page_and_asks(self, viewer: httpx.Client) -> None:
        page = viewer.get("/dagster/runs/1234")
        assert (page.status_code, '"pathPrefix": "/dagster"' in page.text) == (200, True)
        first, ours = page.headers["content-security-policy"].split(", ")
        assert "nonce-" in first
        assert "connect-src 'self'" in ours
        assert "frame-ancestors 'none'" in ours
        assert page.headers["x-frame-options"] == "DENY"
        assert "set-cookie" not in page.headers
        assert "x-dagster-call-counts" not in page.headers
        assert ask(viewer, VERSION).json()["data"]["version"]
        names = ask(viewer, "{ assetNodes { assetKey { path } } }").json()["data"]["assetNodes"]
        assert ["knowledge_graph"] in [one["assetKey"]["path"] for one in names]
        script = next(part.split('"')[0] for part in page.text.split('src="') if part.startswith("/dagster/_next/"))
        got = viewer.get(script)
        assert (got.status_code, "immutable" in got.headers["cache-control"]) == (200, True)
        assert viewer.get(script, headers={"If-None-Match": got.headers["etag"]}).status_code == 304


class TestWhoMayChange:
    def test_a_viewer_changes_nothing_by_any_way(self, opened: Opened, viewer: httpx.Client) -> None:
        before = noted(opened)
        refused = ask(viewer, PAUSE)
        assert (refused.status_code, "administer" in refused.json()["detail"]) == (403, True)
        by_get = viewer.get(GRAPHQL, params={"query": PAUSE})
        assert (by_get.status_code, "Nothing is changed here" in by_get.text) == (400, True)
        assert viewer.post("/dagster/report_asset_materialization/chunks", json={}).status_code == 403
        assert viewer.put(GRAPHQL, json={"query": VERSION}).status_code == 405
        allowed = ask(viewer, PERMISSIONS).json()["data"]["permissions"]
        assert [one["permission"] for one in allowed if one["value"]] == []
        assert noted(opened) == before

    def test_an_administrator_changes_by_post_alone_and_it_is_noted_first(
        self, opened: Opened, admin: httpx.Client
    ) -> None:
        by_get = admin.get(GRAPHQL, params={"query": PAUSE})
        assert (by_get.status_code, "Nothing is changed here" in by_get.text) == (400, True)
        allowed = ask(admin, PERMISSIONS).json()["data"]["permissions"]
        assert "launch_pipeline_execution" in [one["permission"] for one in allowed if one["value"]]
        done = ask(admin, PAUSE)
        assert (done.status_code, "errors" in done.json()) == (200, False)
        assert noted(opened)[0]["changes"] == ["setAutoMaterializePaused"]

    def test_an_administrator_launches_a_run(self, opened: Opened, admin: httpx.Client, grown: Growth) -> None:
        (repository,) = ask(
            admin, "{ repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }"
        ).json()["data"]["repositoriesOrError"]["nodes"]
        selector = {
            "repositoryName": repository["name"],
            "repositoryLocationName": repository["location"]["name"],
            "jobName": "ingest_project",
        }
        tags = [{"key": "dagster/partition", "value": grown.project}]
        asked = {"selector": selector, "executionMetadata": {"tags": tags}}
        launched = ask(admin, LAUNCH, executionParams=asked).json()["data"]["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        event = noted(opened)[0]
        assert (event["changes"], event["project"]) == (["launchRun"], grown.project)
        assert "jobName=ingest_project" in event["named"]
        run = launched["run"]["runId"]
        told = ask(admin, "mutation($id: String!) { deleteRun(runId: $id) { __typename } }", id=run).json()
        assert told["data"]["deleteRun"]["__typename"] == "DeletePipelineRunSuccess"

    def test_another_site_makes_no_browser_change_anything(self, opened: Opened) -> None:
        with browser(opened, opened.key("*=admin")) as client:
            for origin in ("https://evil.example", "http://127.0.0.1:1", "null"):
                assert client.post(GRAPHQL, json={"query": PAUSE}, headers={"Origin": origin}).status_code == 403
            assert client.post(GRAPHQL, json={"query": PAUSE}).status_code == 200


@contextmanager
def listening(opened: Opened, **headers: str) -> Iterator[ClientConnection]:
    url = opened.url.replace("http", "ws") + GRAPHQL
    with connect(url, subprotocols=[Subprotocol("graphql-ws")], additional_headers=headers, open_timeout=60) as socket:
        yield socket


def say(socket: ClientConnection, **message: Any) -> None:
    socket.send(json.dumps(message))


def hear(socket: ClientConnection) -> Any:
    return json.loads(socket.recv(timeout=30))


class TestWebsockets:
    def test_a_viewer_hears_what_happens(self, opened: Opened, viewer: httpx.Client) -> None:
        with listening(opened, Authorization=viewer.headers["authorization"]) as socket:
            assert socket.subprotocol == "graphql-ws"
            say(socket, type="connection_init")
            assert hear(socket)["type"] == "connection_ack"
            query = "subscription($id: ID!) { pipelineRunLogs(runId: $id) { __typename ... on PipelineRunLogsSubscriptionFailure { message } } }"
            say(socket, type="start", id="1", payload={"query": query, "variables": {"id": "no-such-run"}})
            told = hear(socket)
            assert (told["type"], told["id"]) == ("data", "1")
            assert told["payload"]["data"]["pipelineRunLogs"]["__typename"] == "PipelineRunLogsSubscriptionFailure"
            say(socket, type="start", id="2", payload={"query": PAUSE})
            refused = hear(socket)
            while refused["id"] != "2":
                refused = hear(socket)
            assert refused["type"] == "error"

    def test_nobody_else_hears_anything(self, opened: Opened, grown: Growth) -> None:
        one_project = opened.key(f"{grown.project}=admin")
        for headers, status in (
            ({}, 401),
            ({"Authorization": "Bearer dsty_nonsense"}, 401),
            ({"Authorization": f"Bearer {one_project}"}, 403),
        ):
            with pytest.raises(InvalidStatus) as refused, listening(opened, **headers):
                pass
            assert refused.value.response.status_code == status
        with browser(opened, opened.key("*=admin")) as client:
            cookie = f"{COOKIE}={client.cookies[COOKIE]}"
            for origin in ({}, {"Origin": "https://evil.example"}, {"Origin": "http://127.0.0.1:1"}):
                with pytest.raises(InvalidStatus) as refused, listening(opened, Cookie=cookie, **origin):
                    pass
                assert refused.value.response.status_code == 403
            with listening(opened, Cookie=cookie, Origin=opened.url) as socket:
                say(socket, type="connection_init")
                assert hear(socket)["type"] == "connection_ack"
                client.post("/sign-out")
                with pytest.raises(ConnectionClosed) as ended:
                    socket.recv(timeout=60)
                assert ended.value.rcvd is not None
                assert ended.value.rcvd.code == 1008

    def test_elsewhere_no_websocket_is_opened(self, opened: Opened, viewer: httpx.Client) -> None:
        bearer = {"Authorization": viewer.headers["authorization"]}
        for path in ("/dagster/", "/v1/me", "/mcp"):
            url = opened.url.replace("http", "ws") + path
            with pytest.raises(InvalidStatus), connect(url, additional_headers=bearer):
                pass


class TestItsProcess:
    def test_only_its_own_user_reaches_it_and_nothing_of_it_is_left(self, opened: Opened, viewer: httpx.Client) -> None:
        process = opened.doors.dagster
        assert process is not None
        assert viewer.get("/dagster/server_info").status_code == 200
        pid = process.pid
        assert pid is not None
        child = psutil.Process(pid)
        family = [child, *child.children(recursive=True)]
        listens = [one for member in family for one in member.net_connections() if one.status == psutil.CONN_LISTEN]
        assert listens == []
        folder = next(part for part in child.cmdline() if "destiny-ui-" in part)
        assert Path(folder).stat().st_mode & 0o777 == 0o700
        process.close()
        assert not Path(folder).exists()
        _, left = psutil.wait_procs(family, timeout=30)
        assert left == []
        assert viewer.get("/dagster/server_info").status_code == 200, "the next visitor starts it anew"

    def test_it_ends_when_whoever_started_it_is_killed(self, stores_home: Path) -> None:
        code = (
            "import subprocess, sys, time\n"
            "child = subprocess.Popen([sys.executable, '-m', 'destiny_assets.dagster_ui', sys.argv[1]], stdin=subprocess.PIPE)\n"
            "print(child.pid, flush=True)\n"
            "time.sleep(600)\n"
        )
        folder = stores_home / "ui"
        folder.mkdir()
        environment = {"DESTINY_HOME": str(stores_home), "PATH": "/usr/bin:/bin", "HOME": str(stores_home)}
        owner = subprocess.Popen(
            [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, env=environment, text=True
        )
        assert owner.stdout is not None
        try:
            child = psutil.Process(int(owner.stdout.readline()))
            until = time.monotonic() + 240
            while not (folder / "writing.sock").exists():
                assert time.monotonic() < until
                time.sleep(0.1)
            family = [child, *child.children(recursive=True)]
        finally:
            owner.kill()
            owner.wait()
        _, left = psutil.wait_procs(family, timeout=120)
        assert left == []
        assert not folder.exists()


# Stands in for Dagster, and tells what it was sent.
ECHO = """
import asyncio, json, sys, threading, uvicorn

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = (await receive()).get("body", b"").decode()
    told = {"headers": [name.decode() for name, _ in scope["headers"]], "path": scope["raw_path"].decode(), "body": body}
    told["query"], told["server"] = scope["query_string"].decode(), scope["server"][0]
    headers = [(b"content-type", b"application/json"), (b"set-cookie", b"theirs=1"), (b"location", b"https://evil.example/")]
    await send({"type": "http.response.start", "status": 200, "headers": [*headers, (b"x-dagster-call-counts", b"{}"), (b"connection", b"close")]})
    await send({"type": "http.response.body", "body": json.dumps(told).encode()})

servers = [
    uvicorn.Server(uvicorn.Config(app, uds=f"{sys.argv[1]}/{name}.sock", lifespan="off", log_level="error"))
    for name in ("reading", "writing")
]
threading.Thread(target=lambda: (sys.stdin.buffer.read(), [setattr(one, "should_exit", True) for one in servers]), daemon=True).start()

async def both():
    await asyncio.gather(*(one.serve() for one in servers))

asyncio.run(both())
"""


def asked_of(
    opened: Opened, process: DagsterProcess, *asked: tuple[str, str, dict[str, Any]], until_stopped: bool = False
) -> list[httpx.Response]:
    """What requests get, one after the other, from the application over another process."""

    async def asking() -> list[httpx.Response]:
        app = create_app(replace(opened.doors, dagster=process))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here", timeout=60) as client:
            answers = [await client.request(method, path, **more) for method, path, more in asked]
            for _ in range(600 if until_stopped else 0):
                if process.pid is None:
                    break
                await asyncio.sleep(0.1)
            return answers

    try:
        return asyncio.run(asking())
    finally:
        process.close()


class TestWhatIsPassedOn:
    def test_neither_key_nor_cookie_nor_what_dagster_sets(self, opened: Opened, tmp_path: Path) -> None:
        key = opened.key("*=admin")
        headers = {"Authorization": f"Bearer {key}", "Cookie": "a=b", "X-Forwarded-For": "1.2.3.4", "Accept": "x/y"}
        more = {"headers": headers, "json": {"query": "{ a }", "query ": 1, "variables": None}}
        process = DagsterProcess([sys.executable, "-c", ECHO], dict(os.environ), tmp_path / "ui.log")
        first, second = asked_of(
            opened,
            process,
            ("POST", f"{GRAPHQL}?query=mutation+{{a}}", more),
            ("GET", "/dagster/assets/a%2Fb?x=%20", {"headers": headers}),
        )
        posted, got = first.json(), second.json()
        assert set(got["headers"]) == {"host", "accept", "accept-encoding", "connection", "user-agent"}
        assert set(posted["headers"]) == {*got["headers"], "content-type", "content-length"}
        assert json.loads(posted["body"]) == {"query": "{ a }", "variables": {}, "operationName": None}
        assert (posted["query"], posted["server"].rpartition("/")[2]) == ("", "writing.sock")
        assert (got["path"], got["query"]) == ("/dagster/assets/a%2Fb", "x=%20")
        assert got["server"].rpartition("/")[2] == "reading.sock", "an administrator's reads change nothing either"
        assert not {"set-cookie", "location", "x-dagster-call-counts", "connection"} & set(first.headers)
        assert first.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"

    def test_nobody_waits_for_a_process_that_does_not_come_up(self, opened: Opened, tmp_path: Path) -> None:
        process = DagsterProcess([sys.executable, "-c", "raise SystemExit(3)"], dict(os.environ), tmp_path / "ui.log")
        headers = {"Authorization": f"Bearer {opened.key('*=admin')}"}
        (refused,) = asked_of(opened, process, ("GET", "/dagster/", {"headers": headers}))
        assert (refused.status_code, str(tmp_path / "ui.log") in refused.json()["detail"]) == (503, True)

    def test_it_is_stopped_when_nobody_came_for_a_while(self, opened: Opened, tmp_path: Path) -> None:
        headers = {"Authorization": f"Bearer {opened.key('*=admin')}"}
        pids = []

        class Noting(DagsterProcess):
            def close(self) -> None:
                pids.append(self.pid)
                super().close()

        process = Noting([sys.executable, "-c", ECHO], dict(os.environ), tmp_path / "ui.log", idle_s=0.2)
        (answer,) = asked_of(opened, process, ("GET", "/dagster/", {"headers": headers}), until_stopped=True)
        assert answer.status_code == 200
        started, stopped, *after = pids
        assert (started, stopped is not None, set(after)) == (None, True, {None})


class TestOperations:
    @pytest.mark.parametrize(
        ("query", "operation", "changes"),
        [
            ("{ version }", None, ()),
            ("query mutationOfNothing { version }", None, ()),
            ("mutation { a b: c { d } }", None, ("a", "c")),
            ("mutation A { a } mutation B { b }", "B", ("b",)),
            ("mutation A { a } query B { b }", "B", ()),
            ("mutation A { ...F } fragment F on Mutation { a ... { b } ...F }", None, ("a", "b")),
            ("# mutation\n{ version }", None, ()),
        ],
    )
    def test_what_is_changed_is_read_before_it_is(
        self, query: str, operation: str | None, changes: tuple[str, ...]
    ) -> None:
        assert operation_of(Request(query, {}, operation)).changes == changes

    @pytest.mark.parametrize("query", ["mutation {", "mutation " + "{a" * 9_000, "mutation { a }" * 10_000])
    def test_what_cannot_be_read_is_not_passed_on(self, query: str) -> None:
        with pytest.raises(ConfigurationError, match="cannot be read"):
            operation_of(Request(query, {}, None))

    @pytest.mark.parametrize("body", [b"", b"[]", b'{"query": 1}', b'[{"query": "{a}"}]', b"[" * 100_000])
    def test_what_is_no_request_is_not_passed_on(self, body: bytes) -> None:
        with pytest.raises(ConfigurationError, match="no GraphQL request"):
            request_of(body)

    def test_things_are_named_and_configuration_is_not(self) -> None:
        told = operation_of(
            Request(
                "mutation { a }",
                {"p": {"runConfigData": "password: x", "selector": {"jobName": "j"}}, "runIds": ["1", "2"]},
                None,
            )
        )
        assert told.named == ("jobName=j", "runIds=1", "runIds=2")


def test_a_caller_who_reads_everything_is_no_administrator_of_one() -> None:
    assert not Caller("1", "n", {"p": Role.ADMIN, "*": Role.READER}).may("administer", "*")  # type: ignore[arg-type]
