"""Office documents, e-books, mail, tables and notebooks: Kreuzberg makes Markdown of them, which becomes the text."""

from datetime import datetime
from pathlib import PurePosixPath

from destiny_assets.adapters.parsers.assembly import assemble, property_fields, telling_title
from destiny_assets.adapters.parsers.conversion import convert, kreuzberg_version
from destiny_assets.adapters.parsers.media_types import SPREADSHEETS
from destiny_assets.domain.documents import ParsedDocument
from destiny_assets.domain.markdown import scan_markdown

# Property to header field.
_PROPERTIES = {
    "authors": "author",
    "created_at": "created",
    "modified_at": "modified",
    "subject": "subject",
    "keywords": "keywords",
    "language": "language",
    "description": "description",
}


def office_version() -> str:
    """The parser's identity."""
    return f"office/1+{kreuzberg_version()}"


def parse_office(data: bytes, media_type: str, uri: str, *, encoding: str | None = None) -> ParsedDocument:
    """Any format that Kreuzberg reads; `data` in UTF-8 where the format is text, `encoding` what it was before."""
    converted = convert(data, media_type, uri)
    title = telling_title(_text(converted.properties.get("title")) or _text(converted.properties.get("subject")))
    if title is None and media_type in SPREADSHEETS:
        # The first heading is a sheet's name, which says nothing of the book.
        title = PurePosixPath(uri).stem
    properties = [
        (field, _text(converted.properties.get(name)))
        for name, field in _PROPERTIES.items()
        if name != "subject" or media_type.startswith(("message/", "application/vnd.ms-outlook"))
    ]
    return assemble(
        converted.markdown,
        scan_markdown(converted.markdown),
        property_fields(properties),
        uri=uri,
        media_type=media_type,
        parser=office_version(),
        title=title,
        encoding=encoding,
    )


def _text(value: object) -> str | None:
    if isinstance(value, list):
        return "; ".join(item for item in value if isinstance(item, str)) or None
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str) else None
