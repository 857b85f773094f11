"""Project isolation below every query: PostgreSQL shows the API's role one project, whatever is asked."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from destiny_assets.adapters.postgres.isolation import IsolatedLedger, read_project, reading_url
from destiny_assets.errors import ConfigurationError, NotFoundError
from destiny_assets.serving.service import KnowledgeService
from tests.fakes.embedder import HashingEmbedder
from tests.serving.api.opened import Opened
from tests.stages.growing import Growth, Layers, growing

CANARY = "the canary of the neighbours sings in plain sight"


@pytest.fixture(scope="module")
def neighbour(layers: Layers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Growth]:
    with growing(
        layers, tmp_path_factory.mktemp("neighbour") / "documents", {"canary.md": f"# Canary\n\n{CANARY}.\n"}
    ) as growth:
        growth.run()
        yield growth


@pytest.fixture(scope="module")
def isolated(layers: Layers) -> Iterator[IsolatedLedger]:
    with IsolatedLedger(reading_url(layers.stores.postgres_url), pool_size=2) as ledger:
        yield ledger


def tables(layers: Layers) -> list[tuple[str, bool, list[str]]]:
    """(name, protected, policies) of every table with a column `project`."""
    with layers.ledger.transaction() as cursor:
        rows = cursor.execute(
            """select c.relname, c.relrowsecurity,
                      array(select pg_get_expr(polqual, polrelid) from pg_policy where polrelid = c.oid) as policies
               from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'project' and not a.attisdropped
               where c.relnamespace = 'destiny'::regnamespace and c.relkind = 'r' order by 1"""
        ).fetchall()
    return [(row["relname"], row["relrowsecurity"], row["policies"]) for row in rows]


def test_every_table_with_a_project_has_a_policy_by_it(layers: Layers) -> None:
    found = tables(layers)
    assert len(found) > 25
    expected = "(project = current_setting('destiny.project'::text, true))"
    lacking = [name for name, protected, policies in found if not protected or policies != [expected]]
    assert lacking == [], f"Give them one in their own revision: select destiny.isolate('{lacking[0]}')"


def test_every_view_reads_as_whoever_asks(layers: Layers) -> None:
    with layers.ledger.transaction() as cursor:
        rows = cursor.execute(
            """select relname, coalesce(reloptions, '{}') as options from pg_class
               where relnamespace = 'destiny'::regnamespace and relkind = 'v'"""
        ).fetchall()
    assert len(rows) >= 4
    assert [row["relname"] for row in rows if "security_invoker=true" not in row["options"]] == []


def test_a_query_that_forgot_its_project_sees_one_and_without_one_none(
    layers: Layers, isolated: IsolatedLedger, grown: Growth, neighbour: Growth
) -> None:
    seen_somewhere = 0
    for name, _, _ in tables(layers):
        if name == "audit_event":
            continue
        for project, allowed in (
            (grown.project, {grown.project}),
            (neighbour.project, {neighbour.project}),
            ("", set()),
        ):
            read_project(project)
            with isolated.transaction() as cursor:
                rows = cursor.execute(f"select distinct project from {name}").fetchall()
            assert {row["project"] for row in rows} <= allowed, name
            seen_somewhere += len(rows)
    assert seen_somewhere > 20
    read_project(grown.project)
    with isolated.transaction() as cursor:
        views = {
            view: {row["project"] for row in cursor.execute(f"select distinct project from {view}").fetchall()}
            for view in ("supersession", "named_original", "published_decision", "current_decision")
        }
    assert list(views.values()) == [{grown.project}] * 4


@pytest.mark.parametrize(
    "statement",
    [
        *("select * from api_key", "select * from page_session", "select * from audit_event", "select * from kept_answer"),
        *("delete from chunk", "update publication set generation = 1"),
    ],
)  # fmt: skip
def test_the_role_reads_nothing_else_and_writes_nothing(
    isolated: IsolatedLedger, grown: Growth, statement: str
) -> None:
    read_project(grown.project)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), isolated.transaction() as cursor:
        cursor.execute(statement)


def test_a_service_that_is_talked_into_another_project_finds_none(
    layers: Layers, isolated: IsolatedLedger, grown: Growth, neighbour: Growth
) -> None:
    service = KnowledgeService(isolated, layers.vectors, HashingEmbedder)
    read_project(neighbour.project)
    assert CANARY in service.search(neighbour.project, CANARY).hits[0].text
    read_project(grown.project)
    with pytest.raises(NotFoundError, match="There is no project"):
        service.search(neighbour.project, CANARY)


def test_canaries_of_neighbours_sing_through_no_door(opened: Opened, grown: Growth, neighbour: Growth) -> None:
    with opened.client(f"{grown.project}=admin") as ours, opened.client(f"{neighbour.project}=admin") as theirs:
        at = f"/v1/projects/{neighbour.project}"
        hit = theirs.get(f"{at}/search", params={"q": CANARY}).json()["hits"][0]
        (document,) = theirs.get(f"{at}/documents").json()["items"]
        ids = [hit["chunk_id"], document["id"]]
        paths = [f"{kind}/{id_}" for kind in ("documents", "entities", "graph", "decisions") for id_ in ids]
        paths += [f"search?q={CANARY}&recipe={recipe}&k=100" for recipe in ("hybrid", "lexical", "dense", "graph")]
        paths += [f"context?q={CANARY}", "documents?limit=200", "entities?limit=200", f"trust?item={hit['chunk_id']}"]
        for path in paths:
            answer = ours.get(f"/v1/projects/{grown.project}/{path}")
            assert answer.status_code in (200, 404)
            if answer.status_code == 200:
                told = answer.json()
                told.pop("question", None)
                assert CANARY not in str(told), path
                assert not any(id_ in str(told) for id_ in ids), path
            assert ours.get(f"{at}/{path}").status_code == 404


@pytest.fixture
def titled(layers: Layers) -> Iterator[str]:
    """A project of so many titles that no other index than theirs is worth using."""
    name = f"titles-{secrets.token_hex(4)}"
    layers.ledger.projects.add(name)
    with layers.ledger.transaction() as cursor:
        cursor.execute(
            """insert into entity (project, id, key, kind, name, aliases, document_id, born)
               select %s, gen_random_uuid(), 'document/' || n, 'document', 'Title ' || n, '{}', gen_random_uuid(), 1
               from generate_series(1, 5000) as n""",
            (name,),
        )
        cursor.execute("analyze entity")
    yield name
    layers.ledger.projects.remove(name)


def test_searches_by_title_use_their_index_under_the_policy(isolated: IsolatedLedger, titled: str) -> None:
    read_project(titled)
    with isolated.transaction() as cursor:
        cursor.execute("set local enable_seqscan = off; set local enable_bitmapscan = off")
        rows = cursor.execute(
            """explain select document_id from entity where project = %s and document_id is not null and length(name) <= 200
               and title_key = any(%s) and born <= 2 and died > 2""",
            (titled, ["title 7", "title 4711"]),
        ).fetchall()
    plan = [str(next(iter(row.values()))).strip() for row in rows]
    assert any("entity_by_title" in line for line in plan)
    (condition,) = [line for line in plan if line.startswith("Index Cond")]
    assert "title_key = ANY" in condition


def test_a_role_that_sees_everything_is_refused(layers: Layers) -> None:
    owner = layers.stores.postgres_url
    with pytest.raises(ConfigurationError, match="sees every project"):
        reading_url(owner, owner)
    with pytest.raises(ConfigurationError, match="unknown"):
        reading_url(owner, "postgresql://nobody_at_all:x@127.0.0.1/destiny")
    assert reading_url(owner) == reading_url(owner)


def test_many_readers_at_once_keep_apart(opened: Opened, grown: Growth, neighbour: Growth) -> None:
    keys = {project: opened.key(f"{project}=reader") for project in (grown.project, neighbour.project)}

    def ask(number: int) -> set[str]:
        project = (grown.project, neighbour.project)[number % 2]
        headers = {"Authorization": f"Bearer {keys[project]}"}
        answer = httpx.get(
            f"{opened.url}/v1/projects/{project}/documents?limit=200&source=folder", headers=headers, timeout=60
        )
        return {item["uri"] for item in answer.json()["items"]}

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(ask, range(40)))
    assert all(uris == {"canary.md"} for uris in found[1::2])
    assert all("canary.md" not in uris and len(uris) == 10 for uris in found[::2])
