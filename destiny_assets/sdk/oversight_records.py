"""Records of how knowledge came about and how it is judged: claims, labels, runs, reports, benchmarks, sources, what was done by whom."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from destiny_assets.sdk.records import Entity, Page


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim; `probability` in (0, 1) weighs it against the other values of its slot, `label` is what a person said and was counted."""

    id: str
    slot_id: str
    subject: str
    predicate: str
    value: str
    origin: str
    valid_from: datetime | None
    valid_to: datetime | None
    probability: float
    score: float
    standing: str
    believed: bool
    contested: bool
    label: bool | None
    evidence: int
    witnesses: list[str]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One place where a claim is made: a span of a document's text, or a row of a table."""

    id: str
    claim_id: str
    witness: str
    source: str
    uri: str
    rule: str
    span: tuple[int, int] | None
    table_row: int | None
    quote: str
    observed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rival:
    """Another value of a claim's slot."""

    claim: str
    value: str
    probability: float
    log_odds: float
    standing: str
    terms: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ClaimExplanation:
    """Why a claim is believed: `terms` sum to `log_odds`; `would_change` says in sentences what would turn the verdict."""

    project: str
    generation: int
    claim: str
    subject: str
    predicate: str
    value: str
    origin: str
    probability: float
    log_odds: float
    standing: str
    believed: bool
    contested: bool
    label: bool | None
    terms: list[dict[str, Any]]
    evidence: list[Evidence]
    against: list[Rival]
    would_change: list[str]
    model: str
    identities: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Label:
    """What a person said of a claim."""

    claim: str
    verdict: bool
    labelled_at: datetime


@dataclass(frozen=True, slots=True)
class Labelled:
    """What became of labels: how many claims were named, how many labels are new, other or gone, and what nobody claims."""

    project: str
    claims: int
    changed: int
    unknown: list[str]


@dataclass(frozen=True, slots=True)
class OpenSlot:
    """A slot worth a label: `gain` is its entropy times the logarithm of how many slots its witnesses speak of (`reach`)."""

    subject: str
    predicate: str
    entropy_bits: float
    reach: int
    gain: float
    claims: list[Claim]


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What to label next, the most telling first."""

    project: str
    generation: int
    slots: list[OpenSlot]


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """One tenth of a reliability diagram, from `begins` on: how many slots, what was believed of them, the share that is right and its
    95 % interval; None where there is no slot.
    """

    begins: float
    slots: int
    mean_probability: float | None
    share_right: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """How well the probabilities of `method` (``destiny``, or ``majority`` vote) held against people's labels in one generation.

    `ece` is the expected calibration error in [0, 1] with its 95 % interval, `ece_if_calibrated` what chance alone would show.
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
    bins: list[CalibrationBin]


@dataclass(frozen=True, slots=True)
class TrustBenchmark:
    """What a model of trust made of a truth suite with so many labels."""

    suite: str
    sha256: str
    model: str
    labels: int
    scored: int
    metrics: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class TrustMeasured:
    """How good the model of trust is on the project's own labels and on its truth suites, newest first."""

    project: str
    generation: int
    calibration: list[Calibration]
    benchmarks: list[TrustBenchmark]


@dataclass(frozen=True, slots=True)
class Mention:
    """A passage that names an entity, in the words `surface`."""

    chunk_id: str
    uri: str
    title: str
    surface: str
    text: str


@dataclass(frozen=True, slots=True)
class EntityPage:
    """An entity with the first passages that name it."""

    entity: Entity
    mentions: list[Mention]


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that a search can be narrowed to, and how many documents have it; `kind` is a source's, else empty."""

    value: str
    documents: int
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a search can be narrowed to, the most frequent first."""

    sources: list[Choice]
    statuses: list[Choice]
    authors: list[Choice]
    tags: list[Choice]


@dataclass(frozen=True, slots=True)
class Run:
    """A run: ``published``, ``unchanged``, ``rejected`` or ``unfinished``; `seconds` by stage, `id` is Dagster's."""

    id: str
    generation: int
    state: str
    reason: str | None
    ended_at: datetime
    seconds: dict[str, float]


@dataclass(frozen=True, slots=True)
class Report:
    """A project at a glance, the parts of which are the server's JSON; None where nothing is published yet."""

    project: str
    written_at: datetime
    generation: int | None = None
    published_at: datetime | None = None
    model: str | None = None
    counts: dict[str, int] | None = None
    layers: list[dict[str, Any]] = field(default_factory=list)
    statuses: dict[str, int] | None = None
    growth: list[dict[str, Any]] = field(default_factory=list)
    trust: list[dict[str, Any]] = field(default_factory=list)
    calibration: list[dict[str, Any]] = field(default_factory=list)
    witnesses: list[dict[str, Any]] = field(default_factory=list)
    contested: list[dict[str, Any]] = field(default_factory=list)
    staleness: list[dict[str, Any]] = field(default_factory=list)
    benchmarks: list[dict[str, Any]] = field(default_factory=list)
    timings: list[dict[str, Any]] = field(default_factory=list)
    entities: list[dict[str, Any]] = field(default_factory=list)
    supersessions: list[dict[str, Any]] = field(default_factory=list)
    asked: tuple[str, str] | None = None
    questions: list[dict[str, Any]] = field(default_factory=list)
    quarantined: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class BenchmarkRun:
    """One recipe measured on one suite in one generation; latencies are metrics named ``…_ms``, all others lie in [0, 1]."""

    generation: int
    suite: str
    recipe: str
    queries: int
    metrics: dict[str, float]
    at: datetime


@dataclass(frozen=True, slots=True)
class Point:
    """The mean of a metric in one generation, with its 95 % bootstrap interval."""

    generation: int
    questions: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Curve:
    """One recipe on one suite, oldest generation first."""

    suite: str
    recipe: str
    points: list[Point]


@dataclass(frozen=True, slots=True)
class Curves:
    """A metric over the newest published generations; `metrics` names those there are."""

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
    """One metric of one recipe on one suite in two generations; `change` is its mean with a 95 % interval."""

    project: str
    suite: str
    recipe: str
    metric: str
    before: int
    after: int
    asked: int
    change: dict[str, float]
    questions: list[ChangedQuestion]


@dataclass(frozen=True, slots=True)
class ChangedDocument:
    """A document that two generations show differently: ``added``, ``removed`` or ``changed``."""

    id: str
    source: str
    uri: str
    title: str
    change: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What generation `after` shows otherwise than `before`."""

    project: str
    before: int
    after: int
    documents: Page[ChangedDocument]


@dataclass(frozen=True, slots=True)
class Source:
    """A source; `prior` in (0, 1) is the trust it starts with."""

    name: str
    kind: str
    uri: str
    options: dict[str, str]
    prior: float


@dataclass(frozen=True, slots=True)
class Attached:
    """A source that was attached, and how many documents it offers."""

    project: str
    source: Source
    documents: int


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who did what to which project; `digest` chains it to the event before."""

    id: int
    at: datetime
    actor: str
    action: str
    project: str | None
    detail: dict[str, Any]
    digest: str


@dataclass(frozen=True, slots=True)
class LayerState:
    """One layer as readers find it: its circuit is ``closed`` (it is asked), ``open`` (left alone) or ``half-open``."""

    layer: str
    circuit: str
    needed: bool


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether requests should be sent there, and what they will do without."""

    ready: bool
    degraded: list[str]
    layers: list[LayerState]
