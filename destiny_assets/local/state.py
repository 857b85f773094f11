"""What a home folder remembers of its servers (ports, generated secrets, running processes), and the lock around it.

Files that hold secrets are readable by their owner only and replaced in one step, never half-written.
"""

import fcntl
import json
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from destiny_assets.errors import ServerError
from destiny_assets.local.processes import Running
from destiny_assets.local.servers import HOST

STATE_FILE = "state.json"
_LOCK_FILE = "lock"
_LOCK_SECONDS = 120.0
# Below the range from which Linux (32768) and macOS (49152) lend ports to outgoing connections, so that a remembered
# port is unlikely to be lent away while our server is down.
_FIRST_PORT, _LAST_PORT = 20_000, 32_000


@dataclass(frozen=True, slots=True)
class Record:
    """What is remembered of one server.

    ``command`` is its last command line, by which it is found when its pid was not noted.
    """

    port: int
    secret: str = field(repr=False)
    command: tuple[str, ...] = ()
    process: Running | None = None


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the home's lock: one `destiny up` or `destiny down` at a time. The system frees it when its holder dies.

    Raises `ServerError` when the holder does not finish within two minutes.
    """
    with (home / _LOCK_FILE).open("a") as file:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ServerError(
                        f"Another `destiny up` or `destiny down` has been at work on {home} for two minutes. "
                        "Wait for it, or end it, and try again."
                    ) from None
                time.sleep(0.05)
        yield


def open_home(home: Path) -> None:
    """Create the home folder for its owner only. Raises `ServerError` when it cannot be created or written to."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / "logs").mkdir(mode=0o700, exist_ok=True)
        with (home / _LOCK_FILE).open("a"):
            pass
    except OSError as error:
        raise ServerError(
            f"The folder {home} cannot be written to ({error.strerror}). "
            "Make it writable, or name another one in DESTINY_HOME."
        ) from error


def load(home: Path) -> dict[str, Record]:
    """The records by server name; empty for a home without servers. Raises `ServerError` for an unreadable file."""
    path = home / STATE_FILE
    try:
        stored = json.loads(path.read_text("utf-8"))
        return {
            name: Record(
                port=int(entry["port"]),
                secret=str(entry["secret"]),
                command=tuple(entry["command"]),
                process=Running(int(entry["process"]["pid"]), float(entry["process"]["created"]))
                if entry["process"]
                else None,
            )
            for name, entry in stored.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ServerError(
            f"{path} cannot be read, and it holds the passwords of the local servers. "
            "Restore it from a backup, or start with another home folder in DESTINY_HOME."
        ) from error


def save(home: Path, records: dict[str, Record]) -> None:
    """Remember the records."""
    write_private(home / STATE_FILE, json.dumps({name: asdict(record) for name, record in records.items()}, indent=2))


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, readable and writable by its owner only."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def new_record(taken: set[int]) -> Record:
    """A record with a free port outside ``taken`` and a fresh secret of 192 random bits, safe in a URL."""
    return Record(port=free_port(taken), secret=secrets.token_urlsafe(24))


def moved(record: Record, taken: set[int]) -> Record:
    """The same server on a new free port."""
    return replace(record, port=free_port(taken))


def free_port(taken: set[int]) -> int:
    """A loopback port that nobody listens on now. Raises `ServerError` when a thousand tries find none."""
    for _ in range(1000):
        port = _FIRST_PORT + secrets.randbelow(_LAST_PORT - _FIRST_PORT)
        if port not in taken and is_free(port):
            return port
    raise ServerError(
        f"No free port was found on {HOST} between {_FIRST_PORT} and {_LAST_PORT}. Stop programs that listen there."
    )


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # As servers do, so that connections of a server just stopped (TIME_WAIT) do not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
