"""Markdown: the source is the text, so that every offset is one of the file as decoded."""

from destiny_assets.adapters.parsers.assembly import assemble, fields_at_top
from destiny_assets.adapters.parsers.encodings import DecodedText
from destiny_assets.adapters.parsers.front_matter import read_front_matter
from destiny_assets.adapters.parsers.media_types import MARKDOWN
from destiny_assets.domain.documents import ParsedDocument
from destiny_assets.domain.markdown import scan_markdown

VERSION = "markdown/2"


def parse_markdown(decoded: DecodedText, uri: str) -> ParsedDocument:
    """A Markdown document with its front matter read."""
    front = read_front_matter(decoded.text)
    markup = scan_markdown(decoded.text, front.end)
    return assemble(
        decoded.text,
        markup,
        [*front.fields, *fields_at_top(decoded.text, front.end, markup.headings)],
        uri=uri,
        media_type=MARKDOWN,
        parser=VERSION,
        encoding=decoded.encoding,
    )
