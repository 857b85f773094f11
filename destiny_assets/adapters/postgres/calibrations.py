"""How well probabilities of claims held against labels, by generation; truth suites of a project, and what the model made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from psycopg.types.json import Jsonb

from destiny_assets.adapters.postgres.session import Session
from destiny_assets.domain.truth.holdout import MethodCalibration
from destiny_assets.domain.truth.scores import BINS

_FIGURES = (
    "judged",
    "precision",
    "brier",
    "ece",
    "ece_low",
    "ece_high",
    "ece_if_calibrated",
    "ece_chance_high",
    "log_loss",
)


@dataclass(frozen=True, slots=True)
class StoredBin:
    """One tenth of a reliability diagram; the last four are None where no slot fell into it. `low` and `high` are Wilson's 95 % interval."""

    begins: float
    slots: int
    mean_probability: float | None
    share_right: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class StoredCalibration:
    """How well the probabilities of one method (`destiny`, or `majority` vote beside it) held in the generation they were measured in.

    Each of the `judged` slots was judged by a model that its labels had no part in; of `undecided` more the labels do not say
    whether what is believed is right.
    """

    generation: int
    method: str
    model: str
    labels: int
    judged: int
    undecided: int
    precision: float
    brier: float
    ece: float
    ece_low: float
    ece_high: float
    ece_if_calibrated: float
    ece_chance_high: float
    log_loss: float
    at: datetime
    bins: list[StoredBin]


@dataclass(frozen=True, slots=True)
class TruthSuite:
    """Labelled claims: the bytes of two CSV files, packed by gzip or not; `stages.trust_suites` reads them."""

    name: str
    claims: bytes
    truth: bytes

    @property
    def sha256(self) -> str:
        """What it holds, in 64 hexadecimal digits: measurements of equal content are comparable."""
        return sha256(sha256(self.claims).digest() + sha256(self.truth).digest()).hexdigest()


@dataclass(frozen=True, slots=True)
class TrustBenchmark:
    """What one model made of a truth suite with so many labels; `metrics` as ``destiny evaluate trust --json`` tells them."""

    suite: str
    sha256: str
    model: str
    labels: int
    scored: int
    metrics: Mapping[str, Any]
    at: datetime


class Calibrations:
    """Measurements of the model of trust."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def store(
        self,
        project: str,
        generation: int,
        found: Sequence[MethodCalibration],
        *,
        model: str,
        labels: int,
        undecided: int,
    ) -> None:
        """Keep what was measured in a generation, in place of what an unfinished run of it found; nothing where nothing was judged."""
        columns = ("project", "generation", "method", "model", "labels", "undecided", *_FIGURES)
        with self._session.transaction() as cursor:
            cursor.execute("delete from calibration where project = %s and generation = %s", (project, generation))
            cursor.executemany(
                f"insert into calibration ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})",  # noqa: S608
                [
                    (project, generation, one.method, model, labels, undecided, *(getattr(one, f) for f in _FIGURES))
                    for one in found
                ],
            )
            cursor.executemany(
                """insert into calibration_bin (project, generation, method, bin, slots, mean_probability, share_right, low, high)
                   values (%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
                [
                    (
                        *(project, generation, one.method, number, part.slots),
                        *(part.mean_probability, part.right, part.low, part.high),
                    )
                    for one in found
                    for number, part in enumerate(one.bins)
                ],
            )

    def forget(self, project: str, generation: int) -> None:
        """Drop what an unfinished run measured in a generation in which, as it turned out, nothing of this changed."""
        with self._session.transaction() as cursor:
            cursor.execute("delete from calibration where project = %s and generation = %s", (project, generation))

    def history(self, project: str, generation: int) -> list[StoredCalibration]:
        """What was measured up to a generation, the newest first, `destiny` before `majority`. The first two hold in it."""
        with self._session.transaction() as cursor:
            rows: Any = cursor.execute(
                """select c.*, b.bins from calibration c cross join lateral (
                       select jsonb_agg(jsonb_build_object('begins', bin::double precision / %(bins)s, 'slots', slots,
                           'mean_probability', mean_probability, 'share_right', share_right, 'low', low, 'high', high) order by bin) as bins
                       from calibration_bin b where (b.project, b.generation, b.method) = (c.project, c.generation, c.method)) b
                   where c.project = %(p)s and c.generation <= %(g)s order by c.generation desc, c.method""",
                {"p": project, "g": generation, "bins": BINS},
            ).fetchall()
        return [_stored(row) for row in rows]

    def moved(self, project: str, generation: int) -> bool:
        """Whether a generation changes any probability of a claim, or what is known of a witness."""
        with self._session.transaction() as cursor:
            row = cursor.execute(
                """select exists (select from claim_probability where project = %(p)s and born = %(g)s)
                       or exists (select from claim_probability where project = %(p)s and died = %(g)s)
                       or exists (select from source_reliability where project = %(p)s and born = %(g)s)
                       or exists (select from source_reliability where project = %(p)s and died = %(g)s) as moved""",
                {"p": project, "g": generation},
            ).fetchone()
        return bool(row and row["moved"])

    def attach(self, project: str, suite: TruthSuite) -> None:
        """Make a truth suite part of a project, in place of one of the same name."""
        with self._session.transaction() as cursor:
            cursor.execute(
                """insert into truth_suite (project, suite, claims, truth, sha256) values (%s, %s, %s, %s, %s)
                   on conflict (project, suite) do update set claims = excluded.claims, truth = excluded.truth,
                       sha256 = excluded.sha256, attached_at = now()""",
                (project, suite.name, suite.claims, suite.truth, suite.sha256),
            )

    def suites(self, project: str) -> list[TruthSuite]:
        """The truth suites of a project, by name."""
        with self._session.transaction() as cursor:
            rows: Any = cursor.execute(
                "select suite as name, claims, truth from truth_suite where project = %s order by suite",
                (project,),
            ).fetchall()
        return [TruthSuite(**row) for row in rows]

    def store_benchmark(self, project: str, found: TrustBenchmark) -> None:
        """Keep what a model made of a suite; measured again it is the same."""
        with self._session.transaction() as cursor:
            cursor.execute(
                """insert into trust_benchmark (project, suite, sha256, model, labels, scored, metrics, at)
                   values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing""",
                (
                    *(project, found.suite, found.sha256, found.model, found.labels, found.scored),
                    *(Jsonb(dict(found.metrics)), found.at),
                ),
            )

    def benchmarks(self, project: str) -> list[TrustBenchmark]:
        """Everything that was measured on truth suites, by suite and number of labels, the newest first."""
        with self._session.transaction() as cursor:
            rows: Any = cursor.execute(
                """select suite, sha256, model, labels, scored, metrics, at from trust_benchmark
                   where project = %s order by suite, labels, at desc, model""",
                (project,),
            ).fetchall()
        return [TrustBenchmark(**row) for row in rows]


def _stored(row: Mapping[str, Any]) -> StoredCalibration:
    bins = [StoredBin(**part) for part in row["bins"] or ()]
    return StoredCalibration(
        **{name: value for name, value in row.items() if name not in {"project", "bins"}}, bins=bins
    )
