"""What a document is once it has been read: text with exact offsets, structure, and the facts its format carries.

Parsers produce these values, the chunker and the linker consume them. No bytes, paths or libraries here.
Every offset counts Python characters of `ParsedDocument.text`, half-open: ``text[start:end]``.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# PostgreSQL refuses to index more than 2,704 bytes, and a uri is indexed together with its project and source.
MAX_URI_BYTES = 2_000
_SHORTENED_CHARACTERS = 400


class Status(StrEnum):
    """Where a document stands in its own life, as it says itself; the trust model reads it."""

    ACTIVE = "active"
    DRAFT = "draft"
    ACCEPTED = "accepted"
    FINAL = "final"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"


class Relation(StrEnum):
    """How one document refers to another."""

    LINKS_TO = "links_to"
    MENTIONS = "mentions"
    REQUIRES = "requires"
    SUPERSEDES = "supersedes"
    SUPERSEDED_BY = "superseded_by"


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading: `level` 1 is the outermost, `start` is where its line begins."""

    level: int
    title: str
    start: int


@dataclass(frozen=True, slots=True)
class Link:
    """An explicit link or a header field that names another document; ``text[start:end]`` is where it is said."""

    target: str
    label: str
    start: int
    end: int
    relation: Relation = Relation.LINKS_TO


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who wrote or said ``text[start:end]``, and when; `revision` names the commit or turn that it came with."""

    start: int
    end: int
    author: str
    written_at: datetime | None = None
    revision: str = ""


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A document as text, with what its format says about it.

    `fields` holds header fields as written (lower-case names), `status` the recognised one of them. `page_starts` are the
    offsets at which pages begin, for formats that have pages. `authorship` ascends and does not overlap. `parser` is name and
    version of what read it: part of the identity of everything derived, so that an upgraded parser redoes exactly its own
    documents.
    """

    title: str
    text: str
    media_type: str
    parser: str
    encoding: str | None = None
    headings: tuple[Heading, ...] = ()
    links: tuple[Link, ...] = ()
    authors: tuple[str, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None
    status: Status | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    page_starts: tuple[int, ...] = ()
    authorship: tuple[Authorship, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceItem:
    """One thing a source offers: `uri` is stable within the source, `fingerprint` changes when bytes or facts may have.

    `size` is in bytes, 0 where nothing but reading tells it.
    """

    uri: str
    fingerprint: str
    size: int
    modified_at: datetime | None = None


def uri_bytes(uri: str) -> int:
    """How many bytes a uri takes in the ledger; at most `MAX_URI_BYTES` can be kept."""
    return len(uri.encode("utf-8", "surrogatepass"))


def listed_uri(uri: str) -> str:
    """The uri as it is listed where it may be too long to be kept: itself, or its beginning with a digest of the whole."""
    if uri_bytes(uri) <= MAX_URI_BYTES:
        return uri
    digest = hashlib.sha256(uri.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{uri[:_SHORTENED_CHARACTERS]}… (sha256 {digest[:16]})"


@dataclass(frozen=True, slots=True)
class LineAuthorship:
    """Who wrote the lines `first` to `last` of a text, counted from 1, both included; no `author` says that it is not known."""

    first: int
    last: int
    author: str
    written_at: datetime | None = None
    revision: str = ""


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What a source knows of a document that its bytes need not say.

    A `title` goes before the one that the format shows. `fields` have lower-case names, `lines` ascend without gaps.
    """

    title: str | None = None
    authors: tuple[str, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[LineAuthorship, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceContent:
    """One item as read: the original bytes, their media type where the source knows better than the bytes show, and more facts."""

    data: bytes
    media_type: str | None = None
    facts: SourceFacts = field(default_factory=SourceFacts)


def with_facts(document: ParsedDocument, facts: SourceFacts) -> ParsedDocument:
    """The document with what its source knows of it; what the document says of itself goes first, but for the title.

    Authorship of lines becomes authorship of spans where the text has as many lines as the source counted: a format
    that was converted has other lines than its bytes.
    """
    return replace(
        document,
        title=facts.title or document.title,
        authors=document.authors or facts.authors,
        created_at=document.created_at or facts.created_at,
        updated_at=document.updated_at or facts.updated_at,
        fields={**facts.fields, **document.fields},
        authorship=document.authorship or _spans_of_lines(document.text, facts.lines),
    )


def _spans_of_lines(text: str, lines: tuple[LineAuthorship, ...]) -> tuple[Authorship, ...]:
    if not lines:
        return ()
    edges = [0, *(found.end() for found in re.finditer("\n", text))]
    if edges[-1] < len(text):
        edges.append(len(text))
    if lines[-1].last != len(edges) - 1:
        return ()
    return tuple(
        Authorship(edges[some.first - 1], edges[some.last], some.author, some.written_at, some.revision)
        for some in lines
        if some.author
    )


def facts_digest(facts: SourceFacts) -> str:
    """A mark of the facts, "" for none: they may change while the bytes do not, as when a change is made and undone."""
    if facts == SourceFacts():
        return ""
    return hashlib.sha256(json.dumps(asdict(facts), default=str, sort_keys=True).encode("utf-8", "replace")).hexdigest()


def unstorable_part(document: ParsedDocument) -> str | None:
    """The first part that no database can hold, since it has a NUL or half a surrogate pair; None when all is well.

    Parsers of whole text never leave such; metadata of office files and escapes in notebooks and pages can.
    """
    parts: dict[str, Iterable[str]] = {
        "text": (document.text,),
        "title": (document.title,),
        "authors": (*document.authors, *(part.author for part in document.authorship)),
        "fields": (*document.fields.keys(), *document.fields.values()),
        "headings": (heading.title for heading in document.headings),
        "links": (word for link in document.links for word in (link.target, link.label)),
    }
    return next((name for name, strings in parts.items() if any(UNSTORABLE.search(string) for string in strings)), None)
