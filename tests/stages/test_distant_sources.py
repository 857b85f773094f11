"""Projects that grow from web pages, from a bucket and from what is pushed, through every stage and all four layers."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import obstore
import pytest
from obstore.store import from_url

from destiny_assets.adapters.documents import open_document_store
from destiny_assets.adapters.postgres.projects import Source
from destiny_assets.domain.documents import SourceFacts
from destiny_assets.domain.pushing import PushedDocument
from destiny_assets.errors import ConfigurationError, ConflictError, NotFoundError, UnreadableDocumentError
from destiny_assets.serving.service import KnowledgeService
from tests.fakes.web_server import Site, serving_site
from tests.stages.growing import Growth


@pytest.fixture
def site() -> Iterator[Site]:
    with serving_site() as served:
        yield served


def grow_from(growth: Growth, kind: str, uri: str, **options: str) -> None:
    """Leave the folder for another source."""
    growth.layers.ledger.projects.remove_source(growth.project, "folder")
    growth.layers.ledger.projects.add_source(growth.project, Source("distant", kind, uri, options))


def reasons(growth: Growth) -> dict[str, str]:
    return {item.uri: item.reason for item in growth.layers.ledger.projects.quarantined(growth.project)}


class TestWeb:
    def test_pages_come_change_stay_while_their_host_is_down_and_leave(self, growth: Growth, site: Site) -> None:
        site.sitemap("/sitemap.xml", "/stamps", "/couriers", "/rain")
        site.article("/stamps", "Stamps", "A stamp costs three crowns inside the country.")
        site.article("/couriers", "Couriers", "A courier takes ten letters at a time.")
        site.article("/rain", "Rain", "Wet letters are dried on the stove.")
        grow_from(growth, "web", f"{site.root}/sitemap.xml", private_hosts="127.0.0.1")
        first = growth.run()
        assert growth.uris(first) == {f"{site.root}/{name}" for name in ("stamps", "couriers", "rain")}
        assert not any("Imprint" in text or "Home" in text for text in growth.seen(first).values())

        site.asked()
        assert growth.run().number == first.number
        assert {request.status for request in site.requests if request.path != "/robots.txt"} == {304}
        assert growth.reports["documents"]["read"] == 0

        site.article("/stamps", "Stamps", "A stamp costs four crowns inside the country.")
        site.pages["/couriers"].status = 404
        site.pages["/rain"].dies = True
        second = growth.run()
        assert growth.uris(second) == {f"{site.root}/stamps", f"{site.root}/rain"}
        assert any("four crowns" in text for text in growth.seen(second).values())
        assert reasons(growth) == {f"{site.root}/rain": "unreachable"}

        site.article(
            "/rain", "Rain", "Wet letters are dried on the stove.", head='<meta name="robots" content="noindex">'
        )
        third = growth.run()
        assert growth.uris(third) == {f"{site.root}/stamps"}
        assert reasons(growth) == {f"{site.root}/rain": "excluded"}

        site.article("/rain", "Rain", "Wet letters are dried on the stove.")
        assert growth.uris(growth.run()) == {f"{site.root}/stamps", f"{site.root}/rain"}
        assert reasons(growth) == {}

    def test_a_site_that_is_away_keeps_its_documents(self, growth: Growth) -> None:
        with serving_site() as site:
            site.article("/stamps", "Stamps", "A stamp costs three crowns inside the country.")
            grow_from(growth, "web", f"{site.root}/stamps", private_hosts="127.0.0.1")
            first = growth.run()
        assert growth.run().number == first.number
        assert set(reasons(growth).values()) == {"unreachable"}
        assert len(growth.uris(first)) == 1


class TestBucket:
    def test_a_project_grows_from_one_bucket_and_keeps_its_originals_in_another(
        self, growth: Growth, bucket: str
    ) -> None:
        growth.layers = replace(growth.layers, originals=open_document_store(f"{bucket}/originals"))
        store = from_url(f"{bucket}/handbook")
        obstore.put(store, "stamps.md", b"# Stamps\n\nA stamp costs three crowns.\n")
        obstore.put(store, "rain/wet.md", b"# Rain\n\nWet letters are dried on the stove.\n")
        grow_from(growth, "files", f"{bucket}/handbook")
        first = growth.run()
        assert growth.uris(first) == {"stamps.md", "rain/wet.md"}
        assert len(list(growth.layers.originals.ids(growth.project))) == 2
        assert growth.run().number == first.number

        obstore.rename(store, "rain/wet.md", "rain/dry.md")
        obstore.put(store, "stamps.md", b"# Stamps\n\nA stamp costs four crowns.\n")
        second = growth.run()
        assert growth.uris(second) == {"stamps.md", "rain/dry.md"}
        assert "four crowns" in growth.text_of("stamps.md", second)
        assert growth.reports["embeddings"]["texts"] == 1


class TestPushing:
    def test_a_pushed_document_is_read_replaced_and_forgotten_with_the_next_generations(self, growth: Growth) -> None:
        service = growth.service(originals=growth.layers.originals)
        growth.run()
        facts = SourceFacts(
            authors=("Ada Brook",), created_at=datetime(2026, 3, 4, tzinfo=UTC), fields={"team": "post"}
        )
        note = PushedDocument("notes/ink", "Blue ink fades in the sun.", facts=replace(facts, title="On ink"))
        accepted = service.add(growth.project, note)
        assert (accepted.state, accepted.source, accepted.generation) == ("accepted", "pushed", 1)
        assert growth.layers.originals.get(growth.project, accepted.sha256 or "") == note.data
        assert service.add(growth.project, note).state == "unchanged"

        first = growth.run()
        (passage,) = [hit for hit in service.search(growth.project, "ink", k=30).hits if hit.uri == "notes/ink"]
        assert (passage.document, passage.source) == ("On ink", "pushed")
        (stored,) = told(growth, "notes/ink")
        assert (stored["authors"], stored["created_on"], stored["fields"]) == (
            ["Ada Brook"], datetime(2026, 3, 4, tzinfo=UTC), {"team": "post"},
        )  # fmt: skip
        assert growth.run().number == first.number

        assert service.add(growth.project, replace(note, content=b"Black ink never fades.")).state == "accepted"
        second = growth.run()
        assert growth.text_of("notes/ink", second) == "Black ink never fades."

        renamed = replace(note, content=b"Black ink never fades.", facts=replace(facts, title="On black ink"))
        assert service.add(growth.project, renamed).state == "accepted"
        third = growth.run()
        assert third.number == second.number + 1
        assert [row["title"] for row in told(growth, "notes/ink")] == ["On black ink"]

        assert service.forget(growth.project, "notes/ink").state == "forgotten"
        assert "notes/ink" not in growth.uris(growth.run())
        with pytest.raises(NotFoundError, match="notes/ink"):
            service.forget(growth.project, "notes/ink")
        assert service.add(growth.project, note).state == "accepted"
        assert "notes/ink" in growth.uris(growth.run())

    def test_originals_of_what_no_generation_shows_yet_are_named(self, growth: Growth) -> None:
        service = growth.service(originals=growth.layers.originals)
        sha256 = service.add(growth.project, PushedDocument("note", b"Blue ink fades.")).sha256
        assert named_originals(growth) == {sha256}
        service.forget(growth.project, "note")
        assert named_originals(growth) == set()

    def test_what_could_not_be_taken_in_is_refused_at_once(self, growth: Growth) -> None:
        service = growth.service(originals=growth.layers.originals)
        for document, reason in (
            (PushedDocument("a", b""), "empty"),
            (PushedDocument("a", b"x" * (64 * 2**20 + 1)), "huge"),
            (PushedDocument("", b"x"), "broken"),
            (PushedDocument("a\nb", b"x"), "broken"),
            (PushedDocument("a", "\ud800"), "broken"),
            (PushedDocument("a", b"x", facts=SourceFacts(title="a\x00b")), "broken"),
        ):
            with pytest.raises(UnreadableDocumentError) as caught:
                service.add(growth.project, document)
            assert caught.value.reason == reason
        with pytest.raises(NotFoundError):
            service.add("nobody", PushedDocument("a", b"x"))
        with pytest.raises(ConflictError, match="folder"):
            service.add(growth.project, PushedDocument("a", b"x"), source="folder")
        assert [source.name for source in growth.layers.ledger.projects.sources(growth.project)] == ["folder"]

    def test_a_service_without_the_document_store_says_that_it_only_reads(self, growth: Growth) -> None:
        service: KnowledgeService = growth.service()
        with pytest.raises(ConfigurationError, match="only reads"):
            service.add(growth.project, PushedDocument("a", b"x"))


def named_originals(growth: Growth) -> set[str]:
    with growth.layers.ledger.transaction() as cursor:
        rows = cursor.execute("select sha256 from named_original where project = %s", (growth.project,))
        return {row["sha256"] for row in rows}


def told(growth: Growth, uri: str) -> list[dict[str, object]]:
    """What the ledger says of the living version of a document."""
    with growth.layers.ledger.transaction() as cursor:
        rows = cursor.execute(
            """select v.title, v.authors, v.created_on, v.fields from document_version v
               join document d on (d.project, d.id) = (v.project, v.document_id)
               where d.project = %s and d.uri = %s and v.died = 2147483647""",
            (growth.project, uri),
        )
        return list(rows)
