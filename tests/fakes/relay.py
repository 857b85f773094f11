"""A store that can be taken away: a relay on loopback before a real server, which lets through, refuses, or takes and never answers."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit, urlunsplit


@dataclass
class Relay:
    """`mode` counts for connections made from then on; `cut` also ends those there are. `connections` were made in all."""

    url: str
    mode: Literal["through", "refusing", "hanging"] = "through"
    connections: int = 0
    open: list[socket.socket] = field(default_factory=list)

    def cut(self, mode: Literal["refusing", "hanging"]) -> None:
        self.mode = mode
        for one in self.open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextmanager
def relaying(url: str) -> Iterator[Relay]:
    """A relay before the server at `url`; its own URL has the same user, password and path."""
    parts = urlsplit(url)
    target = (parts.hostname or "127.0.0.1", parts.port or 0)
    listener = socket.create_server(("127.0.0.1", 0))
    account = parts.netloc.rpartition("@")
    at = f"{account[0]}{account[1]}127.0.0.1:{listener.getsockname()[1]}"
    relay = Relay(urlunsplit(parts._replace(netloc=at)))

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            relay.connections += 1
            relay.open.append(client)
            if relay.mode == "refusing":
                client.close()
            elif relay.mode == "through":
                server = socket.create_connection(target)
                relay.open.append(server)
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield relay
    finally:
        relay.cut("refusing")
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for one in relay.open:
            one.close()
