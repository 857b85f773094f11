"""Starting, stopping and looking at the three local servers of one home folder. No terminal output here.

Each server's own facts are in its own module; ports, secrets and pids in `state`.
"""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Literal

from destiny_assets.errors import ServerError
from destiny_assets.local import processes, state
from destiny_assets.local.arcadedb_server import ArcadeDBServer
from destiny_assets.local.postgres_server import PostgresServer
from destiny_assets.local.processes import Running
from destiny_assets.local.qdrant_launch import QdrantServer
from destiny_assets.local.servers import LocalServer, Place, require_wheels
from destiny_assets.settings import CONNECTIONS_FILE

SERVERS: tuple[LocalServer, ...] = (PostgresServer(), QdrantServer(), ArcadeDBServer())
# A crashed server replays its log before it answers; a large one takes a while.
_START_SECONDS = 120.0
_STOP_SECONDS = 30.0
_RELEASE_SECONDS = 10.0

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server as seen now.

    ``address`` holds no secret and is empty for a stopped server; ``detail`` says why it does not answer, else it is
    empty.
    """

    name: str
    state: Literal["running", "stopped", "unresponsive"]
    pid: int | None
    address: str
    port: int | None
    log: Path
    detail: str


def start(home: Path, *, report: Report | None = None) -> dict[str, str]:
    """Start what does not run, wait until every server answers, and return the four URLs (kept in `connections.json`).

    Harmless when all run, and when two processes call it at once. ``report`` receives one sentence for each thing
    done, from several threads. Raises `ServerError`, one sentence, when a server cannot be started; the others stay
    up and the next call finishes the work.
    """
    say: Report = report or (lambda _: None)
    home = home.resolve()
    for server in SERVERS:
        require_wheels(server)
    state.open_home(home)
    with state.locked(home):
        (home / "documents").mkdir(mode=0o700, exist_ok=True)
        crew = _Crew(home, say)
        crew.enlist()
        with ThreadPoolExecutor(len(SERVERS)) as threads:
            attempts = [threads.submit(crew.bring_up, server) for server in SERVERS]
        for attempt in attempts:
            attempt.result()
        urls = {"DESTINY_DOCUMENTS_URL": (home / "documents").as_uri()}
        urls |= {server.variable: server.url(crew.place(server)) for server in SERVERS}
        state.write_private(home / CONNECTIONS_FILE, json.dumps(urls, indent=2))
    return urls


def stop(home: Path) -> list[str]:
    """Stop what `start` started in this home, nothing else; returns the names of what was running.

    Polite first, killed after 30 seconds. Raises `ServerError` when a server cannot be stopped; the others are.
    """
    home = home.resolve()
    if not (home / state.STATE_FILE).exists():
        return []
    with state.locked(home):
        records = state.load(home)
        running = [(server, found) for server in SERVERS if (found := _running(records.get(server.name)))]
        with ThreadPoolExecutor(len(SERVERS)) as threads:
            attempts = [
                threads.submit(processes.stop, found, server.stop_signal, seconds=_STOP_SECONDS)
                for server, found in running
            ]
        for attempt in attempts:
            attempt.result()
        # Addresses where nobody answers would be worse than none: settings then say `destiny up`.
        (home / CONNECTIONS_FILE).unlink(missing_ok=True)
        state.save(home, {name: replace(record, process=None) for name, record in records.items()})
    return [server.name for server, _ in running]


def status(home: Path) -> list[ServerStatus]:
    """Every server as it is now, each asked a real request. Changes nothing."""
    home = home.resolve()
    records = state.load(home)
    with ThreadPoolExecutor(len(SERVERS)) as threads:
        return list(threads.map(lambda server: _look_at(home, server, records.get(server.name)), SERVERS))


def _look_at(home: Path, server: LocalServer, record: state.Record | None) -> ServerStatus:
    log = _log(home, server)
    found = _running(record)
    if record is None or found is None:
        return ServerStatus(server.name, "stopped", None, "", record.port if record else None, log, "")
    place = _place(home, server, record)
    trouble = server.trouble(place)
    return ServerStatus(
        server.name,
        "unresponsive" if trouble else "running",
        found.pid,
        place.address(server.scheme),
        record.port,
        log,
        trouble or "",
    )


class _Crew:
    """The servers of one home while they are started, each in a thread of its own; the lock guards the records."""

    def __init__(self, home: Path, say: Report) -> None:
        self._home = home
        self._say = say
        self._guard = Lock()
        self._records = state.load(home)

    def enlist(self) -> None:
        """Give every new server a port and a secret before anything is created with them."""
        for server in SERVERS:
            if server.name in self._records:
                continue
            folder = self._home / server.name
            if folder.exists():
                raise ServerError(
                    f"{folder} holds data, but {self._home / state.STATE_FILE} with its password is missing. "
                    "Restore that file, or start with another home folder in DESTINY_HOME."
                )
            self._records[server.name] = state.new_record(self._ports())
        state.save(self._home, self._records)

    def place(self, server: LocalServer) -> Place:
        return _place(self._home, server, self._records[server.name])

    def bring_up(self, server: LocalServer) -> None:
        """Leave a server that runs and answers alone; launch it otherwise, and wait until it answers."""
        try:
            found = _running(self._records[server.name])
            if found is not None:
                self._note(server, replace(self._records[server.name], process=found))
                self._await(server, found, written=_size(_log(self._home, server)))
                self._say(f"{server.title} is running at {self.place(server).address(server.scheme)}.")
                return
            self._launch(server)
        except OSError as error:
            raise ServerError(
                f"{server.title} cannot be started: {error.strerror or error}, "
                f"{error.filename or self._home / server.name}. Make room or give access there, then run: destiny up"
            ) from error

    def _launch(self, server: LocalServer) -> None:
        self._move_if_taken(server)
        place = self.place(server)
        place.folder.mkdir(mode=0o700, exist_ok=True)
        launch = server.prepare(place)
        # Noted before the launch, so that a start killed right after it is found again by its command line.
        self._note(server, replace(self._records[server.name], command=launch.command, process=None))
        written = _size(place.log)
        launched = processes.spawn(launch, place.log)
        self._note(server, replace(self._records[server.name], process=launched))
        self._await(server, launched, written)
        self._say(f"{server.title} has started at {place.address(server.scheme)}.")

    def _move_if_taken(self, server: LocalServer) -> None:
        record = self._records[server.name]
        before = record.process
        if before is not None:
            # The first thread of a killed server may be gone, which makes it a zombie, while others hold the port: seconds, on a busy machine.
            processes.wait_until(
                lambda: state.is_free(record.port) or not processes.exists(before.pid), seconds=_RELEASE_SECONDS
            )
        if state.is_free(record.port):
            return
        with self._guard:
            moved = state.moved(record, self._ports())
        self._note(server, moved)
        self._say(
            f"Port {record.port} of {server.title} is taken by {processes.holder_of(record.port)}, so it moves to port "
            f"{moved.port}; {self._home / CONNECTIONS_FILE} has the new address: restart programs that use the old one."
        )

    def _await(self, server: LocalServer, launched: Running, written: int) -> None:
        place = self.place(server)
        trouble: str | None = ""

        def settled() -> bool:
            nonlocal trouble
            trouble = server.trouble(place)
            return trouble is None or not processes.is_alive(launched)

        in_time = processes.wait_until(settled, seconds=_START_SECONDS)
        if trouble is None:
            return
        if in_time:
            raise ServerError(
                f"{server.title} ended while starting: {_last_words(place.log, written)} Read its log: {place.log}"
            )
        raise ServerError(
            f"{server.title} runs (pid {launched.pid}) but has not answered for {_START_SECONDS:.0f} seconds "
            f"({trouble}). Read its log, {place.log}, then run: destiny down"
        )

    def _note(self, server: LocalServer, record: state.Record) -> None:
        with self._guard:
            self._records[server.name] = record
            state.save(self._home, self._records)

    def _ports(self) -> set[int]:
        return {record.port for record in self._records.values()}


def _running(record: state.Record | None) -> Running | None:
    if record is None or not record.command:
        return None
    if record.process is not None and processes.is_alive(record.process):
        return record.process
    return processes.find(record.command)


def _place(home: Path, server: LocalServer, record: state.Record) -> Place:
    return Place(folder=home / server.name, log=_log(home, server), port=record.port, secret=record.secret)


def _log(home: Path, server: LocalServer) -> Path:
    return home / "logs" / f"{server.name}.log"


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _last_words(log: Path, written: int) -> str:
    """The line that best explains why a server ended: its last complaint since ``written``, else its last line."""
    with log.open("rb") as file:
        file.seek(written)
        lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
    complaints = [line for line in lines if "FATAL" in line or "Error" in line or "Exception" in line]
    words = (complaints or lines or ["it said nothing"])[-1]
    return words[-300:].rstrip(".") + "."
