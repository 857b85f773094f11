"""What the server answers, as records. A field that a newer server adds is left out; times are `datetime` in UTC."""

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Copy:
    """A near-duplicate that was folded into a hit."""

    chunk_id: str
    document: str
    uri: str
    span: tuple[int, int]


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A passage that was found and not shown, with the reason in words."""

    chunk_id: str
    document: str
    uri: str
    reason: str
    trust: float


@dataclass(frozen=True, slots=True)
class Hit:
    """One passage. `trust` is in (0, 1), `score` comparable within one answer; `span` points into the document's text."""

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
    """Hits, best first. `degraded` names what could not be used; `held` says what was held back and why."""

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
    """One passage of a context pack; `value` is relevance times trust."""

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
    """`text` is what to hand to a reader, of `tokens` tokens, at most `budget`; `degraded` names what it was found without."""

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
class Citation:
    """A quotation of a document's text at `span`."""

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
    """An answer and what it rests on; `method` is ``extractive`` or a language model's name, `degraded` what it did without.

    With `refused` nothing is cited: `looked_for` names the words that were looked for, `not_found` those that no `nearest` passage has.
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
    """`p` in (0, 1), and the terms whose log-odds sum to `log_odds`, its logit."""

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
class Document:
    """A document as one generation shows it."""

    id: str
    source: str
    uri: str
    title: str
    status: str | None
    media_type: str
    sha256: str
    bytes: int
    characters: int
    authors: list[str]
    created_on: datetime | None
    updated_on: datetime | None
    trust: float
    superseded_by: list[str]


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of a document: ``accepted``, ``unchanged`` or ``forgotten``; readers see it after the next ingest."""

    project: str
    source: str
    uri: str
    sha256: str | None
    state: str
    generation: int | None


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision; `holds` when its status is in force and nothing replaced it; `at_risk` says what it rests on and should no longer."""

    id: str
    document_id: str
    key: str
    agent: str
    title: str
    rationale: str
    importance: float
    decided_at: datetime | None
    status: str
    source: str
    uri: str
    supersedes: list[str]
    rests_on: list[str]
    options: list[str]
    tags: list[str]
    superseded_by: list[str]
    unresolved: list[str]
    holds: bool
    at_risk: list[str] = field(default_factory=list)
    least_probability: float = 0.5


@dataclass(frozen=True, slots=True)
class DecisionHistory:
    """A decision, what it replaced and what replaced it."""

    project: str
    generation: int
    decision: Decision
    replaced: list[Decision]
    replaced_by: list[Decision]


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity; `mentions` counts the passages that name it."""

    id: str
    kind: str
    name: str
    key: str
    aliases: list[str]
    document_id: str | None
    mentions: int
    read_as: str | None = None
    also: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node of the graph."""

    id: str
    label: str
    name: str
    properties: dict[str, Any]


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """An edge to `node`."""

    type: str
    outgoing: bool
    node: GraphNode


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """A node and what is one edge away; no edges where `degraded` names the graph."""

    project: str
    generation: int
    node: GraphNode
    edges: list[GraphEdge]
    degraded: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Generation:
    """One version of a project's knowledge."""

    project: str
    number: int
    state: str
    started_at: datetime
    model_id: str | None = None
    collection: str | None = None
    unrelated_cosine: float = 0.0
    published_at: datetime | None = None
    reason: str | None = None
    facts: dict[str, Any] | None = None
    current: bool = False
    vacuumed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """A project and what readers of it see now."""

    project: str
    generation: int | None
    published_at: datetime | None
    documents: int
    chunks: int
    sources: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class Ingest:
    """An ingest: ``queued``, ``running``, ``succeeded``, ``failed`` or ``stopped``; `progress` maps a stage to [done, total]."""

    id: str
    project: str
    actor: str
    accept_worse: str | None
    state: str
    progress: dict[str, list[int]]
    result: dict[str, Any] | None
    reason: str | None
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state not in ("queued", "running")


@dataclass(frozen=True, slots=True)
class Me:
    """Whom the key stands for, and what it opens."""

    id: str
    name: str
    grants: dict[str, str]
    requests_per_second: float


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list; `next_cursor` asks for those after them."""

    items: list[T]
    next_cursor: str | None
    generation: int | None = None

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)


def record(shape: type[T], said: Mapping[str, Any]) -> T:
    """A record out of a JSON object; fields it does not know are left out."""
    known: Any = shape
    made: T = known(**{name: _value(kind, said[name]) for name, kind in _fields(known).items() if name in said})
    return made


def page(shape: type[T], said: Mapping[str, Any]) -> Page[T]:
    """A page of records."""
    return Page([record(shape, item) for item in said["items"]], said["next_cursor"], said.get("generation"))


@lru_cache(maxsize=64)
def _fields(shape: Any) -> dict[str, Any]:
    hints = get_type_hints(shape)
    return {one.name: hints[one.name] for one in fields(shape)}


def _value(kind: Any, said: Any) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if said is None or kind is Any:
        return said
    if origin in (Union, types.UnionType):
        return _value(next(one for one in arguments if one is not type(None)), said)
    if origin is list:
        return [_value(arguments[0], item) for item in said]
    if origin is tuple:
        return tuple(said)
    if origin is Page:
        return page(arguments[0], said)
    if kind is datetime:
        return datetime.fromisoformat(said)
    if is_dataclass(kind):
        shape: Any = kind
        return record(shape, said)
    return said
