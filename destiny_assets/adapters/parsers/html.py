"""HTML: selectolax takes navigation, scripts and page furniture away, Kreuzberg makes Markdown of the rest."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from destiny_assets.adapters.parsers.assembly import assemble, property_fields
from destiny_assets.adapters.parsers.conversion import convert, kreuzberg_version
from destiny_assets.adapters.parsers.encodings import DecodedText
from destiny_assets.adapters.parsers.media_types import HTML
from destiny_assets.domain.documents import ParsedDocument
from destiny_assets.domain.markdown import scan_markdown
from destiny_assets.errors import UnreadableDocumentError

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_FURNITURE = (
    "script, style, noscript, template, nav, footer, aside, iframe, svg, button, dialog, "
    "[role=navigation], [role=banner], [role=contentinfo], [role=search], [hidden], [aria-hidden=true]"
)
_MAIN = ("main", "[role=main]", "article")
# A main element with less text than this is a shell, and the page stands beside it.
_MIN_CHARACTERS = 40
# lexbor 1.0 takes time that grows with the square of the depth: 60,000 unclosed <div> took 6.6 s.
_MAX_DEPTH = 2000
_NESTING_TAG = re.compile(
    r"<(?P<end>/?)(?:a|article|aside|b|blockquote|center|div|em|font|form|i|main|ol|section|small|span|strong|table|u|ul)\b",
    re.IGNORECASE,
)
_DATES = {
    "created": ("article:published_time", "dcterms.created", "dc.date", "date", "datepublished"),
    "modified": ("article:modified_time", "dcterms.modified", "last-modified", "datemodified"),
}
_AUTHORS = ("author", "article:author", "dc.creator", "dcterms.creator")


@cache
def html_version() -> str:
    """The parser's identity."""
    return f"html/1+selectolax-{version('selectolax')}+{kreuzberg_version()}"


def parse_html(decoded: DecodedText, uri: str) -> ParsedDocument:
    """A page's content as Markdown; raises `UnreadableDocumentError` ("no_text", "broken")."""
    from selectolax.lexbor import LexborHTMLParser

    if _depth(decoded.text) > _MAX_DEPTH:
        raise UnreadableDocumentError("broken", f"{uri} nests its elements more than {_MAX_DEPTH:,} deep.")
    page = LexborHTMLParser(decoded.text)
    metas = _metas(page)
    title_node = page.css_first("head > title") or page.css_first("title")
    title = metas.get("og:title") or (title_node.text(strip=True) if title_node else None)
    text = _content(page, uri)
    properties: list[tuple[str, str | None]] = [("author", metas.get(name)) for name in _AUTHORS]
    properties += [(field, metas.get(name)) for field, names in _DATES.items() for name in names]
    properties += [(name, metas.get(name)) for name in ("description", "keywords", "status")]
    return assemble(
        text,
        scan_markdown(text),
        property_fields(properties),
        uri=uri,
        media_type=HTML,
        parser=html_version(),
        title=title or None,
        encoding=decoded.encoding,
    )


def _depth(text: str) -> int:
    depth = deepest = 0
    for tag in _NESTING_TAG.finditer(text):
        depth = max(0, depth - 1) if tag["end"] else depth + 1
        deepest = max(deepest, depth)
    return deepest


def _metas(page: LexborHTMLParser) -> dict[str, str]:
    metas: dict[str, str] = {}
    for node in page.css("meta[content]"):
        attributes = node.attributes
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop")
        content = attributes.get("content")
        if name and content:
            metas.setdefault(name.lower(), " ".join(content.split()))
    return metas


def _content(page: LexborHTMLParser, uri: str) -> str:
    for node in page.css(_FURNITURE):
        node.decompose()
    root = _main(page)
    if root is None or not root.text(strip=True):
        raise UnreadableDocumentError("no_text", f"{PurePosixPath(uri).name} is a page without text.")
    try:
        return convert((root.html or "").encode("utf-8", "replace"), HTML, uri).markdown
    except UnreadableDocumentError as error:
        if error.reason != "no_text":
            raise
        # Kreuzberg 4.10 makes nothing of elements nested a thousand deep; their text is still there.
        return root.text(separator="\n", strip=True)


def _main(page: LexborHTMLParser) -> LexborNode | None:
    for selector in _MAIN:
        found = page.css(selector)
        if len(found) == 1 and len(found[0].text(strip=True)) >= _MIN_CHARACTERS:
            return found[0]
    return page.body
