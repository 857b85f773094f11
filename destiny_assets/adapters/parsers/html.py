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
from destiny_assets.adapters.parsers.html_facts import page_properties, page_title
from destiny_assets.adapters.parsers.media_types import HTML
from destiny_assets.domain.documents import ParsedDocument
from destiny_assets.domain.markdown import scan_markdown
from destiny_assets.errors import UnreadableDocumentError

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_FURNITURE = (
    "script, style, noscript, template, nav, footer, aside, iframe, svg, button, dialog, "
    "[role=navigation], [role=banner], [role=contentinfo], [role=search], [role=dialog], [role=alertdialog], "
    "[hidden], [aria-hidden=true], a.headerlink, a.header-anchor, a.skip-link, a.skip-to-content"
)
# Parts that only their names give away: a class or id that is one of these words, alone or with words for a place or a frame.
_NAMED = "div, section, ul, ol, form, p, header, table"
_NAME = re.compile(
    r"(?:(?:site|page|post|main|global|left|right|top|bottom|entry|article|primary|secondary|theme|doc|js|md)[_-]+)*"
    r"(?:cookies?|gdpr|consent|onetrust|breadcrumbs?|sidebar|sphinxsidebar|sidenav|nav|navbar|navigation|menu|footer|masthead|"
    r"site-?header|skip(?:-?links?|-to-content|-nav)|share|sharing|social|newsletter|subscribe|adverts?|advertisement|pagination|"
    r"pager|related-(?:posts|articles|pages|links)|table-of-contents|toc)"
    r"(?:[_-]+(?:wrapper|container|banner|bar|notice|popup|overlay|modal|links?|buttons?|list|area|box|inner|content|menu|widget|"
    r"form|signup|items?|section|block|nav|icons?|sdk|law|info|message))*",
    re.IGNORECASE,
)
# Such a part with more of the page's text than this is the page's own subject.
_MAX_FURNITURE_SHARE = 0.35
_MAIN = ("main", "[role=main]", "article", "[itemprop=articleBody]")
_CONTENT = (
    "#content",
    "#main-content",
    "#main",
    ".markdown-body",
    ".entry-content",
    ".post-content",
    ".article-body",
    ".document",
)
_MIN_CONTENT_SHARE = 0.4
# A main element with less text than this is a shell, and the page stands beside it.
_MIN_CHARACTERS = 40
# lexbor 1.0 takes time that grows with the square of the depth: 60,000 unclosed <div> took 6.6 s.
_MAX_DEPTH = 2000
_NESTING_TAG = re.compile(
    r"<(?P<end>/?)(?:a|article|aside|b|blockquote|center|div|em|font|form|i|main|ol|section|small|span|strong|table|u|ul)\b",
    re.IGNORECASE,
)


@cache
def html_version() -> str:
    """The parser's identity."""
    return f"html/2+selectolax-{version('selectolax')}+{kreuzberg_version()}"


def parse_html(decoded: DecodedText, uri: str) -> ParsedDocument:
    """A page's content as Markdown; raises `UnreadableDocumentError` ("no_text", "broken")."""
    from selectolax.lexbor import LexborHTMLParser

    if _depth(decoded.text) > _MAX_DEPTH:
        raise UnreadableDocumentError("broken", f"{uri} nests its elements more than {_MAX_DEPTH:,} deep.")
    page = LexborHTMLParser(decoded.text)
    title, properties = page_title(page), page_properties(page)
    text = _content(page, uri)
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


def _content(page: LexborHTMLParser, uri: str) -> str:
    for node in page.css(_FURNITURE):
        node.decompose()
    _remove_named(page)
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


def _remove_named(page: LexborHTMLParser) -> None:
    """Take away cookie banners, side bars and the like, unless one of them is what the page is about."""
    if page.body is None:
        return
    allowed = len(page.body.text(strip=True)) * _MAX_FURNITURE_SHARE
    named = [node for node in page.css(_NAMED) if any(_NAME.fullmatch(name) for name in _names(node))]
    taken: set[int] = set()
    for node in named:
        parent = node.parent
        inside = False
        while parent is not None and not inside:
            inside = parent.mem_id in taken
            parent = parent.parent
        # What lies in a part that is gone already is gone with it, and touching it again would be a use after free.
        if inside:
            continue
        if node.css_first("main, article, h1") is None and len(node.text(strip=True)) <= allowed:
            taken.add(node.mem_id)
    for node in named:
        if node.mem_id in taken:
            node.decompose()


def _names(node: LexborNode) -> list[str]:
    return f"{node.attributes.get('class') or ''} {node.attributes.get('id') or ''}".split()


def _main(page: LexborHTMLParser) -> LexborNode | None:
    for selector in _MAIN:
        found = page.css(selector)
        if len(found) == 1 and len(found[0].text(strip=True)) >= _MIN_CHARACTERS:
            return found[0]
    if page.body is None:
        return None
    needed = max(_MIN_CHARACTERS, len(page.body.text(strip=True)) * _MIN_CONTENT_SHARE)
    for selector in _CONTENT:
        found = page.css(selector)
        if len(found) == 1 and len(found[0].text(strip=True)) >= needed:
            return found[0]
    return page.body
