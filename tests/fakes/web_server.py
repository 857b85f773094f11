"""A web site on loopback that does what web sites do: entity tags, redirects, robots.txt, gzip, being slow, busy or broken."""

import gzip
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Page:
    """What one path answers. With `tagged` it has an entity tag and honours conditions."""

    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    tagged: bool = True
    packed: bool = False
    fails: int = 0
    """So many requests are answered with 503 first."""
    dies: bool = False
    """The connection is cut without an answer."""

    @property
    def tag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'


@dataclass(frozen=True)
class Request:
    path: str
    conditional: bool
    status: int
    agent: str


class Site:
    """Pages by path, and every request that came."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.requests: list[Request] = []
        self.root = ""
        self.at_once = 0
        self._now = 0
        self._lock = threading.Lock()

    def put(self, path: str, body: str | bytes, **more: object) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.pages[path] = Page(data, **more)  # type: ignore[arg-type]

    def article(self, path: str, title: str, text: str, head: str = "", **more: object) -> None:
        self.put(
            path,
            f"<!doctype html><html><head><title>{title}</title>{head}</head><body><nav><a href='/'>Home</a></nav>"
            f"<main><h1>{title}</h1><p>{text}</p></main><footer>Imprint</footer></body></html>",
            **more,
        )

    def sitemap(self, path: str, *pages: str, dated: str = "") -> None:
        lastmod = f"<lastmod>{dated}</lastmod>" if dated else ""
        urls = "".join(f"<url><loc>{self.root}{page}</loc>{lastmod}</url>" for page in pages)
        self.put(
            path,
            f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>',
            content_type="application/xml",
        )

    def asked(self) -> list[str]:
        """The paths asked since the last time, sorted; the count starts anew."""
        with self._lock:
            paths = sorted(request.path for request in self.requests)
            self.requests = []
        return paths

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        with self._lock:
            self._now += 1
            self.at_once = max(self.at_once, self._now)
        try:
            self._answer(handler)
        finally:
            with self._lock:
                self._now -= 1

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        page = self.pages.get(handler.path, Page(b"nothing here", status=404, tagged=False))
        condition = handler.headers.get("If-None-Match")
        status, body = page.status, page.body
        if page.fails:
            page.fails -= 1
            status, body = 503, b""
        elif page.tagged and status == 200 and condition == page.tag:
            status, body = 304, b""
        agent = handler.headers.get("User-Agent", "")
        with self._lock:
            self.requests.append(Request(handler.path, condition is not None, status, agent))
        if page.dies:
            handler.close_connection = True
            handler.connection.close()
            return
        handler.send_response(status)
        if page.packed and body:
            body = gzip.compress(body)
            handler.send_header("Content-Encoding", "gzip")
        if page.tagged and status in (200, 304):
            handler.send_header("ETag", page.tag)
        if page.content_type:
            handler.send_header("Content-Type", page.content_type)
        for name, value in page.headers.items():
            handler.send_header(name, value)
        if status != 304:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.answer(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def serving_site() -> Iterator[Site]:
    """A site on a free port of loopback, gone when the block ends."""
    site = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(site))
    server.daemon_threads = True
    site.root = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
