"""`destiny mcp` as an agent's client meets it: the SDK's own client, a process of its own, real layers."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.types import CallToolResult

from destiny_assets.adapters.embedders.factory import open_embedder
from tests.stages.growing import Growth, Layers, growing

CHECKOUT = Path(__file__).parents[2]
CODE = "from destiny_assets.cli.app import main; main()"


@pytest.fixture(scope="module")
def grown(layers: Layers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Growth]:
    with growing(layers, tmp_path_factory.mktemp("mcp") / "documents") as growth:
        growth.embedder = open_embedder("minilm")
        growth.run()
        yield growth


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DESTINY_", "DAGSTER_"))}
    return {**kept, "DESTINY_HOME": str(home)}


def talk(home: Path, work: Callable[[Client], Awaitable[Any]], *options: str) -> Any:
    """What `work` makes of a client of a new server."""
    server = StdioServerParameters(
        command=sys.executable, args=["-c", CODE, "mcp", *options], env=environment(home), cwd=CHECKOUT
    )

    async def session() -> Any:
        async with Client(stdio_client(server)) as client:
            return await work(client)

    return asyncio.run(session())


def content(result: CallToolResult) -> tuple[list[str], Any]:
    """Warnings and result of a call that went well."""
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content["warnings"], result.structured_content["result"]


def refusal(result: CallToolResult) -> str:
    assert result.is_error
    (block,) = result.content
    assert block.type == "text"
    assert "Traceback" not in block.text
    return block.text


def test_an_agent_reads_with_sources_and_warnings(grown: Growth, stores_home: Path) -> None:
    project = grown.project

    async def work(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        writes = {"remember_decision", "add_document"}
        reads = {"list_projects", "search", "ask", "context", "recall_decisions", "explain_trust"}
        assert set(tools) == reads | writes
        for name, tool in tools.items():
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint is (name in reads)
            assert tool.output_schema is not None
            assert all("description" in some for some in tool.input_schema["properties"].values()), name

        _, listed = content(await client.call_tool("list_projects", {}))
        mine = next(one for one in listed if one["project"] == project)
        assert (mine["generation"], mine["documents"]) == (1, 10)

        question = {"project": project, "query": "letters wait in a queue called Pigeon"}
        warnings, found = content(await client.call_tool("search", question))
        assert "adr-001-queue.md" not in {hit["uri"] for hit in found["hits"]}
        assert any("adr-001-queue.md: superseded by Use a stream for letters" in warning for warning in warnings)
        warnings, found = content(await client.call_tool("search", {**question, "mode": "all", "k": 1}))
        assert found["hits"][0]["uri"] == "adr-001-queue.md"
        assert warnings[0].startswith("Hit 1 (adr-001-queue.md) is superseded by")

        chunk = found["hits"][0]["chunk_id"]
        _, explained = content(await client.call_tool("explain_trust", {"project": project, "item": chunk}))
        assert explained["p"] == pytest.approx(found["hits"][0]["trust"], abs=1e-6)

        asked = {"project": project, "question": "what does a stamp cost abroad"}
        _, answer = content(await client.call_tool("ask", asked))
        assert "nine crowns abroad" in answer["answer"]
        assert answer["citations"][0]["uri"] == "handbook/stamps.md"

        _, pack = content(await client.call_tool("context", {"project": project, "task": "stamps", "tokens": 100}))
        assert 0 < pack["tokens"] <= 100
        assert [source["number"] for source in pack["sources"]] == list(range(1, len(pack["sources"]) + 1))
        assert "[1]" in pack["text"]

        assert "list_projects" in refusal(await client.call_tool("search", {"query": "stamps"}))
        unknown = await client.call_tool("search", {"query": "stamps", "project": "never-there"})
        assert "There is no project 'never-there'" in refusal(unknown)

    talk(stores_home, work)


def test_what_is_remembered_is_recalled_after_the_next_ingest(grown: Growth, stores_home: Path) -> None:
    bound = ("--project", grown.project)
    first = {
        "title": "Bicycles are bought second-hand",
        "rationale": "New ones are stolen.",
        "decided_by": ["Ada Brook"],
        "id": "D-bikes",
    }
    second = {**first, "title": "Bicycles are leased", "id": "D-lease", "supersedes": ["D-bikes"], "importance": 0.9}
    second |= {"rests_on": ["Spring report | author | Ada Brook"], "least_probability": 0.95}

    async def remember(client: Client) -> None:
        for entry in (first, second):
            warnings, pushed = content(await client.call_tool("remember_decision", entry))
            assert (pushed["state"], f"destiny ingest {grown.project}" in warnings[0]) == ("accepted", True)
        warnings, again = content(await client.call_tool("remember_decision", second))
        assert (again["state"], warnings) == ("unchanged", [])
        note = {"uri": "notes/ink.md", "content": "# Ink\n\nViolet ink fades within a year.\n"}
        assert content(await client.call_tool("add_document", note))[1]["state"] == "accepted"
        warnings, recalled = content(await client.call_tool("recall_decisions", {}))
        assert "D-lease" not in {decision["key"] for decision in recalled["decisions"]}
        assert any("decisions/D-lease" in warning for warning in warnings)

    async def recall(client: Client) -> None:
        found = await client.call_tool("recall_decisions", {"about": "leasing bicycles", "agent": "Ada Brook"})
        warnings, recalled = content(found)
        assert [(one["key"], one["importance"], one["holds"]) for one in recalled["decisions"]] == [
            ("D-lease", 0.9, True)
        ]
        (risk,) = recalled["decisions"][0]["at_risk"]
        assert risk.startswith("it rests on 'Spring report: author = Ada Brook', whose probability is 0.")
        assert warnings == [
            f"Decision D-lease is a decision at risk: {risk}. Ask whoever decided before you rely on it.",
            "1 decisions no longer hold and are left out; include_replaced shows them.",
        ]
        said, leased = content(await client.call_tool("search", {"query": "bicycles are leased", "k": 1}))
        assert (leased["hits"][0]["uri"], leased["hits"][0]["at_risk"]) == ("decisions/D-lease", [risk])
        assert f"Hit 1 (decisions/D-lease) is a decision at risk: {risk}." in said[0]
        said, _ = content(await client.call_tool("context", {"task": "bicycles are leased", "tokens": 300}))
        assert any(f"(decisions/D-lease) is a decision at risk: {risk}." in warning for warning in said)
        everything = await client.call_tool("recall_decisions", {"agent": "Ada Brook", "include_replaced": True})
        assert {one["key"]: one["superseded_by"] for one in content(everything)[1]["decisions"]} == {
            "D-bikes": ["D-lease"],
            "D-lease": [],
        }
        _, found_ink = content(await client.call_tool("search", {"query": "violet ink", "k": 1}))
        assert found_ink["hits"][0]["uri"] == "notes/ink.md"

    talk(stores_home, remember, *bound)
    events = grown.layers.ledger.audit.page(project=grown.project, limit=10)
    assert [event.action for event in events] == ["document.push"] * 4
    grown.run()
    talk(stores_home, recall, *bound)


def test_a_bound_server_shows_and_reaches_one_project(grown: Growth, growth: Growth, stores_home: Path) -> None:
    growth.run()
    bound, other = grown.project, growth.project

    async def work(client: Client) -> None:
        _, listed = content(await client.call_tool("list_projects", {}))
        assert [one["project"] for one in listed] == [bound]
        _, found = content(await client.call_tool("search", {"query": "stamps"}))
        assert found["project"] == bound
        for name, arguments in (
            ("search", {"query": "stamps"}),
            ("ask", {"question": "stamps"}),
            ("context", {"task": "stamps"}),
            ("recall_decisions", {}),
            ("explain_trust", {"item": "handbook/stamps.md"}),
            ("add_document", {"uri": "a.md", "content": "a"}),
            ("remember_decision", {"title": "a", "rationale": "b", "decided_by": ["c"]}),
        ):
            refused = refusal(await client.call_tool(name, {**arguments, "project": other}))
            assert f"bound to the project '{bound}'" in refused

    talk(stores_home, work, "--project", bound)
    assert growth.layers.ledger.projects.sources(other)[0].kind == "files"
    assert len(growth.layers.ledger.projects.sources(other)) == 1


def test_it_ends_when_the_client_closes_its_input_and_says_nothing_else(stores_home: Path) -> None:
    def run(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", CODE, "mcp", *options],
            env=environment(stores_home), cwd=CHECKOUT, input="", capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    ended = run()
    assert (ended.returncode, ended.stdout) == (0, "")
    refused = run("--project", "never-there")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "There is no project 'never-there'" in refused.stderr
