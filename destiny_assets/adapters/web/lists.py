"""Lists of web addresses: sitemaps, indexes of sitemaps, text files. What a list leads to is fetched elsewhere."""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from destiny_assets.adapters.parsers.limits import MAX_BYTES
from destiny_assets.domain.web_addresses import is_web_address, normal_address
from destiny_assets.errors import StoreUnavailableError

_SITEMAP = re.compile(rb"<(?:\w+:)?(urlset|sitemapindex)\b")
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class AddressList:
    """What a list says: pages with the time of their last change where told, and further sitemaps."""

    pages: dict[str, datetime | None]
    sitemaps: tuple[str, ...] = ()


def read_list(data: bytes, name: str) -> AddressList | None:
    """The addresses in a sitemap or a text file of addresses, gzipped or not; None when `data` is neither.

    Raises `StoreUnavailableError` for a sitemap that is broken: what it would list must not look deleted.
    """
    data = _unpacked(data, name)
    if _SITEMAP.search(data[:_HEAD_BYTES]):
        return _sitemap(data, name)
    return _lines(data)


def _unpacked(data: bytes, name: str) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        with gzip.open(io.BytesIO(data)) as packed:
            unpacked = packed.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise StoreUnavailableError(f"The list {name} is a damaged gzip file ({error}).") from error
    if len(unpacked) > MAX_BYTES:
        raise StoreUnavailableError(f"The list {name} unpacks to more than {MAX_BYTES:,} bytes. Split it.")
    return unpacked


def _sitemap(data: bytes, name: str) -> AddressList:
    if _DOCTYPE.search(data):
        raise StoreUnavailableError(f"The sitemap {name} declares entities, which no sitemap needs; it is not read.")
    parser = XMLPullParser(("end",))
    pages: dict[str, datetime | None] = {}
    sitemaps: list[str] = []
    told: dict[str, str] = {}
    try:
        parser.feed(data)
        parser.close()
        for _, element in cast("Iterator[tuple[str, Element]]", parser.read_events()):
            tag = element.tag.rpartition("}")[2]
            if tag in ("loc", "lastmod"):
                told.setdefault(tag, (element.text or "").strip())
            elif tag in ("url", "sitemap"):
                if is_web_address(address := told.get("loc", "")):
                    if tag == "url":
                        pages.setdefault(normal_address(address), _time(told.get("lastmod", "")))
                    else:
                        sitemaps.append(normal_address(address))
                told = {}
                element.clear()
    except ParseError as error:
        raise StoreUnavailableError(f"The sitemap {name} is broken XML ({error}).") from error
    return AddressList(pages, tuple(dict.fromkeys(sitemaps)))


def _time(written: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _lines(data: bytes) -> AddressList | None:
    """One address a line; blank lines and lines that begin with # are remarks, anything else makes it no list."""
    try:
        lines = [line.strip() for line in data.decode("utf-8-sig").splitlines()]
    except UnicodeDecodeError:
        return None
    told = [line for line in lines if line and not line.startswith("#")]
    if not told or not all(is_web_address(line) for line in told):
        return None
    return AddressList(dict.fromkeys(normal_address(line) for line in told))
