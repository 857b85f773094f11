"""What a page's head says about keeping it: ``noindex``, and the address it calls its own. Its content is the parsers'."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from destiny_assets.adapters.parsers.encodings import decode
from destiny_assets.adapters.parsers.media_types import HTML, split_media_type, told_media_type
from destiny_assets.adapters.web.requests import AGENT
from destiny_assets.domain.web_addresses import joined, origin_of
from destiny_assets.errors import UnreadableDocumentError

_HEAD_BYTES = 256 * 2**10
_HEAD_END = re.compile(rb"</head\s*>|<body\b", re.IGNORECASE)
_CANONICAL_HEADER = re.compile(r'<([^>]+)>\s*;[^,]*\brel\s*=\s*"?canonical', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PageHead:
    """`excluded` says why the page asks not to be kept; `address` is its own, where it names one on the same host."""

    address: str
    excluded: str | None = None


def read_head(data: bytes, headers: Mapping[str, str], url: str) -> PageHead:
    """The wishes of a page, from its headers and, where it is HTML, from its head."""
    robots = [headers.get("x-robots-tag", "")]
    canonical = _CANONICAL_HEADER.search(headers.get("link", ""))
    own = joined(url, canonical[1]) if canonical else None
    if _is_html(data, headers, url):
        told, named = _of_html(data, headers, url)
        robots += told
        own = own or named
    excluded = "it asks not to be indexed (noindex)" if any(_forbids(said) for said in robots) else None
    return PageHead(own if own and origin_of(own) == origin_of(url) else url, excluded)


def _forbids(robots: str) -> bool:
    """Whether directives for everyone, or for us by name, say noindex; after ``googlebot:`` they are for that one."""
    agent = ""
    for directive in robots.lower().split(","):
        name, colon, rest = directive.partition(":")
        if colon:
            agent, directive = name.strip(), rest
        if agent in ("", AGENT.lower()) and directive.strip() in ("noindex", "none"):
            return True
    return False


def _is_html(data: bytes, headers: Mapping[str, str], url: str) -> bool:
    told, _ = split_media_type(headers.get("content-type", ""))
    return (
        told_media_type(told, url) == HTML if told else data.lstrip()[:200].lower().startswith((b"<!doctype", b"<html"))
    )


def _of_html(data: bytes, headers: Mapping[str, str], url: str) -> tuple[list[str], str | None]:
    """What the robots elements say, and the canonical address."""
    from selectolax.lexbor import LexborHTMLParser

    end = _HEAD_END.search(data, 0, _HEAD_BYTES)
    head = data[: end.end() if end else _HEAD_BYTES]
    _, charset = split_media_type(headers.get("content-type", ""))
    try:
        page = LexborHTMLParser(decode(head, charset).text)
    except UnreadableDocumentError:
        return [], None
    robots = [
        node.attributes.get("content") or ""
        for node in page.css("meta[name][content]")
        if (node.attributes.get("name") or "").lower() in ("robots", AGENT.lower())
    ]
    first_base = page.css_first("base[href]")
    base = (joined(url, first_base.attributes.get("href") or "") if first_base else None) or url
    named = page.css_first('link[rel~="canonical"][href]')
    return robots, joined(base, named.attributes.get("href") or "") if named else None
