"""What a page says of itself outside its text: title, authors, dates, from meta elements, JSON-LD and ``<time>``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

_MAX_JSON_CHARACTERS = 500_000
_ARTICLES = re.compile(r"(?:Article|BlogPosting|Report|HowTo|FAQPage|CreativeWork|Post|Book|Course)$")
_DATES = {
    "created": ("article:published_time", "dcterms.created", "dc.date.issued", "dc.date", "date", "datepublished", "pubdate"),
    "modified": ("article:modified_time", "dcterms.modified", "og:updated_time", "last-modified", "datemodified", "revised"),
}  # fmt: skip
_AUTHORS = ("author", "article:author", "dc.creator", "dcterms.creator", "citation_author")
_TIMES = {
    "created": "time[datetime][itemprop=datePublished], time[datetime][pubdate], time[datetime].published, time[datetime].entry-date",
    "modified": "time[datetime][itemprop=dateModified], time[datetime].updated, time[datetime].modified",
}
_SITE_NAME = re.compile(r"\s+[|\u2013\u2014\u00b7\u00bb\u2022:-]+\s+")


def page_title(page: LexborHTMLParser) -> str | None:
    """The page's title without the site's name; read before any element is taken away."""
    metas = _metas(page)
    node = page.css_first("head > title") or page.css_first("title")
    title = metas.get("og:title") or (" ".join(node.text().split()) if node else "")
    if not title:
        return None
    headings = [" ".join(heading.text().split()) for heading in page.css("h1")]
    site = metas.get("og:site_name", "")
    first, *rest = _SITE_NAME.split(title)
    if rest and (first in headings or rest[-1] == site):
        return (
            title if title in headings else title[: title.rindex(rest[-1])].rstrip(" |\u2013\u2014\u00b7\u00bb\u2022:-")
        )
    return title


def page_properties(page: LexborHTMLParser) -> list[tuple[str, str | None]]:
    """Names and values of what the page tells, the most reliable first; read before any element is taken away."""
    metas, article = _metas(page), _article(page)
    found: list[tuple[str, str | None]] = [("author", _person(metas.get(name))) for name in _AUTHORS]
    found += [("author", name) for name in _people(article.get("author"))]
    found += [
        ("author", node.text(strip=True)) for node in page.css("a[rel~=author], [itemprop=author] [itemprop=name]")
    ]
    for field, names in _DATES.items():
        found += [(field, metas.get(name)) for name in names]
        told = article.get({"created": "datePublished", "modified": "dateModified"}[field])
        found.append((field, told if isinstance(told, str) else None))
        found += [(field, node.attributes.get("datetime")) for node in page.css(_TIMES[field])]
    if len(times := page.css("time[datetime]")) == 1:
        found.append(("created", times[0].attributes.get("datetime")))
    found += [(name, metas.get(name)) for name in ("description", "keywords", "status")]
    return _once(found)


def _once(found: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    """The first of each field; several are only kept of authors, and those of the most reliable place that names any."""
    kept: dict[str, str] = {}
    for name, value in found:
        if value and value.strip():
            kept.setdefault(name, value)
    return list(kept.items())


def _metas(page: LexborHTMLParser) -> dict[str, str]:
    metas: dict[str, str] = {}
    for node in page.css("meta[content]"):
        attributes = node.attributes
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop")
        content = attributes.get("content")
        if name and content:
            metas.setdefault(name.lower(), " ".join(content.split()))
    return metas


def _person(told: str | None) -> str | None:
    """A name; Facebook wants a profile's address in ``article:author``."""
    return None if told is None or "://" in told else told


def _people(told: Any) -> list[str]:
    """Names in JSON-LD's author: a text, an object or several; joined to one value, as a meta element would have it."""
    if isinstance(told, list):
        names = [name for one in told for name in _people(one)]
    else:
        name = told.get("name") if isinstance(told, dict) else told
        names = [name] if isinstance(name, str) and _person(name) else []
    return [", ".join(names)] if names else []


def _article(page: LexborHTMLParser) -> dict[str, Any]:
    """The JSON-LD object that speaks of the page's content, where there is one."""
    objects: list[dict[str, Any]] = []
    for node in page.css('script[type="application/ld+json"]'):
        text = node.text()
        if len(text) > _MAX_JSON_CHARACTERS:
            continue
        try:
            objects += _objects(json.loads(text))
        except (ValueError, RecursionError):
            continue
    return next(
        (one for one in objects if _is_article(one)), next((one for one in objects if "datePublished" in one), {})
    )


def _objects(told: Any) -> Iterator[dict[str, Any]]:
    if isinstance(told, list):
        for one in told:
            yield from _objects(one)
    elif isinstance(told, dict):
        yield told
        yield from _objects(told.get("@graph"))
        yield from _objects(told.get("mainEntity"))


def _is_article(told: dict[str, Any]) -> bool:
    types = told.get("@type")
    return any(
        isinstance(name, str) and _ARTICLES.search(name) for name in (types if isinstance(types, list) else [types])
    )
