"""Measure: a benchmark suite run through the same service that readers use, in the generation being judged, and the gate's verdict.

Reading suites from folders is `suites`' business, comparing two generations `domain.gate`'s.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from destiny_assets.adapters.postgres.benchmarks import QueryResult, Suite
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.gate import Fall, compare, refusals
from destiny_assets.domain.generations import Generation
from destiny_assets.domain.metrics import mean_metrics, paired_bootstrap, percentile, query_metrics, span_overlap
from destiny_assets.domain.retrieval import BEST, MEASURED, RECIPES, default_best
from destiny_assets.errors import ConflictError, ModelError
from destiny_assets.ports import Progress
from destiny_assets.serving.rankings import Placed
from destiny_assets.serving.service import KnowledgeService
from destiny_assets.stages.readers import latencies_of_readers, searched

# Deep enough for recall@100 over documents when the best document fills several places with its chunks.
_DEPTH = 300
# Spans are scored over what a reader of five passages reads.
_READ_PASSAGES = 5
# Searches timed a recipe and suite: enough for a trend. More of them are `destiny evaluate`'s to time.
_TIMED = 20
# The same for many readers at once, of whom each then asks once: some 4 s a suite, so only where nobody waits for a generation.
_TIMED_TOGETHER = 50
# Another recipe than the default must win by more than this on the tuning questions: less is noise, and a changing recipe confuses.
_CLEARLY = 0.005

_HEADLINE = "ndcg@10"
_WARMING = "What is this about?"


@dataclass(frozen=True, slots=True)
class Measured:
    """One recipe on one suite: the means with latencies, each question's own metrics, and what was found for it."""

    metrics: dict[str, float]
    questions: dict[str, Mapping[str, float]]
    results: Sequence[QueryResult]


class _Bench:
    """Measures recipes on suites; `open_service` gives a service that has cached nothing yet."""

    def __init__(
        self, ledger: PostgresLedger, open_service: Callable[[], KnowledgeService], progress: Progress
    ) -> None:
        self._ledger = ledger
        self._open_service = open_service
        self._progress = progress

    def suites(
        self, generation: Generation, suites: Sequence[Suite], run_id: str
    ) -> tuple[dict[str, dict[str, Measured]], dict[str, str]]:
        """Every recipe on each suite, kept under `run_id`; those of a reranker that fails are left out from there on, with the reason."""
        recipes, unmeasured = self._open_service().measured_recipes, dict[str, str]()
        optional = [recipe for recipe in recipes if recipe not in MEASURED]
        found = {}
        for suite in suites:
            measured = self.suite(generation, suite, MEASURED)
            if wanted := [recipe for recipe in optional if recipe not in unmeasured]:
                try:
                    measured |= self.suite(generation, suite, wanted)
                except ModelError as error:
                    unmeasured |= dict.fromkeys(wanted, str(error))
            for recipe, one in measured.items():
                self._ledger.benchmarks.store(
                    *(generation.project, generation.number),
                    run_id=run_id,
                    suite=suite.name,
                    recipe=recipe,
                    metrics=one.metrics,
                    results=one.results,
                )
            found[suite.name] = measured
        return found, unmeasured

    def suite(self, generation: Generation, suite: Suite, recipes: Sequence[str]) -> dict[str, Measured]:
        """Recipes on a suite. Latencies are milliseconds of a search for ten of up to 20 questions, one at a time."""
        latencies = {recipe: self._latencies(generation, suite, recipe) for recipe in recipes}
        service = self._open_service()
        results: dict[str, list[QueryResult]] = {recipe: [] for recipe in recipes}
        for done, (query, text) in enumerate(suite.queries.items(), start=1):
            grades = suite.grades[query]
            # Candidates are searched once for all recipes: what this costs, each changed document costs until it is published.
            found = service.rankings.by_each(generation, text, recipes, _DEPTH, searched(suite, query))
            for recipe, passages in zip(recipes, found, strict=True):
                ranking = found_items(passages, grades)
                metrics = query_metrics(ranking, grades) | span_metrics(passages, grades)
                results[recipe].append(QueryResult(query, text, ranking[:100], metrics))
            self._progress.advance("benchmark", done, len(suite.queries))
        return {recipe: _measured(results[recipe], latencies[recipe]) for recipe in recipes}

    def _latencies(self, generation: Generation, suite: Suite, recipe: str) -> list[float]:
        # A service of its own a recipe: the first one's cached query vectors would make the next look fast.
        service = self._open_service()
        # Loading the model and opening connections, up to a second, is the latency of no recipe; the first one paid for it.
        service.search(generation.project, _WARMING, recipe=recipe, generation=generation)
        every = -(-len(suite.queries) // _TIMED)
        return [
            service.search(
                generation.project, text, recipe=recipe, generation=generation, filters=searched(suite, query)
            ).latency_ms
            for query, text in islice(suite.queries.items(), 0, None, every)
        ]


def _measured(results: Sequence[QueryResult], latencies: Sequence[float]) -> Measured:
    """``ndcg@10_low`` and ``_high`` are its 95 % bootstrap interval."""
    means = mean_metrics(result.metrics for result in results)
    # Against nothing a bootstrap gives the interval of the mean itself.
    interval = paired_bootstrap([result.metrics[_HEADLINE] for result in results])
    means |= {f"{_HEADLINE}_low": interval.low, f"{_HEADLINE}_high": interval.high}
    means |= {f"p{share}_ms": percentile(latencies, share / 100) for share in (50, 95, 99)}
    rounded = {name: round(value, 4) for name, value in means.items()}
    return Measured(rounded, {result.query_id: result.metrics for result in results}, results)


def found_items(passages: Sequence[Placed], grades: Mapping[str, int]) -> list[str]:
    """What a ranking of passages found, in order and once each: documents by uri, or where stretches are judged the stretches.

    A passage that touches no judged stretch stands for itself, so that it takes its place. Folded copies stand right behind theirs.
    """
    judged = _stretches(grades)
    items: list[str] = []
    for passage in passages:
        for place in (passage.place, *passage.copies):
            uri, (start, end) = place.uri, place.span
            if not judged:
                items.append(uri)
                continue
            touched = [name for name, its, a, b in judged if its == uri and a < end and start < b]
            items += touched or [f"{uri}#char={start},{end}"]
    return list(dict.fromkeys(items))


def measure_project(
    ledger: PostgresLedger,
    open_service: Callable[[], KnowledgeService],
    generation: Generation,
    *,
    run_id: str,
    progress: Progress,
) -> dict[str, Any]:
    """Every suite of a project, the recipe that is best, and what fell against the generation that readers see.

    A generation being built in which nothing changed is not measured again. One that readers see is also searched by several at once;
    ``p95_ms@10`` of the best recipe is then that of ten readers.
    """
    project, number = generation.project, generation.number
    building = generation.state == "building"
    latest = ledger.generations.latest(project)
    unchanged = (
        building
        and latest is not None
        and generation.collection in (None, latest.collection)
        and not any(ledger.generations.changes(project, number).values())
    )
    suites = [] if unchanged else ledger.benchmarks.suites(project)
    bench = _Bench(ledger, open_service, progress)
    measured, unmeasured = bench.suites(generation, suites, run_id)
    counts = ledger.reading.counts(project, number)
    best = _best_recipe(suites, measured, default_best(counts["chunks"], counts["tokens"]))
    if not building:
        for suite in suites:
            together = latencies_of_readers(open_service, generation, suite, best["recipe"], asked=_TIMED_TOGETHER)
            metrics = measured[suite.name][best["recipe"]].metrics
            metrics |= {f"{name}@{readers}": ms for readers, some in together.items() for name, ms in some.items()}
            ledger.benchmarks.tell(project, run_id, suite.name, best["recipe"], metrics)
    current = ledger.generations.current(project)
    falls = _falls(ledger, bench, current, suites, measured) if building and current is not None else []
    return {
        "queries": sum(len(suite.queries) for suite in suites),
        "suites": {
            name: {recipe: found.metrics for recipe, found in recipes.items()}
            | {BEST: _best_metrics(suite, recipes[best["recipe"]])}
            for suite in suites
            for name, recipes in [(suite.name, measured[suite.name])]
        },
        "best_recipe": best,
        # Recipes that something optional is missing for: it must not keep a generation from readers.
        "unmeasured": unmeasured,
        "differences": {name: _differences(recipes, best["recipe"]) for name, recipes in measured.items()},
        "gate": {
            "compared_with": current.number if falls and current else None,
            "tolerances": ledger.benchmarks.tolerances(project),
            "refused": [asdict(fall) | {"drop": round(fall.drop, 4), "said": str(fall)} for fall in refusals(falls)],
        },
    }


def _best_recipe(
    suites: Sequence[Suite], measured: Mapping[str, Mapping[str, Measured]], default: str
) -> dict[str, Any]:
    """The recipe with the best mean over the tuning questions, the default unless another is clearly better."""
    tuning = [(suite.name, query) for suite in suites for query in suite.tuning]
    if not tuning:
        return {"recipe": default, "tuning_questions": 0, "means": {}}
    means = {
        recipe: sum(measured[suite][recipe].questions[query][_HEADLINE] for suite, query in tuning) / len(tuning)
        for recipe in RECIPES
        if all(recipe in found for found in measured.values())
    }
    winner = max(means, key=lambda recipe: (means[recipe], recipe))
    chosen = winner if means[winner] > means[default] + _CLEARLY else default
    return {
        "recipe": chosen,
        "tuning_questions": len(tuning),
        "means": {recipe: round(mean, 4) for recipe, mean in means.items()},
    }


def _best_metrics(suite: Suite, measured: Measured) -> dict[str, float]:
    """The chosen recipe's means over the questions that had no part in choosing it, where there are any."""
    held_out = [query for query in suite.queries if query not in suite.tuning] or list(suite.queries)
    means = mean_metrics(measured.questions[query] for query in held_out)
    interval = paired_bootstrap([measured.questions[query][_HEADLINE] for query in held_out])
    means |= {f"{_HEADLINE}_low": interval.low, f"{_HEADLINE}_high": interval.high}
    latencies = {name: value for name, value in measured.metrics.items() if "_ms" in name}
    return {name: round(value, 4) for name, value in means.items()} | latencies


def _differences(recipes: Mapping[str, Measured], best: str) -> dict[str, dict[str, float]]:
    """The chosen recipe's nDCG@10 less each other's, question by question, with the 95 % interval of the mean."""
    ours = recipes[best].questions
    found = {}
    for name, other in recipes.items():
        if name != best:
            interval = paired_bootstrap([ours[q][_HEADLINE] - other.questions[q][_HEADLINE] for q in ours])
            found[name] = {
                "mean": round(interval.mean, 4),
                "low": round(interval.low, 4),
                "high": round(interval.high, 4),
            }
    return found


def _falls(
    ledger: PostgresLedger,
    bench: _Bench,
    current: Generation,
    suites: Sequence[Suite],
    measured: Mapping[str, Mapping[str, Measured]],
) -> list[Fall]:
    """What fell against the current generation, as it was measured when it was judged itself; measured now where it never was by this ranking."""
    tolerances = ledger.benchmarks.tolerances(current.project)
    falls = []
    for suite in suites:
        before = {recipe: _stored(ledger, current, suite, recipe) for recipe in measured[suite.name]}
        if unknown := [recipe for recipe, questions in before.items() if not questions]:
            try:
                # Not kept: layers that are damaged today would be what tomorrow's generation is held against.
                now = bench.suite(current, suite, unknown)
            except ConflictError:
                # It was embedded with another model than is configured, and nobody measured it then: there is nothing to compare.
                now = {}
            before |= {recipe: found.questions for recipe, found in now.items()}
        for recipe, found in measured[suite.name].items():
            falls += compare(suite.name, recipe, before[recipe], found.questions, tolerances)
    return falls


def _stored(
    ledger: PostgresLedger, generation: Generation, suite: Suite, recipe: str
) -> dict[str, Mapping[str, float]]:
    """Metrics of stored rankings by today's judgements."""
    rankings = ledger.benchmarks.rankings(generation.project, generation.number, suite, recipe)
    return {query: query_metrics(ranking, suite.grades[query]) for query, ranking in rankings.items()}


def _stretches(grades: Iterable[str]) -> list[tuple[str, str, int, int]]:
    """(item, uri, start, end) of the items that name a stretch of a document."""
    found = []
    for item in grades:
        uri, mark, places = item.rpartition("#char=")
        if mark:
            start, _, end = places.partition(",")
            found.append((item, uri, int(start), int(end)))
    return found


def span_metrics(passages: Sequence[Placed], grades: Mapping[str, int]) -> dict[str, float]:
    """How passages cover the judged stretches: the first five, as many as touch one, and those that touch one (``@touching``).

    Copies stand behind their passage as if they had not been folded, or an answer in the later one of two would be missed. What touches
    a stretch is looked for among all passages given. Empty where documents are judged.
    """
    judged = _stretches(item for item, grade in grades.items() if grade > 0)
    if not judged:
        return {}
    places = [place for passage in passages for place in (passage.place, *passage.copies)]
    # Each document is a stretch of one long line, so that spans of different documents never meet.
    uris = {*(place.uri for place in places), *(uri for _, uri, _, _ in judged)}
    offsets = {uri: number * 1_000_000_000 for number, uri in enumerate(sorted(uris))}
    gold = [(offsets[uri] + start, offsets[uri] + end) for _, uri, start, end in judged]
    spans = [(offsets[place.uri] + place.span[0], offsets[place.uri] + place.span[1]) for place in places]
    touching = [(start, end) for start, end in spans if any(a < end and start < b for a, b in gold)]
    found: dict[str, float] = {}
    # As many as touch one is what a perfect ranking would return; a question none of whose passages does reads one.
    for name, read in (
        ("5", spans[:_READ_PASSAGES]),
        ("gold", spans[: max(len(touching), 1)]),
        ("touching", touching),
    ):
        overlap = span_overlap(read, gold)
        found |= {
            f"span_recall@{name}": overlap.recall,
            f"span_precision@{name}": overlap.precision,
            f"span_iou@{name}": overlap.iou,
        }
    return found
