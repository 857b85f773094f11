"""Locks: nothing opens without a key, a key opens what it was made for and no longer than it lives, floods are turned away."""

import io
import json
import logging
import secrets
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from destiny_assets.adapters.postgres.api_keys import ApiKeys
from destiny_assets.domain.access import Caller, Role
from destiny_assets.domain.api_keys import KeyPrint, key_print, write_key
from destiny_assets.serving.api.app import include
from destiny_assets.serving.api.authentication import KNOWN_SECONDS, Authenticator, Busy, Unknown
from destiny_assets.serving.api.gate import MOST_BYTES
from tests.serving.api.opened import Opened
from tests.stages.growing import Growth


def every_route(opened: Opened) -> list[tuple[str, str]]:
    """(method, path) of every operation that the API's own description lists."""
    with opened.client("*=admin") as client:
        paths = client.get("/v1/openapi.json").json()["paths"]
    found = [
        (method.upper(), path.replace("{id}", "00000000-0000-0000-0000-000000000000").replace("{number}", "1"))
        for path, operations in paths.items()
        for method in operations
    ]
    assert len(found) > 25
    return found


class TestEveryRoute:
    def test_without_a_key_nothing_opens_but_the_probes(self, opened: Opened, grown: Growth) -> None:
        with httpx.Client(base_url=opened.url) as nobody:
            assert (nobody.get("/livez").text, nobody.get("/readyz").text) == ("alive", "ready")
            for method, path in [*every_route(opened), ("GET", "/"), ("GET", "/nowhere"), ("GET", "/v1/openapi.json")]:
                refused = nobody.request(method, path.replace("{project}", grown.project))
                assert (path, refused.status_code) == (path, 401)
                assert refused.headers["www-authenticate"] == "Bearer"
                assert "destiny key create" in refused.json()["detail"]

    def test_a_key_to_another_project_opens_none_of_this_one(self, opened: Opened, grown: Growth) -> None:
        with opened.client("another=admin") as stranger:
            for method, path in every_route(opened):
                if "{project}" in path:
                    refused = stranger.request(method, path.replace("{project}", grown.project))
                    assert (path, refused.status_code) == (path, 404)
                    unknown = stranger.request(method, path.replace("{project}", "never-there"))
                    told = refused.json()["detail"].replace(grown.project, "never-there")
                    assert told == unknown.json()["detail"]
            assert stranger.get("/v1/projects").json()["items"] == []
            assert stranger.get("/v1/audit").status_code == 403
            assert stranger.get("/v1/audit", params={"project": grown.project}).status_code == 404

    @pytest.mark.parametrize(
        ("role", "may", "may_not"),
        [
            (
                "client",
                ["GET search?q=x", "GET documents", "GET decisions", "GET generations"],
                ["GET sources", "GET doctor", "GET benchmarks", "GET ingests", "DELETE documents?uri=x", "POST rollback"],
            ),
            (
                "reader",
                ["GET sources", "GET benchmarks", "GET ingests"],
                ["PUT documents?uri=x", "DELETE documents?uri=x", "POST ingests", "POST rollback"],
            ),
            ("contributor", ["DELETE documents?uri=x"], ["POST rollback", "POST sources", "DELETE sources/x"]),
            ("curator", ["DELETE sources/x", "POST rollback"], ["DELETE "]),
        ],
    )  # fmt: skip
    def test_a_role_may_what_it_may_and_no_more(
        self, opened: Opened, grown: Growth, role: str, may: list[str], may_not: list[str]
    ) -> None:
        with opened.client(f"{grown.project}={role}") as client:
            for asked in may:
                method, _, path = asked.partition(" ")
                assert client.request(method, f"/v1/projects/{grown.project}/{path}").status_code in (200, 404, 422)
            for asked in may_not:
                method, _, path = asked.partition(" ")
                refused = client.request(method, f"/v1/projects/{grown.project}/{path}".rstrip("/"))
                assert (asked, refused.status_code) == (asked, 403)
                assert "administrator" in refused.json()["detail"]
            assert client.post("/v1/projects", json={"project": "x"}).status_code == 403

    def test_curators_attach_only_what_is_not_read_as_the_server(self, opened: Opened, growth: Growth) -> None:
        sources = [
            {"kind": "files", "uri": "/etc"},
            {"kind": "git", "uri": "ext::sh -c true"},
            {"kind": "web", "uri": "/etc/hosts"},
            {"kind": "web", "uri": "http://127.0.0.1/", "options": {"private_hosts": "127.0.0.1"}},
            {"kind": "decisions", "uri": "s3://bucket/x"},
        ]
        with opened.client(f"{growth.project}=curator") as curator, opened.client(f"{growth.project}=admin") as admin:
            for source in sources:
                for client in (curator, admin):
                    refused = client.post(f"/v1/projects/{growth.project}/sources", json=source)
                    assert (source, refused.status_code) == (source, 403)
            taken = curator.post(f"/v1/projects/{growth.project}/sources", json={"kind": "pushed", "uri": "inbox"})
            assert (taken.status_code, taken.json()["source"]["name"]) == (201, "inbox")

    def test_a_route_without_a_guard_cannot_be_added(self) -> None:
        router = APIRouter()
        router.add_api_route("/v1/open", lambda: "open")
        with pytest.raises(ValueError, match="/v1/open names no right"):
            include(FastAPI(), router)

    def test_everything_that_answers_has_safe_headers(self, opened: Opened, reader: httpx.Client) -> None:
        for answer in (reader.get("/v1/me"), reader.get("/nowhere"), httpx.get(f"{opened.url}/v1/me")):
            headers = answer.headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert "default-src 'none'" in headers["content-security-policy"]
            assert headers["cache-control"] in ("private, no-cache", "no-store")
            assert "Authorization" in headers["vary"]
            assert headers["x-request-id"]
            assert "access-control-allow-origin" not in headers
        kept = reader.get("/v1/me", headers={"X-Request-Id": "mine-1"})
        assert kept.headers["x-request-id"] == "mine-1"
        assert reader.get("/v1/me", headers={"X-Request-Id": "no spaces"}).headers["x-request-id"] != "no spaces"


class TestKeys:
    @pytest.mark.parametrize(
        "header",
        ["", "Bearer", "Basic dXNlcjpwYXNz", "Bearer dsty_", "Bearer é", "Bearer a.b.c", f"Bearer {'x' * 9_000}"],
    )
    def test_what_is_no_key_opens_nothing(self, opened: Opened, header: str) -> None:
        refused = httpx.get(f"{opened.url}/v1/me", headers={"Authorization": header.encode()})
        assert refused.status_code == 401

    def test_a_key_that_was_never_made_opens_nothing_and_neither_does_a_known_id_with_another_secret(
        self, opened: Opened
    ) -> None:
        key = opened.key("*=admin")
        printed = key_print(key)
        assert printed is not None
        for forged in (
            write_key(secrets.token_bytes(8), secrets.token_bytes(32)),
            write_key(bytes.fromhex(printed.id), bytes(32)),
        ):
            with opened.client_with(forged) as client:
                refused = client.get("/v1/me")
            assert (refused.status_code, 'error="invalid_token"' in refused.headers["www-authenticate"]) == (401, True)
        with opened.client_with(key) as client:
            assert client.get("/v1/me").json()["grants"] == {"*": "admin"}

    def test_a_key_past_its_time_opens_nothing(self, opened: Opened) -> None:
        with opened.client_with(opened.key("*=admin", days=-1)) as client:
            assert client.get("/v1/me").status_code == 401

    def test_only_a_hash_is_kept_and_use_is_noted(self, opened: Opened) -> None:
        key = opened.key("*=client", name="noted")
        with opened.client_with(key) as client:
            client.get("/v1/me")
        with opened.layers.ledger.transaction() as cursor:
            rows = cursor.execute(
                "select to_jsonb(k)::text as text, last_used_at from api_key k where name = 'noted'"
            ).fetchall()
        assert [row["last_used_at"] is not None for row in rows] == [True]
        assert key.split("_", 2)[2][:20] not in rows[0]["text"]

    def test_a_request_too_many_is_told_when_to_come_again(self, opened: Opened) -> None:
        with opened.client("*=client", rate=1.0) as client:
            answers = [client.get("/v1/me") for _ in range(6)]
        assert [answer.status_code for answer in answers[:2]] == [200, 200]
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert int(refused.headers["retry-after"]) >= 1
        assert "1 requests a second" in refused.json()["detail"]


class CountingKeys(ApiKeys):
    """The port to the ledger's keys, with a count of how often it was asked."""

    def __init__(self, known: dict[str, Caller]) -> None:
        self.known, self.asked = known, 0

    def caller(self, key: KeyPrint) -> Caller | None:
        self.asked += 1
        return self.known.get(key.id)


class TestBadKeysAreCheap:
    """The authenticator on a clock of the test's own."""

    @pytest.fixture
    def now(self) -> list[float]:
        return [1_000.0]

    def key(self, number: int) -> str:
        return write_key(number.to_bytes(8), number.to_bytes(32))

    def open(self, now: list[float], *known: int) -> tuple[CountingKeys, Authenticator]:
        keys = CountingKeys(
            {number.to_bytes(8).hex(): Caller(f"key:{number}", "k", {"*": Role.READER}) for number in known}
        )
        return keys, Authenticator(keys, clock=lambda: now[0])

    def ask(self, door: Authenticator, credential: str) -> Any:
        verdict = door.recall(credential)
        return door.verify(credential) if verdict is None else verdict

    def test_malformed_ones_are_never_looked_up(self, now: list[float]) -> None:
        keys, door = self.open(now, 1)
        for text in (
            "",
            "x",
            "dsty_0000000000000001_",
            self.key(1)[:-1] + "0",
            self.key(1) + "a",
            "a.b.c",
            "x" * 100_000,
        ):
            assert door.recall(text) == Unknown()
        assert keys.asked == 0

    def test_the_same_unknown_one_is_looked_up_once(self, now: list[float]) -> None:
        keys, door = self.open(now)
        assert {self.ask(door, self.key(7)) for _ in range(100)} == {Unknown()}
        assert keys.asked == 1

    def test_a_known_one_is_remembered_for_seconds_and_a_revoked_one_no_longer(self, now: list[float]) -> None:
        keys, door = self.open(now, 1)
        for _ in range(100):
            assert self.ask(door, self.key(1)).id == "key:1"
        assert keys.asked == 1
        keys.known.clear()
        now[0] += KNOWN_SECONDS + 0.1
        assert self.ask(door, self.key(1)) == Unknown()

    def test_a_flood_of_unknown_ones_is_looked_up_in_part_and_shuts_out_none_that_was_known(
        self, now: list[float]
    ) -> None:
        keys, door = self.open(now, 1)
        assert self.ask(door, self.key(1)).id == "key:1"
        now[0] += KNOWN_SECONDS + 0.1
        verdicts = [self.ask(door, self.key(number)) for number in range(100, 2_100)]
        assert Busy() in verdicts
        assert keys.asked <= 102
        assert self.ask(door, self.key(1)).id == "key:1"
        now[0] += 1.0
        assert self.ask(door, self.key(5_000)) == Unknown()


class TestSizes:
    def test_a_large_body_is_refused_by_what_it_says_and_by_what_it_is(
        self, opened: Opened, reader: httpx.Client, grown: Growth
    ) -> None:
        at = f"/v1/projects/{grown.project}/ask"
        said = reader.post(at, content=b"x" * (MOST_BYTES + 1))
        assert (said.status_code, f"{MOST_BYTES:,}" in said.json()["detail"]) == (413, True)

        def pieces() -> Iterator[bytes]:
            for _ in range(20):
                yield b"x" * 100_000

        with opened.client(f"{grown.project}=reader") as client:
            assert client.post(at, content=pieces()).status_code == 413


class TestLog:
    def test_a_request_is_one_line_without_its_question_and_key(self, opened: Opened, grown: Growth) -> None:
        key = opened.key(f"{grown.project}=reader")
        stream = io.StringIO()
        handler, log = logging.StreamHandler(stream), logging.getLogger("destiny.api")
        level = log.level
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        try:
            with opened.client_with(key) as client:
                client.get(f"/v1/projects/{grown.project}/search", params={"q": "a secret question"})
                httpx.get(f"{opened.url}/v1/me", headers={"Authorization": "Bearer hunter2"})
        finally:
            log.removeHandler(handler)
            log.setLevel(level)
        said = stream.getvalue()
        lines = [json.loads(line) for line in said.splitlines()]
        line = next(line for line in lines if line.get("route", "").endswith("/search"))
        assert (line["method"], line["project"], line["status"]) == ("GET", grown.project, 200)
        assert line["caller"] == f"key:{key.split('_')[1]}"
        assert not any(part in said for part in ("secret question", "hunter2", key.split("_", 2)[2]))
