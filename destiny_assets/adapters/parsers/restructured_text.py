"""reStructuredText: the source is the text, so that every offset is one of the file as decoded."""

from destiny_assets.adapters.parsers.assembly import assemble, fields_at_top
from destiny_assets.adapters.parsers.encodings import DecodedText
from destiny_assets.adapters.parsers.media_types import RESTRUCTURED_TEXT
from destiny_assets.domain.documents import ParsedDocument
from destiny_assets.domain.restructured_text import scan_restructured_text

VERSION = "restructuredtext/2"


def parse_restructured_text(decoded: DecodedText, uri: str) -> ParsedDocument:
    """A reStructuredText document with its mail-like header or field list read."""
    markup = scan_restructured_text(decoded.text)
    return assemble(
        decoded.text,
        markup,
        fields_at_top(decoded.text, 0, markup.headings),
        uri=uri,
        media_type=RESTRUCTURED_TEXT,
        parser=VERSION,
        encoding=decoded.encoding,
    )
