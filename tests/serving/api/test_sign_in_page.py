"""Signing in at an identity provider in a real browser: its cookies and redirects are the browser's own, from one site to another and back."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from destiny_assets.adapters.oidc import OidcTokens
from destiny_assets.adapters.oidc_sign_in import OidcSignIn
from destiny_assets.settings import OidcSettings
from tests.fakes.issuer import AUDIENCE, Issuer, issuing
from tests.serving.api.opened import Opened, opened_over
from tests.serving.api.test_pages import chromium, tab  # noqa: F401 - a fixture
from tests.stages.growing import Growth, Layers

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("playwright.sync_api", reason="NOT TESTED in a browser: the package playwright is missing")


@pytest.fixture(scope="module", params=["127.0.0.1", "localhost"])
def issuer(request: pytest.FixtureRequest) -> Iterator[Issuer]:
    """At the host of the pages, and at another, which to a browser is another site; a person agrees on a page of its own."""
    with issuing() as running:
        running.url = running.url.replace("127.0.0.1", request.param)
        running.asks = True
        yield running


@pytest.fixture(scope="module")
def provided(layers: Layers, stores_home: Path, issuer: Issuer) -> Iterator[Opened]:
    settings = OidcSettings(issuer.url, AUDIENCE)
    signing = OidcSignIn(settings, "destiny-pages")
    with opened_over(layers, stores_home, OidcTokens(settings), sign_in=signing) as server:
        yield server


@pytest.fixture(autouse=True)
def ada(issuer: Issuer, grown: Growth) -> None:
    issuer.away = False
    issuer.who = {"sub": "ada", "email": "ada@example.org", "destiny_grants": [f"{grown.project}=curator"]}


def at_the_provider(page: "Page", issuer: Issuer, target: str) -> None:
    page.goto(target)
    page.click("text=Sign in with your organisation")
    page.wait_for_url(f"{issuer.url}/authorize**")


def test_a_person_agrees_there_and_is_back_where_one_wanted(
    chromium: "Browser",  # noqa: F811
    provided: Opened,
    issuer: Issuer,
    grown: Growth,
) -> None:
    wanted = f"/p/{grown.project}/search?q=stamp"
    with tab(chromium, provided, None) as page:
        at_the_provider(page, issuer, wanted)
        page.click("text=Agree")
        page.wait_for_selector(".hit-path:text('handbook/stamps.md')")
        assert page.url == f"{provided.url}{wanted}"
        # The provider's codes are in no address that the browser keeps, and the attempt's cookie is gone.
        (cookie,) = page.context.cookies(provided.url)
        assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("destiny_session", True, "Strict")
        me = page.evaluate("fetch('/v1/me').then((answer) => answer.json())")
        assert (me["id"], me["name"], me["grants"]) == ("oidc:ada", "ada@example.org", {grown.project: "curator"})
        # What a page writes needs the session and the page's own origin, which this one has.
        page.goto(f"/p/{grown.project}/generations")
        page.wait_for_selector("h1:text('Generations')")
        page.reload()
        page.wait_for_selector("h1:text('Generations')")
        # A link on another site's page comes without the cookie, and the door passes whoever has a session on.
        page.goto(f"{issuer.url}/keys")
        page.evaluate("(at) => { location.href = at; }", f"{provided.url}{wanted}")
        page.wait_for_selector(".hit-path:text('handbook/stamps.md')")
        page.click("text=Sign out")
        page.wait_for_selector("#key")
        page.goto(wanted)
        page.wait_for_selector("#key")


def test_a_person_who_declines_is_told_and_may_try_again(
    chromium: "Browser",  # noqa: F811
    provided: Opened,
    issuer: Issuer,
    grown: Growth,
) -> None:
    window = chromium.new_context(base_url=provided.url)
    page = window.new_page()
    at_the_provider(page, issuer, f"/p/{grown.project}")
    page.click("text=Decline")
    page.wait_for_selector("[role=alert]:has-text('vouched for nobody')")
    assert window.cookies(provided.url) == []
    page.click("text=Sign in with your organisation")
    page.click("text=Agree")
    page.wait_for_selector("#main h1", state="attached")
    assert page.url == f"{provided.url}/p/{grown.project}"
    window.close()


def test_one_to_whom_nothing_is_open_and_a_provider_that_is_away_are_told(
    chromium: "Browser",  # noqa: F811
    provided: Opened,
    issuer: Issuer,
    grown: Growth,
) -> None:
    window = chromium.new_context(base_url=provided.url)
    page = window.new_page()
    issuer.who["destiny_grants"] = []
    at_the_provider(page, issuer, "/")
    page.click("text=Agree")
    page.wait_for_selector("[role=alert]:has-text('nothing here is open to you')")
    at_the_provider(page, issuer, "/")
    issuer.away = True
    page.click("text=Agree")
    page.wait_for_selector("[role=alert]:has-text('Try again')")
    assert [cookie["name"] for cookie in window.cookies(provided.url)] == ["destiny_sign_in"]
    # The provider's answer was not used up: the same address once more, and one is in.
    issuer.away, issuer.who["destiny_grants"] = False, [f"{grown.project}=reader"]
    page.reload()
    page.wait_for_selector("#main h1", state="attached")
    assert [cookie["name"] for cookie in window.cookies(provided.url)] == ["destiny_session"]
    window.close()
