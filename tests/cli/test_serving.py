"""``destiny serve``, ``key`` and ``audit`` as a user meets them: processes of their own, and a server that ends when it is told to."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.conftest import Destiny
from tests.stages.growing import Growth


@contextmanager
def served(destiny: Destiny) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    process = subprocess.Popen(
        [sys.executable, "-c", "from destiny_assets.cli.app import main; main()", "serve", "--port", "0", "--json"],
        env=destiny._environment(os.environ, {}),
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        told = ""
        while not told.rstrip().endswith("}"):
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            told += line
        yield json.loads(told), process
    finally:
        process.kill()
        process.communicate()


def new_key(destiny: Destiny, *grants: str, name: str = "cli test") -> dict[str, Any]:
    options = [word for grant in grants for word in ("--grant", grant)]
    said = destiny("key", "create", name, *options, "--json")
    assert said.code == 0, said.err
    document: dict[str, Any] = said.document
    return document


def test_a_server_answers_on_loopback_until_it_is_told_to_stop(destiny: Destiny, grown: Growth) -> None:
    key = new_key(destiny, f"{grown.project}=reader")
    with served(destiny) as (told, process):
        assert told["url"].startswith("http://127.0.0.1:")
        headers = {"Authorization": f"Bearer {key['key']}"}
        with httpx.Client(base_url=told["url"], headers=headers, timeout=30) as client:
            assert client.get("/readyz").text == "ready"
            assert "<title>Destiny</title>" in client.get(told["pages"]).text
            found = client.get(f"/v1/projects/{grown.project}/search", params={"q": "stamp abroad", "k": 1}).json()
            assert found["hits"][0]["uri"] == "handbook/stamps.md"
            assert destiny("key", "revoke", key["id"], "--json").document == {"id": key["id"], "state": "revoked"}
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=60)
        assert process.returncode == 0
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert any((line.get("route") or "").endswith("/search") and line["status"] == 200 for line in lines)
    assert key["key"] not in log
    with served(destiny) as (told, _):
        assert httpx.get(f"{told['url']}/v1/me", headers=headers, timeout=30).status_code == 401


def test_keys_are_shown_once_listed_without_secrets_and_taken_back(destiny: Destiny, grown: Growth) -> None:
    key = new_key(destiny, f"{grown.project}=client", "*=reader", name="listed")
    assert (key["grants"], key["state"]) == ({grown.project: "client", "*": "reader"}, "open")
    listed = destiny("key", "list", "--json")
    mine = next(one for one in listed.document["keys"] if one["id"] == key["id"])
    assert mine == {name: value for name, value in key.items() if name != "key"}
    assert key["key"] not in listed.out
    assert destiny("key", "revoke", key["id"]).out.startswith(f"Key {key['id']} is revoked")
    after = next(one for one in destiny("key", "list", "--json").document["keys"] if one["id"] == key["id"])
    assert after["state"] == "revoked"
    shown = destiny("key", "list").out
    assert "revoked" in shown
    actions = [event["action"] for event in destiny("audit", "list", "--json").document["events"][:2]]
    assert actions == ["key.revoke", "key.create"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("key", "create", "x", "--grant", "nonsense"), "PROJECT=ROLE"),
        (("key", "create", "x", "--grant", "never-there=reader"), "There is no project 'never-there'"),
        (("key", "create", "a\nb", "--grant", "*=reader"), "1 to 100 characters"),
        (("key", "revoke", "0123456789abcdef"), "destiny key list"),
        (("audit", "verify", "--head", "short"), "64 hex digits"),
        (("serve", "--host", "no.such.host.invalid"), "no address of this machine"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(destiny: Destiny, arguments: tuple[str, ...], said: str) -> None:
    refused = destiny(*arguments)
    assert (refused.code, said in refused.err) == (1, True)


def test_commands_that_matter_are_in_the_audit_log_and_the_log_proves_itself(destiny: Destiny, growth: Growth) -> None:
    growth.run()
    assert destiny("rollback", growth.project, "1", DESTINY_ACTOR="key:7").code == 0
    assert destiny("rollback", growth.project, "9").code == 1
    (event,) = destiny("audit", "list", "--project", growth.project, "--json").document["events"]
    assert (event["actor"], event["action"], event["detail"]) == ("key:7", "generation.rollback", {"generation": 1})
    proof = destiny("audit", "verify", "--json").document
    assert (proof["ok"], proof["broken"], proof["events"] > 0) == (True, None, True)
    destiny("rollback", growth.project, "1")
    assert destiny("audit", "verify", "--head", proof["head"], "--json").document["holds_head"] is True
    cut = destiny("audit", "verify", "--head", "ab" * 32)
    assert (cut.code, "cut off" in cut.out) == (1, True)


def test_what_a_curator_does_from_here_is_noted_as_the_api_notes_it(
    destiny: Destiny, grown: Growth, tmp_path: Path
) -> None:
    project = grown.project
    (tmp_path / "note.md").write_text("# A note\n\nSaid once.\n")
    claim = destiny("claims", project, "--json").document["claims"][0]["id"]
    labels = tmp_path / "labels.csv"
    labels.write_text("object,attribute,value,verdict\nNobody,age,7,false\n")
    deeds = (
        ("trust", "label", project, claim, "true"),
        ("trust", "label", project, claim, "none"),
        ("trust", "label", project, claim, "none"),
        ("trust", "label", project, "--csv", str(labels)),
        ("trust", "family", project, "Press", "Ada", "Ben"),
        ("trust", "family", project, "Press", "Ada", "Ben", "--apart"),
        ("trust", "values", project, "Price", "one"),
        ("trust", "values", project, "price", "rule"),
        ("project", "gate", project, "--metric", "ndcg@10", "--fall", "0.02"),
        ("source", "add", project, "files", str(tmp_path), "--name", "more"),
        ("source", "remove", project, "more"),
        ("add", project, str(tmp_path / "note.md")),
        ("forget", project, "note.md"),
        ("source", "remove", project, "pushed"),
    )
    assert [destiny(*deed).code for deed in deeds] == [0, 0, 1, *[0] * 11]
    events = destiny("audit", "list", "--project", project, "--limit", "15", "--json").document["events"][::-1]
    assert [(event["action"], event["detail"]) for event in events] == [
        ("claims.label", {"labels": {claim: True}}),
        ("claims.take_label_back", {"claim": claim}),
        ("claims.take_label_back", {"claim": claim}),
        ("claims.take_label_back.refused", {"event": events[2]["id"], "reason": events[3]["detail"]["reason"]}),
        ("claims.label", {"statements": [["Nobody", "age", "7", False]]}),
        ("trust.family", {"family": "Press", "witnesses": ["Ada", "Ben"], "apart": False}),
        ("trust.family", {"family": "Press", "witnesses": ["Ada", "Ben"], "apart": True}),
        ("trust.values", {"predicate": "price", "values": "one"}),
        ("trust.values", {"predicate": "price", "values": "rule"}),
        ("project.gate", {"metric": "ndcg@10", "fall": 0.02}),
        ("source.add", {"kind": "files", "uri": str(tmp_path)}),
        ("source.remove", {"source": "more"}),
        ("document.push", {"uri": "note.md", "source": "pushed", "bytes": 21}),
        ("document.forget", {"uri": "note.md"}),
        ("source.remove", {"source": "pushed"}),
    ]
    assert all(event["actor"].startswith("cli:") for event in events)


def test_removing_a_project_is_noted_and_the_note_stays(destiny: Destiny) -> None:
    destiny("project", "add", "noted-and-gone")
    assert destiny("project", "remove", "noted-and-gone", "--yes", "--json").code == 0
    (event, *_) = destiny("audit", "list", "--project", "noted-and-gone", "--json").document["events"]
    assert (event["action"], event["actor"].startswith("cli:")) == ("project.remove", True)
