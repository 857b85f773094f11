"""One scan of a web source: every address asked once, side by side but politely, each answer kept before the next scan."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby
from queue import SimpleQueue
from threading import Lock

from more_itertools import chunked

from destiny_assets.adapters.postgres.web import WebResponse
from destiny_assets.adapters.source_context import SourceContext
from destiny_assets.adapters.web.lists import AddressList, read_list
from destiny_assets.adapters.web.manners import MAX_ROBOTS_BYTES, DownHost, Host, robots_address
from destiny_assets.adapters.web.page_head import read_head
from destiny_assets.adapters.web.requests import Failed, Fetched, Gone, NotModified, Outcome, Requests
from destiny_assets.domain.web_addresses import origin_of
from destiny_assets.errors import StoreUnavailableError

_LANES_PER_HOST = 2
_THREADS = 16
_KEPT_TOGETHER = 50
_MAX_DEPTH = 3


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """What asking one page came to: a `response` that is good, a failure, or neither where the page is gone."""

    url: str
    response: WebResponse | None = None
    failure: Failed | None = None


class Crawl:
    """The requests of one scan. `kept` holds the answers of earlier ones by url; new ones go through `keep`."""

    def __init__(
        self,
        requests: Requests,
        kept: Mapping[str, WebResponse],
        keep: Callable[[list[WebResponse]], None],
        store: Callable[[bytes], str],
    ) -> None:
        self._requests = requests
        self._kept = kept
        self._keep = keep
        self._store = store
        self._hosts: dict[str, Host] = {}
        self._locks: dict[str, Lock] = {}
        self._lock = Lock()
        self.used: set[str] = set()
        """The urls whose answers this scan rests on."""

    def read_list(self, url: str) -> tuple[AddressList | None, Outcome]:
        """What the list at `url` says, None when it is a page; with the answer, so that a page need not be asked again.

        Raises `StoreUnavailableError` when it cannot be told what `url` is.
        """
        kept = self._kept.get(url)
        outcome = self._requests.get(url, kept, self._allowed)
        if isinstance(outcome, NotModified) and kept is not None and kept.body is not None:
            self.used.add(url)
            return read_list(kept.body, url), outcome
        if isinstance(outcome, Fetched) and (found := read_list(outcome.data, url)) is not None:
            self.used.add(url)
            self._keep([_answer(url, outcome, body=outcome.data)])
            return found, outcome
        if kept is not None and kept.body is not None:
            # It was a list: whatever it says today, the pages it named are not known to be gone.
            said = outcome.detail if isinstance(outcome, Failed) else f"{url} is no list any more."
            raise StoreUnavailableError(said)
        if kept is None and isinstance(outcome, Failed) and outcome.reason == "unreachable":
            raise StoreUnavailableError(f"{outcome.detail} Nothing is known of what it lists.")
        return None, outcome

    def follow(self, found: AddressList, depth: int = 1) -> AddressList:
        """All pages of a list and of the sitemaps it names; raises `StoreUnavailableError` when one of those can't be had."""
        pages = dict(found.pages)
        if found.sitemaps and depth > _MAX_DEPTH:
            raise StoreUnavailableError(f"Sitemaps name sitemaps more than {_MAX_DEPTH} deep: {found.sitemaps[0]}.")
        for sitemap in found.sitemaps:
            inner, outcome = self.read_list(sitemap)
            if inner is not None:
                pages |= self.follow(inner, depth + 1).pages
            elif not isinstance(outcome, Gone):
                said = outcome.detail if isinstance(outcome, Failed) else f"{sitemap} is no sitemap."
                raise StoreUnavailableError(said)
        return AddressList(pages)

    def ask(self, urls: list[str], asked: Mapping[str, Outcome]) -> dict[str, PageAnswer]:
        """The answer of every page; `asked` holds outcomes there are already. At most two requests to a host at a time."""
        by_host = [list(group) for _, group in groupby(sorted(urls, key=origin_of), key=origin_of)]
        lanes = [
            group[first::_LANES_PER_HOST] for group in by_host for first in range(min(_LANES_PER_HOST, len(group)))
        ]
        answers: SimpleQueue[PageAnswer | BaseException] = SimpleQueue()

        def walk(lane: list[str]) -> None:
            try:
                for url in lane:
                    answers.put(self._page(url, asked.get(url)))
            except BaseException as error:  # Handed over and raised there: the one who waits would wait for ever.
                answers.put(error)
                raise

        found: dict[str, PageAnswer] = {}
        with ThreadPoolExecutor(_THREADS) as threads:
            for lane in lanes:
                threads.submit(walk, lane)
            for batch in chunked((_raised(answers.get()) for _ in urls), _KEPT_TOGETHER):
                found |= {answer.url: answer for answer in batch}
                news = [answer.response for answer in batch if answer.response is not None]
                self._keep([response for response in news if response is not self._kept.get(response.url)])
        return found

    def _page(self, url: str, asked: Outcome | None) -> PageAnswer:
        kept = self._kept.get(url)
        outcome = asked or self._requests.get(url, kept, self._allowed)
        if not isinstance(outcome, Failed) or outcome.host_down or outcome.status is not None:
            self._host(url).note(answered=not (isinstance(outcome, Failed) and outcome.host_down))
        if isinstance(outcome, Gone):
            return PageAnswer(url)
        self.used.add(url)
        if isinstance(outcome, Failed):
            return PageAnswer(url, failure=outcome)
        if isinstance(outcome, NotModified):
            return PageAnswer(url, kept) if kept else PageAnswer(url, failure=_unasked(url))
        head = read_head(outcome.data, outcome.headers, outcome.address)
        sha256 = self._store(outcome.data)
        answer = _answer(url, outcome, sha256=sha256)
        return PageAnswer(url, replace(answer, address=head.address, excluded=head.excluded))

    def _allowed(self, url: str) -> Failed | None:
        if url == robots_address(url):
            return None
        host = self._host(url)
        refusal = host.refusal(url)
        if refusal is None:
            host.take_turn()
        return refusal

    def _host(self, url: str) -> Host:
        origin = origin_of(url)
        with self._lock:
            lock = self._locks.setdefault(origin, Lock())
        with lock:
            if origin not in self._hosts:
                self._hosts[origin] = self._meet(origin)
            return self._hosts[origin]

    def _meet(self, origin: str) -> Host:
        address = robots_address(origin)
        kept = self._kept.get(address)
        outcome = self._requests.get(address, kept, lambda _: None)
        self.used.add(address)
        if isinstance(outcome, Fetched):
            body = outcome.data[:MAX_ROBOTS_BYTES]
            self._keep([_answer(address, outcome, body=body)])
            return Host(origin, body)
        if isinstance(outcome, NotModified) and kept is not None:
            return Host(origin, kept.body)
        if isinstance(outcome, Failed) and outcome.reason == "unreachable" and outcome.status is None:
            return DownHost(origin, outcome)
        return Host(origin, None)


def _answer(url: str, outcome: Fetched, *, sha256: str | None = None, body: bytes | None = None) -> WebResponse:
    headers = outcome.headers
    return WebResponse(
        url=url,
        address=outcome.address,
        etag=headers.get("etag"),
        last_modified=headers.get("last-modified"),
        media_type=headers.get("content-type"),
        sha256=sha256,
        size=len(outcome.data),
        body=body,
    )


def _unasked(url: str) -> Failed:
    return Failed("unreachable", f"{url} answers 304 to a request that had no condition.")


def _raised(answer: PageAnswer | BaseException) -> PageAnswer:
    if isinstance(answer, BaseException):
        raise answer
    return answer


def keeper(context: SourceContext) -> Callable[[list[WebResponse]], None]:
    """Keeps answers in the ledger."""
    return lambda responses: context.ledger.web.keep(context.project, context.name, responses)
