"""The values that go in and out of linking. Shapes only: no rule about what is an entity or a reference stands here."""

from dataclasses import dataclass

from destiny_assets.domain.documents import ParsedDocument, Relation
from destiny_assets.domain.linking.names import EntityKind


@dataclass(frozen=True, slots=True)
class LinkableDocument:
    """A document as the linker reads it; `uri` is its place in its source, with ``/`` between folders."""

    id: str
    uri: str
    parsed: ParsedDocument


@dataclass(frozen=True, slots=True)
class LinkableChunk:
    """A chunk of a document: ``document.text[start:start + len(text)] == text``."""

    id: str
    text: str
    start: int


@dataclass(frozen=True, slots=True, order=True)
class Identifier:
    """A numbered place in a series: ``PEP 440`` is ``Identifier("pep", "440")``, leading zeros dropped."""

    series: str
    number: str

    def __str__(self) -> str:
        """The identifier as people write it: ``PEP 440``, ``issue 12``."""
        return f"{self.series.upper() if len(self.series) <= 4 else self.series} {self.number}"


@dataclass(frozen=True, slots=True)
class Citation:
    """A place in a document's text that names another document, not yet resolved.

    `target` is a uri as written, or the written identifier when `identifier` is set. `explicit` is False for a file
    name that merely occurs in prose: such a citation counts only when the corpus holds the file. ``start == end == 0``:
    said in a header field whose place is not known.
    """

    target: str
    identifier: Identifier | None
    surface: str
    start: int
    end: int
    relation: Relation
    explicit: bool = True


@dataclass(frozen=True, slots=True)
class TermCandidate:
    """A term one document suggests: how often, in which spelling.

    `ordinary` counts the lower-case occurrences of a capitalised single word: evidence that it is no name.
    """

    name: str
    kind: EntityKind
    count: int
    ordinary: int = 0


@dataclass(frozen=True, slots=True)
class DocumentTraces:
    """All that linking needs to remember of one document; depends on that document alone, so it can be stored beside
    it.
    """

    document: str
    uri: str
    title: str
    identifiers: tuple[Identifier, ...]
    authors: tuple[str, ...]
    citations: tuple[Citation, ...]
    candidates: tuple[TermCandidate, ...]


@dataclass(frozen=True, slots=True)
class EntityRow:
    """An entity of a project; `id` follows from `key`, `aliases` are its other spellings, sorted."""

    id: str
    key: str
    kind: EntityKind
    name: str
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MentionRow:
    """An entity named in a chunk: ``chunk.text[start:end] == surface``.

    `method` is ``link``, ``pattern``, ``gazetteer``, ``author`` or ``model``. An author known from metadata alone has
    ``start == end == 0`` in the document's first chunk.
    """

    id: str
    chunk_id: str
    entity_id: str
    surface: str
    start: int
    end: int
    method: str


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """A document that refers to another; `target_document` is None when the corpus does not hold the target.

    `chunk_id` is the chunk that says it, `start` and `end` count from that chunk's beginning; without a chunk all are
    None, 0 and 0. For SUPERSEDES the source is the newer document, whichever of the two says it (`stated_by`).
    """

    id: str
    source_document: str
    target_document: str | None
    target: str
    relation: Relation
    chunk_id: str | None
    start: int
    end: int
    stated_by: str
