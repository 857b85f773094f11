"""What readers get back. The field names are the public contract (JSON of the command line, later of the API): add, never rename."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from destiny_assets.adapters.postgres.calibrations import StoredCalibration, TrustBenchmark
from destiny_assets.adapters.postgres.claim_reading import StoredClaim, StoredEvidence
from destiny_assets.adapters.postgres.decisions import StoredDecision
from destiny_assets.adapters.postgres.merges import StoredMerge, UndoneMerge


@dataclass(frozen=True, slots=True)
class Copy:
    """A near-duplicate that was folded into a hit."""

    chunk_id: str
    document: str
    uri: str
    span: tuple[int, int]


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A chunk that was found and not shown, with the reason in words."""

    chunk_id: str
    document: str
    uri: str
    reason: str
    trust: float


@dataclass(frozen=True, slots=True)
class Hit:
    """One chunk found. `score` is comparable within one answer only; `trust` is in (0, 1); ``document.text[slice(*span)] == text``.

    `authors` wrote it, who wrote most first; `written_at` and `revision` (a commit, a turn) are of its newest part. `copies` are its
    near-duplicates further down; `before` and `after` the texts of its neighbours, where they were asked for. `at_risk` says what the
    decision that its document records rests on and should no longer.
    """

    chunk_id: str
    document: str
    uri: str
    source: str
    heading: list[str]
    text: str
    span: tuple[int, int]
    score: float
    trust: float
    status: str | None
    superseded_by: list[str]
    near_duplicate_of: str | None
    authors: list[str]
    written_at: datetime | None
    revision: str | None
    copies: list[Copy] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    at_risk: list[str] = field(default_factory=list)
    document_id: str = ""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, best first. `degraded` names what could not be used, `withheld` counts what was held back, `held` says why (the first 50)."""

    project: str
    generation: int
    recipe: str
    latency_ms: float
    degraded: list[str]
    hits: list[Hit]
    withheld: int = 0
    held: list[HeldBack] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ContextItem:
    """One passage of a context pack. `value` is relevance times trust, both in (0, 1); `tokens` counts it as it stands in the pack.

    `span` is where `text` stands in its document: shorter than the chunk for one that was cut to fit.
    """

    number: int
    chunk_id: str
    document: str
    uri: str
    heading: list[str]
    span: tuple[int, int]
    text: str
    tokens: int
    trust: float
    value: float
    at_risk: list[str] = field(default_factory=list)
    document_id: str = ""


@dataclass(frozen=True, slots=True)
class ContextPack:
    """Passages for a reader with a budget. `text` is what to hand over, of `tokens` tokens, at most `budget`.

    `degraded` names what could not be used to find them.
    """

    project: str
    generation: int
    question: str
    recipe: str
    budget: int
    tokens: int
    text: str
    items: list[ContextItem]
    left_out: int
    held: list[HeldBack]
    degraded: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DecisionList:
    """Decisions of one generation, newest first; `withheld` counts those that no longer hold and were left out."""

    project: str
    generation: int
    decisions: list[StoredDecision]
    withheld: int


@dataclass(frozen=True, slots=True)
class Citation:
    """A quotation: ``document.text[span[0]:span[1]] == quote``."""

    number: int
    chunk_id: str
    document: str
    uri: str
    span: tuple[int, int]
    quote: str
    trust: float
    superseded_by: list[str]
    at_risk: list[str] = field(default_factory=list)
    document_id: str = ""


@dataclass(frozen=True, slots=True)
class Nearest:
    """A passage that came nearest to a question it does not answer."""

    chunk_id: str
    document: str
    uri: str
    span: tuple[int, int]
    text: str
    trust: float


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and the passages it rests on; `method` is ``extractive`` or the language model's name.

    `degraded` names what could not be used; with `refused` the project does not hold the answer, and nothing is cited. Then
    `looked_for` names the words of the question that say something, rarest first, `not_found` those of them that none of the `nearest`
    passages has. `support` in (0, 1) is how likely the passages found hold the answer; None where that was not judged.
    """

    project: str
    generation: int
    question: str
    answer: str
    method: str
    citations: list[Citation]
    latency_ms: float
    degraded: list[str] = field(default_factory=list)
    refused: bool = False
    support: float | None = None
    looked_for: list[str] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)
    nearest: list[Nearest] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TrustExplanation:
    """A score in (0, 1) and the terms whose log-odds sum to `log_odds`, its logit."""

    project: str
    generation: int
    item: str
    kind: str
    label: str
    p: float
    log_odds: float
    terms: list[dict[str, Any]]
    model: str


@dataclass(frozen=True, slots=True)
class ClaimList:
    """Claims of one generation, slot by slot; `total` counts those that were asked for, shown or not."""

    project: str
    generation: int
    claims: list[StoredClaim]
    total: int


@dataclass(frozen=True, slots=True)
class Rival:
    """Another value of a claim's slot, with the terms that sum to its `log_odds`."""

    claim: str
    value: str
    probability: float
    log_odds: float
    standing: str
    terms: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ClaimExplanation:
    """Why a claim is believed with `probability`: `terms` sum to `log_odds`, its score against none of its slot's values being true.

    The probability weighs that score against those of `against`; values that may hold at the same time are `beside` it. `would_change`
    says what would turn the verdict, `identities` which of its witnesses are taken for one.
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
    evidence: list[StoredEvidence]
    against: list[Rival]
    would_change: list[str]
    model: str
    identities: list[StoredMerge] = field(default_factory=list)
    beside: list[Rival] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Labelled:
    """What became of labels: how many claims were named, how many labels are new or other, and what nobody claims."""

    project: str
    claims: int
    changed: int
    unknown: list[str]


@dataclass(frozen=True, slots=True)
class TrustMeasured:
    """How good the model of trust is: `calibration` on the project's own labels (newest first, `destiny` before `majority`; the first two
    hold in `generation`), `benchmarks` on its truth suites (by suite and number of labels, newest first).
    """

    project: str
    generation: int
    calibration: list[StoredCalibration]
    benchmarks: list[TrustBenchmark]


@dataclass(frozen=True, slots=True)
class MergeList:
    """Entities that one generation takes for one, the least sure first, and what people took back."""

    project: str
    generation: int
    merges: list[StoredMerge]
    undone: list[UndoneMerge]


@dataclass(frozen=True, slots=True)
class MergeUndone:
    """A merge that a person takes back; `changed` is False when that was known. The next ingest carries it out."""

    project: str
    merge: StoredMerge
    changed: bool


@dataclass(frozen=True, slots=True)
class OpenSlot:
    """A slot worth a label: `gain` is its entropy times the logarithm of how many slots its witnesses speak of (`reach`)."""

    subject: str
    predicate: str
    entropy_bits: float
    reach: int
    gain: float
    claims: list[StoredClaim]


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What to label next, the most telling first."""

    project: str
    generation: int
    slots: list[OpenSlot]


@dataclass(frozen=True, slots=True)
class LayerHealth:
    """One layer: whether it answers, how much it holds at the current generation, and what is wrong in words."""

    ok: bool
    count: int
    detail: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One item of a layer that is not as the ledger says.

    `kind` is ``original``, ``point``, ``collection``, a node's label or an edge's type; `problem` is ``missing``, ``extra`` or
    ``stale``; `differs` maps what differs to [what the ledger says, what the layer says]; `todo` says what a person has to do
    where no command can mend it.
    """

    layer: str
    kind: str
    id: str
    problem: str
    uri: str | None
    differs: dict[str, list[Any]]
    todo: str | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The health of four layers of one project and their agreement over `generations`, all that can still be read.

    `agreement` counts everything that differs, `examples` names some of each kind; `deep` says whether every vector and the bytes
    of every original were compared. `refused` is a newer generation that readers do not see, and why.
    """

    ok: bool
    project: str | None
    generation: int | None
    layers: dict[str, LayerHealth]
    agreement: dict[str, dict[str, int]]
    quarantined: list[dict[str, Any]]
    generations: list[int] = field(default_factory=list)
    examples: list[Finding] = field(default_factory=list)
    deep: bool = False
    refused: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of a pushed document. `state`: ``accepted``, ``unchanged`` (it was there just so) or ``forgotten``.

    It is stored for good; readers see the change with the first generation after `generation`, which is the one they see
    now (None before the first). Which number that will be is not known before the ingest.
    """

    project: str
    source: str
    uri: str
    sha256: str | None
    state: str
    generation: int | None
