"""Benchmarks for readers: how a metric moved over the generations, how sure that is, and which questions answer otherwise than before."""

from collections.abc import Mapping
from dataclasses import dataclass

from destiny_assets.adapters.postgres.benchmarks import QueryResult
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.metrics import Interval, paired_bootstrap
from destiny_assets.errors import NotFoundError

GENERATIONS = 40
"""So many of the newest published generations make a curve; a bootstrap of each recipe in each takes a few milliseconds."""


@dataclass(frozen=True, slots=True)
class Point:
    """The mean of a metric over `questions` in one generation, with its 95 % bootstrap interval; all in [0, 1]."""

    generation: int
    questions: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Curve:
    """One recipe on one suite, over the generations it was measured in, oldest first."""

    suite: str
    recipe: str
    points: list[Point]


@dataclass(frozen=True, slots=True)
class Curves:
    """A metric of a project over its newest published generations; `metrics` names those there are."""

    project: str
    metric: str
    metrics: list[str]
    curves: list[Curve]


@dataclass(frozen=True, slots=True)
class ChangedQuestion:
    """A question that is answered otherwise: its metric and the first documents it got, before and now."""

    question: str
    text: str
    before: float
    now: float
    found_before: list[str]
    found_now: list[str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of one recipe on one suite, over the questions that both generations were asked in the same words.

    `change` is the mean of now less before with its 95 % interval from a paired bootstrap; `questions` those whose metric moved, the
    deepest fall first.
    """

    project: str
    suite: str
    recipe: str
    metric: str
    before: int
    after: int
    asked: int
    change: Interval
    questions: list[ChangedQuestion]


_SHOWN = 5
# Figures of all questions together, which no single one has.
_OF_THE_SUITE = ("_ms", "_low", "_high")


def curves(ledger: PostgresLedger, project: str, metric: str) -> Curves:
    """How a metric moved; without curves where it was never measured."""
    found: dict[tuple[str, str], list[Point]] = {}
    for one in ledger.benchmarks.scores(project, metric, GENERATIONS):
        # Against nothing: the interval of the mean itself.
        at = paired_bootstrap(one.values)
        point = Point(one.generation, len(one.values), at.mean, at.low, at.high)
        found.setdefault((one.suite, one.recipe), []).append(point)
    names = {
        name for run in ledger.benchmarks.history(project) for name in run.metrics if not name.endswith(_OF_THE_SUITE)
    }
    return Curves(project, metric, sorted(names), [Curve(*key, points) for key, points in sorted(found.items())])


def comparison(
    ledger: PostgresLedger, project: str, *, suite: str, recipe: str, metric: str, before: int, after: int
) -> Comparison:
    """What a recipe finds otherwise in generation `after` than in `before`; raises `NotFoundError` where one was not measured."""
    old, new = (_asked(ledger, project, number, suite, recipe) for number in (before, after))
    pairs = [
        (old[id_], now)
        for id_, now in sorted(new.items())
        if id_ in old and old[id_].text == now.text and metric in old[id_].metrics and metric in now.metrics
    ]
    if not pairs:
        raise NotFoundError(
            f"Generations {before} and {after} share no question of suite {suite!r} with {metric!r}. See /v1/projects/{project}/benchmarks"
        )
    moved = [
        ChangedQuestion(
            now.query_id,
            now.text,
            was.metrics[metric],
            now.metrics[metric],
            list(was.ranking[:_SHOWN]),
            list(now.ranking[:_SHOWN]),
        )
        for was, now in pairs
        if was.metrics[metric] != now.metrics[metric]
    ]
    moved.sort(key=lambda one: (one.now - one.before, one.question))
    change = paired_bootstrap([now.metrics[metric] - was.metrics[metric] for was, now in pairs])
    return Comparison(project, suite, recipe, metric, before, after, len(pairs), change, moved)


def _asked(ledger: PostgresLedger, project: str, number: int, suite: str, recipe: str) -> Mapping[str, QueryResult]:
    found = {one.query_id: one for one in ledger.benchmarks.answered(project, number, suite, recipe)}
    if not found:
        raise NotFoundError(
            f"Recipe {recipe!r} was not measured on suite {suite!r} in generation {number}. See /v1/projects/{project}/benchmarks"
        )
    return found
