"""The MCP tools over HTTP as the SDK's own client meets them: keys, roles, rates, one project at a time, and the audit log."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult

from tests.serving.api.conftest import STAMPS
from tests.serving.api.opened import Opened
from tests.stages.growing import Growth

QUESTION = "what does a stamp cost abroad"


def talk(opened: Opened, key: str, work: Callable[[Client], Awaitable[Any]], **more: Any) -> Any:
    """What `work` makes of a client with this key."""

    async def session() -> Any:
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60) as http,
            Client(streamable_http_client(f"{opened.url}/mcp", http_client=http), **more) as client,
        ):
            return await work(client)

    return asyncio.run(session())


def result(found: CallToolResult) -> Any:
    assert not found.is_error, found.content
    assert found.structured_content is not None
    return found.structured_content["result"]


def refusal(found: CallToolResult) -> str:
    assert found.is_error
    (block,) = found.content
    assert block.type == "text"
    return block.text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_reader_reads_its_project_in_both_ages_of_the_protocol(opened: Opened, grown: Growth, mode: str) -> None:
    async def work(client: Client) -> None:
        assert {"search", "ask", "remember_decision"} <= {tool.name for tool in (await client.list_tools()).tools}
        listed = result(await client.call_tool("list_projects", {}))
        assert [(one["project"], one["generation"]) for one in listed] == [(grown.project, 2)]
        found = result(await client.call_tool("search", {"project": grown.project, "query": QUESTION, "k": 1}))
        assert (found["hits"][0]["uri"], found["generation"]) == (STAMPS, 2)
        answer = result(await client.call_tool("ask", {"project": grown.project, "question": QUESTION}))
        assert "four crowns" in answer["answer"]
        told = await client.call_tool(
            "ask", {"project": grown.project, "question": "Which emperor forged the seal of Zanzibar?"}
        )
        assert told.structured_content is not None
        (warning,) = told.structured_content["warnings"]
        assert "does not hold the answer. Looked for: " in warning
        assert "None of the nearest passages says: " in warning
        assert result(told)["nearest"][0]["text"]

    talk(opened, opened.key(f"{grown.project}=reader"), work, mode=mode)


def test_every_tool_keeps_to_the_projects_of_its_caller(opened: Opened, grown: Growth, growth: Growth) -> None:
    growth.run()
    other = growth.project

    async def work(client: Client) -> None:
        for name, arguments in (
            ("search", {"query": "stamps"}),
            ("ask", {"question": "stamps"}),
            ("context", {"task": "stamps"}),
            ("recall_decisions", {"about": "letters"}),
            ("explain_trust", {"item": STAMPS}),
            ("add_document", {"uri": "a.md", "content": "a"}),
            ("remember_decision", {"title": "a", "rationale": "b", "decided_by": ["c"]}),
        ):
            assert f"no project '{other}'" in refusal(await client.call_tool(name, {**arguments, "project": other}))
            if name in ("add_document", "remember_decision"):
                refused = refusal(await client.call_tool(name, {**arguments, "project": grown.project}))
                assert "right to contribute" in refused

    talk(opened, opened.key(f"{grown.project}=reader"), work)
    assert len(growth.layers.ledger.projects.sources(other)) == 1


def test_callers_at_the_same_time_are_told_apart(opened: Opened, grown: Growth, growth: Growth) -> None:
    growth.run()
    keys = {project: opened.key(f"{project}=reader") for project in (grown.project, growth.project)}

    async def ask(project: str) -> set[str]:
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {keys[project]}"}, timeout=60) as http,
            Client(streamable_http_client(f"{opened.url}/mcp", http_client=http)) as client,
        ):
            seen = set()
            for _ in range(10):
                seen |= {one["project"] for one in result(await client.call_tool("list_projects", {}))}
                found = result(await client.call_tool("search", {"project": project, "query": QUESTION}))
                seen.add(found["project"])
            return seen

    async def both() -> list[set[str]]:
        return await asyncio.gather(*(ask(project) for project in keys))

    assert asyncio.run(both()) == [{project} for project in keys]


def test_what_a_contributor_writes_is_noted_under_its_key(opened: Opened, growth: Growth) -> None:
    growth.run()

    async def work(client: Client) -> None:
        note = {
            "project": growth.project,
            "uri": "notes/ink.md",
            "content": "# Ink\n\nViolet ink fades within a year.\n",
        }
        assert result(await client.call_tool("add_document", note))["state"] == "accepted"

    with opened.client(f"{growth.project}=contributor") as client:
        key = client.headers["Authorization"].removeprefix("Bearer ")
        caller = client.get("/v1/me").json()["id"]
    talk(opened, key, work)
    (event,) = growth.layers.ledger.audit.page(project=growth.project, limit=10)
    assert (event.action, event.actor, event.detail["door"]) == ("document.push", caller, "mcp")
    growth.run()
    with opened.client(f"{growth.project}=reader") as client:
        found = client.get(f"/v1/projects/{growth.project}/search", params={"q": "violet ink", "k": 1}).json()
    assert found["hits"][0]["uri"] == "notes/ink.md"


def test_without_a_key_nothing_is_told_and_too_many_requests_wait(opened: Opened, grown: Growth) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    accept = {"Accept": "application/json, text/event-stream"}
    refused = httpx.post(f"{opened.url}/mcp", json=hello, headers=accept)
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    with opened.client(f"{grown.project}=reader", rate=1) as client:
        codes = [client.post("/mcp", json=hello, headers=accept).status_code for _ in range(5)]
    assert (codes[0], codes[-1]) == (200, 429)


def test_a_body_beyond_the_bound_is_refused(opened: Opened, grown: Growth) -> None:
    with opened.client(f"{grown.project}=contributor") as client:
        assert client.post("/mcp", content=b" " * 8_000_001).status_code == 413
