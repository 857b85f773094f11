"""A remote reranker for tests: ``POST /v1/rerank`` over real HTTP on loopback, scoring by shared words or as it is told."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "rr-never-to-be-shown"


def _shared(question: str, passage: str) -> float:
    asked, said = (set(re.findall(r"\w+", text.lower())) for text in (question, passage))
    return len(asked & said) / max(len(asked), 1)


@dataclass
class RerankServer:
    """`reply` is sent for every request in place of a ranking: a status that refuses, or a body; `requests` is what came in."""

    score: Callable[[str, str], float] = _shared
    reply: int | bytes | None = None
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: dict[str, Any], key: str | None) -> tuple[int, bytes]:
        self.requests.append(asked)
        if key != f"Bearer {KEY}":
            return 401, json.dumps({"message": f"invalid api token: {key}"}).encode()
        if isinstance(self.reply, int):
            return self.reply, b"{}"
        if self.reply is not None:
            return 200, self.reply
        scores = [(self.score(asked["query"], text), place) for place, text in enumerate(asked["documents"])]
        # Best first, as endpoints answer: the index says which passage is meant.
        best = sorted(scores, key=lambda item: -item[0])[: asked["top_n"]]
        results = [{"index": place, "relevance_score": score} for score, place in best]
        return 200, json.dumps({"id": "1", "results": results, "meta": {}}).encode()


@contextmanager
def reranking(score: Callable[[str, str], float] = _shared, reply: int | bytes | None = None) -> Iterator[RerankServer]:
    server = RerankServer(score, reply)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, body = (
                server.answer(asked, self.headers["Authorization"]) if self.path == "/v1/rerank" else (404, b"")
            )
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            """Keep the test's output clean."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_port}/v1"
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
