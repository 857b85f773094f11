"""The Qdrant-protocol server seen from outside: how it is launched and asked. `local.qdrant_server` is the server."""

import http.client
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import destiny_assets
from destiny_assets.local.servers import HOST, Launch, Place
from destiny_assets.local.state import write_private


@dataclass(frozen=True, slots=True)
class QdrantServer:
    """The vectors' server."""

    name: str = "qdrant"
    title: str = "The vector server"
    wheels: Mapping[str, str] = field(
        default_factory=lambda: {"qdrant_edge": "qdrant-edge-py", "starlette": "starlette", "uvicorn": "uvicorn"}
    )
    variable: str = "DESTINY_QDRANT_URL"
    scheme: str = "http"
    stop_signal: signal.Signals = signal.SIGTERM

    def prepare(self, place: Place) -> Launch:
        """Write the file that holds the API key."""
        key_file = place.folder / "api-key"
        write_private(key_file, place.secret)
        data = place.folder / "data"
        data.mkdir(mode=0o700, exist_ok=True)
        command = (
            *(sys.executable, "-m", "destiny_assets.local.qdrant_server", "--path", str(data)),
            *("--host", HOST, "--port", str(place.port), "--api-key-file", str(key_file)),
        )
        # A checkout need not be installed to be run.
        source = Path(destiny_assets.__file__).parents[1]
        return Launch(command, directory=place.folder, environment={"PYTHONPATH": str(source)})

    def trouble(self, place: Place) -> str | None:
        """Why ``GET /readyz`` is not answered with 200, or None."""
        connection = http.client.HTTPConnection(HOST, place.port, timeout=3)
        try:
            connection.request("GET", "/readyz", headers={"api-key": place.secret})
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return f"connection to {HOST} port {place.port} failed: {error}"
        finally:
            connection.close()
        return None if status == http.client.OK else f"it answered {status}"

    def url(self, place: Place) -> str:
        """``http://:key@127.0.0.1:port``."""
        return f"http://:{place.secret}@{HOST}:{place.port}"
