"""A remote language model for tests: the chat-completions wire format over real HTTP on loopback, answering as it is told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-never-to-be-shown"


@dataclass
class ChatServer:
    """`replies` are answered in turn, the last one for ever: a text, or a status that refuses; `requests` is what came in."""

    replies: list[str | int]
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: dict[str, Any], key: str | None) -> tuple[int, dict[str, Any]]:
        self.requests.append(asked)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if key != f"Bearer {KEY}":
            return 401, {"error": {"message": f"Incorrect API key provided: {key}"}}
        if isinstance(reply, int):
            return reply, {"error": {"message": f"told to refuse; your key is {key}"}}
        message = {"role": "assistant", "content": reply}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        return 200, {"id": "1", "object": "chat.completion", "created": 0, "model": asked["model"], "choices": choices}


@contextmanager
def chatting(*replies: str | int) -> Iterator[ChatServer]:
    server = ChatServer(list(replies))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/v1/chat/completions":
                status, answer = server.answer(asked, self.headers["Authorization"])
            else:
                status, answer = 404, {"error": {"message": "no such path"}}
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            # The client would otherwise wait half a second before it tries again.
            self.send_header("Retry-After-Ms", "1")
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
