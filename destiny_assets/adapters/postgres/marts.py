"""What a project's report shows, read from the ledger at the generation readers see; and the lock under which marts are built.

The ledger itself and not dbt's tables: a report is then right also where no marts were ever built.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, LiteralString

import psycopg
from psycopg import Cursor, sql
from psycopg.rows import DictRow

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.domain.report.values import (
    BINS,
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

_MARTS_LOCK = 7_203_612
_ENTITIES, _QUESTIONS, _SUPERSESSIONS, _QUARANTINED = 12, 10, 60, 100
_WITNESSES, _CONTESTED, _PREDICATES, _CALIBRATIONS = 12, 12, 20, 40
_ASKED_WITH = "hybrid"
_LAYERS = (("documents", "originals"), ("vectors", "points"), ("graph", "nodes and edges"))

_CURRENT: LiteralString = """
select g.number, p.published_at, g.model_id, g.run_id, g.facts
from publication p join generation g on (g.project, g.number) = (p.project, p.generation) where p.project = %(p)s
"""
_COUNTS: LiteralString = """
select (select count(*) from document_version where project = %(p)s and born <= %(g)s and died > %(g)s) as documents,
       (select count(*) from chunk where project = %(p)s and born <= %(g)s and died > %(g)s) as chunks,
       (select coalesce(sum(tokens), 0)::bigint from chunk where project = %(p)s and born <= %(g)s and died > %(g)s) as tokens,
       (select count(*) from entity where project = %(p)s and born <= %(g)s and died > %(g)s) as entities,
       (select count(*) from mention where project = %(p)s and born <= %(g)s and died > %(g)s) as mentions,
       (select count(*) from reference where project = %(p)s and born <= %(g)s and died > %(g)s) as references
"""
_GROWTH: LiteralString = """
select number, published_at, (facts ->> 'documents')::bigint as documents, (facts ->> 'chunks')::bigint as chunks,
       (facts ->> 'tokens')::bigint as tokens
from generation where project = %(p)s and state = 'published' and published_at is not null order by number
"""
_TRUST: LiteralString = """
select item_kind, least(%(last)s, floor(score * %(bins)s))::integer as bin, count(*) as items, sum(score) as total from trust_score
where project = %(p)s and born <= %(g)s and died > %(g)s group by 1, 2
"""
_GATE: LiteralString = """
select facts -> 'layers' as layers from stage_report
where project = %(p)s and generation = %(g)s and stage = 'quality_gate' order by at desc limit 1
"""
_TIMINGS: LiteralString = """
select stage, (facts ->> 'seconds')::double precision as seconds from stage_report
where project = %(p)s and run_id = %(run)s and jsonb_typeof(facts -> 'seconds') = 'number' order by at
"""
_ENTITY: LiteralString = """
with mentioned as (
  select m.entity_id, count(distinct m.chunk_id) as chunks, count(distinct c.document_id) as documents
  from mention m join chunk c on (c.project, c.id) = (m.project, m.chunk_id) and c.born <= %(g)s and c.died > %(g)s
  where m.project = %(p)s and m.born <= %(g)s and m.died > %(g)s group by 1)
select e.name, e.kind, chunks, documents from mentioned
join entity e on (e.project, e.id) = (%(p)s, mentioned.entity_id) and e.born <= %(g)s and e.died > %(g)s
order by chunks desc, e.name limit %(most)s
"""
_SUPERSESSION: LiteralString = """
select distinct v.title as older, s.by_title as newer from supersession s
join document_version v on (v.project, v.document_id) = (s.project, s.document_id) and v.born <= %(g)s and v.died > %(g)s
where s.project = %(p)s and s.born <= %(g)s and s.died > %(g)s order by 1, 2 limit %(most)s
"""
# The newest run of each generation, suite and recipe.
_BENCHMARKS: LiteralString = """
select distinct on (generation, suite, recipe) id, generation, suite, recipe, queries, metrics from benchmark_run r
where project = %(p)s and exists (select from generation g where (g.project, g.number, g.state) = (r.project, r.generation, 'published'))
order by generation, suite, recipe, at desc
"""
_ASKED: LiteralString = """
select query_id, text, ranking, metrics from benchmark_query where project = %(p)s and run_id = %(run)s order by query_id
"""
_TITLES: LiteralString = """
select d.uri, v.title from document d join document_version v on (v.project, v.document_id) = (d.project, d.id)
where d.project = %(p)s and v.born <= %(g)s and v.died > %(g)s and d.uri = any(%(uris)s)
"""


_CALIBRATION: LiteralString = """
select c.generation, c.method, c.judged, c.precision, c.brier, c.ece, c.ece_low, c.ece_high,
       (select jsonb_agg(jsonb_build_array(b.slots, b.mean_probability, b.share_right, b.low, b.high) order by b.bin) filter (where b.slots > 0)
        from calibration_bin b where (b.project, b.generation, b.method) = (c.project, c.generation, c.method)) as bins
from calibration c where c.project = %(p)s and c.generation <= %(g)s order by c.generation desc, c.method limit %(most)s
"""
_WITNESS: LiteralString = """
with spoken as (
  select e.witness, count(distinct e.claim_id) as claims, count(distinct e.claim_id) filter (where b.believed) as believed,
         count(distinct e.claim_id) filter (where b.contested) as contested
  from evidence e join claim_probability b on (b.project, b.id) = (e.project, e.claim_id) and b.born <= %(g)s and b.died > %(g)s
  where e.project = %(p)s and e.born <= %(g)s and e.died > %(g)s group by 1)
select s.witness, r.reliability, s.claims, s.believed, s.contested from spoken s join lateral (
  select avg(complete) as reliability from source_reliability r
  where r.project = %(p)s and r.witness = s.witness and r.born <= %(g)s and r.died > %(g)s) r on r.reliability is not null
order by s.claims desc, s.witness limit %(most)s
"""
_OPEN: LiteralString = """
select min(c.subject) as subject, min(c.predicate) as predicate, max(c.value) filter (where b.believed) as believed,
       max(b.probability) filter (where b.believed) as probability, count(*) filter (where b.standing = 'current') as values
from claim_probability b join claim c on (c.project, c.id) = (b.project, b.id) and c.born <= %(g)s and c.died > %(g)s
where b.project = %(p)s and b.born <= %(g)s and b.died > %(g)s and b.contested
group by b.slot_id order by 4, 1, 2 limit %(most)s
"""
# Age is counted to the newest dated word of the project, not to a clock: a report of an old generation then stays true.
_STALENESS: LiteralString = """
with said as (
  select c.predicate, max(e.observed_at) as said_at from claim_probability b
  join claim c on (c.project, c.id) = (b.project, b.id) and c.born <= %(g)s and c.died > %(g)s
  join evidence e on (e.project, e.claim_id) = (c.project, c.id) and e.born <= %(g)s and e.died > %(g)s
  where b.project = %(p)s and b.born <= %(g)s and b.died > %(g)s and b.believed group by c.predicate, b.slot_id),
aged as (
  select predicate, extract(epoch from (select max(said_at) from said) - said_at)::double precision / 86400 as days from said)
select predicate, count(*) as slots, count(days) as dated, percentile_cont(0.5) within group (order by days) as median_days,
       max(days) as oldest_days
from aged group by 1 order by slots desc, predicate limit %(most)s
"""


def read_project_report(session: Session, project: str, written_at: datetime) -> ProjectReport:
    """A project as its readers see it now; empty but for the quarantine before the first publish."""
    # A transaction of its own also over a connection that commits each statement, as the reading role's does.
    with session.transaction() as cursor, cursor.connection.transaction():
        # One snapshot for all the reads: a publish in between would mix two generations.
        cursor.execute("set transaction isolation level repeatable read, read only")
        quarantined = _quarantined(cursor, project)
        current = cursor.execute(_CURRENT, {"p": project}).fetchone()
        if current is None:
            return ProjectReport(project, written_at, quarantined=quarantined)
        at: dict[str, Any] = {"p": project, "g": current["number"]}
        runs = cursor.execute(_BENCHMARKS, at).fetchall()
        asked = _asked_run(runs)
        return ProjectReport(
            project=project,
            written_at=written_at,
            generation=current["number"],
            published_at=current["published_at"],
            model=current["model_id"],
            counts=(counts := dict(cursor.execute(_COUNTS, at).fetchone() or {})),
            layers=_layers(cursor, at, sum(counts.values()) - counts["tokens"]),
            statuses=_statuses(cursor, at),
            growth=tuple(
                Growth(row["number"], row["published_at"], row["documents"], row["chunks"], row["tokens"])
                for row in cursor.execute(_GROWTH, at)
            ),
            trust=_trust(cursor, at),
            calibration=_calibration(cursor, at),
            witnesses=tuple(WitnessWord(**row) for row in cursor.execute(_WITNESS, at | {"most": _WITNESSES})),
            contested=tuple(ContestedSlot(**row) for row in cursor.execute(_OPEN, at | {"most": _CONTESTED})),
            staleness=tuple(Staleness(**row) for row in cursor.execute(_STALENESS, at | {"most": _PREDICATES})),
            benchmarks=tuple(
                Measured(r["generation"], r["suite"], r["recipe"], r["queries"], r["metrics"]) for r in runs
            ),
            timings=tuple(
                StageTime(**row) for row in cursor.execute(_TIMINGS, {"p": project, "run": current["run_id"]})
            ),
            entities=tuple(NamedEntity(**row) for row in cursor.execute(_ENTITY, at | {"most": _ENTITIES})),
            supersessions=tuple(
                Supersession(**row) for row in cursor.execute(_SUPERSESSION, at | {"most": _SUPERSESSIONS})
            ),
            asked=(asked["suite"], asked["recipe"]) if asked else None,
            questions=_questions(cursor, at, asked["id"]) if asked else (),
            quarantined=quarantined,
        )


@contextmanager
def marts_to_oneself(url: str) -> Iterator[Callable[[str], int]]:
    """Hold the marts against every other builder of them: dbt swaps tables by renaming, and two at once would collide.

    Gives a function that counts the rows of a mart, by its name.
    """

    def rows(mart: str) -> int:
        found = connection.execute(sql.SQL("select count(*) from marts.{}").format(sql.Identifier(mart))).fetchone()
        return int(found[0]) if found else 0

    with psycopg.connect(url, autocommit=True, application_name="destiny-marts") as connection:
        connection.execute("select pg_advisory_lock(%s)", (_MARTS_LOCK,))
        yield rows


def _quarantined(cursor: Cursor[DictRow], project: str) -> tuple[QuarantinedItem, ...]:
    rows = cursor.execute(
        "select source, uri, stage, reason, detail, tries from quarantine where project = %s order by stage, source, uri limit %s",
        (project, _QUARANTINED),
    )
    return tuple(QuarantinedItem(**row) for row in rows)


def _layers(cursor: Cursor[DictRow], at: Mapping[str, Any], rows: int) -> tuple[Layer, ...]:
    gate = cursor.execute(_GATE, at).fetchone()
    found: dict[str, dict[str, int]] = (gate and gate["layers"]) or {}
    # The ledger is what the others are compared with, so it agrees by definition.
    ledger = Layer("ledger", "rows", rows)
    documents, *others = (
        Layer(name, unit, known.get("expected"), known.get("missing", 0), known.get("extra", 0), known.get("stale", 0))
        for name, unit in _LAYERS
        for known in [found.get(name, {})]
    )
    return (documents, ledger, *others)


def _statuses(cursor: Cursor[DictRow], at: Mapping[str, Any]) -> dict[str, int]:
    rows = cursor.execute(
        """select coalesce(status, 'not stated') as status, count(*) as documents from document_version
           where project = %(p)s and born <= %(g)s and died > %(g)s group by 1""",
        at,
    )
    return {row["status"]: row["documents"] for row in rows}


def _trust(cursor: Cursor[DictRow], at: Mapping[str, Any]) -> tuple[TrustHistogram, ...]:
    bins: dict[str, list[int]] = defaultdict(lambda: [0] * BINS)
    totals: dict[str, float] = defaultdict(float)
    for row in cursor.execute(_TRUST, {**at, "bins": BINS, "last": BINS - 1}):
        bins[row["item_kind"]][row["bin"]] = row["items"]
        totals[row["item_kind"]] += row["total"]
    return tuple(
        TrustHistogram(kind, tuple(bins[kind]), totals[kind] / sum(bins[kind]))
        for kind in sorted(bins, reverse=True)
        if sum(bins[kind])
    )


def _calibration(cursor: Cursor[DictRow], at: Mapping[str, Any]) -> tuple[Calibration, ...]:
    rows = cursor.execute(_CALIBRATION, {**at, "most": _CALIBRATIONS})
    return tuple(
        Calibration(**{**row, "bins": tuple(Reliability(*values) for values in row["bins"] or ())}) for row in rows
    )


def _asked_run(runs: list[DictRow]) -> DictRow | None:
    """The run whose questions are shown: the newest generation's, of the default recipe where it was measured."""
    return max(runs, key=lambda run: (run["generation"], run["recipe"] == _ASKED_WITH), default=None)


def _questions(cursor: Cursor[DictRow], at: Mapping[str, Any], run: Any) -> tuple[Question, ...]:
    rows = cursor.execute(_ASKED, {**at, "run": run}).fetchall()
    step = max(1, len(rows) // _QUESTIONS)
    sample = rows[::step][:_QUESTIONS]
    found = [_first_right(row) for row in sample]
    titles = {
        row["uri"]: row["title"]
        for row in cursor.execute(_TITLES, {**at, "uris": [uri for uri, _ in found if uri is not None]})
    }
    return tuple(
        Question(row["text"], titles.get(uri, uri) if uri else None, rank, row["metrics"].get("ndcg@10", 0.0))
        for row, (uri, rank) in zip(sample, found, strict=True)
    )


def _first_right(row: DictRow) -> tuple[str | None, int | None]:
    """(uri, rank) of the first relevant document: the reciprocal of mrr@10 is its rank."""
    reciprocal = row["metrics"].get("mrr@10", 0.0)
    if not reciprocal:
        return None, None
    rank = round(1 / reciprocal)
    return row["ranking"][rank - 1], rank
