"""Plain text, and every other text whose format is not known: configuration, data, logs, code of rare languages."""

from destiny_assets.adapters.parsers.assembly import assemble, fields_at_top
from destiny_assets.adapters.parsers.encodings import DecodedText
from destiny_assets.adapters.parsers.media_types import PLAIN
from destiny_assets.domain.documents import ParsedDocument
from destiny_assets.domain.headers import memo_fields
from destiny_assets.domain.markup import Markup, bare_links

# 2: source code is no longer read here, memos are; other status words.
VERSION = "text/2"


def parse_plain_text(decoded: DecodedText, uri: str) -> ParsedDocument:
    """The text as it is, with the addresses in it and the header it may begin with."""
    return assemble(
        decoded.text,
        Markup((), bare_links(decoded.text)),
        memo_fields(decoded.text) or fields_at_top(decoded.text, 0, ()),
        uri=uri,
        media_type=PLAIN,
        parser=VERSION,
        encoding=decoded.encoding,
    )
