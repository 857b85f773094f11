"""PDF: PDFium gives the text page by page; bookmarks that stand in the text become headings. Scans are not read."""

from __future__ import annotations

import re
import threading
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from destiny_assets.adapters.parsers.assembly import assemble, property_fields, telling_title
from destiny_assets.adapters.parsers.limits import MAX_PAGES, Deadline, check_characters
from destiny_assets.adapters.parsers.media_types import PDF
from destiny_assets.domain.documents import Heading, ParsedDocument
from destiny_assets.domain.markup import Markup, bare_links
from destiny_assets.errors import UnreadableDocumentError

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

# PDFium is not thread-safe, not even for two documents.
_PDFIUM = threading.Lock()
_WRONG_PASSWORD = 4
_PAGE_BREAK = "\n\n"
_MAX_BOOKMARKS = 5000
# PDFium writes U+FFFE where a word is parted at a line's end.
_PARTED = re.compile("[\ufffe\x02]\n?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ufeff]")
_DATE = re.compile(r"D:(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(?:(Z|[+-]\d{2})'?(\d{2})?'?)?")


@cache
def pdf_version() -> str:
    """The parser's identity."""
    return f"pdf/1+pypdfium2-{version('pypdfium2')}"


def parse_pdf(data: bytes, uri: str) -> ParsedDocument:
    """A PDF with page starts; raises `UnreadableDocumentError` ("encrypted", "broken", "huge", "no_text")."""
    import pypdfium2

    with _PDFIUM:
        try:
            document = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            if getattr(error, "err_code", None) == _WRONG_PASSWORD:
                raise UnreadableDocumentError("encrypted", f"{uri} is protected by a password.") from error
            raise UnreadableDocumentError("broken", f"{uri} is no PDF that can be opened: {error}") from error
        try:
            pages = _pages(document, uri)
            properties = document.get_metadata_dict(skip_empty=True)
            bookmarks = _bookmarks(document)
        except pypdfium2.PdfiumError as error:
            raise UnreadableDocumentError("broken", f"{uri} has a page that cannot be read: {error}") from error
        finally:
            document.close()
    if not any(page.strip() for page in pages):
        raise UnreadableDocumentError(
            "no_text", f"{uri} holds images of pages only; text recognition is not done here."
        )
    starts = [0]
    for page in pages[:-1]:
        starts.append(starts[-1] + len(page) + len(_PAGE_BREAK))
    text = _PAGE_BREAK.join(pages)
    fields = [("author", properties.get("Author")), ("keywords", properties.get("Keywords"))]
    fields += [
        ("created", _iso_date(properties.get("CreationDate"))),
        ("modified", _iso_date(properties.get("ModDate"))),
    ]
    return assemble(
        text,
        Markup(_headings(bookmarks, pages, starts), bare_links(text)),
        property_fields(fields),
        uri=uri,
        media_type=PDF,
        parser=pdf_version(),
        title=telling_title(properties.get("Title")),
        page_starts=tuple(starts),
    )


def _pages(document: PdfDocument, uri: str) -> list[str]:
    if len(document) > MAX_PAGES:
        raise UnreadableDocumentError(
            "huge", f"{uri} has {len(document):,} pages, more than the {MAX_PAGES:,} that are read."
        )
    deadline = Deadline(uri)
    pages = []
    characters = 0
    for number in range(len(document)):
        deadline.check()
        page = document[number]
        content = page.get_textpage()
        pages.append(_page_text(content.get_text_bounded()))
        content.close()
        page.close()
        characters += len(pages[-1])
        check_characters(characters, uri)
    return pages


def _page_text(raw: str) -> str:
    text = raw.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", _PARTED.sub("", text)).rstrip()


def _bookmarks(document: PdfDocument) -> list[tuple[int, str, int]]:
    """Level from 1, title and page from 0 of each bookmark that leads to a page."""
    found = []
    for bookmark in document.get_toc():
        destination = bookmark.get_dest()
        page = destination.get_index() if destination else None
        title = " ".join(_CONTROL.sub("", bookmark.get_title()).split())
        if page is not None and title:
            found.append((bookmark.level + 1, title, page))
        if len(found) >= _MAX_BOOKMARKS:
            break
    return found


def _headings(bookmarks: list[tuple[int, str, int]], pages: list[str], starts: list[int]) -> tuple[Heading, ...]:
    """Bookmarks whose title is a line of their page, numbered or not, each found after the one before."""
    headings = []
    searched: dict[int, int] = {}
    for level, title, page in bookmarks:
        if page >= len(pages):
            continue
        words = r"\s+".join(re.escape(word) for word in title.split())
        line = re.compile(rf"^[ \t]*(?:[\dA-Z]{{1,3}}(?:\.\d{{1,3}})*\.?[ \t]+)?{words}[ \t]*$", re.MULTILINE)
        match = line.search(pages[page], searched.get(page, 0))
        if match is not None:
            searched[page] = match.end()
            headings.append(Heading(level, title, starts[page] + match.start()))
    return tuple(sorted(headings, key=lambda heading: heading.start))


def _iso_date(written: str | None) -> str | None:
    match = _DATE.match(written or "")
    if match is None:
        return None
    year, month, day, hour, minute, second, zone, zone_minute = match.groups()
    offset = f"{zone}:{zone_minute or '00'}" if zone and zone != "Z" else "Z"
    return f"{year}-{month or '01'}-{day or '01'} {hour or '00'}:{minute or '00'}:{second or '00'}{offset}"
