"""The page: everything is escaped, every section says something, an empty project is no accident; and the folder it is kept in."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from destiny_assets.domain.report.charts import histogram, lines, reliability
from destiny_assets.domain.report.folder import ReportsFolder
from destiny_assets.domain.report.page import render_report
from destiny_assets.domain.report.values import (
    Calibration,
    ContestedSlot,
    Growth,
    Layer,
    Measured,
    NamedEntity,
    ProjectReport,
    QuarantinedItem,
    Question,
    Reliability,
    StageTime,
    Staleness,
    Supersession,
    TrustHistogram,
    WitnessWord,
)


def _measured(ndcg: float) -> dict[str, float]:
    return {
        "ndcg@10": ndcg,
        "ndcg@10_low": ndcg - 0.05,
        "ndcg@10_high": ndcg + 0.05,
        "recall@5": 0.9,
        "full_evidence@5": 0.6,
        "span_iou@5": 0.123,
        "p95_ms": 12.34,
        "p99_ms": 23.45,
    }


NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
VOID = {"meta", "rect", "line", "circle", "polyline", "polygon"}
FULL = ProjectReport(
    project="wiki",
    written_at=NOON,
    generation=2,
    published_at=NOON,
    model="some-model@1/engine",
    counts={"documents": 120, "chunks": 1234567, "tokens": 9},
    layers=(
        Layer("documents", "originals", 120),
        Layer("ledger", "rows", 9000),
        Layer("vectors", "points", 300, missing=2, extra=1),
        Layer("graph", "nodes and edges", None),
    ),
    statuses={"final": 90, "draft": 30},
    growth=tuple(Growth(n, NOON + timedelta(days=n), 60 * n, 100 * n, None) for n in (1, 2)),
    trust=(TrustHistogram("document", (0, 0, 0, 0, 0, 0, 0, 40, 80, 0), 0.81),),
    calibration=tuple(
        Calibration(
            *(generation, method, 40, 0.9, 0.08, ece, 0.01, 0.12),
            (Reliability(10, 0.3, 0.2, 0.06, 0.51), Reliability(30, 0.95, 0.9, 0.74, 0.97)),
        )
        for generation in (2, 1)
        for method, ece in (("destiny", 0.04), ("majority", 0.11))
    ),
    witnesses=(WitnessWord("Ada <Brook>", 0.83, 12, 10, 3),),
    contested=(ContestedSlot("Small parcel", "price", "4 crowns", 0.61, 3),),
    staleness=(Staleness("price", 12, 9, 31.0, 400.5), Staleness("owner", 2, 0, None, None)),
    benchmarks=tuple(
        Measured(g, "golden", recipe, 84, _measured(score + g / 100))
        for g in (1, 2)
        for recipe, score in (("lexical", 0.5), ("hybrid", 0.7))
    ),
    timings=(StageTime("documents", 1.5), StageTime("knowledge_graph", 3.0)),
    entities=(NamedEntity("mypy", "term", 311, 44),),
    supersessions=(Supersession("Old rules", "New rules"),),
    asked=("golden", "hybrid"),
    questions=(Question("What holds now?", "New rules", 2, 0.631), Question("And why?", None, None, 0.0)),
    quarantined=(QuarantinedItem("notes", "scan.pdf", "documents", "no_text", "No text was found.", 3),),
)


class Page(HTMLParser):
    """The tags a browser would see, whether they nest, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data + " "

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_a_full_report_is_one_well_formed_page_that_needs_nothing_else() -> None:
    html = render_report(FULL)
    page = Page(html)
    assert page.open == []
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert not re.search(r"https?://|@import|url\(", html)
    assert {str(link["href"])[1:] for link in page.named("a")} == {section["id"] for section in page.named("section")}
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_every_section_shows_its_values() -> None:
    said = " ".join(Page(render_report(FULL)).text.split())
    for expected in (
        *("wiki", "Generation 2", "published 2026-01-05 12:00 UTC", "2 of 4 layers agree", "embedded by some-model"),
        *("1 234 567", "✓ agrees", "✗ 2 missing, 1 unknown", "not compared", "Final 90", "75 %"),
        *(
            "Documents · mean 0.81",
            "golden: 84 questions, generation 2",
            "0.720 0.67 to 0.77",
            "12.3",
            "23.4",
            "0.123",
            "nDCG@10 by generation",
        ),
        *("Knowledge graph 3.00 s", "4.5 s of work in 2 stages", "mypy term 311", "Old rules → New rules"),
        *(
            "40 labelled slots, generation 2",
            "Destiny 0.900 0.080 0.040 0.010 to 0.120",
            "Calibration error by generation",
        ),
        *("Ada <Brook> 0.83 12 10 3", "Small parcel price 4 crowns 0.61 3", "price 12 9 31 400", "owner 2 0 — —"),
        *("What holds now? New rules 2 0.631", "And why?", "missed", "scan.pdf", "no text", "No text was found. 3"),
    ):
        assert expected in said


def test_recipes_stand_in_order_of_quality() -> None:
    said = Page(render_report(FULL)).text
    assert said.index("hybrid") < said.index("lexical")


def test_latencies_of_several_readers_stand_below_where_they_were_measured() -> None:
    assert "with several readers at once" not in Page(render_report(FULL)).text
    timed = {f"p{share}_ms@{readers}": share + readers for share in (50, 95, 99) for readers in (1, 10, 50)}
    newest = [run for run in FULL.benchmarks if (run.generation, run.recipe) == (2, "hybrid")]
    more = tuple(replace(run, metrics={**run.metrics, **timed}) for run in newest)
    said = Page(render_report(replace(FULL, benchmarks=FULL.benchmarks[:-1] + more))).text
    assert "hybrid with several readers at once" in said
    assert "149.0" in said


def test_charts_and_tables_say_in_words_what_they_show() -> None:
    page = Page(render_report(FULL))
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in page.named("svg"))
    assert "Documents 60 at 1, 120 at 2." in str([svg["aria-label"] for svg in page.named("svg")])
    assert len(page.named("caption")) == len(page.named("table")) > 0
    assert all(cell.get("scope") in ("col", "row") for cell in page.named("th"))


def test_a_project_without_a_publication_says_how_to_publish_and_what_is_quarantined() -> None:
    html = render_report(ProjectReport("wiki", NOON, quarantined=FULL.quarantined))
    page = Page(html)
    assert page.open == []
    assert "destiny ingest wiki" in page.text
    assert "scan.pdf" in page.text
    assert [section["id"] for section in page.named("section")] == ["quarantine"]


def test_a_first_generation_in_which_nothing_was_measured_says_so_in_every_section() -> None:
    page = Page(render_report(ProjectReport("wiki", NOON, generation=1, published_at=NOON)))
    assert page.open == []
    assert len(page.named("section")) == 14
    for said in (
        "No documents yet",
        "Nothing is scored yet",
        "No label was judged yet",
        "Nobody claims anything",
        "No claims contradict",
        "Nothing is believed yet",
        "No golden questions",
        "No entities",
        "every document could be processed",
    ):
        assert said in page.text


def test_a_single_generation_is_a_table_and_no_line_of_one_point() -> None:
    report = replace(FULL, growth=FULL.growth[:1], benchmarks=FULL.benchmarks[2:], calibration=FULL.calibration[:1])
    assert [svg["aria-label"] for svg in Page(render_report(report)).named("svg")] == [
        "Trust of documents. Mean 0.81. 40 from 0.7 to 0.8; 80 from 0.8 to 0.9.",
        "What was believed against what was right. Destiny 0.20 right of 10 believed at 0.30, 0.90 right of 30 believed at 0.95.",
    ]


def test_a_rollback_shows_the_benchmark_of_what_readers_see() -> None:
    assert "golden: 84 questions, generation 1" in Page(render_report(replace(FULL, generation=1))).text


@given(
    st.text(min_size=1, max_size=40)
    | st.sampled_from(["<script>alert(1)</script>", '" onload="x', "</style><b>", "&lt;", "'--><!--"])
)
def test_no_value_can_become_markup(strange: str) -> None:
    clean = render_report(_with("harmless"))
    page, plain = Page(render_report(_with(strange))), Page(clean)
    assert [(tag, sorted(attributes)) for tag, attributes in page.tags] == [
        (tag, sorted(attributes)) for tag, attributes in plain.tags
    ]
    assert page.open == []


def _with(strange: str) -> ProjectReport:
    """A report with one text wherever a stranger's text can stand."""
    return replace(
        FULL,
        model=strange,
        statuses={strange: 1},
        benchmarks=(
            Measured(2, strange, strange, 1, {"ndcg@10": 0.5}),
            Measured(1, strange, strange, 1, {"ndcg@10": 0.5}),
        ),
        witnesses=(WitnessWord(strange, 0.5, 1, 1, 0),),
        contested=(ContestedSlot(strange, strange, strange, 0.5, 2),),
        staleness=(Staleness(strange, 1, 0, None, None),),
        timings=(StageTime(strange, 1.0),),
        entities=(NamedEntity(strange, strange, 1, 1),),
        supersessions=(Supersession(strange, strange),),
        asked=(strange, strange),
        questions=(Question(strange, strange, 1, 1.0),),
        quarantined=(QuarantinedItem(strange, strange, strange, strange, strange, 1),),
    )


@given(st.lists(st.integers(0, 10**7), min_size=10, max_size=10), st.floats(0, 1))
def test_bars_stay_inside_their_chart(bins: list[int], mean: float) -> None:
    for bar in Page(histogram("Trust", bins, mean)).named("rect"):
        assert 0 <= float(str(bar["y"])) <= float(str(bar["y"])) + float(str(bar["height"])) <= 190


@given(st.lists(st.none() | st.floats(0, 1e6), min_size=1, max_size=30))
def test_points_stay_inside_their_chart_whatever_is_missing(values: list[float | None]) -> None:
    dots = Page(lines("Growth", [str(n) for n in range(len(values))], {"Documents": values})).named("circle")
    assert len(dots) == sum(value is not None for value in values)
    for dot in dots:
        assert 0 <= float(str(dot["cx"])) <= 360
        assert 0 <= float(str(dot["cy"])) <= 190


@given(
    st.lists(
        st.tuples(*[st.floats(0, 1)] * 4, st.integers(1, 10**6)).map(lambda row: Reliability(row[4], *row[:4])),
        max_size=10,
    )
)
def test_a_reliability_diagram_stays_inside_its_square(bins: list[Reliability]) -> None:
    page = Page(reliability("Right", {"Destiny": bins, "Majority vote": bins[:1]}))
    for dot in page.named("circle"):
        assert 38 <= float(str(dot["cx"])) <= 348
        assert 12 <= float(str(dot["cy"])) <= 322


def test_a_page_replaces_the_one_before_and_leaves_nothing_else(tmp_path: Path) -> None:
    folder = ReportsFolder(tmp_path / "reports")
    folder.write("wiki", "first")
    page = folder.write("wiki", "sécond")
    assert page.read_text("utf-8") == "sécond"
    assert list(folder.path.iterdir()) == [page]


def test_a_page_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    folder = ReportsFolder(tmp_path)
    folder.write("wiki", "first")
    with pytest.raises(UnicodeEncodeError):
        folder.write("wiki", "broken \ud800")
    assert [path.read_text("utf-8") for path in tmp_path.iterdir()] == ["first"]
