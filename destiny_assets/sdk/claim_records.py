"""Records of what is claimed and how far it can be believed: claims, evidence, labels, calibration, truth suites."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


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
    """Why a claim is believed: `terms` sum to `log_odds`; `would_change` says in sentences what would turn the verdict.

    Values in `against` compete with it, those `beside` it may hold at the same time.
    """

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
    beside: list[Rival] = field(default_factory=list)


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
