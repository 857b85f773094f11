"""Web pages against a real server on loopback: what is asked, what is listed, what is left alone."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from destiny_assets.adapters.source_context import SourceContext
from destiny_assets.adapters.sources import open_source
from destiny_assets.adapters.web.guard import is_public
from destiny_assets.adapters.web.requests import Failed, Fetched, Requests, open_client
from destiny_assets.adapters.web_source import WebPages
from destiny_assets.errors import ConfigurationError, StoreUnavailableError, UnreadableDocumentError
from tests.fakes.web_server import Site, serving_site
from tests.stages.growing import Growth

LOOPBACK = "127.0.0.1"
Open = Callable[..., WebPages]


@pytest.fixture
def site() -> Iterator[Site]:
    with serving_site() as served:
        yield served


@pytest.fixture
def pages(growth: Growth, site: Site, tmp_path: Path) -> Open:
    """Opens a web source of the growing project on the site."""

    def make(path: str = "/sitemap.xml", **options: str) -> WebPages:
        uri = path if path.startswith(("http", "file", str(tmp_path))) else site.root + path
        reader = open_source("web", uri, {"private_hosts": LOOPBACK, **options}, context_of(growth, "site", uri))
        assert isinstance(reader, WebPages)
        return reader

    return make


def context_of(growth: Growth, name: str, uri: str) -> SourceContext:
    from destiny_assets.adapters.postgres.projects import Source

    if name not in {source.name for source in growth.layers.ledger.projects.sources(growth.project)}:
        growth.layers.ledger.projects.add_source(growth.project, Source(name, "web", uri))
    return SourceContext(growth.project, name, growth.layers.ledger, growth.layers.originals, growth.folder / "cache")


def listed(reader: WebPages, site: Site) -> dict[str, str]:
    return {item.uri.removeprefix(site.root): item.fingerprint for item in reader.scan()}


class TestRequests:
    def test_a_second_scan_sends_conditional_requests_only_and_lists_the_same(self, pages: Open, site: Site) -> None:
        site.put("/robots.txt", "User-agent: *\nDisallow:\n", content_type="text/plain")
        site.sitemap("/sitemap.xml", "/a", "/b")
        site.article("/a", "A", "One.")
        site.article("/b", "B", "Two.")
        first = listed(pages(), site)
        assert site.asked() == ["/a", "/b", "/robots.txt", "/sitemap.xml"]
        assert listed(pages(), site) == first
        assert {(request.conditional, request.status) for request in site.requests} == {(True, 304)}
        assert site.asked() == ["/a", "/b", "/robots.txt", "/sitemap.xml"]

    def test_bytes_come_from_the_scan_and_reading_asks_nothing(self, pages: Open, site: Site) -> None:
        site.article("/a", "A", "One.", packed=True)
        reader = pages("/a")
        (item,) = reader.scan()
        site.asked()
        content = reader.read(item)
        assert b"<h1>A</h1>" in content.data
        assert content.media_type == "text/html; charset=utf-8"
        assert site.asked() == []

    def test_a_page_without_a_tag_that_stays_the_same_has_the_same_fingerprint(self, pages: Open, site: Site) -> None:
        site.article("/a", "A", "One.", tagged=False)
        assert listed(pages("/a"), site) == listed(pages("/a"), site)

    def test_we_say_who_we_are_and_whom_to_write_to(self, pages: Open, site: Site) -> None:
        site.article("/a", "A", "One.")
        list(pages("/a", contact="ops@example.org").scan())
        (agent,) = {request.agent for request in site.requests}
        assert agent.startswith("Destiny/")
        assert "ops@example.org" in agent

    def test_a_busy_server_is_asked_again_when_it_said(self, site: Site) -> None:
        site.article("/a", "A", "One.", fails=2, headers={"Retry-After": "7"})
        waits: list[float] = []
        with open_client(frozenset({LOOPBACK}), "") as client:
            answer = Requests(client, waits.append).get(f"{site.root}/a", None, lambda _: None)
        assert isinstance(answer, Fetched)
        assert waits == [7.0, 7.0]

    def test_a_server_that_wants_to_be_left_alone_for_an_hour_is(self, site: Site) -> None:
        site.article("/a", "A", "One.", fails=2, headers={"Retry-After": "3600"})
        waits: list[float] = []
        with open_client(frozenset({LOOPBACK}), "") as client:
            answer = Requests(client, waits.append).get(f"{site.root}/a", None, lambda _: None)
        assert isinstance(answer, Failed)
        assert "3600 s" in answer.detail
        assert (waits, site.asked()) == ([], ["/a"])

    def test_a_host_gets_two_requests_at_a_time(self, pages: Open, site: Site) -> None:
        site.sitemap("/sitemap.xml", *(f"/{number}" for number in range(30)))
        for number in range(30):
            site.article(f"/{number}", str(number), "Text.")
        assert len(listed(pages(), site)) == 30
        assert site.at_once <= 2


class TestWishes:
    def test_what_robots_txt_forbids_is_not_asked_and_says_why(self, pages: Open, site: Site) -> None:
        site.put(
            "/robots.txt",
            "User-agent: *\nDisallow: /private/*.html$\nAllow: /private/open.html\n",
            content_type="text/plain",
        )
        site.sitemap("/sitemap.xml", "/private/a.html", "/private/open.html", "/b")
        for path in ("/private/a.html", "/private/open.html", "/b"):
            site.article(path, path, "Text.")
        reader = pages()
        items = {item.uri.removeprefix(site.root): item for item in reader.scan()}
        assert "/private/a.html" not in site.asked()
        assert items["/private/a.html"].fingerprint == "excluded"
        assert items["/private/open.html"].fingerprint != "excluded"
        with pytest.raises(UnreadableDocumentError, match=r"robots\.txt") as caught:
            reader.read(items["/private/a.html"])
        assert caught.value.reason == "excluded"

    @pytest.mark.parametrize(
        ("head", "headers", "kept"),
        [
            ('<meta name="robots" content="noindex, follow">', {}, False),
            ('<meta name="ROBOTS" content="none">', {}, False),
            ("", {"X-Robots-Tag": "noindex"}, False),
            ("", {"X-Robots-Tag": "googlebot: noindex"}, True),
            ('<meta name="robots" content="index, max-snippet:50">', {}, True),
            ('<meta name="googlebot" content="noindex">', {}, True),
        ],
    )
    def test_noindex_is_honoured_where_it_is_meant_for_us(
        self, pages: Open, site: Site, head: str, headers: dict[str, str], kept: bool
    ) -> None:
        site.article("/a", "A", "One.", head=head, headers=headers)
        (fingerprint,) = listed(pages("/a"), site).values()
        assert (fingerprint != "excluded") is kept

    def test_a_crawl_delay_is_kept_between_requests(self, site: Site) -> None:
        from destiny_assets.adapters.web.manners import Host

        pauses: list[float] = []
        host = Host(site.root, b"User-agent: Destiny\nCrawl-delay: 5\n", pauses.append)
        for _ in range(3):
            host.take_turn()
        assert [round(pause) for pause in pauses] == [5, 10]


class TestAddresses:
    def test_a_page_lives_where_permanent_redirects_and_its_canonical_link_say(self, pages: Open, site: Site) -> None:
        site.sitemap("/sitemap.xml", "/old", "/moved", "/latest", "/a?print=1", "/A#part", "/A")
        site.put("/old", "", status=301, headers={"Location": "/new"})
        site.put("/moved", "", status=308, headers={"Location": "/new#top"})
        site.put("/latest", "", status=302, headers={"Location": "/v2"})
        site.article("/new", "New", "Text.")
        site.article("/v2", "Two", "Text.")
        site.article("/a?print=1", "A", "Text.", head='<link rel="canonical" href="/a">')
        site.article("/A", "Capital", "Text.", head='<link rel="canonical" href="https://elsewhere.example/A">')
        assert sorted(listed(pages(), site)) == ["/A", "/a", "/latest", "/new"]

    def test_a_sitemap_index_leads_to_packed_sitemaps_and_globs_choose(self, pages: Open, site: Site) -> None:
        site.sitemap("/one.xml", "/docs/a", "/docs/b", dated="2024-05-06")
        site.sitemap("/two.xml", "/blog/c")
        site.put("/two.xml.gz", gzip.compress(site.pages.pop("/two.xml").body), content_type="application/gzip")
        site.put(
            "/index.xml",
            "<sitemapindex>"
            + "".join(f"<sitemap><loc>{site.root}/{name}</loc></sitemap>" for name in ("one.xml", "two.xml.gz"))
            + "</sitemapindex>",
            content_type="text/xml",
        )
        for path in ("/docs/a", "/docs/b", "/blog/c"):
            site.article(path, path, "Text.")
        assert sorted(listed(pages("/index.xml"), site)) == ["/blog/c", "/docs/a", "/docs/b"]
        assert sorted(listed(pages("/index.xml", include="docs/*", exclude="docs/b"), site)) == ["/docs/a"]
        reader = pages("/index.xml", include="docs/a")
        (item,) = reader.scan()
        assert item.modified_at is not None
        assert (item.modified_at.year, reader.read(item).facts.updated_at) == (2024, item.modified_at)

    def test_a_file_of_addresses_is_a_list_here_and_on_the_web(self, pages: Open, site: Site, tmp_path: Path) -> None:
        lines = f"# ours\n{site.root}/a\n\n{site.root}/b#x\n"
        site.put("/list.txt", lines, content_type="text/plain")
        site.article("/a", "A", "One.")
        site.article("/b", "B", "Two.")
        (tmp_path / "list.txt").write_text(lines)
        assert sorted(listed(pages("/list.txt"), site)) == ["/a", "/b"]
        assert sorted(listed(pages(str(tmp_path / "list.txt")), site)) == ["/a", "/b"]
        (tmp_path / "list.txt").write_text("no address\n")
        with pytest.raises(StoreUnavailableError, match="no list"):
            list(pages(str(tmp_path / "list.txt")).scan())

    def test_counting_a_list_asks_for_no_page_and_keeps_nothing(self, pages: Open, site: Site, growth: Growth) -> None:
        site.sitemap("/sitemap.xml", "/a", "/b")
        assert pages().listed() == 2
        assert site.asked() == ["/robots.txt", "/sitemap.xml"]
        assert growth.layers.ledger.web.known(growth.project, "site") == {}


class TestTrouble:
    def test_a_page_that_is_gone_leaves_the_list_and_one_that_fails_stays(self, pages: Open, site: Site) -> None:
        site.sitemap("/sitemap.xml", "/a", "/b", "/c")
        for path in ("/a", "/b", "/c"):
            site.article(path, path, "Text.")
        before = listed(pages(), site)
        site.pages["/a"].status = 410
        site.pages["/b"].status = 403
        reader = pages()
        items = {item.uri.removeprefix(site.root): item for item in reader.scan()}
        assert {path: item.fingerprint for path, item in items.items()} == {"/b": "unreachable", "/c": before["/c"]}
        with pytest.raises(UnreadableDocumentError, match="403") as caught:
            reader.read(items["/b"])
        assert caught.value.reason == "unreachable"
        site.pages["/b"].status = 200
        assert listed(pages(), site) == {"/b": before["/b"], "/c": before["/c"]}

    def test_a_list_that_cannot_be_had_or_is_broken_stops_the_scan(self, pages: Open, site: Site) -> None:
        site.sitemap("/sitemap.xml", "/a")
        site.article("/a", "A", "One.")
        assert len(listed(pages(), site)) == 1
        for change in (
            {"status": 404},
            {"status": 403},
            {"body": b"<urlset><url>"},
            {"body": b"<!DOCTYPE x><urlset/>"},
        ):
            site.sitemap("/sitemap.xml", "/a")
            for name, value in change.items():
                setattr(site.pages["/sitemap.xml"], name, value)
            with pytest.raises(StoreUnavailableError):
                list(pages().scan())

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            ({"content_type": "image/png"}, "unsupported"),
            ({"headers": {"Location": "mailto:a@b.c"}, "status": 301}, "unreachable"),
        ],
    )
    def test_what_is_no_page_is_listed_with_its_reason(
        self, pages: Open, site: Site, options: dict[str, object], reason: str
    ) -> None:
        site.sitemap("/sitemap.xml", "/x")
        site.put("/x", b"x", **options)
        assert listed(pages(), site) == {"/x": reason}

    def test_a_host_that_does_not_answer_is_left_alone_after_a_few_pages(self, pages: Open, site: Site) -> None:
        site.sitemap("/sitemap.xml", *(f"/{number}" for number in range(12)))
        for number in range(12):
            site.article(f"/{number}", str(number), "Text.", dies=True)
        assert set(listed(pages(), site).values()) == {"unreachable"}
        asked = {path for path in site.asked() if path not in ("/robots.txt", "/sitemap.xml")}
        # Five in a row, and the one that the other lane was asking meanwhile.
        assert 5 <= len(asked) <= 6

    def test_a_robots_txt_that_cannot_be_had_keeps_us_out(self, pages: Open, site: Site) -> None:
        site.article("/a", "A", "One.")
        assert len(listed(pages("/a"), site)) == 1
        site.put("/robots.txt", "", status=500)
        site.asked()
        assert listed(pages("/a"), site) == {"/a": "unreachable"}
        assert "/a" not in site.asked()

    def test_redirects_that_never_end_do(self, pages: Open, site: Site) -> None:
        site.sitemap("/sitemap.xml", "/x")
        site.put("/x", "", status=302, headers={"Location": "/x"})
        assert listed(pages(), site) == {"/x": "unreachable"}
        assert site.asked().count("/x") == 11


class TestGuard:
    def test_a_private_host_needs_to_be_allowed_by_name(self, pages: Open, site: Site) -> None:
        site.article("/a", "A", "One.")
        with pytest.raises(StoreUnavailableError, match=r"private_hosts=127\.0\.0\.1"):
            list(pages("/a", private_hosts="wiki.example").scan())
        assert site.asked() == []

    def test_a_redirect_does_not_lead_to_a_private_host(self, pages: Open, site: Site) -> None:
        site.sitemap("/sitemap.xml", "/x")
        port = site.root.rpartition(":")[2]
        site.put("/x", "", status=302, headers={"Location": f"http://localhost:{port}/secret"})
        site.article("/secret", "Secret", "Text.")
        assert listed(pages(), site) == {"/x": "unreachable"}
        assert "/secret" not in site.asked()

    @pytest.mark.parametrize(
        "address",
        [
            *("127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "0.0.0.1", "224.0.0.1", "255.255.255.255"),
            *("::1", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"),
        ],
    )
    def test_addresses_that_are_not_public(self, address: str) -> None:
        assert not is_public(address)

    @pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34"])
    def test_addresses_that_are_public(self, address: str) -> None:
        assert is_public(address)


@pytest.mark.parametrize(
    ("uri", "options", "said"),
    [
        ("https://a.example/", {"depth": "3"}, "depth"),
        ("https://a.example/", {"refresh": "soon"}, "refresh"),
        ("https://a.example/", {"contact": "ä"}, "contact"),
        ("https://user:hunter2@a.example/", {}, "password"),
        ("ftp://a.example/", {}, "https"),
    ],
)
def test_what_cannot_be_meant_is_refused(growth: Growth, uri: str, options: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        open_source("web", uri, options, context_of(growth, "site", uri))
    assert "hunter2" not in str(caught.value)
