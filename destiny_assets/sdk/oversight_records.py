"""Records of how knowledge came about: entities with passages, runs, reports, benchmarks, sources, audit. Claims are in `claim_records`."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from destiny_assets.sdk.records import Entity, Page


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
