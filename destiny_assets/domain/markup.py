"""What a scan of marked-up text yields, shared by the scanners of each markup language."""

import re
from dataclasses import dataclass

from destiny_assets.domain.documents import Heading, Link

# The last character is none of those that end a sentence around an address.
BARE_URL = r"https?://[^\s<>\"'`\\^{}|\[\]()]+(?:\([^\s()<>]*\)[^\s<>\"'`\\^{}|\[\]()]*)*(?<![.,;:!?*_])"
_BARE_URL = re.compile(BARE_URL)


@dataclass(frozen=True, slots=True)
class Markup:
    """Headings and links in the order they stand in the text."""

    headings: tuple[Heading, ...]
    links: tuple[Link, ...]


def bare_links(text: str) -> tuple[Link, ...]:
    """Addresses that stand in plain text."""
    return tuple(Link(match[0], match[0], match.start(), match.end()) for match in _BARE_URL.finditer(text))
