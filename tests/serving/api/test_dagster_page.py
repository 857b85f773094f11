"""Dagster's UI in a real browser, behind our door: it draws the lineage under its stricter policy and hears of runs over its websocket."""

from typing import TYPE_CHECKING

import pytest

from tests.serving.api.opened import Opened
from tests.serving.api.test_pages import chromium  # noqa: F401 - a fixture
from tests.stages.growing import Growth

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage

pytest.importorskip("playwright.sync_api", reason="NOT TESTED in a browser: the package playwright is missing")
_PATIENCE_MS = 120_000


def test_the_lineage_is_seen_and_nothing_can_be_started_by_who_may_only_look(
    chromium: "Browser",  # noqa: F811
    opened: Opened,
    grown: Growth,
) -> None:
    with opened.client("*=reader") as client:
        # The first visitor waits until Dagster has read every definition.
        assert client.get("/dagster/server_info", timeout=240).status_code == 200
    complaints: list[str] = []
    sockets: list[str] = []

    def heard(said: "ConsoleMessage") -> None:
        if said.type == "error":
            complaints.append(said.text)

    window = chromium.new_context(base_url=opened.url)
    page = window.new_page()
    page.set_default_timeout(_PATIENCE_MS)
    try:
        page.goto("/dagster/asset-groups/")
        assert page.url.startswith(f"{opened.url}/sign-in?next=/dagster/asset-groups/")
        page.on("console", heard)
        page.on("websocket", lambda socket: sockets.append(socket.url))
        page.fill("#key", opened.key("*=reader", name="Ada"))
        page.click("text=Sign in >> visible=true")
        page.wait_for_url("**/dagster/asset-groups/**")
        for shown in ("Global asset lineage", "understand", "publish"):
            page.wait_for_selector(f"text={shown}")
        start = page.wait_for_selector("button:has-text('Materialize all')")
        assert start is not None
        assert start.is_disabled()
        page.goto(f"/p/{grown.project}")
        link = page.wait_for_selector("header a:has-text('Dagster')")
        assert link is not None
        assert link.get_attribute("href") == "/dagster/"
    finally:
        window.close()
    assert complaints == []
    assert sockets
    assert {url.partition("?")[0] for url in sockets} == {opened.url.replace("http", "ws") + "/dagster/graphql"}
