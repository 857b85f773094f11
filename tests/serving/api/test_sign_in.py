"""Signing in at an identity provider, a real one on loopback: whoever it vouches for gets a session, and nobody gets another's."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from destiny_assets.adapters.oidc import OidcTokens
from destiny_assets.adapters.oidc_sign_in import Attempt, OidcSignIn
from destiny_assets.domain.page_sessions import session_digest
from destiny_assets.settings import OidcSettings
from tests.fakes.issuer import AUDIENCE, Issuer, issuing
from tests.serving.api.opened import Opened, opened_over
from tests.serving.api.test_sessions import COOKIE, browser
from tests.stages.growing import Growth, Layers

CLIENT = "destiny-pages"
CARRIED = "destiny_sign_in"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing() as running:
        yield running


@pytest.fixture(scope="module")
def provided(layers: Layers, stores_home: Path, issuer: Issuer) -> Iterator[Opened]:
    settings = OidcSettings(issuer.url, AUDIENCE)
    with opened_over(layers, stores_home, OidcTokens(settings), sign_in=OidcSignIn(settings, CLIENT)) as server:
        yield server


@pytest.fixture(autouse=True)
def ada(issuer: Issuer, grown: Growth) -> None:
    issuer.away = False
    issuer.who = {"sub": "ada", "email": "ada@example.org", "destiny_grants": [f"{grown.project}=reader"]}


def sent(client: httpx.Client, target: str = "/") -> str:
    """Where the provider sends whoever signed in there."""
    away = client.get("/sign-in/provider", params={"next": target})
    assert away.status_code == 303
    back = httpx.get(away.headers["location"]).headers["location"]
    assert back.startswith(f"{client.base_url}/sign-in/back?")
    return str(back)


def test_whoever_is_vouched_for_gets_a_session_with_what_the_provider_says(provided: Opened, grown: Growth) -> None:
    with browser(provided) as client:
        assert 'href="/sign-in/provider"' in client.get("/sign-in").text
        answer = client.get(sent(client, f"/p/{grown.project}/search?q=a"))
        assert (answer.status_code, "SameSite=strict" in answer.headers["set-cookie"]) == (303, True)
        at = urlsplit(answer.headers["location"])
        assert (at.path, parse_qs(at.query)["next"]) == ("/sign-in", [f"/p/{grown.project}/search?q=a"])
        assert CARRIED not in client.cookies
        me = client.get("/v1/me").json()
        assert (me["id"], me["name"], me["grants"]) == ("oidc:ada", "ada@example.org", {grown.project: "reader"})
        assert client.get(f"/v1/projects/{grown.project}/search", params={"q": "stamps"}).status_code == 200
        assert client.get(answer.headers["location"]).headers["location"] == f"/p/{grown.project}/search?q=a"
        (event,) = provided.layers.ledger.audit.page(project=None, before=None, limit=1)
        assert (event.actor, event.action) == ("oidc:ada", "session.begin")
        digest = session_digest(client.cookies[COOKIE])
        assert digest is not None
        client.post("/sign-out")
        assert provided.layers.ledger.api_keys.caller_of_session(digest) is None
        assert client.get("/v1/me").status_code == 401


def test_what_the_browser_carries_opens_nothing_and_comes_back_from_another_site(provided: Opened) -> None:
    with browser(provided) as client:
        sent(client)
        cookie = client.get("/sign-in/provider").headers["set-cookie"]
        assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", "Max-Age=600"))
        assert client.get("/v1/me").status_code == 401
        tls = client.get("/sign-in/provider", headers={"X-Forwarded-Proto": "https"})
        assert tls.headers["set-cookie"].startswith("__Host-destiny_sign_in=")
        assert "redirect_uri=https%3A%2F%2F" in tls.headers["location"]


def test_an_answer_is_good_once_and_in_the_browser_that_asked(provided: Opened) -> None:
    with browser(provided) as client, browser(provided) as other:
        back = sent(client)
        assert other.get(back).status_code == 401, "another's browser is signed in as nobody"
        sent(other)
        assert other.get(back).status_code == 401
        attempt = client.cookies[CARRIED]
        assert client.get(back).status_code == 303
        client.cookies.set(CARRIED, attempt)
        assert client.get(back).status_code == 401
        for wrong in ("nonsense", "bm90IEpTT04=", "W10=", "e30="):
            client.cookies.set(CARRIED, wrong)
            assert client.get(back).status_code == 401
        assert COOKIE not in other.cookies


@pytest.mark.parametrize("part", ["state", "nonce", "verifier"])
def test_what_was_changed_on_the_way_is_not_taken(provided: Opened, part: str) -> None:
    with browser(provided) as client:
        back = sent(client)
        attempt = Attempt.load(client.cookies[CARRIED].strip('"'))
        assert attempt is not None
        del client.cookies[CARRIED]
        client.cookies.set(CARRIED, replace(attempt, **{part: "x" * 43}).dump())
        refused = client.get(back)
        assert (refused.status_code, "vouched for nobody" in refused.text) == (401, True)
        assert COOKIE not in client.cookies


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"aud": AUDIENCE}, 401),
        ({"nonce": "another"}, 401),
        ({"iss": "https://elsewhere.example"}, 401),
        ({"exp": 1_000_000_000}, 401),
        ({"destiny_grants": []}, 403),
    ],
)
def test_a_token_for_others_or_for_nothing_opens_nothing(
    provided: Opened, issuer: Issuer, said: dict[str, object], status: int
) -> None:
    with browser(provided) as client:
        issuer.who |= said
        assert client.get(sent(client)).status_code == status
        assert COOKIE not in client.cookies


def test_a_provider_that_is_away_or_says_no_is_told(provided: Opened, issuer: Issuer) -> None:
    with browser(provided) as client:
        back = sent(client)
        issuer.away = True
        assert "Try again" in client.get(back).text
        issuer.away = False
        sent(client)
        state = Attempt.load(client.cookies[CARRIED].strip('"'))
        assert state is not None
        refused = client.get("/sign-in/back", params={"error": "access_denied", "state": state.state})
        assert (refused.status_code, "vouched for nobody" in refused.text) == (401, True)


@pytest.mark.parametrize(
    ("target", "gone_to"), [("//evil.example", "/"), ("https://evil.example", "/"), ("/p/x", "/p/x")]
)
def test_it_leads_nowhere_else(provided: Opened, target: str, gone_to: str) -> None:
    with browser(provided) as client:
        answer = client.get(sent(client, target))
        assert parse_qs(urlsplit(answer.headers["location"]).query)["next"] == [gone_to]


def test_without_a_provider_there_is_no_such_way(opened: Opened) -> None:
    with browser(opened) as client:
        assert '<p hidden><a id="provider"' in client.get("/sign-in").text
        assert client.get("/sign-in/provider").status_code == 404
        assert client.get("/sign-in/back").status_code == 404
