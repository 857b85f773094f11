"""Bounds that keep one document from taking the machine; what is beyond them is quarantined as "huge"."""

import time

from destiny_assets.errors import UnreadableDocumentError

MAX_BYTES = 64 * 2**20
"""Largest file that is read."""
MAX_CHARACTERS = 20_000_000
"""Longest text: ten times the longest book, and some 100 MB in memory."""
MAX_CONVERTED_CHARACTERS = 8_000_000
"""Of HTML, tables and notebooks, which kreuzberg turns into Markdown: it took 2.7 GB for a table of 19 million."""
MAX_PAGES = 20_000
MAX_UNPACKED_BYTES = 512 * 2**20
"""Of all parts of one zipped document together."""
MAX_MARKUP_BYTES = 48 * 2**20
"""Of its XML and HTML parts: kreuzberg 4.10 takes some twenty times that in memory (92 MB of paragraphs took 2 GB)."""
MAX_SECONDS = 120.0
"""For formats that are read piece by piece."""


def check_size(size: int, name: str) -> None:
    """Raises `UnreadableDocumentError` ("huge") when `size` bytes are too many to read."""
    if size > MAX_BYTES:
        raise UnreadableDocumentError(
            "huge", f"{name} has {size:,} bytes, more than the {MAX_BYTES:,} that are read. Split it, or leave it out."
        )


def check_characters(count: int, name: str, limit: int = MAX_CHARACTERS) -> None:
    """Raises `UnreadableDocumentError` ("huge") when a text of `count` characters is too long."""
    if count > limit:
        raise UnreadableDocumentError(
            "huge", f"{name} holds more than {limit:,} characters of text. Split it, or leave it out."
        )


class Deadline:
    """Time that may be spent on one document."""

    def __init__(self, name: str, seconds: float = MAX_SECONDS) -> None:
        self._name = name
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def check(self) -> None:
        """Raises `UnreadableDocumentError` ("huge") once the time is up."""
        if time.monotonic() > self._end:
            raise UnreadableDocumentError(
                "huge", f"{self._name} took more than {self._seconds:.0f} seconds to read. Split it, or leave it out."
            )
