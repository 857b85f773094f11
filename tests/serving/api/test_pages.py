"""The web pages in a real browser: what a person sees, types and presses, and what the ledger holds afterwards."""

import re
import shutil
import subprocess
import tarfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest

from destiny_assets.domain.truth.holdout import HeldOut, calibrations
from tests.serving.api.conftest import STAMPS
from tests.serving.api.opened import Opened
from tests.serving.api.port import growing_port
from tests.stages.growing import Growth, Layers

playwright = pytest.importorskip(
    "playwright.sync_api", reason="NOT TESTED in a browser: the package playwright is missing"
)
_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_PATIENCE_MS = 20_000
PAGES = (
    "",
    "/search?q=stamp",
    "/ask",
    "/graph",
    "/decisions?everything=true",
    "/claims",
    "/benchmarks?metric=recall@10",
    "/generations",
)


@pytest.fixture(scope="module")
def port(layers: Layers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Growth]:
    with growing_port(layers, tmp_path_factory.mktemp("port")) as growth:
        growth.write(
            "notes/emoji.md",
            "# Signs\n\nA 📯 stands before the office 🏤, and the flag is 🇦🇽.\n\nThe horn is polished on Fridays.\n",
        )
        growth.run()
        yield growth


@pytest.fixture(scope="module")
def chromium() -> Iterator["playwright.Browser"]:
    if _CHROMIUM is None:
        told = "NOT TESTED in a browser: no Chromium on the PATH. Install it: apt-get install chromium"
        warnings.warn(told, stacklevel=1)
        pytest.skip(told)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def tab(
    chromium: "playwright.Browser", opened: Opened, key: str | None, **context: object
) -> Iterator["playwright.Page"]:
    """A window of its own, signed in where a key is given; whatever its console complains of fails the test."""
    complaints: list[str] = []
    window = chromium.new_context(base_url=opened.url, **context)
    page = window.new_page()
    page.set_default_timeout(_PATIENCE_MS)
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    if key is not None:
        page.goto("/sign-in")
        page.fill("#key", key)
        page.click("text=Sign in >> visible=true")
        page.wait_for_selector("#main h1", state="attached")
    try:
        yield page
    finally:
        window.close()
    assert complaints == []


@pytest.fixture(scope="module")
def curated(chromium: "playwright.Browser", opened: Opened, port: Growth) -> Iterator["playwright.Page"]:
    """A curator's window on the project, for tests that leave it where they like."""
    with tab(chromium, opened, opened.key(f"{port.project}=curator", name="Ada")) as page:
        yield page


def shown(page: "playwright.Page", port: Growth, at: str) -> "playwright.Page":
    page.goto(f"/p/{port.project}{at}")
    page.wait_for_selector("#main h1", state="attached")
    return page


class TestTheDoor:
    def test_one_is_led_to_the_door_and_back_to_where_one_wanted(
        self, chromium: "playwright.Browser", opened: Opened, port: Growth
    ) -> None:
        key = opened.key(f"{port.project}=reader")
        with tab(chromium, opened, None) as page:
            page.goto(f"/p/{port.project}/generations")
            assert "/sign-in" in page.url
            page.fill("#key", key)
            page.keyboard.press("Enter")
            page.wait_for_selector("h1:text('Generations')")
            assert page.url == f"{opened.url}/p/{port.project}/generations"
            (cookie,) = page.context.cookies()
            assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
            assert page.evaluate("document.cookie") == ""
            page.click("text=Sign out")
            page.wait_for_selector("#key")
            page.go_back()
            page.wait_for_url("**/sign-in**")
            page.wait_for_selector("#key")

    def test_a_wrong_key_is_told_so_beside_its_field(self, chromium: "playwright.Browser", opened: Opened) -> None:
        window = chromium.new_context(base_url=opened.url)
        page = window.new_page()
        page.goto("/sign-in")
        page.fill("#key", "dsty_nonsense")
        page.click("text=Sign in >> visible=true")
        alert = page.wait_for_selector("[role=alert]:not(:empty)")
        assert alert is not None
        assert "unknown, was revoked or has expired" in alert.inner_text()
        assert page.input_value("#key") == ""
        window.close()

    def test_another_site_can_make_the_browser_do_nothing(
        self, curated: "playwright.Page", opened: Opened, port: Growth
    ) -> None:
        # Another port of this host is another origin and the same site: the cookie goes along, and is not enough.
        shown(curated, port, "")
        session = curated.context.cookies()[0]["value"]
        forged = httpx.post(
            f"{opened.url}/v1/projects/{port.project}/rollback",
            json={"generation": 1},
            headers={
                "Cookie": f"destiny_session={session}",
                "Origin": "http://127.0.0.1:1",
                "Sec-Fetch-Site": "same-site",
                "X-Destiny-Page": "1",
            },
        )
        assert forged.status_code == 403
        current = port.layers.ledger.generations.current(port.project)
        assert current is not None
        assert current.number == 4


class TestReading:
    def test_searching_while_one_types_leads_to_the_exact_words(self, curated: "playwright.Page", port: Growth) -> None:
        page = shown(curated, port, "/search")
        page.locator("#q").press_sequentially("what does a stamp cost abroad", delay=5)
        page.wait_for_selector(f".hit-path:text('{STAMPS}')")
        assert "q=what" in page.url
        (hit, *_) = port.service().search(port.project, "what does a stamp cost abroad", recipe="best").hits
        page.locator("#q").press("ArrowDown")
        assert page.evaluate("document.activeElement.textContent") == hit.document
        page.keyboard.press("Enter")
        page.wait_for_selector("mark")
        assert page.evaluate("document.querySelector('mark').textContent") == hit.text
        assert page.locator("mark").bounding_box()["y"] < page.viewport_size["height"]
        page.wait_for_selector("h2:has-text('Trust in this passage')")
        bars = [
            float(text.replace("\N{MINUS SIGN}", "-"))
            for text in page.locator("ol.terms").first.locator(".term-value").all_inner_texts()
        ]
        assert sum(bars[:-1]) == pytest.approx(bars[-1], abs=0.05)
        page.go_back()
        page.wait_for_selector(f".hit-path:text('{STAMPS}')")
        assert page.input_value("#q") == "what does a stamp cost abroad"

    def test_characters_that_javascript_counts_twice_move_no_mark(
        self, curated: "playwright.Page", port: Growth
    ) -> None:
        (hit, *_) = (
            one
            for one in port.service().search(port.project, "horn polished on Fridays", recipe="lexical").hits
            if "Fridays" in one.text
        )
        start, _ = hit.span
        quoted = (start + hit.text.index("The horn"), start + len(hit.text))
        shown(curated, port, f"/documents?uri=notes/emoji.md&span={quoted[0]}-{quoted[1]}")
        assert curated.locator("mark").inner_text() == hit.text[hit.text.index("The horn") :]

    def test_filters_narrow_and_are_in_the_address(self, curated: "playwright.Page", port: Growth) -> None:
        page = shown(curated, port, "/search?q=letters")
        page.click("summary:has-text('Filters')")
        page.select_option("#author", "Ada Brook")
        page.wait_for_url("**author=Ada*")
        for _ in range(2):
            playwright.expect(page.locator(".hit-path", has_not_text="reports/")).to_have_count(0)
            assert page.locator(".hit").count() > 0
            page.reload()
            page.wait_for_selector(".hit")

    def test_an_answers_numbers_lead_to_what_they_rest_on(self, curated: "playwright.Page", port: Growth) -> None:
        page = shown(curated, port, "/ask")
        page.fill("#q", "What does a stamp cost abroad?")
        page.keyboard.press("Enter")
        page.wait_for_selector("a.cite")
        quote = page.locator("blockquote").first.text_content()
        page.click("a.cite >> nth=0")
        page.wait_for_selector("mark")
        assert page.evaluate("document.querySelector('mark').textContent") == quote

    def test_a_refusal_strikes_out_what_nothing_says_and_links_what_came_nearest(
        self, curated: "playwright.Page", port: Growth
    ) -> None:
        page = shown(curated, port, "/ask?q=Which emperor forged a stamp of Zanzibar?")
        page.wait_for_selector("#refusal")
        assert page.locator(".answer p").first.text_content() == "Nothing in this project answers that."
        assert set(page.locator("#refusal s").all_text_contents()) == {"emperor", "forged", "zanzibar"}
        assert page.locator("#refusal strong").all_text_contents() == ["stamp"]
        page.click("#refusal .hit-title >> nth=0")
        page.wait_for_selector("mark")

    def test_what_a_document_says_is_text_and_never_markup(self, curated: "playwright.Page", port: Growth) -> None:
        evil = "# <img src=x onerror=document.title='owned'>\n\n<script>document.title='owned'</script> wicked words\n"
        port.write("notes/evil.md", evil)
        try:
            port.run()
            page = shown(curated, port, "/search?q=wicked words")
            page.click(".hit-title >> nth=0")
            page.wait_for_selector("mark")
            assert "<script>" in page.locator("pre.text").inner_text()
            assert page.title() != "owned"
            assert page.locator("pre.text script, pre.text img").count() == 0
        finally:
            port.delete("notes/evil.md")


class TestPressing:
    def test_a_label_is_in_the_ledger_and_on_the_page(self, curated: "playwright.Page", port: Growth) -> None:
        page = shown(curated, port, "/claims")
        slot = page.locator("#contested section", has_text="ferry")
        assert slot.locator(".value").count() == 2
        red = slot.locator(".value", has_text="red")
        id_ = red.get_attribute("data-claim")
        assert id_ is not None
        red.locator("button", has_text="True").click()
        red.locator("text=counts with the next ingest").wait_for()
        assert port.layers.ledger.beliefs.labels(port.project)[id_] is True
        assert "labelled true" in page.locator("#said").text_content()
        red.locator("button", has_text="False").click()
        red.locator(".pill:has-text('labelled false')").wait_for()
        assert port.layers.ledger.beliefs.labels(port.project)[id_] is False
        page.reload()
        again = page.locator(f"#contested [data-claim='{id_}']")
        again.wait_for()
        assert again.locator("button.no").get_attribute("aria-pressed") == "true"
        again.locator("summary").click()
        again.locator("text=What would change it").wait_for()
        again.locator("button", has_text="Take back").click()
        playwright.expect(again.locator(".pill")).to_have_count(0)
        playwright.expect(again.locator("button", has_text="Take back")).to_be_hidden()
        assert id_ not in port.layers.ledger.beliefs.labels(port.project)

    def test_how_well_probabilities_hold_is_drawn_beside_majority_vote(
        self, curated: "playwright.Page", port: Growth
    ) -> None:
        assert "Label claims" in shown(curated, port, "/claims").locator("#calibration").inner_text()
        chance = np.random.default_rng(1)
        sure = chance.uniform(0.3, 1.0, 120)
        right = (chance.random(120) < sure).astype(float)
        found = calibrations(HeldOut({"destiny": right, "majority": right}, {"destiny": sure, "majority": sure**3}, 4))
        calibrated = port.layers.ledger.calibrations
        try:
            for generation in (1, 2):
                calibrated.store(port.project, generation, found, model="m", labels=124, undecided=4)
            page = shown(curated, port, "/claims")
            section = page.locator("#calibration")
            filled = [sum(part.slots > 0 for part in one.bins) for one in found]
            dots = section.locator("svg.chart").first.locator("circle")
            playwright.expect(dots).to_have_count(sum(filled), timeout=_PATIENCE_MS)
            assert f"{found[0].ece:.3f}" in section.locator("table").nth(1).inner_text()
            assert "right of" in (section.locator("svg.chart").first.get_attribute("aria-label") or "")
            # One chart for the newest, one over generations.
            assert section.locator("svg.chart").count() == 2
            for width in (380, 1280):
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate("document.documentElement.scrollWidth") <= width
        finally:
            for generation in (1, 2):
                calibrated.forget(port.project, generation)

    def test_rolling_back_asks_once_more_and_moves_readers(self, curated: "playwright.Page", port: Growth) -> None:
        generations = port.layers.ledger.generations
        before = generations.current(port.project)
        assert before is not None
        page = shown(curated, port, "/generations")
        page.locator("li.generation", has_text="Generation 2").locator("button").click()
        page.locator("dialog button", has_text="Leave it").click()
        assert generations.current(port.project) == before
        page.locator("li.generation", has_text="Generation 2").locator("button").click()
        page.locator("dialog button.primary").click()
        page.wait_for_selector("li.current:has-text('Generation 2')")
        now = generations.current(port.project)
        generations.rollback(port.project, before.number)
        assert now is not None
        assert now.number == 2

    def test_the_graph_is_walked_by_its_list(self, curated: "playwright.Page", port: Growth) -> None:
        page = shown(curated, port, "/graph")
        page.fill("#q", "stream")
        page.wait_for_selector(".chip:has-text('stream')")
        page.click(".chip >> nth=0")
        first = page.locator("h2.graph-title")
        first.wait_for()
        was = first.inner_text()
        assert page.locator("svg.graph .node").count() == page.locator(".neighbours li").count() + 1
        page.locator(".neighbours a").first.focus()
        assert page.locator("svg.graph line.lit").count() == 1
        page.keyboard.press("Enter")
        playwright.expect(first).not_to_have_text(was)

    def test_what_broke_is_named(self, curated: "playwright.Page", port: Growth) -> None:
        page = shown(curated, port, "/benchmarks?metric=recall@10")
        page.select_option("#before-golden", "1")
        page.select_option("#after-golden", "2")
        page.wait_for_selector("td:has-text('When is nothing delivered?')")
        assert "1 fell" in page.locator(".compared").inner_text()


class TestEverybody:
    def test_a_client_sees_its_project_and_can_change_nothing(
        self, chromium: "playwright.Browser", opened: Opened, port: Growth, grown: Growth
    ) -> None:
        with tab(chromium, opened, opened.key(f"{port.project}=client")) as page:
            assert page.locator(".tile-link h2").all_inner_texts() == [port.project]
            assert grown.project not in page.content()
            names = []
            for at in PAGES:
                if "benchmarks" in at:
                    continue
                shown(page, port, at)
                names = page.locator("nav[aria-label='Pages of the project'] a").all_inner_texts()
                assert page.locator(".empty-title:text('This cannot be shown')").count() == 0
                assert (
                    page.locator("main button:visible").filter(has_text=re.compile("True|False|Roll back")).count() == 0
                )
            assert "Benchmarks" not in names

    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_no_page_complains_overflows_or_is_closed_to_anybody(
        self, chromium: "playwright.Browser", opened: Opened, port: Growth, axe: str | None, theme: str
    ) -> None:
        key = opened.key(f"{port.project}=curator")
        with tab(chromium, opened, key, viewport={"width": 390, "height": 800}, color_scheme=theme) as page:
            documents = f"/documents?uri={STAMPS}&span=2-10"
            for at in (*PAGES, documents):
                shown(page, port, at)
                page.wait_for_load_state("networkidle")
                assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, at
                assert page.locator("h1").count() == 1, at
                if axe is not None:
                    page.evaluate(axe)
                    found = page.evaluate("axe.run().then(found => found.violations)")
                    serious = [
                        (at, one["id"], one["nodes"][0]["html"])
                        for one in found
                        if one["impact"] in ("serious", "critical")
                    ]
                    assert serious == []
            if axe is None:
                pytest.skip(
                    "NOT TESTED with axe: npm is missing or cannot fetch axe-core. Install it: apt-get install npm"
                )

    def test_the_theme_that_was_chosen_stays(
        self, chromium: "playwright.Browser", opened: Opened, port: Growth
    ) -> None:
        with tab(chromium, opened, opened.key(f"{port.project}=client"), color_scheme="light") as page:
            ground = "getComputedStyle(document.body).backgroundColor"
            light = page.evaluate(ground)
            page.click("button:has-text('Dark')")
            dark = page.evaluate(ground)
            assert dark != light
            page.reload()
            page.wait_for_selector("button:has-text('Light')")
            assert page.evaluate(ground) == dark


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str | None:
    """The source of axe-core from the npm registry; None where it cannot be had."""
    npm, folder = shutil.which("npm"), tmp_path_factory.mktemp("axe")
    if npm is None:
        return None
    done = subprocess.run(
        [npm, "pack", "axe-core@4", "--silent"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    packed = next(iter(Path(folder).glob("axe-core-*.tgz")), None)
    if done.returncode or packed is None:
        return None
    with tarfile.open(packed) as archive:
        source = archive.extractfile("package/axe.min.js")
        return source.read().decode() if source else None
