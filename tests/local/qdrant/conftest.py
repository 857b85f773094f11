"""A real server process on a free port; tests talk to it only through `QdrantClient(url=…)`."""

import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from qdrant_client import QdrantClient

KEY = "test-key"


@dataclass(slots=True)
class Server:
    """One server process over one folder."""

    path: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self, port: int | None = None) -> list[str]:
        key_file = self.path.parent / f"{self.path.name}.key"
        key_file.write_text(KEY + "\n")
        module = "destiny_assets.local.qdrant_server"
        options = ["--path", str(self.path), "--port", str(port or self.port), "--api-key-file", str(key_file)]
        return [sys.executable, "-m", module, *options]

    def start(self) -> None:
        self.process = subprocess.Popen(self.command())
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            assert self.process.poll() is None, "the server ended while starting"
            try:
                httpx.get(f"{self.url}/readyz")
            except httpx.TransportError:
                time.sleep(0.03)
            else:
                return
        raise TimeoutError("the server does not answer")

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def client(self) -> QdrantClient:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a key over plain HTTP, on loopback
            return QdrantClient(url=self.url, api_key=KEY, check_compatibility=False, timeout=60)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def run(path: Path) -> Iterator[Server]:
    server = Server(path, free_port())
    try:
        server.start()
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.stop()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Shared by tests that neither stop it nor mind each other's collections."""
    yield from run(tmp_path_factory.mktemp("shared") / "data")


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, to be stopped and killed."""
    yield from run(tmp_path / "data")


@pytest.fixture
def client(server: Server) -> Iterator[QdrantClient]:
    client = server.client()
    yield client
    client.close()
