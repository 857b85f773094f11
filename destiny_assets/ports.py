"""The roles Destiny needs filled, as protocols; adapters fill them, assets and the service name them.

Only roles with more than one implementation stand here. The ledger is not one: it is PostgreSQL
(`destiny_assets.adapters.postgres`), in tests too.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from destiny_assets.domain.claims.extraction import Witnessed
from destiny_assets.domain.claims.told import Passage, Told
from destiny_assets.domain.documents import ParsedDocument, SourceContent, SourceItem
from destiny_assets.domain.extraction.mentions import Mention
from destiny_assets.domain.graph import Edge, EdgeType, HeldItem, Neighbour, Node, NodeLabel
from destiny_assets.domain.linking.records import TermCandidate

Vectors = npt.NDArray[np.float32]
TextKind = Literal["document", "query"]


class DocumentStore(Protocol):
    """Original bytes, content-addressed and immutable, by project."""

    def put(self, project: str, data: bytes) -> str:
        """Store `data` once and return its SHA-256 (64 hex digits)."""
        ...

    def get(self, project: str, sha256: str) -> bytes:
        """The bytes with that hash; raises `NotFoundError`."""
        ...

    def missing(self, project: str, sha256s: Collection[str]) -> set[str]:
        """Those of the hashes that are not there."""
        ...

    def ids(self, project: str) -> Iterator[str]:
        """Every stored hash of a project, in no order."""
        ...

    def delete(self, project: str, sha256s: Iterable[str]) -> int:
        """Remove those hashes; the number that were there."""
        ...


class SourceReader(Protocol):
    """One place documents come from."""

    def mark(self) -> str | None:
        """What stays equal only while `scan` would list the same; None where nothing cheaper than a listing can tell.

        Raises `StoreUnavailableError`.
        """
        ...

    def scan(self) -> Iterator[SourceItem]:
        """What the source holds now, without reading contents; raises `StoreUnavailableError` if it can't be listed."""
        ...

    def read(self, item: SourceItem) -> SourceContent:
        """The bytes of one item and what the source knows of them; raises `UnreadableDocumentError`."""
        ...


@runtime_checkable
class DistantSource(SourceReader, Protocol):
    """A source whose listing costs requests to somebody else's server, so that it is not listed to see whether it changed."""

    def listed(self) -> int:
        """How many items it will ask for; raises `StoreUnavailableError`. Cheap, and nothing is kept of it."""
        ...

    def due(self) -> str:
        """Changes when listing it again is worth it."""
        ...


@dataclass(slots=True)
class EmbeddingUsage:
    """What a model was asked to do, counted by the adapter itself."""

    calls: int = 0
    texts: int = 0
    tokens: int = 0
    seconds: float = 0.0


class Embedder(Protocol):
    """A sentence embedding model. Rows of `embed` are unit length, so that a dot product is the cosine."""

    @property
    def model_id(self) -> str:
        """Name, weights' hash prefix, engine, precision and token limit: vectors of different ids never mix."""
        ...

    @property
    def pinned(self) -> bool:
        """Whether the id follows from the weights: then the same id is the same model. An endpoint may change what it serves."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    @property
    def usage(self) -> EmbeddingUsage:
        """Counters since the adapter was made."""
        ...

    def embed(self, texts: Sequence[str], kind: TextKind = "document") -> Vectors:
        """One unit vector a text, shape (len(texts), dimension), in the order given.

        Raises `ModelError`, and of these `RefusedTextError` when some of the texts are at fault and others would be embedded.
        """
        ...


class TokenCounter(Protocol):
    """The tokenizer whose tokens limit a chunk."""

    def token_starts(self, texts: Sequence[str]) -> list[npt.NDArray[np.int64]]:
        """For each text the character offset at which each of its tokens starts, ascending, special tokens left out."""
        ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """One numbered passage handed to a language model."""

    number: int
    title: str
    text: str


class LanguageModel(Protocol):
    """A model that answers from evidence."""

    @property
    def model_id(self) -> str:
        """The model's name at its endpoint."""
        ...

    def answer(self, question: str, evidence: Sequence[Evidence]) -> Iterator[str]:
        """The pieces of an answer that cites evidence as ``[n]``, as they come; raises `ModelError`, before or after some."""
        ...


class Reranker(Protocol):
    """A model that reads question and passage together and says how relevant the passage is."""

    @property
    def model_id(self) -> str:
        """The model's name at its endpoint."""
        ...

    def scores(self, question: str, passages: Sequence[str]) -> list[float]:
        """How relevant each passage is, in the order given; higher is better. Raises `ModelError`."""
        ...


class EntityExtractor(Protocol):
    """Suggests entities that the corpus's own structure does not show."""

    @property
    def name(self) -> str:
        """Name and version; a document read under another name is read again."""
        ...

    def candidates(self, text: str) -> tuple[TermCandidate, ...]:
        """The entities of one document's text, with their counts."""
        ...


class MentionFinder(Protocol):
    """Finds what one text names, and where."""

    @property
    def model_id(self) -> str:
        """Name and version of what finds."""
        ...

    def mentions(self, text: str) -> list[Mention]:
        """Names, times and numbers of a text in order, none overlapping another."""
        ...


@dataclass(frozen=True, slots=True)
class ReadableDocument:
    """A document as claims are read of it: itself, and the passages it was cut into, in their order."""

    source: str
    uri: str
    parsed: ParsedDocument
    passages: Sequence[Passage]


@dataclass(frozen=True, slots=True)
class Extraction:
    """What one document states, each at its exact span.

    `refused` says of passages that can't be read why not: they are not read again before they change. `unread` passages were not
    read, and are with the next run.
    """

    found: Sequence[Witnessed]
    refused: Sequence[str] = ()
    unread: int = 0


class ClaimExtractor(Protocol):
    """Reads out of documents what they state."""

    @property
    def name(self) -> str:
        """Name and version; a document read under another name is read again."""
        ...

    def extract(self, documents: Sequence[ReadableDocument]) -> list[Extraction]:
        """What each document states, in the order given. No failure of a model is raised: what it left unread says so."""
        ...


class ClaimModel(Protocol):
    """A language model that says what one passage states."""

    @property
    def model_id(self) -> str:
        """The model's name and the version of what it is told to do: the same id and the same passage are the same answer."""
        ...

    @property
    def most_tokens(self) -> int:
        """What a call costs at most beside the passage's own tokens."""
        ...

    def told(self, passage: Passage) -> tuple[Sequence[Told], int]:
        """What the passage states in the model's words, and the tokens that took (0 where nobody counted).

        Raises `ModelError`, and of these `RefusedTextError` when this passage would be refused again. Thread-safe.
        """
        ...


class Progress(Protocol):
    """Where long work says how far it is."""

    def advance(self, stage: str, done: int, total: int) -> None:
        """`done` of `total` items of a stage are finished; `total` 0 means not known yet."""
        ...


class KnowledgeGraph(Protocol):
    """Nodes and edges of many projects in one graph database; every call is scoped to one project.

    All writes are idempotent and applied in bounded transactions; each raises `StoreUnavailableError` when the server is gone.
    """

    def prepare(self) -> None:
        """Create constraints and indexes; harmless when they are there."""
        ...

    def upsert_nodes(self, project: str, nodes: Iterable[Node]) -> int:
        """Write nodes by id, replacing their properties; the number written."""
        ...

    def upsert_edges(self, project: str, edges: Iterable[Edge]) -> int:
        """Write edges by id between nodes that exist; raises `ConflictError` naming a missing end."""
        ...

    def retire(self, project: str, ids: Iterable[str], generation: int) -> int:
        """Set ``died = generation`` on nodes and edges with those ids; the number changed."""
        ...

    def remove(self, project: str, ids: Iterable[str]) -> int:
        """Delete nodes (with their edges) and edges with those ids; the number that were there."""
        ...

    def count(self, project: str, generation: int) -> dict[str, int]:
        """Visible nodes by label and edges by type."""
        ...

    def marked(self, project: str, mark: Literal["born", "died"], generation: int) -> Iterator[tuple[str, str]]:
        """(label or type, id) of every node and edge born or died in one generation."""
        ...

    def ids(self, project: str, generation: int) -> Iterator[tuple[str, str]]:
        """(label or type, id) of every visible node and edge."""
        ...

    def lifetimes(
        self, project: str, items: Iterable[tuple[NodeLabel | EdgeType, str]]
    ) -> Iterator[tuple[str, int, int]]:
        """(id, born, died) of those of the items, each a label or type and an id, that are there."""
        ...

    def held(self, project: str) -> Iterator[HeldItem]:
        """Every node and edge of a project in any generation, streamed."""
        ...

    def named(self, project: str, ids: Sequence[str]) -> list[HeldItem]:
        """Those of the nodes and edges that exist, by id."""
        ...

    def neighbours(self, project: str, ids: Sequence[str], generation: int, limit: int = 50) -> list[Neighbour]:
        """Visible nodes one visible edge away from any of `ids`, at most `limit` an origin, in a stable order."""
        ...

    def remove_dead(self, project: str, generation: int) -> int:
        """Delete the nodes and edges that died in `generation` or before; the number of both."""
        ...

    def drop(self, project: str) -> int:
        """Delete everything of a project; the number of nodes that were there."""
        ...
