"""The parts of the report, each from the values it shows to markup. Their order and the frame around them are `page`'s."""

from destiny_assets.domain.report.charts import SERIES, histogram, key, lines
from destiny_assets.domain.report.markup import Html, joined, meter, nothing, number, section, table, text
from destiny_assets.domain.report.values import Layer, Measured, ProjectReport, Question
from destiny_assets.domain.retrieval import READERS

_METRICS = {"ndcg@10": "nDCG@10", "recall@10": "Recall@10", "mrr@10": "MRR@10", "map": "MAP"}
# Of questions that need several documents, and of those whose answers are stretches of a text.
_SPECIAL_METRICS = {
    "full_evidence@5": "Full@5",
    "full_evidence@10": "Full@10",
    "span_iou@5": "IoU@5",
    "span_recall@5": "Read@5",
}
_LATENCIES = {"p50_ms": "p50 ms", "p95_ms": "p95 ms", "p99_ms": "p99 ms"}
_HEADLINE = "ndcg@10"
_HISTORIES = ("ndcg@10", "recall@10")
_COUNTED = ("documents", "chunks", "tokens", "entities", "mentions", "references")


def tiles(report: ProjectReport) -> Html:
    """The counts readers see."""
    counts = report.counts or {}
    shown = joined(
        Html(f"<div><dt>{text(name.capitalize())}</dt><dd>{number(counts[name])}</dd></div>")
        for name in _COUNTED
        if name in counts
    )
    return Html(f'<dl class="tiles">{shown}</dl>') if shown else Html("")


def layers(report: ProjectReport) -> Html:
    """Four cards, each with what the layer holds and whether it agrees with the ledger."""
    cards = joined(
        Html(
            f'<li class="{css}"><strong>{text(layer.name.capitalize())}</strong><span class="count">{number(layer.expected)}</span>'
            f'<span class="unit">{text(layer.unit)}</span><span class="state">{said}</span></li>'
        )
        for layer in report.layers
        for css, said in [_agreement(layer)]
    )
    note = "One truth in four stores: every id the ledger shows in this generation was looked up in the other three before it was published."
    return section("layers", "Layers", Html(f'<ul class="layers">{cards}</ul>'), note=note, wide=True)


def statuses(report: ProjectReport) -> Html:
    """Documents by what they say of themselves."""
    if not report.statuses:
        return section("statuses", "Documents by status", nothing("No documents yet."))
    total = sum(report.statuses.values())
    rows = [
        (text(status.capitalize()), meter(count / total, number(count)), Html(f"{count / total * 100:.0f}\u202f%"))
        for status, count in sorted(report.statuses.items(), key=lambda item: (-item[1], item[0]))
    ]
    return section(
        "statuses",
        "Documents by status",
        table("What documents say of themselves", ("Status", "Documents", "Share"), rows, numeric=[2]),
    )


def growth(report: ProjectReport) -> Html:
    """Documents over generations, with the numbers."""
    if not report.growth:
        return section("growth", "Growth", nothing("Nothing was published yet."))
    pieces = []
    if len(report.growth) > 1:
        labels = [str(point.generation) for point in report.growth]
        documents = [point.documents for point in report.growth]
        pieces.append(lines("Documents in each published generation", labels, {"Documents": documents}))
    newest = report.growth[::-1][:8]
    rows = [
        (
            number(p.generation),
            Html(f'<span class="day">{p.published_at:%Y-%m-%d}</span>'),
            number(p.documents),
            number(p.chunks),
            number(p.tokens),
        )
        for p in newest
    ]
    caption = (
        "The published generations, newest first"
        if len(newest) == len(report.growth)
        else "The newest eight published generations"
    )
    pieces.append(table(caption, ("No.", "Published", "Documents", "Chunks", "Tokens"), rows, numeric=[2, 3, 4]))
    note = (
        "Documents in each published generation."
        if len(report.growth) > 1
        else "The next generation makes this a chart."
    )
    return section("growth", "Growth", joined(pieces), note=note)


def trust(report: ProjectReport) -> Html:
    """A histogram for each kind of item."""
    if not report.trust:
        return section("trust", "Trust", nothing("Nothing is scored yet."))
    charts = joined(
        Html(
            f"<div><h3>{text(kind.kind.capitalize())}s · mean {kind.mean:.2f}</h3>"
            f"{histogram(f'Trust of {kind.kind}s', kind.bins, kind.mean)}</div>"
        )
        for kind in report.trust
    )
    return section(
        "trust",
        "Trust",
        Html(f'<div class="pair">{charts}</div>'),
        note="How many items have a score in each tenth from 0 to 1; the dashed line is the mean. Why one has its score: "
        f"destiny trust explain {report.project} ITEM",
        wide=True,
    )


def benchmark(report: ProjectReport) -> Html:
    """Recipes side by side in the newest generation measured, then their history."""
    if not report.benchmarks:
        return section("benchmark", "Retrieval", nothing("No golden questions were measured yet."))
    suites = sorted({run.suite for run in report.benchmarks})
    return section(
        "benchmark",
        "Retrieval",
        joined(_suite(report, suite) for suite in suites),
        note="Judged questions put to the same search that readers use. All but the latencies run from 0 to 1, higher is better; "
        "beside nDCG@10 stands the 95 % interval of a bootstrap over the questions. Full: the share of questions all of whose documents are "
        "found; IoU and Read: how the first passages cover the stretches that answer, and how much of these they hold.",
        wide=True,
    )


def timings(report: ProjectReport) -> Html:
    """How long each stage took."""
    if not report.timings:
        return section("timings", "Pipeline", nothing("No stage reported its time."))
    longest = max(timing.seconds for timing in report.timings) or 1.0
    rows = [
        (
            text(timing.stage.replace("_", " ").capitalize()),
            meter(timing.seconds / longest, Html(f"{number(timing.seconds, 2)} s")),
        )
        for timing in report.timings
    ]
    total = sum(timing.seconds for timing in report.timings)
    return section(
        "timings",
        "Pipeline",
        table("Seconds by stage, in order of the run", ("Stage", "Time"), rows),
        note=f"The run that published this generation: {total:,.1f} s of work in {len(rows)} stages.",
    )


def entities(report: ProjectReport) -> Html:
    """The most mentioned entities."""
    if not report.entities:
        return section("entities", "Most mentioned", nothing("No entities are linked yet."))
    most = max(entity.chunks for entity in report.entities) or 1
    rows = [
        (
            Html(f'{text(entity.name)} <span class="soft">{text(entity.kind)}</span>'),
            meter(entity.chunks / most, number(entity.chunks)),
            number(entity.documents),
        )
        for entity in report.entities
    ]
    return section(
        "entities",
        "Most mentioned",
        table("Entities by the chunks that mention them", ("Entity", "Chunks", "Documents"), rows, numeric=[2]),
    )


def supersessions(report: ProjectReport) -> Html:
    """Which document took the place of which."""
    if not report.supersessions:
        return section("supersessions", "Superseded", nothing("No document says that it replaces another."), wide=True)
    pairs = joined(
        Html(
            f'<li><span class="old">{text(pair.older)}</span><span class="to" role="img" aria-label="superseded by">→</span>'
            f"<span>{text(pair.newer)}</span></li>"
        )
        for pair in report.supersessions
    )
    return section(
        "supersessions",
        "Superseded",
        Html(f'<ul class="succession">{pairs}</ul>'),
        note="Older on the left, what took its place on the right. Answers from the left say so.",
        wide=True,
    )


def questions(report: ProjectReport) -> Html:
    """A few of the judged questions with what was found."""
    if not (report.questions and report.asked):
        return section("questions", "Questions", nothing("No golden questions were asked yet."), wide=True)
    suite, recipe = report.asked
    rows = [
        (text(asked.text), text(asked.document or "not among the first ten"), _rank(asked), number(asked.ndcg, 3))
        for asked in report.questions
    ]
    return section(
        "questions",
        "Questions",
        table(
            f"Questions of {suite}, recipe {recipe}",
            ("Question", "Found", "Rank", "nDCG@10"),
            rows,
            numeric=[2, 3],
            stacked=True,
        ),
        note="Taken at even steps through the suite, not by how well they went; with the first right document and where it stood.",
        wide=True,
    )


def quarantine(report: ProjectReport) -> Html:
    """What could not be processed."""
    if not report.quarantined:
        return section("quarantine", "Quarantine", nothing("Empty: every document could be processed."), wide=True)
    rows = [
        (
            Html(f"<code>{text(item.uri or item.source)}</code>"),
            text(item.stage),
            Html(f'<span class="tag bad">{text(item.reason.replace("_", " "))}</span>'),
            text(item.detail),
            number(item.tries),
        )
        for item in report.quarantined
    ]
    return section(
        "quarantine",
        "Quarantine",
        table(
            "What could not be processed",
            ("Document", "Stage", "Reason", "Detail", "Tries"),
            rows,
            numeric=[4],
            stacked=True,
        ),
        note="Left out of this generation; everything else went on. Each is tried again when it or its parser changes.",
        wide=True,
    )


def _agreement(layer: Layer) -> tuple[str, str]:
    if layer.expected is None:
        return "unknown", "not compared"
    if layer.agrees:
        return "ok", "✓ agrees"
    said = [
        f"{count} {word}"
        for count, word in ((layer.missing, "missing"), (layer.extra, "unknown"), (layer.stale, "stale"))
        if count
    ]
    return "off", f"✗ {', '.join(said)}"


def _suite(report: ProjectReport, suite: str) -> Html:
    runs = [run for run in report.benchmarks if run.suite == suite]
    generations = sorted({run.generation for run in runs})
    shown = generations[-1] if report.generation not in generations else report.generation
    now = sorted((run for run in runs if run.generation == shown), key=lambda run: -run.metrics.get(_HEADLINE, 0.0))
    recipes = [run.recipe for run in now][:SERIES]
    pieces: list[Html] = [_recipes(suite, shown, now), *(_readers(run) for run in now)]
    if len(generations) > 1:
        measured = {(run.recipe, run.generation): run.metrics for run in runs}
        histories = []
        for metric in _HISTORIES:
            series = {recipe: [measured.get((recipe, g), {}).get(metric) for g in generations] for recipe in recipes}
            title = f"{_METRICS[metric]} by generation"
            chart = lines(f"{title}, {suite}", [str(g) for g in generations], series, highest=1.0)
            histories.append(Html(f"<div><h3>{text(title)}</h3>{chart}{key(recipes)}</div>"))
        pieces.append(Html(f'<div class="pair">{joined(histories)}</div>'))
    return joined(pieces)


def _recipes(suite: str, generation: int, runs: list[Measured]) -> Html:
    measured = set[str]().union(*(run.metrics for run in runs))
    named = _METRICS | {name: title for name, title in _SPECIAL_METRICS.items() if _says_something(name, runs)}
    named = {name: title for name, title in named.items() if name in measured}
    timed = {name: title for name, title in _LATENCIES.items() if name in measured}
    rows = [
        (
            text(run.recipe),
            *(
                meter(
                    run.metrics.get(metric, 0.0), joined((number(run.metrics.get(metric), 3), _interval(run, metric)))
                )
                for metric in named
            ),
            *(number(run.metrics.get(latency), 1) for latency in timed),
        )
        for run in runs
    ]
    return table(
        f"{suite}: {runs[0].queries} questions, generation {generation}",
        ("Recipe", *named.values(), *timed.values()),
        rows,
        numeric=range(len(named) + 1, len(named) + len(timed) + 1),
        stacked=True,
    )


def _readers(run: Measured) -> Html:
    """How long searches take with several readers at once, where that was measured: of the best recipe, between two ingests."""
    rows = [
        (number(readers), *(number(run.metrics[f"{name}@{readers}"], 1) for name in _LATENCIES))
        for readers in READERS
        if f"p95_ms@{readers}" in run.metrics
    ]
    if not rows:
        return Html("")
    return table(
        f"{run.recipe} with several readers at once",
        ("Readers", *_LATENCIES.values()),
        rows,
        numeric=range(1, len(_LATENCIES) + 1),
        stacked=True,
    )


def _says_something(metric: str, runs: list[Measured]) -> bool:
    """Whether a special metric tells more than the plain ones: with one right document a question, full evidence is recall again."""
    if metric.startswith("full_evidence"):
        recall = metric.replace("full_evidence", "recall")
        return any(run.metrics.get(metric) != run.metrics.get(recall) for run in runs)
    return True


def _interval(run: Measured, metric: str) -> Html:
    low, high = run.metrics.get(f"{metric}_low"), run.metrics.get(f"{metric}_high")
    return Html("") if low is None or high is None else Html(f' <span class="soft">{low:.2f} to {high:.2f}</span>')


def _rank(asked: Question) -> Html:
    return (
        Html('<span class="tag bad">missed</span>')
        if asked.rank is None
        else Html(f'<span class="tag">{asked.rank}</span>')
    )
