"""Addresses of web pages: one spelling for each, and what redirects and lists make of them. No network here."""

import re
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

_PORTS = {"http": 80, "https": 443}
_ESCAPE = re.compile(r"%[0-9a-fA-F]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def is_web_address(text: str) -> bool:
    """Whether `text` is an absolute http or https URL with a host, and nothing else."""
    try:
        parts = urlsplit(text)
        return parts.scheme.lower() in _PORTS and bool(parts.hostname) and not re.search(r"\s", text)
    except ValueError:
        return False


def normal_address(url: str) -> str:
    """The one spelling of a page's URL (RFC 3986, section 6.2): no fragment, no default port, no dots, capital escapes.

    User name and password are left out. Raises ValueError for what is no web address.
    """
    if not is_web_address(url):
        raise ValueError(f"{url!r} is no web address.")
    parts = urlsplit(urljoin(url, urlsplit(url).path or "/") + (f"?{urlsplit(url).query}" if "?" in url else ""))
    scheme, host, port = parts.scheme.lower(), (parts.hostname or "").lower(), parts.port
    host = f"[{host}]" if ":" in host else host
    place = host if port in (None, _PORTS[scheme]) else f"{host}:{port}"
    return urlunsplit((scheme, place, _spelled(parts.path or "/"), _spelled(parts.query), ""))


def _spelled(part: str) -> str:
    """Escapes in capitals, and none where none is needed."""
    kept = _ESCAPE.sub(lambda found: _plain(found[0]), part)
    return quote(kept, safe="%/?:@!$&'()*+,;=-._~[]|")


def _plain(escape: str) -> str:
    character = unquote(escape)
    return character if character in _UNRESERVED else escape.upper()


def origin_of(url: str) -> str:
    """Scheme, host and port: what one robots.txt speaks for."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def joined(base: str, reference: str) -> str | None:
    """The normal address that `reference` on the page `base` leads to; None where it leads to no web page."""
    try:
        return normal_address(urljoin(base, reference.strip()))
    except ValueError:
        return None


def path_of(url: str) -> str:
    """The path below the host, without the first slash, readable: what globs choose by."""
    return unquote(urlsplit(url).path).removeprefix("/")
