"""Projects that hold a secret word each, and every door asked for the words of others: which of them sing out of place.

Asked is for the same plain words everywhere, so a door that forgot a project would find all of the secrets, and none of them is in a
question.
"""

import asyncio
import itertools
import json
import random
import re
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult

from destiny_assets.sdk.async_client import AsyncDestiny
from destiny_assets.sdk.errors import NotFoundError
from destiny_assets.serving.mcp_reach import OwnersReach
from destiny_assets.serving.mcp_server import KnowledgeTools, create_server
from destiny_assets.serving.service import KnowledgeService
from tests.fakes.embedder import HashingEmbedder
from tests.serving.api.opened import Opened
from tests.stages.growing import Layers, growing

QUESTION = "which canary sings in plain sight"
_SECRET = re.compile(r"canary[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Cage:
    """A project: its name, the secret that is in everything it holds, ids of what it holds, and a key to it alone."""

    project: str
    secret: str
    ids: Mapping[str, str]
    key: str


@dataclass
class Heard:
    """What came through the doors: questions by door, how many found the asker's own secret, and what leaked where."""

    asked: Counter[str] = field(default_factory=Counter)
    own: Counter[str] = field(default_factory=Counter)
    leaks: list[str] = field(default_factory=list)

    def note(self, door: str, cage: Cage, told: Any) -> None:
        """One answer to the holder of a cage's key."""
        found = set(_SECRET.findall(told if isinstance(told, str) else json.dumps(told, default=str)))
        self.asked[door] += 1
        self.own[door] += cage.secret in found
        self.leaks += [f"{door}: {cage.project} hears {one}" for one in sorted(found - {cage.secret})]


def _documents(secret: str) -> dict[str, str]:
    return {
        f"adr-001-{secret}.md": f"---\nauthor: Warden {secret}\n---\n\n# Keep {secret}\n\n## Status\n\nAccepted\n\n## Decision\n\n"
        f"The canary sings in plain sight, and its name is {secret}.\n",
        f"birds/{secret}.md": f"# The bird {secret}\n\nColour: {secret} yellow\n\nWhich canary sings? It is {secret}.\n",
    }


@contextmanager
def caged(layers: Layers, opened: Opened, folder: Path, count: int) -> Iterator[list[Cage]]:
    """`count` projects over the real stages, each with a secret of its own."""
    with ExitStack() as stack:
        cages = []
        for number in range(count):
            secret = f"canary{secrets.token_hex(8)}"
            growth = stack.enter_context(growing(layers, folder / str(number) / "documents", _documents(secret)))
            growth.run()
            key = opened.key(f"{growth.project}=curator")
            with opened.client_with(key) as client:
                at = f"/v1/projects/{growth.project}"
                hit = client.get(f"{at}/search", params={"q": QUESTION, "recipe": "lexical"}).json()["hits"][0]
                ids = {"chunks": hit["chunk_id"], "documents": hit["document_id"]}
                for kind in ("entities", "claims", "decisions"):
                    ids[kind] = client.get(f"{at}/{kind}").json()["items"][0]["id"]
            cages.append(Cage(growth.project, secret, ids, key))
        yield cages


async def sing(opened: Opened, cages: list[Cage], questions: int, seed: int = 1) -> Heard:
    """At least so many questions, spread over all doors and pairs of projects."""
    heard, turn = Heard(), random.Random(seed)
    pairs = list(itertools.permutations(cages, 2))
    turn.shuffle(pairs)
    each = max(1, questions // len(_DOORS))
    for door, ask in _DOORS.items():
        asked = itertools.cycle(pairs)
        while heard.asked[door] < each:
            cage, other = next(asked)
            await ask(opened, cage, other, lambda told, door=door, cage=cage: heard.note(door, cage, told))
    return heard


Note = Callable[[Any], None]


async def _rest(opened: Opened, cage: Cage, other: Cage, note: Note) -> None:
    headers = {"Authorization": f"Bearer {cage.key}"}
    async with httpx.AsyncClient(base_url=f"{opened.url}/v1", headers=headers, timeout=120) as client:
        own = f"/projects/{cage.project}"
        for recipe in ("hybrid", "lexical", "dense", "graph"):
            note((await client.get(f"{own}/search", params={"q": QUESTION, "recipe": recipe, "k": 100})).text)
        note((await client.get(f"{own}/context", params={"q": QUESTION, "tokens": 4_000})).text)
        note((await client.post(f"{own}/ask", json={"question": QUESTION})).text)
        note((await client.post(f"{own}/ask/stream", json={"question": QUESTION})).text)
        for path in (
            "documents",
            "entities",
            "claims",
            "decisions",
            "labels/suggestions",
            "choices",
            "report",
            "runs",
            "sources",
        ):
            note((await client.get(f"{own}/{path}")).text)
        for kind, id_ in other.ids.items():
            shown = "documents" if kind == "chunks" else kind
            for path in (f"{shown}/{id_}", f"graph/{id_}", f"trust?item={id_}"):
                answer = await client.get(f"{own}/{path}")
                assert answer.status_code == 404, path
                note(answer.text)
        for path in (f"search?q={QUESTION}", "documents", "report", f"documents/{other.ids['documents']}/text"):
            answer = await client.get(f"/projects/{other.project}/{path}")
            assert answer.status_code == 404, path
            note(answer.text)
        note((await client.get("/projects")).text)


async def _sdk(opened: Opened, cage: Cage, other: Cage, note: Note) -> None:
    async with AsyncDestiny(opened.url, cage.key) as client:
        note(repr(await client.search(cage.project, QUESTION, k=100)))
        note(repr(await client.ask(cage.project, QUESTION)))
        note(repr(await client.claims(cage.project)))
        note(repr(await client.report(cage.project)))
        note(repr(await client.projects()))
        refused = (
            client.search(other.project, QUESTION),
            client.document(cage.project, other.ids["documents"]),
            client.explain_claim(cage.project, other.ids["claims"]),
            client.entity(cage.project, other.ids["entities"]),
            client.decision_history(cage.project, other.ids["decisions"]),
        )
        for one in refused:
            try:
                raise AssertionError(repr(await one))
            except NotFoundError as error:
                note(str(error))


async def _tools(client: Client, cage: Cage, other: Cage, note: Note) -> None:
    def said(found: CallToolResult) -> str:
        return repr(found.structured_content or found.content)

    for tool, arguments in (
        ("search", {"query": QUESTION, "k": 50}),
        ("context", {"query": QUESTION, "tokens": 2_000}),
        ("ask", {"question": QUESTION}),
        ("recall_decisions", {}),
    ):
        note(said(await client.call_tool(tool, {"project": cage.project, **arguments})))
        refused = await client.call_tool(tool, {"project": other.project, **arguments})
        assert refused.is_error, tool
        note(said(refused))
    refused = await client.call_tool("explain_trust", {"project": cage.project, "item": other.ids["chunks"]})
    assert refused.is_error
    note(said(refused))
    note(said(await client.call_tool("list_projects", {})))


async def _mcp_http(opened: Opened, cage: Cage, other: Cage, note: Note) -> None:
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {cage.key}"}, timeout=120) as http,
        Client(streamable_http_client(f"{opened.url}/mcp", http_client=http)) as client,
    ):
        await _tools(client, cage, other, note)


@asynccontextmanager
async def _on_standard_input(opened: Opened, project: str) -> AsyncIterator[Client]:
    """The tools as ``destiny mcp --project`` serves them."""
    ledger = opened.layers.ledger
    service = KnowledgeService(ledger, opened.layers.vectors, HashingEmbedder)
    tools = KnowledgeTools(service, OwnersReach(service, ledger, "tests"), project)
    async with Client(create_server(tools)) as client:
        yield client


async def _mcp_stdio(opened: Opened, cage: Cage, other: Cage, note: Note) -> None:
    async with _on_standard_input(opened, cage.project) as client:
        await _tools(client, cage, other, note)


async def _pages(opened: Opened, cage: Cage, other: Cage, note: Note) -> None:
    async with httpx.AsyncClient(base_url=opened.url, headers={"Origin": opened.url}, timeout=120) as client:
        await client.post("/sign-in", data={"key": cage.key})
        for project in (cage.project, other.project):
            for page in ("", "/search?q=canary", "/claims", f"/documents/{other.ids['documents']}"):
                note((await client.get(f"/p/{project}{page}")).text)
        for path in (f"{other.project}/search?q={QUESTION}", f"{cage.project}/documents/{other.ids['documents']}/text"):
            answer = await client.get(f"/v1/projects/{path}")
            assert answer.status_code == 404
            note(answer.text)
        note((await client.get(f"/v1/projects/{cage.project}/search?q={QUESTION}")).text)
        note((await client.get("/v1/projects")).text)


async def _dagster(opened: Opened, cage: Cage, other: Cage, note: Note) -> None:
    headers = {"Authorization": f"Bearer {cage.key}"}
    query = "query { runsOrError { __typename } partitionKeys: assetNodes { partitionKeys } }"
    async with httpx.AsyncClient(base_url=f"{opened.url}/dagster", headers=headers, timeout=120) as client:
        for answer in (
            await client.get("/"),
            await client.get(f"/runs?q=tag%3Adagster%2Fpartition%3D{other.project}"),
            await client.post("/graphql", json={"query": query}),
            await client.get("/graphql", params={"query": query}),
        ):
            assert answer.status_code == 403
            note(answer.text)


_DOORS = {
    "REST": _rest,
    "client": _sdk,
    "MCP over HTTP": _mcp_http,
    "MCP over standard input": _mcp_stdio,
    "pages": _pages,
    "Dagster UI": _dagster,
}


def run(opened: Opened, cages: list[Cage], questions: int) -> Heard:
    """`sing`, to its end."""
    return asyncio.run(sing(opened, cages, questions))
