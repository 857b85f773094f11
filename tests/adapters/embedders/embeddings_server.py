"""A remote embedding endpoint for tests: OpenAI's wire format over real HTTP on loopback, with real MiniLM vectors behind it.

It refuses what OpenAI refuses (an empty text, a text that is too long, a wrong key) and can be told to misbehave.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from destiny_assets.ports import Embedder

KEY = "sk-secret-of-the-test"
MODEL = "test-embedding"

Json = dict[str, Any]


@dataclass
class EmbeddingsServer:
    """What the server received, and how it misbehaves: `failures` are statuses and headers answered before it works."""

    embedder: Embedder
    url: str = ""
    requests: list[Json] = field(default_factory=list)
    failures: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    spoil: Callable[[Json], object] = lambda answer: answer

    def answer(self, asked: Json, key: str) -> tuple[int, dict[str, str], object]:
        self.requests.append(asked)
        if self.failures:
            status, headers = self.failures.pop(0)
            return status, headers, {"error": {"message": f"told to fail, your key is {key}"}}
        if key != f"Bearer {KEY}":
            return 401, {}, {"error": {"message": f"Incorrect API key provided: {key}"}}
        if asked["model"] != MODEL:
            return 404, {}, {"error": {"message": "no such model"}}
        texts = asked["input"]
        if not all(0 < len(text) <= 8_192 for text in texts) or len(texts) > 2_048:
            return 400, {}, {"error": {"message": "input is empty or too long"}}
        vectors = self.embedder.embed(texts)[:, : asked.get("dimensions", 384)]
        data = [
            # Not unit length and in no order, as the protocol allows.
            {"object": "embedding", "index": index, "embedding": [3 * float(value) for value in vector]}
            for index, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": sum(len(text.split()) for text in texts), "total_tokens": 0}
        answer = {"object": "list", "model": MODEL, "data": data[::-1], "usage": usage}
        return 200, {}, self.spoil(answer)


@contextmanager
def running(server: EmbeddingsServer) -> Iterator[EmbeddingsServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path != "/v1/embeddings":
                status, headers, answer = 404, {}, {"error": {"message": "no such path"}}
            else:
                status, headers, answer = server.answer(asked, self.headers["Authorization"])
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                **headers,
            }.items():
                self.send_header(name, value)
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
