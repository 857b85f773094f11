"""What a document is once it has been read: text with exact offsets, structure, and the facts its format carries.

Parsers produce these values, the chunker and the linker consume them. No bytes, paths or libraries here.
Every offset counts Python characters of `ParsedDocument.text`, half-open: ``text[start:end]``.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


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
class ParsedDocument:
    """A document as text, with what its format says about it.

    `fields` holds header fields as written (lower-case names), `status` the recognised one of them. `page_starts` are the
    offsets at which pages begin, for formats that have pages. `parser` is name and version of what read it: part of the
    identity of everything derived, so that an upgraded parser redoes exactly its own documents.
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


@dataclass(frozen=True, slots=True)
class SourceItem:
    """One thing a source offers: `uri` is stable within the source, `fingerprint` changes when the bytes may have."""

    uri: str
    fingerprint: str
    size: int
    modified_at: datetime | None = None


def unstorable_part(document: ParsedDocument) -> str | None:
    """The first part that no database can hold, since it has a NUL or half a surrogate pair; None when all is well.

    Parsers of whole text never leave such; metadata of office files and escapes in notebooks and pages can.
    """
    parts: dict[str, Iterable[str]] = {
        "text": (document.text,),
        "title": (document.title,),
        "authors": document.authors,
        "fields": (*document.fields.keys(), *document.fields.values()),
        "headings": (heading.title for heading in document.headings),
        "links": (word for link in document.links for word in (link.target, link.label)),
    }
    return next(
        (name for name, strings in parts.items() if any(_UNSTORABLE.search(string) for string in strings)), None
    )
