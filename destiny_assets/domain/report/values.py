"""What a report shows, as plain values. No markup, no SQL."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

BINS = 10


@dataclass(frozen=True, slots=True)
class Layer:
    """One of the four layers: how many of `unit` the ledger says it should hold, lacks, and holds without reason.

    None where nothing compared it.
    """

    name: str
    unit: str
    expected: int | None
    missing: int = 0
    extra: int = 0
    stale: int = 0

    @property
    def agrees(self) -> bool:
        """Whether it was compared and holds exactly what it should."""
        return self.expected is not None and not (self.missing or self.extra or self.stale)


@dataclass(frozen=True, slots=True)
class Growth:
    """What one published generation held; None where it did not say."""

    generation: int
    published_at: datetime
    documents: int | None
    chunks: int | None
    tokens: int | None


@dataclass(frozen=True, slots=True)
class TrustHistogram:
    """Scores of one kind of item, counted in ten bins of 0.1 from 0 to 1; `mean` in [0, 1]."""

    kind: str
    bins: tuple[int, ...]
    mean: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """One tenth of a reliability diagram: `slots` labelled slots, the mean of what was believed, the share that is right and its 95 %
    interval; all but the count in [0, 1].
    """

    slots: int
    believed: float
    right: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How well the probabilities of claims of a method held against labels in one generation; `bins` leaves out the empty ones."""

    generation: int
    method: str
    judged: int
    precision: float
    brier: float
    ece: float
    ece_low: float
    ece_high: float
    bins: tuple[Reliability, ...] = ()


@dataclass(frozen=True, slots=True)
class WitnessWord:
    """A witness and what became of what it said: how far it is believed on average, in [0, 1], and how many claims."""

    witness: str
    reliability: float
    claims: int
    believed: int
    contested: int


@dataclass(frozen=True, slots=True)
class ContestedSlot:
    """A question on which what is written disagrees: what is believed, how probable that is, and how many values are claimed."""

    subject: str
    predicate: str
    believed: str
    probability: float
    values: int


@dataclass(frozen=True, slots=True)
class Staleness:
    """What is believed of one predicate: how many slots, of how many it is known when it was said, and how long ago that was in days."""

    predicate: str
    slots: int
    dated: int
    median_days: float | None
    oldest_days: float | None


@dataclass(frozen=True, slots=True)
class Measured:
    """One recipe on one suite in one generation; latencies are metrics named ``…_ms``, all others lie in [0, 1]."""

    generation: int
    suite: str
    recipe: str
    queries: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class StageTime:
    """How long a stage of the run that built the generation took, in seconds."""

    stage: str
    seconds: float


@dataclass(frozen=True, slots=True)
class QuarantinedItem:
    """What could not be processed, and why."""

    source: str
    uri: str
    stage: str
    reason: str
    detail: str
    tries: int


@dataclass(frozen=True, slots=True)
class NamedEntity:
    """An entity with the number of chunks that mention it and of documents those are in."""

    name: str
    kind: str
    chunks: int
    documents: int


@dataclass(frozen=True, slots=True)
class Supersession:
    """A document and the one that took its place, by title."""

    older: str
    newer: str


@dataclass(frozen=True, slots=True)
class Question:
    """A judged question: the document (title, else uri) of the first right answer and its rank from 1; None when none was found.

    `ndcg` is the question's nDCG@10, in [0, 1].
    """

    text: str
    document: str | None
    rank: int | None
    ndcg: float


@dataclass(frozen=True, slots=True)
class ProjectReport:
    """Everything one page shows. `generation` and `published_at` are None before the first publish.

    `counts` names what readers see (documents, chunks, tokens, …); `statuses` counts documents by what they say of
    themselves; `questions` are answers of `asked` = (suite, recipe).
    """

    project: str
    written_at: datetime
    generation: int | None = None
    published_at: datetime | None = None
    model: str | None = None
    counts: Mapping[str, int] | None = None
    layers: tuple[Layer, ...] = ()
    statuses: Mapping[str, int] | None = None
    growth: tuple[Growth, ...] = ()
    trust: tuple[TrustHistogram, ...] = ()
    calibration: tuple[Calibration, ...] = ()
    witnesses: tuple[WitnessWord, ...] = ()
    contested: tuple[ContestedSlot, ...] = ()
    staleness: tuple[Staleness, ...] = ()
    benchmarks: tuple[Measured, ...] = ()
    timings: tuple[StageTime, ...] = ()
    entities: tuple[NamedEntity, ...] = ()
    supersessions: tuple[Supersession, ...] = ()
    asked: tuple[str, str] | None = None
    questions: tuple[Question, ...] = ()
    quarantined: tuple[QuarantinedItem, ...] = ()
