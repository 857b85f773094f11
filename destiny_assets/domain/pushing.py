"""A document that somebody hands in: what is asked of it before anything is stored."""

from dataclasses import dataclass, field

from destiny_assets.domain.documents import MAX_URI_BYTES, UNSTORABLE, SourceFacts, uri_bytes
from destiny_assets.errors import UnreadableDocumentError


@dataclass(frozen=True, slots=True)
class PushedDocument:
    """`uri` is the document's lasting name in its source: pushed again under it, it replaces what was there.

    `media_type` says how a text is to be read where its uri does not (``text/markdown``, ``text/html``…).
    """

    uri: str
    content: bytes | str
    media_type: str | None = None
    facts: SourceFacts = field(default_factory=SourceFacts)

    @property
    def data(self) -> bytes:
        """The content as bytes; text becomes UTF-8."""
        return self.content.encode() if isinstance(self.content, str) else self.content


def check_pushed(document: PushedDocument, max_bytes: int) -> None:
    """Raises `UnreadableDocumentError`: "empty", "huge", or "broken" when a name or a fact could not be stored."""
    told = (document.uri, document.media_type or "", document.facts.title or "", *document.facts.authors)
    told += (*document.facts.fields.keys(), *document.facts.fields.values())
    if isinstance(document.content, str):
        told += (document.content.replace("\x00", ""),)
    if any(UNSTORABLE.search(text) for text in told):
        raise UnreadableDocumentError("broken", "A name, a fact or the text holds a NUL or half a surrogate pair.")
    if not document.uri.strip() or uri_bytes(document.uri) > MAX_URI_BYTES or not document.uri.isprintable():
        raise UnreadableDocumentError("broken", f"A document needs a printable uri of 1 to {MAX_URI_BYTES:,} bytes.")
    size = len(document.data)
    if size == 0:
        raise UnreadableDocumentError("empty", f"{document.uri} has no bytes.")
    if size > max_bytes:
        raise UnreadableDocumentError(
            "huge", f"{document.uri} has {size:,} bytes, more than the {max_bytes:,} that are read. Split it."
        )
