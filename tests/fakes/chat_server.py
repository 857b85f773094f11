"""A remote language model for tests: the chat-completions wire format over real HTTP on loopback, streamed where asked, answering as told."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-never-to-be-shown"
Reply = str | int | Callable[[dict[str, Any]], str | int]


@dataclass
class ChatServer:
    """`replies` are answered in turn, the last one for ever: a text, a status that refuses, or what makes either of the request.

    `requests` is what came in. An answer that is not streamed says that it took `tokens`, and ends for the reason `finish`.
    """

    replies: list["Reply"]
    url: str = ""
    tokens: int = 100
    finish: str = "stop"
    requests: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: dict[str, Any], key: str | None) -> tuple[int, dict[str, Any]]:
        self.requests.append(asked)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if key != f"Bearer {KEY}":
            return 401, {"error": {"message": f"Incorrect API key provided: {key}"}}
        if callable(reply):
            reply = reply(asked)
        if isinstance(reply, int):
            return reply, {"error": {"message": f"told to refuse; your key is {key}"}}
        return 200, {"reply": reply}


def _events(model: str, reply: str) -> Iterator[bytes]:
    """The reply as the wire format streams it, a word a piece; one that holds BROKEN ends there without a last event."""
    for piece in re.findall(r"\S+\s*|\s+", reply):
        if "BROKEN" in piece:
            yield b'data: {"error": {"message": "the model went away"}}\n\n'
            return
        choices = [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": model, "choices": choices}
        yield f"data: {json.dumps(chunk)}\n\n".encode()
    yield b"data: [DONE]\n\n"


def _whole(server: ChatServer, model: str, reply: str) -> bytes:
    """The reply as the wire format gives it in one piece."""
    choice = {"index": 0, "finish_reason": server.finish, "message": {"role": "assistant", "content": reply}}
    usage = {"prompt_tokens": 0, "completion_tokens": server.tokens, "total_tokens": server.tokens}
    whole = {"id": "1", "object": "chat.completion", "created": 0, "model": model, "choices": [choice], "usage": usage}
    return json.dumps(whole).encode()


@contextmanager
def chatting(*replies: Reply) -> Iterator[ChatServer]:
    server = ChatServer(list(replies))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/v1/chat/completions":
                status, answer = server.answer(asked, self.headers["Authorization"])
            else:
                status, answer = 404, {"error": {"message": "no such path"}}
            streamed = status == 200 and asked.get("stream", False)
            if streamed:
                body = b"".join(_events(asked["model"], answer["reply"]))
            elif status == 200:
                body = _whole(server, asked["model"], answer["reply"])
            else:
                body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/event-stream" if streamed else "application/json")
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
