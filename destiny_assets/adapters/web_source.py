"""The source kind ``web``: one page, a sitemap, or a text file of addresses.

A scan asks every page, conditionally where it was asked before; what is new is stored as an original at once, so that reading
a document needs no second request and a scan that was killed goes on where it stopped. What a page says is the parsers' business.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from zlib import crc32

from destiny_assets.adapters.files_source import Selection, selection_of
from destiny_assets.adapters.source_context import SourceContext
from destiny_assets.domain.documents import SourceContent, SourceFacts, SourceItem
from destiny_assets.domain.web_addresses import is_web_address, normal_address, path_of
from destiny_assets.errors import ConfigurationError, NotFoundError, StoreUnavailableError, UnreadableDocumentError

if TYPE_CHECKING:
    from destiny_assets.adapters.postgres.web import WebResponse
    from destiny_assets.adapters.web.crawl import Crawl
    from destiny_assets.adapters.web.lists import AddressList
    from destiny_assets.adapters.web.requests import Failed, Outcome

_REFRESH_MINUTES = 360


def open_web_source(uri: str, options: Mapping[str, str], context: SourceContext) -> "WebPages":
    """The pages at `uri`: a page's URL, a sitemap's, or a list of URLs (a URL or a local file).

    Options: `include` and `exclude` globs of paths below the host; `contact`, an address in the User-Agent; `private_hosts`, names
    of hosts that may be asked though they are not public; `refresh`, minutes after which the sensor looks again (360).
    Raises `ConfigurationError` for an option out of its range, a URL with credentials or what is no address.
    """
    refresh = options.get("refresh", str(_REFRESH_MINUTES))
    if not refresh.isdigit() or int(refresh) < 1:
        raise ConfigurationError(f"refresh={refresh} is no number of minutes.")
    contact = options.get("contact", "")
    if not (contact.isascii() and contact.isprintable()):
        raise ConfigurationError("The contact must be plain ASCII: an e-mail address or a URL.")
    if "://" in uri and not uri.startswith("file://"):
        if not is_web_address(uri):
            raise ConfigurationError("A source of web pages needs http://… or https://…, or a file with addresses.")
        if "@" in urlsplit(uri).netloc:
            raise ConfigurationError("A web source keeps no passwords: write the address without user and password.")
        uri = normal_address(uri)
    hosts = frozenset(host.strip().lower() for host in options.get("private_hosts", "").split(",") if host.strip())
    return WebPages(uri, context, selection_of(options), hosts, contact, int(refresh))


@dataclass(frozen=True, slots=True)
class _Page:
    response: "WebResponse | None"
    failure: "Failed | None"
    changed_at: datetime | None


class WebPages:
    """Pages of the web. An item's uri is the page's own address: canonical, after permanent redirects, without fragment."""

    def __init__(
        self,
        uri: str,
        context: SourceContext,
        selection: Selection,
        private_hosts: frozenset[str],
        contact: str,
        refresh_minutes: int,
    ) -> None:
        self._uri = uri
        self._context = context
        self._selection = selection
        self._private_hosts = private_hosts
        self._contact = contact
        self._refresh_seconds = refresh_minutes * 60
        self._pages: dict[str, _Page] = {}

    def scan(self) -> Iterator[SourceItem]:
        """Every page there is now, by address; a page that is gone (404, 410) is not among them.

        A page that can't be had, or asks not to be kept, is listed with a fingerprint that says so; `read` says why. Raises
        `StoreUnavailableError` when the list of pages can't be had.
        """
        from destiny_assets.adapters.web.crawl import keeper

        ledger, project, name = self._context.ledger, self._context.project, self._context.name
        kept = ledger.web.known(project, name)
        with self._crawl(kept, keeper(self._context)) as crawl:
            listed, asked = self._listed(crawl)
            answers = crawl.ask(list(listed), asked)
        ledger.web.forget(project, name, kept.keys() - crawl.used)
        self._pages = {}
        had = [
            (url, answer.response or (kept.get(url) if answer.failure else None), answer.failure)
            for url, answer in answers.items()
        ]
        found = [(response.address if response else url, url, response, failure) for url, response, failure in had]
        # Of several urls of one page the one that is its address speaks for it.
        for address, url, response, failure in sorted(found, key=lambda some: (some[0] != some[1], some[1])):
            if response is not None or failure is not None:
                page = _Page(response, failure, _changed_at(listed[url], response))
                if address not in self._pages or (self._pages[address].failure is not None and failure is None):
                    self._pages[address] = page
        for address, page in sorted(self._pages.items()):
            response = page.response
            yield SourceItem(address, _fingerprint(page), response.size if response else 0, page.changed_at)

    def read(self, item: SourceItem) -> SourceContent:
        """The bytes that the scan stored; raises `UnreadableDocumentError` ("unreachable", "excluded", "unsupported", "huge")."""
        page = self._pages.get(item.uri)
        if page is None:
            raise UnreadableDocumentError("unreachable", f"{item.uri} is no longer a page of this source.")
        if page.failure is not None:
            raise UnreadableDocumentError(page.failure.reason, page.failure.detail)
        response = page.response
        if response is None or response.sha256 is None or response.excluded is not None:
            raise UnreadableDocumentError("excluded", f"{item.uri} is left out: {response and response.excluded}.")
        try:
            data = self._context.originals.get(self._context.project, response.sha256)
        except NotFoundError as error:
            # Without its answer the next scan asks for the page as if for the first time.
            self._context.ledger.web.forget(self._context.project, self._context.name, [response.url])
            raise UnreadableDocumentError(
                "unreachable", f"The bytes of {item.uri} are lost; the next ingest fetches them."
            ) from error
        return SourceContent(data, response.media_type, SourceFacts(updated_at=page.changed_at))

    def listed(self) -> int:
        """How many pages there are to ask for, at the cost of reading the list alone; nothing is kept of it."""
        with self._crawl({}, lambda _: None) as crawl:
            return len(self._listed(crawl)[0])

    def mark(self) -> None:
        """Only asking each page shows what changed."""

    def due(self) -> str:
        """Changes once every `refresh` minutes, at a time of this source's own: asking every page is not for every tick."""
        return str(int(time.time() + crc32(self._uri.encode()) % self._refresh_seconds) // self._refresh_seconds)

    @contextmanager
    def _crawl(
        self, kept: "Mapping[str, WebResponse]", keep: "Callable[[list[WebResponse]], None]"
    ) -> "Iterator[Crawl]":
        from destiny_assets.adapters.web.crawl import Crawl
        from destiny_assets.adapters.web.requests import Requests, open_client

        with open_client(self._private_hosts, self._contact) as client:
            yield Crawl(
                Requests(client), kept, keep, lambda data: self._context.originals.put(self._context.project, data)
            )

    def _listed(self, crawl: "Crawl") -> "tuple[dict[str, datetime | None], dict[str, Outcome]]":
        """The pages that are chosen, with their times of change where told, and the outcomes that are known by now."""
        if "://" in self._uri and not self._uri.startswith("file://"):
            found, outcome = crawl.read_list(self._uri)
            if found is None:
                return {self._uri: None}, {self._uri: outcome}
        else:
            found = self._local_list()
        pages = crawl.follow(found).pages
        return {url: at for url, at in pages.items() if self._selection.takes(path_of(url))}, {}

    def _local_list(self) -> "AddressList":
        from destiny_assets.adapters.web.lists import read_list

        path = Path(unquote(urlsplit(self._uri).path)) if self._uri.startswith("file://") else Path(self._uri)
        try:
            found = read_list(path.read_bytes(), str(path))
        except OSError as error:
            raise StoreUnavailableError(f"The list {path} cannot be read: {error.strerror}.") from error
        if found is None:
            raise StoreUnavailableError(f"{path} is no list: write one address a line, http:// or https:// each.")
        return found


def _fingerprint(page: _Page) -> str:
    if page.failure is not None:
        return page.failure.reason
    response = page.response
    return "excluded" if response is None or response.excluded else response.sha256 or ""


def _changed_at(told: datetime | None, response: "WebResponse | None") -> datetime | None:
    """When a page changed: as its sitemap says, or its server."""
    if told is not None or response is None or not response.last_modified:
        return told
    try:
        return parsedate_to_datetime(response.last_modified)
    except ValueError:
        return None
