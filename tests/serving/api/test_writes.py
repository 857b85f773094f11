"""Writing through the API: done once, noted before it is done, and by whoever may."""

import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.serving.api.opened import Opened, opened_over
from tests.stages.growing import Growth, Layers

PUSH = {"uri": "notes/glue.md", "title": "On glue", "author": ["Ada Brook", "Ben Cole"], "created": "2026-11-01"}
GLUE = b"# Glue\n\nGlue dries within an hour.\n"


@pytest.fixture
def curator(opened: Opened, growth: Growth) -> Iterator[httpx.Client]:
    with opened.client(f"{growth.project}=curator") as client:
        yield client


@pytest.fixture
def at(growth: Growth) -> str:
    return f"/v1/projects/{growth.project}"


def events(opened: Opened, project: str) -> list[tuple[str, dict[str, Any]]]:
    """What the audit log says of a project, oldest first."""
    found = opened.layers.ledger.audit.page(project=project, limit=100)
    return [(event.action, dict(event.detail)) for event in reversed(found)]


class TestDocuments:
    def test_a_pushed_document_is_read_after_the_next_ingest_and_leaves_after_the_one_that_follows_forgetting(
        self, opened: Opened, curator: httpx.Client, growth: Growth, at: str
    ) -> None:
        pushed = curator.put(f"{at}/documents", params=PUSH, content=GLUE, headers={"Content-Type": "text/markdown"})
        assert (pushed.status_code, pushed.json()["state"], pushed.json()["generation"]) == (200, "accepted", None)
        assert (
            curator.put(f"{at}/documents", params=PUSH, content=GLUE, headers={"Content-Type": "text/markdown"}).json()[
                "state"
            ]
            == "unchanged"
        )
        growth.run()
        (document,) = curator.get(f"{at}/documents", params={"uri": PUSH["uri"]}).json()["items"]
        assert (document["authors"], document["created_on"][:10]) == (PUSH["author"], PUSH["created"])
        assert curator.get(f"{at}/documents/{document['id']}/original").content == GLUE
        assert curator.delete(f"{at}/documents", params={"uri": PUSH["uri"]}).json()["state"] == "forgotten"
        growth.run()
        assert curator.get(f"{at}/documents", params={"uri": PUSH["uri"]}).json()["items"] == []
        refused = curator.delete(f"{at}/documents", params={"uri": PUSH["uri"]})
        assert (refused.status_code, PUSH["uri"] in refused.json()["detail"]) == (404, True)
        told = events(opened, growth.project)
        assert [action for action, _ in told] == [
            *["document.push"] * 2,
            *["document.forget"] * 2,
            "document.forget.refused",
        ]
        assert told[0][1]["uri"] == PUSH["uri"]

    def test_what_no_ingest_could_take_is_refused_with_its_reason(self, curator: httpx.Client, at: str) -> None:
        empty = curator.put(f"{at}/documents", params={"uri": "x.md"}, content=b"")
        assert (empty.status_code, empty.json()["type"]) == (422, "urn:destiny:problem:unreadable-document")
        assert curator.put(f"{at}/documents", params={"uri": "a\nb"}, content=b"x").status_code == 422
        assert curator.put(f"{at}/documents", params={"uri": "x", "source": "folder"}, content=b"x").status_code == 409


class TestIdempotency:
    def put(self, client: httpx.Client, at: str, key: str, uri: str = "a.md", content: bytes = b"A.") -> httpx.Response:
        return client.put(f"{at}/documents", params={"uri": uri}, content=content, headers={"Idempotency-Key": key})

    def test_a_request_sent_again_is_answered_alike_and_done_once(
        self, opened: Opened, curator: httpx.Client, growth: Growth, at: str
    ) -> None:
        key = secrets.token_hex(8)
        first, again = self.put(curator, at, key), self.put(curator, at, key)
        assert (first.json()["state"], again.json()) == ("accepted", first.json())
        assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
        assert [action for action, _ in events(opened, growth.project)] == ["document.push"]

    def test_another_request_under_the_same_key_is_refused_and_another_callers_key_is_its_own(
        self, opened: Opened, curator: httpx.Client, growth: Growth, at: str
    ) -> None:
        key = secrets.token_hex(8)
        self.put(curator, at, key)
        for changed in ({"uri": "b.md"}, {"content": b"B."}):
            refused = self.put(curator, at, key, **changed)  # type: ignore[arg-type]
            assert (refused.status_code, "Idempotency-Key" in refused.json()["detail"]) == (422, True)
        with opened.client(f"{growth.project}=curator") as other:
            assert self.put(other, at, key, uri="b.md").status_code == 200

    def test_a_request_that_failed_may_be_sent_again(self, curator: httpx.Client, growth: Growth, at: str) -> None:
        key, body = secrets.token_hex(8), {"generation": 1}
        headers = {"Idempotency-Key": key}
        assert curator.post(f"{at}/rollback", json=body, headers=headers).status_code == 404
        growth.run()
        assert curator.post(f"{at}/rollback", json=body, headers=headers).status_code == 200

    def test_of_many_at_once_one_is_done(self, opened: Opened, curator: httpx.Client, growth: Growth, at: str) -> None:
        key = secrets.token_hex(8)
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: self.put(curator, at, key), range(16)))
        assert {answer.status_code for answer in answers} <= {200, 409}
        assert [action for action, _ in events(opened, growth.project)] == ["document.push"]


class TestProjects:
    def test_a_project_comes_and_goes(self, opened: Opened, admin: httpx.Client) -> None:
        name = f"api-{secrets.token_hex(4)}"
        try:
            made = admin.post("/v1/projects", json={"project": name})
            assert (made.status_code, made.json()) == (201, {"project": name, "created": True})
            assert admin.post("/v1/projects", json={"project": name}).json()["created"] is False
            source = {"kind": "pushed", "uri": "inbox", "prior": 0.7}
            assert admin.post(f"/v1/projects/{name}/sources", json=source).json()["documents"] == 0
            (listed,) = admin.get(f"/v1/projects/{name}/sources").json()["items"]
            assert (listed["name"], listed["kind"], listed["prior"]) == ("inbox", "pushed", 0.7)
            assert admin.post(f"/v1/projects/{name}/sources", json={"kind": "magic", "uri": "x"}).status_code == 400
            assert admin.delete(f"/v1/projects/{name}/sources/inbox").json()["removed"] == {"sources": 1}
            assert admin.get(f"/v1/projects/{name}/search", params={"q": "x"}).status_code == 404
        finally:
            removed = admin.delete(f"/v1/projects/{name}")
        assert removed.json()["removed"]["ledger"] == 1
        assert admin.delete(f"/v1/projects/{name}").status_code == 404
        told = [action for action, _ in events(opened, name)]
        assert told[0] == "project.create"
        assert told[-3:] == ["project.remove", "project.remove", "project.remove.refused"]

    def test_readers_are_pointed_back_and_forth(
        self, opened: Opened, curator: httpx.Client, growth: Growth, at: str
    ) -> None:
        growth.run()
        growth.delete("notes/rain.txt")
        growth.run()
        assert curator.post(f"{at}/rollback", json={"generation": 1}).json()["current"] is True
        assert curator.get(at).json()["generation"] == 1
        assert curator.post(f"{at}/rollback", json={"generation": 2}).json()["number"] == 2
        assert [detail["generation"] for action, detail in events(opened, growth.project)] == [1, 2]


class TestAudit:
    def test_every_write_is_chained_and_administrators_read_it(
        self, opened: Opened, curator: httpx.Client, growth: Growth, at: str
    ) -> None:
        for number in range(3):
            curator.put(f"{at}/documents", params={"uri": f"{number}.md"}, content=b"x")
        with opened.client(f"{growth.project}=admin") as admin:
            first = admin.get("/v1/audit", params={"project": growth.project, "limit": 2}).json()
            rest = admin.get("/v1/audit", params={"project": growth.project, "cursor": first["next_cursor"]}).json()
            assert admin.get("/v1/audit").status_code == 403
            assert admin.get("/v1/audit", params={"project": growth.project, "cursor": "WzEsIngiXQ"}).status_code == 400
        shown = [*first["items"], *rest["items"]]
        assert [event["detail"]["uri"] for event in shown] == ["2.md", "1.md", "0.md"]
        assert {event["actor"] for event in shown} == {curator.get("/v1/me").json()["id"]}
        proof = opened.layers.ledger.audit.verify()
        assert (proof.ok, proof.events >= 3, proof.broken) == (True, True, None)
        assert opened.layers.ledger.audit.holds(shown[0]["digest"])
        assert not opened.layers.ledger.audit.holds("ab" * 32)

    @pytest.mark.parametrize(
        "statement",
        ["update audit_event set actor = 'nobody'", "delete from audit_event", "truncate audit_event"],
    )
    def test_postgresql_itself_refuses_to_change_it(self, opened: Opened, statement: str) -> None:
        opened.layers.ledger.audit.append("tests", "test", None, {})
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege, match="only grows"),
            opened.layers.ledger.transaction() as cursor,
        ):
            cursor.execute(statement)

    def test_what_was_changed_behind_its_back_is_found(self, opened: Opened) -> None:
        ledger = opened.layers.ledger
        forged = [ledger.audit.append("tests", "test", None, {"number": number}) for number in range(3)][1]
        try:
            with ledger.transaction() as cursor:
                cursor.execute("alter table audit_event disable trigger audit_rows_stay")
                cursor.execute("update audit_event set actor = 'somebody else' where id = %s", (forged.id,))
            proof = ledger.audit.verify()
            assert (proof.ok, proof.broken) == (False, forged.id)
        finally:
            with ledger.transaction() as cursor:
                cursor.execute("update audit_event set actor = 'tests' where id = %s", (forged.id,))
                cursor.execute("alter table audit_event enable trigger audit_rows_stay")
        assert ledger.audit.verify().ok

    def test_many_writers_make_one_chain(self, opened: Opened) -> None:
        with ThreadPoolExecutor(8) as threads:
            list(
                threads.map(
                    lambda number: opened.layers.ledger.audit.append("tests", "test", None, {"n": number}), range(40)
                )
            )
        assert opened.layers.ledger.audit.verify().ok


class TestIngests:
    def test_an_ingest_is_started_followed_and_published(self, curator: httpx.Client, at: str) -> None:
        refused = curator.get(f"{at}/ingests/00000000-0000-0000-0000-000000000000")
        assert refused.status_code == 404
        started = curator.post(f"{at}/ingests", json={})
        assert (started.status_code, started.json()["state"]) == (202, "queued")
        again = curator.post(f"{at}/ingests", json={})
        assert (again.status_code, "already" in again.json()["detail"]) == (409, True)
        told: list[tuple[str, dict[str, Any]]] = []
        with curator.stream("GET", f"{at}/ingests/{started.json()['id']}/events", timeout=200) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            kind = ""
            for line in stream.iter_lines():
                field, _, value = line.partition(": ")
                if field == "event":
                    kind = value
                elif field == "data":
                    told.append((kind, json.loads(value)))
        assert {name for name, _ in told[:-1]} <= {"progress"}
        name, last = told[-1]
        assert (name, last["state"], last["result"]["published"], last["result"]["generation"]) == (
            "end",
            "succeeded",
            True,
            1,
        )
        assert last["progress"]
        assert curator.get(f"{at}/ingests").json()["items"][0] == last
        assert curator.get(f"{at}/search", params={"q": "letters", "recipe": "lexical"}).json()["generation"] == 1

    def test_one_without_a_source_is_refused_and_to_accept_worse_takes_a_curator(
        self, opened: Opened, admin: httpx.Client, growth: Growth, at: str
    ) -> None:
        with opened.client(f"{growth.project}=contributor") as contributor:
            refused = contributor.post(f"{at}/ingests", json={"accept_worse": "because"})
        assert refused.status_code == 403
        name = f"api-{secrets.token_hex(4)}"
        admin.post("/v1/projects", json={"project": name})
        try:
            assert admin.post(f"/v1/projects/{name}/ingests", json={}).status_code == 409
        finally:
            admin.delete(f"/v1/projects/{name}")

    def test_a_server_that_is_told_to_stop_ends_its_streams(
        self, layers: Layers, stores_home: Path, growth: Growth, at: str
    ) -> None:
        followed = "22222222-2222-4222-8222-222222222222"
        layers.ledger.ingest_requests.add(growth.project, followed, "tests", None)
        with opened_over(layers, stores_home) as own, own.client(f"{growth.project}=reader") as client:
            with client.stream("GET", f"{at}/ingests/{followed}/events") as stream:
                lines = stream.iter_lines()
                assert next(lines) == "event: progress"
                own.doors.closing.set()
                data, *rest = lines
                assert (data.startswith("data: "), rest) == (True, [""])
            assert client.get("/readyz").status_code == 503

    def test_one_whose_server_died_is_told_and_makes_way(
        self, opened: Opened, curator: httpx.Client, growth: Growth, at: str
    ) -> None:
        requests, lost = opened.layers.ledger.ingest_requests, "11111111-1111-4111-8111-111111111111"
        requests.add(growth.project, lost, "tests", None)
        requests.begin(growth.project, lost)
        assert curator.post(f"{at}/ingests", json={}).status_code == 409
        with opened.layers.ledger.transaction() as cursor:
            cursor.execute("update ingest_request set seen_at = now() - interval '2 minutes' where id = %s", (lost,))
        found = curator.get(f"{at}/ingests/{lost}").json()
        assert (found["state"], "start another" in found["reason"]) == ("failed", True)
