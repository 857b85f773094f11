"""Reading through the API: the same as the service says, of one generation, page by page, and not twice."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.serving.api.conftest import STAMPS
from tests.serving.api.opened import Opened
from tests.stages.growing import DOCUMENTS, Growth

QUESTION = "what does a stamp cost abroad"


@pytest.fixture
def at(grown: Growth) -> str:
    return f"/v1/projects/{grown.project}"


def pages(client: httpx.Client, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
    """The items of a list, page after page of two."""
    cursor = None
    while True:
        page = client.get(path, params={**parameters, "limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        assert len(page["items"]) <= 2
        yield from page["items"]
        if (cursor := page["next_cursor"]) is None:
            return


class TestQuestions:
    def test_a_search_is_the_services(self, reader: httpx.Client, grown: Growth, at: str) -> None:
        found = reader.get(f"{at}/search", params={"q": QUESTION, "k": 3}).json()
        expected = grown.service().search(grown.project, QUESTION, k=3)
        assert [hit["chunk_id"] for hit in found["hits"]] == [hit.chunk_id for hit in expected.hits]
        assert (found["generation"], found["degraded"], found["hits"][0]["uri"]) == (2, [], STAMPS)
        text = reader.get(f"{at}/documents", params={"uri": STAMPS}).json()["items"][0]
        whole = reader.get(f"{at}/documents/{text['id']}/text").text
        assert whole[slice(*found["hits"][0]["span"])] == found["hits"][0]["text"]

    def test_filters_and_modes_reach_the_service(self, reader: httpx.Client, at: str) -> None:
        asked = {"q": "letters queue stream", "author": "Ada Brook", "recipe": "lexical"}
        by_ada = reader.get(f"{at}/search", params=asked).json()
        assert {hit["uri"] for hit in by_ada["hits"]} <= {"reports/spring.md", "reports/autumn.md"}
        strict = reader.get(f"{at}/search", params={"q": "letters queue", "mode": "strict", "k": 50}).json()
        assert "adr-001-queue.md" not in {hit["uri"] for hit in strict["hits"]}
        assert strict["withheld"] > 0
        where = reader.get(f"{at}/search", params={"q": "x", "where": "nonsense"})
        assert (where.status_code, "name=value" in where.json()["detail"]) == (400, True)

    @pytest.mark.parametrize("by", ["generation", "as_of"])
    def test_the_past_is_answered_as_it_was(self, reader: httpx.Client, grown: Growth, at: str, by: str) -> None:
        first = grown.layers.ledger.generations.number(grown.project, 1)
        assert first.published_at is not None
        value = {"generation": 1, "as_of": first.published_at.isoformat()}[by]
        found = reader.get(f"{at}/search", params={"q": QUESTION, by: value}).json()
        assert (found["generation"], "three crowns" in found["hits"][0]["text"]) == (1, True)
        pack = reader.get(f"{at}/context", params={"q": QUESTION, "tokens": 100, by: value}).json()
        assert (pack["generation"], pack["tokens"] <= 100, "three crowns" in pack["text"]) == (1, True, True)
        answer = reader.post(f"{at}/ask", json={"question": QUESTION, by: value}).json()
        assert (answer["generation"], "three crowns" in answer["answer"]) == (1, True)

    def test_an_answer_cites_exact_spans(self, reader: httpx.Client, grown: Growth, at: str) -> None:
        answer = reader.post(f"{at}/ask", json={"question": QUESTION}).json()
        current = grown.layers.ledger.generations.number(grown.project, 2)
        assert answer["citations"]
        for citation in answer["citations"]:
            assert grown.text_of(citation["uri"], current)[slice(*citation["span"])] == citation["quote"]

    def test_a_time_and_a_generation_at_once_are_refused(self, reader: httpx.Client, at: str) -> None:
        both = {"as_of": datetime.now(UTC).isoformat(), "generation": 1}
        assert reader.get(f"{at}/search", params={"q": "x", **both}).status_code == 400
        assert reader.post(f"{at}/ask", json={"question": "x", **both}).status_code == 400

    def test_a_generation_in_the_making_is_shown_to_nobody(self, opened: Opened, growth: Growth) -> None:
        growth.run()
        growth.write("notes/secret.md", "# Secret\n\nNot yet published.\n")
        growth.run(until="vectors")
        with opened.client(f"{growth.project}=reader") as client:
            at = f"/v1/projects/{growth.project}"
            for path in ("/search?q=secret", "/documents?limit=1", "/decisions?limit=1", "/entities?limit=1"):
                refused = client.get(f"{at}{path}&generation=2")
                assert (refused.status_code, "not published" in refused.json()["detail"]) == (404, True)
            assert client.get(f"{at}/generations/2/changes", params={"since": 1}).status_code == 404


class TestEntityTags:
    @pytest.mark.parametrize(
        "path",
        ["/search?q=letters", "/context?q=letters", "/documents", "/entities", "/decisions", f"/trust?item={STAMPS}"],
    )
    def test_what_is_known_is_not_sent_again_until_readers_see_another_generation(
        self, reader: httpx.Client, grown: Growth, at: str, path: str
    ) -> None:
        first = reader.get(f"{at}{path}")
        tag = first.headers["etag"]
        again = reader.get(f"{at}{path}", headers={"If-None-Match": f'"other", {tag}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        generations = grown.layers.ledger.generations
        generations.rollback(grown.project, 1)
        try:
            assert reader.get(f"{at}{path}", headers={"If-None-Match": tag}).status_code == 200
        finally:
            generations.rollback(grown.project, 2)
        assert reader.get(f"{at}{path}", headers={"If-None-Match": tag}).status_code == 304

    def test_another_question_has_another_tag(self, reader: httpx.Client, at: str) -> None:
        tags = {reader.get(f"{at}/search", params={"q": q, "k": 1}).headers["etag"] for q in ("letters", "stamps")}
        assert len(tags) == 2


class TestDocuments:
    def test_pages_hold_every_document_once(self, reader: httpx.Client, at: str) -> None:
        uris = [document["uri"] for document in pages(reader, f"{at}/documents")]
        assert uris == sorted({*DOCUMENTS, "notes/ink.md"} - {"notes/rain.txt"})
        assert list(pages(reader, f"{at}/documents", source="elsewhere")) == []

    def test_later_pages_are_of_the_generation_of_the_first(self, reader: httpx.Client, grown: Growth, at: str) -> None:
        first = reader.get(f"{at}/documents", params={"limit": 5}).json()
        generations = grown.layers.ledger.generations
        generations.rollback(grown.project, 1)
        try:
            rest = reader.get(f"{at}/documents", params={"limit": 50, "cursor": first["next_cursor"]}).json()
        finally:
            generations.rollback(grown.project, 2)
        assert (first["generation"], rest["generation"], rest["next_cursor"]) == (2, 2, None)
        assert "notes/ink.md" in {document["uri"] for document in rest["items"]}

    def test_a_document_is_read_down_to_its_bytes(self, reader: httpx.Client, at: str) -> None:
        (listed,) = reader.get(f"{at}/documents", params={"uri": "adr-001-queue.md"}).json()["items"]
        document = reader.get(f"{at}/documents/{listed['id']}").json()
        assert document == listed
        assert (document["status"], document["superseded_by"]) == ("superseded", ["Use a stream for letters"])
        original = reader.get(f"{at}/documents/{listed['id']}/original")
        assert original.text == DOCUMENTS["adr-001-queue.md"]
        assert original.headers["content-type"] == "application/octet-stream"
        assert original.headers["content-disposition"] == "attachment; filename*=UTF-8''adr-001-queue.md"
        assert original.headers["x-content-sha256"] == document["sha256"]

    def test_a_document_of_another_generation_is_not_there(self, reader: httpx.Client, at: str) -> None:
        (rain,) = reader.get(f"{at}/documents", params={"uri": "notes/rain.txt", "generation": 1}).json()["items"]
        for path in ("", "/text", "/original"):
            assert reader.get(f"{at}/documents/{rain['id']}{path}").status_code == 404
            assert reader.get(f"{at}/documents/{rain['id']}{path}", params={"generation": 1}).status_code == 200


class TestBrowsing:
    def test_entities_are_listed_read_and_walked_from(self, reader: httpx.Client, at: str) -> None:
        every = list(pages(reader, f"{at}/entities"))
        assert len({entity["id"] for entity in every}) == len(every) > 3
        assert [entity["name"] for entity in every] == sorted(entity["name"] for entity in every)
        named = list(pages(reader, f"{at}/entities", q="COURIERS"))
        assert named
        assert all("couriers" in entity["name"].lower() for entity in named)
        one = next(entity for entity in every if entity["mentions"])
        page = reader.get(f"{at}/entities/{one['id']}").json()
        assert page["entity"] == one
        assert len(page["mentions"]) == one["mentions"]
        around = reader.get(f"{at}/graph/{one['id']}").json()
        mentioning = [edge for edge in around["edges"] if edge["type"] == "MENTIONS"]
        assert {edge["node"]["id"] for edge in mentioning} == {m["chunk_id"] for m in page["mentions"]}
        onward = reader.get(f"{at}/graph/{mentioning[0]['node']['id']}").json()
        assert one["id"] in {edge["node"]["id"] for edge in onward["edges"]}

    def test_decisions_are_searched_and_have_a_history(self, reader: httpx.Client, at: str) -> None:
        (holding,) = reader.get(f"{at}/decisions").json()["items"]
        assert holding["key"] == "adr-007-stream"
        both = list(pages(reader, f"{at}/decisions", everything=True))
        assert {decision["key"] for decision in both} == {"adr-007-stream", "adr-001-queue"}
        (found,) = reader.get(f"{at}/decisions", params={"q": "pigeon", "everything": True}).json()["items"]
        assert found["key"] == "adr-001-queue"
        old = next(decision for decision in both if decision["key"] == "adr-001-queue")
        history = reader.get(f"{at}/decisions/{old['id']}").json()
        assert [d["key"] for d in history["replaced_by"]] == ["adr-007-stream"]
        newer = reader.get(f"{at}/decisions/{holding['id']}").json()
        assert [d["key"] for d in newer["replaced"]] == ["adr-001-queue"]

    def test_trust_adds_up(self, reader: httpx.Client, at: str) -> None:
        found = reader.get(f"{at}/trust", params={"item": "adr-001-queue.md"}).json()
        assert sum(term["log_odds"] for term in found["terms"]) == pytest.approx(found["log_odds"])

    def test_generations_and_what_changed_between_them(self, reader: httpx.Client, at: str) -> None:
        assert [g["number"] for g in pages(reader, f"{at}/generations")] == [2, 1]
        found = reader.get(f"{at}/generations/2/changes", params={"since": 1}).json()
        changes = {item["uri"]: item["change"] for item in found["documents"]["items"]}
        assert changes == {STAMPS: "changed", "notes/ink.md": "added", "notes/rain.txt": "removed"}
        back = reader.get(f"{at}/generations/1/changes", params={"since": 2}).json()
        undone = {item["uri"]: item["change"] for item in back["documents"]["items"]}
        assert undone == {STAMPS: "changed", "notes/ink.md": "removed", "notes/rain.txt": "added"}
        assert reader.get(f"{at}/generations/2/changes", params={"since": 2}).json()["documents"]["items"] == []

    def test_health_and_benchmarks(self, reader: httpx.Client, at: str) -> None:
        doctor = reader.get(f"{at}/doctor").json()
        assert (doctor["ok"], set(doctor["layers"])) == (True, {"documents", "ledger", "vectors", "graph"})
        assert reader.get(f"{at}/benchmarks").json() == {"items": [], "next_cursor": None, "generation": None}

    def test_projects_are_those_one_may_read(self, reader: httpx.Client, grown: Growth, at: str) -> None:
        listed = reader.get("/v1/projects").json()["items"]
        assert [row["project"] for row in listed] == [grown.project]
        assert (listed[0]["generation"], listed[0]["documents"]) == (2, len(DOCUMENTS))
        assert reader.get(at).json() == listed[0]


class TestProblems:
    @pytest.mark.parametrize(
        ("path", "status", "said"),
        [
            ("/search", 422, "query.q"),
            ("/search?q=x&k=0", 422, "query.k"),
            ("/search?q=a%00b", 422, "NUL"),
            ("/search?q=x&recipe=magic", 404, "no recipe 'magic'"),
            ("/search?q=x&generation=99", 404, "no generation 99"),
            ("/search?q=x&as_of=1999-01-01", 404, "nothing published at"),
            ("/search?q=x&as_of=soon", 422, "query.as_of"),
            ("/documents?cursor=AAAA", 400, "cursor"),
            ("/documents?cursor=!", 422, "query.cursor"),
            ("/entities?cursor=WzIsImEiLCJiIl0", 400, "cursor"),
            ("/documents/00000000-0000-0000-0000-000000000000", 404, "shows no document"),
            ("/documents/nonsense", 422, "path.id"),
            ("/trust?item=nothing", 404, "is no chunk or document"),
            ("/nowhere", 404, "/v1/openapi.json"),
        ],
    )
    def test_a_refusal_is_a_problem_that_says_what_to_do(
        self, reader: httpx.Client, at: str, path: str, status: int, said: str
    ) -> None:
        refused = reader.get(f"{at}{path}")
        told = refused.json()
        assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json")
        assert told["status"] == status
        assert told["type"].startswith("urn:destiny:problem:")
        assert said in told["detail"]
        assert told["request_id"] == refused.headers["x-request-id"]
        assert refused.headers["cache-control"] == "no-store"

    def test_what_was_sent_is_not_repeated(self, reader: httpx.Client, at: str) -> None:
        refused = reader.post(f"{at}/ask", json={"question": "x", "password": "hunter2"})
        assert (refused.status_code, "hunter2" in refused.text) == (422, False)
        assert refused.json()["errors"][0]["where"] == "body.password"
