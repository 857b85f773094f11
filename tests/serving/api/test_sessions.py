"""Sessions of the pages: a key becomes a cookie that tells nothing of it, opens what the key opens, and ends with it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from destiny_assets.adapters.postgres.api_keys import ApiKeys
from destiny_assets.domain.access import Caller, Role
from destiny_assets.domain.api_keys import write_key
from destiny_assets.domain.page_sessions import session_digest, write_session
from destiny_assets.serving.api.authentication import KNOWN_SECONDS, Authenticator, Busy, Unknown
from destiny_assets.serving.api.sessions import PAGE_HEADER
from tests.serving.api.opened import Opened
from tests.stages.growing import Growth

COOKIE = "destiny_session"


@contextmanager
def browser(opened: Opened, key: str | None = None) -> Iterator[httpx.Client]:
    """A client that holds cookies and says where its requests come from, as a browser does; signed in where a key is given."""
    with httpx.Client(base_url=opened.url, timeout=60, headers={"Origin": opened.url}) as client:
        if key is not None:
            assert client.post("/sign-in", data={"key": key}).status_code == 303
        yield client


class TestTheWayIn:
    def test_a_key_becomes_a_session_that_holds_nothing_of_it(self, opened: Opened, grown: Growth) -> None:
        key = opened.key(f"{grown.project}=reader")
        with browser(opened) as client:
            answer = client.post("/sign-in", data={"key": f" {key}\n", "next": f"/p/{grown.project}/search?q=a"})
            assert (answer.status_code, answer.headers["location"]) == (303, f"/p/{grown.project}/search?q=a")
            cookie = answer.headers["set-cookie"]
            assert re.search(r"HttpOnly; Max-Age=\d+; Path=/; SameSite=strict$", cookie), cookie
            assert key.split("_", 2)[2] not in cookie
            assert client.get("/v1/me").json()["grants"] == {grown.project: "reader"}
            assert client.get("/v1/projects").json()["items"][0]["project"] == grown.project
            session = client.cookies[COOKIE]
        with opened.layers.ledger.transaction() as cursor:
            kept = cursor.execute("select * from page_session where digest = %s", (session_digest(session),)).fetchall()
            assert len(kept) == 1
            assert session not in str(kept)
            event = cursor.execute("select * from audit_event order by id desc limit 1").fetchone()
        assert event is not None
        assert (event["actor"], event["action"]) == (f"key:{key.split('_')[1]}", "session.begin")

    @pytest.mark.parametrize("key", ["", "nonsense", write_key(bytes(8), bytes(32)), "<b>dsty_</b>"])
    def test_what_is_no_key_gets_none_and_is_not_repeated(self, opened: Opened, key: str) -> None:
        with browser(opened) as client:
            refused = client.post("/sign-in", data={"key": key, "next": '/"><script>'})
        assert (refused.status_code, "unknown, was revoked or has expired" in refused.text) == (401, True)
        assert "set-cookie" not in refused.headers
        assert not key or key not in refused.text
        assert "><script>" not in refused.text

    @pytest.mark.parametrize(
        ("target", "gone_to"),
        [("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil.example", "/"), ("/a\r\nb: c", "/"), ("/p/x", "/p/x")],
    )  # fmt: skip
    def test_it_leads_nowhere_else(self, opened: Opened, target: str, gone_to: str) -> None:
        with browser(opened) as client:
            answer = client.post("/sign-in", data={"key": opened.key("*=client"), "next": target})
        assert answer.headers["location"] == gone_to

    def test_a_form_of_another_site_signs_nobody_in(self, opened: Opened) -> None:
        for origin in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {}, {"Sec-Fetch-Site": "cross-site"}):
            refused = httpx.post(f"{opened.url}/sign-in", data={"key": opened.key("*=client")}, headers=origin)
            assert (refused.status_code, "set-cookie" in refused.headers) == (403, False)

    def test_a_page_leads_to_the_door_and_the_door_back(self, opened: Opened) -> None:
        with browser(opened) as client:
            sent = client.get("/p/notes/search", params={"q": "ink & paper"}, headers={"Accept": "text/html"})
            assert sent.status_code == 303
            at = urlsplit(sent.headers["location"])
            assert at.path == "/sign-in"
            shown = client.get(sent.headers["location"])
            assert 'value="/p/notes/search?q=ink+%26+paper"' in shown.text
            assert client.get("/v1/me", headers={"Accept": "text/html"}).status_code == 401
        with browser(opened, opened.key("*=client")) as client:
            back = client.get(sent.headers["location"])
            assert (back.status_code, back.headers["location"]) == (303, "/p/notes/search?q=ink+%26+paper")

    def test_over_tls_the_cookie_is_bound_to_the_host_and_to_tls(self, opened: Opened) -> None:
        with browser(opened) as client:
            forwarded = {"X-Forwarded-Proto": "https"}
            answer = client.post("/sign-in", data={"key": opened.key("*=client")}, headers=forwarded)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-destiny_session=dsts_")
        assert cookie.endswith("; Secure")


class TestTheWayOut:
    def test_signing_out_ends_it_on_the_server_too(self, opened: Opened) -> None:
        with browser(opened, opened.key("*=client")) as client:
            session = client.cookies[COOKIE]
            assert client.get("/v1/me").status_code == 200
            left = client.post("/sign-out")
            assert (left.status_code, left.headers["location"]) == (303, "/sign-in")
            assert COOKIE not in client.cookies
            client.cookies.set(COOKIE, session)
            assert client.get("/v1/me").status_code == 401

    def test_a_session_ends_with_its_key(self, opened: Opened) -> None:
        key = opened.key("*=client")
        with browser(opened, key) as client:
            digest = session_digest(client.cookies[COOKIE])
            assert digest is not None
            keys = opened.layers.ledger.api_keys
            assert keys.caller_of_session(digest) is not None
            with opened.layers.ledger.transaction() as cursor:
                cursor.execute("update api_key set expires_at = now() where id = %s", (key.split("_")[1],))
            assert keys.caller_of_session(digest) is None
            with opened.layers.ledger.transaction() as cursor:
                cursor.execute(
                    "update api_key set expires_at = now() + interval '1 day' where id = %s", (key.split("_")[1],)
                )
            assert keys.caller_of_session(digest) is not None
            keys.revoke(key.split("_")[1])
            assert keys.caller_of_session(digest) is None

    def test_it_never_outlives_its_key_or_its_own_time(self, opened: Opened) -> None:
        key = opened.key("*=client")
        with browser(opened, key) as client:
            digest = session_digest(client.cookies[COOKIE])
            with opened.layers.ledger.transaction() as cursor:
                row = cursor.execute(
                    """select s.expires_at <= k.expires_at and s.expires_at <= now() + interval '12 hours' as within
                       from page_session s join api_key k on k.id = s.key_id where s.digest = %s""",
                    (digest,),
                ).fetchone()
                assert row is not None
                assert row["within"]
                cursor.execute(
                    "update page_session set expires_at = now() - interval '1 s' where digest = %s", (digest,)
                )
            assert digest is not None
            assert opened.layers.ledger.api_keys.caller_of_session(digest) is None


class TestForgedRequests:
    """A browser adds the cookie to whatever makes it send a request; what the pages did not send is refused."""

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({}, 403),
            ({PAGE_HEADER: "1", "Origin": "https://evil.example"}, 403),
            ({PAGE_HEADER: "1", "Origin": "null"}, 403),
            ({PAGE_HEADER: "1", "Origin": ""}, 403),
            ({PAGE_HEADER: "1", "Sec-Fetch-Site": "cross-site"}, 403),
            ({PAGE_HEADER: "1", "Sec-Fetch-Site": "same-site"}, 403),
            ({"Sec-Fetch-Site": "same-origin"}, 403),
            ({PAGE_HEADER: "1", "Sec-Fetch-Site": "same-origin"}, 200),
        ],
    )
    def test_a_write_is_taken_from_the_pages_alone(
        self, opened: Opened, grown: Growth, headers: dict[str, str], status: int
    ) -> None:
        with browser(opened, opened.key(f"{grown.project}=reader")) as client:
            del client.headers["origin"]
            answer = client.post(f"/v1/projects/{grown.project}/ask", json={"question": "stamps?"}, headers=headers)
            assert answer.status_code == status
            assert client.get("/v1/me").status_code == 200, "reading harms nobody"

    def test_nobody_is_signed_out_by_another_site(self, opened: Opened) -> None:
        with browser(opened, opened.key("*=client")) as client:
            assert client.post("/sign-out", headers={"Origin": "https://evil.example"}).status_code == 403
            assert client.get("/v1/me").status_code == 200

    def test_a_key_is_no_cookie_and_a_session_no_key(self, opened: Opened) -> None:
        key = opened.key("*=client")
        with browser(opened, key) as client:
            session = client.cookies[COOKIE]
        assert httpx.get(f"{opened.url}/v1/me", headers={"Authorization": f"Bearer {session}"}).status_code == 401
        assert httpx.get(f"{opened.url}/v1/me", headers={"Cookie": f"{COOKIE}={key}"}).status_code == 401
        assert httpx.get(f"{opened.url}/v1/me", headers={"Cookie": f"{COOKIE}={session}"}).status_code == 200

    def test_programs_with_a_key_need_none_of_this(self, opened: Opened, grown: Growth) -> None:
        with opened.client(f"{grown.project}=reader") as client:
            assert client.post(f"/v1/projects/{grown.project}/ask", json={"question": "stamps?"}).status_code == 200


class TestPages:
    def test_they_hold_nothing_until_the_api_fills_them_and_no_script_but_their_own_runs(self, opened: Opened) -> None:
        with browser(opened, opened.key("*=client")) as client:
            for path in ("/", "/p/notes", "/p/notes/search", "/p/notes/documents/1"):
                page = client.get(path)
                assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
                policy = page.headers["content-security-policy"]
                assert "default-src 'none'; script-src 'self'" in policy
                assert "unsafe" not in policy
                assert not re.search(r"<script>|<style|style=|\son[a-z]+=|https?://", page.text)
        assert httpx.get(f"{opened.url}/p/notes").status_code == 401

    def test_their_files_are_open_lasting_and_nothing_else_is_there(self, opened: Opened) -> None:
        shell = httpx.get(f"{opened.url}/sign-in").text
        names = re.findall(r'"(/assets/[^"]+)"', shell)
        assert len(names) >= 4
        for name in names:
            got = httpx.get(opened.url + name)
            assert (got.status_code, got.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
            assert got.headers["content-type"].split(";")[0] in ("text/css", "text/javascript", "image/svg+xml")
        folder = names[0].rsplit("/", 1)[0]
        old = httpx.get(f"{opened.url}/assets/0000000000000000/style.css")
        assert (old.status_code, old.headers["cache-control"]) == (200, "no-cache")
        for name in ("shell.html", "..%2fsite.py", "%2e%2e/site.py", "nothing.js", ""):
            assert httpx.get(f"{opened.url}{folder}/{name}").status_code == 404


class CountingSessions(ApiKeys):
    """The port to the ledger's sessions, with a count of how often it was asked."""

    def __init__(self, known: set[bytes]) -> None:
        self.known, self.asked = known, 0

    def caller_of_session(self, digest: bytes) -> Caller | None:
        self.asked += 1
        return Caller("key:1", "k", {"*": Role.READER}) if digest in self.known else None


def test_sessions_are_remembered_for_seconds_and_malformed_ones_never_looked_up() -> None:
    session, now = write_session(bytes(32)), [1_000.0]
    digest = session_digest(session)
    assert digest is not None
    kept = CountingSessions({digest})
    door = Authenticator(kept, clock=lambda: now[0])
    for wrong in (session[:-1] + "0", session + "a", session.replace("dsts_", "dsty_"), session[5:]):
        assert door.recall(wrong) == Unknown()
    assert (door.recall(session), kept.asked) == (None, 0)
    caller = door.verify(session)
    assert [door.recall(session) for _ in range(100)] == [caller] * 100
    assert kept.asked == 1
    door.forget(session)
    assert door.recall(session) is None
    door.verify(session)
    kept.known.clear()
    now[0] += KNOWN_SECONDS + 0.1
    assert door.verify(session) == Unknown()
    others = [write_session(number.to_bytes(32)) for number in range(1, 2_000)]
    asked = [verdict for text in others if (verdict := door.recall(text) or door.verify(text)) == Busy()]
    assert asked, "a flood of unknown ones is looked up in part"
    assert kept.asked < 110
