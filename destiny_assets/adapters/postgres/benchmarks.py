"""Benchmark results with their history, down to the single query."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from psycopg.types.json import Jsonb

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.domain.chunks import stable_id
from destiny_assets.domain.gate import GATED
from destiny_assets.domain.retrieval import RANKING


@dataclass(frozen=True, slots=True)
class Suite:
    """Judged questions: `grades` maps a query to what answers it, and how well (1, 2, ...).

    What answers is a document (by uri) or a stretch of one (``uri#char=start,end``, as RFC 5147 writes it). `tuning` are the
    questions that the recipe `best` may be chosen by; `sources` says which source a question is asked of, where not of all.
    """

    name: str
    queries: Mapping[str, str]
    grades: Mapping[str, Mapping[str, int]]
    tuning: frozenset[str] = frozenset()
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QueryResult:
    """One query of a benchmark: what came back in order, and its own metrics."""

    query_id: str
    text: str
    ranking: Sequence[str]
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class BenchmarkRun:
    """One recipe measured on one suite in one generation."""

    generation: int
    suite: str
    recipe: str
    queries: int
    metrics: Mapping[str, float]
    at: datetime


@dataclass(frozen=True, slots=True)
class QuestionScores:
    """One metric of one recipe on one suite in one generation, question by question."""

    generation: int
    suite: str
    recipe: str
    values: list[float]


class Benchmarks:
    """Benchmark history."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def attach(self, project: str, suite: Suite) -> None:
        """Make a suite part of a project, in place of one of the same name."""
        with self._session.transaction() as cursor:
            cursor.execute("delete from golden_question where project = %s and suite = %s", (project, suite.name))
            cursor.executemany(
                "insert into golden_question (project, suite, query_id, text, grades, tuning, source) values (%s, %s, %s, %s, %s, %s, %s)",
                [
                    (
                        *(project, suite.name, query, text, Jsonb(dict(suite.grades[query]))),
                        *(query in suite.tuning, suite.sources.get(query)),
                    )
                    for query, text in suite.queries.items()
                ],
            )

    def suites(self, project: str) -> list[Suite]:
        """The suites of a project, by name, questions in order of their ids."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select suite, query_id, text, grades, tuning, source from golden_question
                   where project = %s order by suite, query_id""",
                (project,),
            ).fetchall()
        return [
            Suite(
                name,
                {row["query_id"]: row["text"] for row in some},
                {row["query_id"]: row["grades"] for row in some},
                frozenset(row["query_id"] for row in some if row["tuning"]),
                {row["query_id"]: row["source"] for row in some if row["source"]},
            )
            for name, some in ((name, list(group)) for name, group in groupby(rows, key=itemgetter("suite")))
        ]

    def rankings(self, project: str, generation: int, suite: Suite, recipe: str) -> dict[str, list[str]]:
        """What the newest run of a recipe by today's arithmetic found for each question of the suite that is still asked in the same words."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select q.query_id, q.text, q.ranking from benchmark_query q
                   where q.project = %(p)s and q.run_id = (
                       select id from benchmark_run where project = %(p)s and generation = %(g)s and suite = %(s)s and recipe = %(r)s
                         and ranking = %(v)s order by at desc limit 1)""",
                {"p": project, "g": generation, "s": suite.name, "r": recipe, "v": RANKING},
            ).fetchall()
        return {row["query_id"]: row["ranking"] for row in rows if suite.queries.get(row["query_id"]) == row["text"]}

    def tolerances(self, project: str) -> dict[str, float]:
        """How far each gated metric may fall; where the project says nothing, the default."""
        with self._session.transaction() as cursor:
            rows = cursor.execute("select metric, fall from gate_tolerance where project = %s", (project,)).fetchall()
        return {**GATED, **{row["metric"]: row["fall"] for row in rows}}

    def tolerate(self, project: str, metric: str, fall: float) -> None:
        """Let the mean of a metric fall by at most this much, in [0, 1]."""
        with self._session.transaction() as cursor:
            cursor.execute(
                """insert into gate_tolerance (project, metric, fall) values (%s, %s, %s)
                   on conflict (project, metric) do update set fall = excluded.fall""",
                (project, metric, fall),
            )

    def store(
        self,
        project: str,
        generation: int,
        *,
        run_id: str,
        suite: str,
        recipe: str,
        metrics: Mapping[str, float],
        results: Sequence[QueryResult],
    ) -> None:
        """Keep one run with its queries; the same run again replaces itself."""
        run = stable_id("benchmark", run_id, suite, recipe)
        with self._session.transaction() as cursor:
            cursor.execute("delete from benchmark_run where project = %s and id = %s", (project, run))
            cursor.execute(
                """insert into benchmark_run (project, id, generation, suite, recipe, queries, metrics, ranking)
                   values (%s, %s, %s, %s, %s, %s, %s, %s)""",
                (project, run, generation, suite, recipe, len(results), Jsonb(dict(metrics)), RANKING),
            )
            cursor.executemany(
                "insert into benchmark_query (project, run_id, query_id, text, ranking, metrics) values (%s, %s, %s, %s, %s, %s)",
                [(project, run, r.query_id, r.text, Jsonb(list(r.ranking)), Jsonb(dict(r.metrics))) for r in results],
            )

    def tell(self, project: str, run_id: str, suite: str, recipe: str, metrics: Mapping[str, float]) -> None:
        """Replace the means of a run that was kept."""
        with self._session.transaction() as cursor:
            cursor.execute(
                "update benchmark_run set metrics = %s where project = %s and id = %s",
                (Jsonb(dict(metrics)), project, stable_id("benchmark", run_id, suite, recipe)),
            )

    def scores(self, project: str, metric: str, last: int) -> list[QuestionScores]:
        """What a metric was for every question, by generation, suite and recipe: the newest run of each of the `last` published ones."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """with run as (
                       select distinct on (r.generation, r.suite, r.recipe) r.id, r.generation, r.suite, r.recipe
                       from benchmark_run r where r.project = %(p)s and r.generation in (
                           select number from generation where project = %(p)s and state = 'published' order by number desc limit %(last)s)
                       order by r.generation, r.suite, r.recipe, r.at desc)
                   select run.generation, run.suite, run.recipe,
                          array_agg((q.metrics ->> %(m)s)::double precision order by q.query_id) as values
                   from run join benchmark_query q on (q.project, q.run_id) = (%(p)s, run.id)
                   where q.metrics ? %(m)s group by 1, 2, 3 order by 2, 3, 1""",
                {"p": project, "m": metric, "last": last},
            ).fetchall()
        return [QuestionScores(**row) for row in rows]

    def answered(self, project: str, generation: int, suite: str, recipe: str) -> list[QueryResult]:
        """Every question of the newest run of a recipe in a generation; none where it was not measured."""
        with self._session.transaction() as cursor:
            rows = cursor.execute(
                """select query_id, text, ranking, metrics from benchmark_query where project = %(p)s and run_id = (
                       select id from benchmark_run where project = %(p)s and generation = %(g)s and suite = %(s)s and recipe = %(r)s
                       order by at desc limit 1) order by query_id""",
                {"p": project, "g": generation, "s": suite, "r": recipe},
            ).fetchall()
        return [QueryResult(**row) for row in rows]

    def history(self, project: str) -> list[BenchmarkRun]:
        """Every run of a project, oldest first."""
        with self._session.transaction() as cursor:
            rows: Any = cursor.execute(
                "select generation, suite, recipe, queries, metrics, at from benchmark_run where project = %s order by at, recipe",
                (project,),
            )
            return [BenchmarkRun(**row) for row in rows]

    def queries(self, project: str) -> Iterator[dict[str, Any]]:
        """Every query of every run, with its ranking and metrics."""
        with self._session.stream("benchmark_queries") as cursor:
            cursor.execute(
                """select r.generation, r.suite, r.recipe, q.query_id, q.text, q.ranking, q.metrics
                   from benchmark_query q join benchmark_run r on (r.project, r.id) = (q.project, q.run_id)
                   where q.project = %s order by r.at, r.recipe, q.query_id""",
                (project,),
            )
            yield from cursor
