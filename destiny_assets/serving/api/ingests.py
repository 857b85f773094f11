"""Ingests asked for through the API: each is `destiny ingest` in a process of its own, so that a server needs no Dagster.

How far each is stands in the ledger, where every server of a home sees it.
"""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from destiny_assets.adapters.postgres.ingest_requests import IngestRequest
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.errors import ConflictError, StoreUnavailableError

# Two of them fill two cores; more would only make each slower.
_AT_ONCE = 2
_TELL_SECONDS = 1.0
_GOODBYE_SECONDS = 10.0
_LAST_LINES = 20
ACTOR_VARIABLE = "DESTINY_ACTOR"
_STOPPED = "The server was told to stop. What was published stays; start another ingest to go on."


@dataclass(slots=True)
class _Run:
    id: str
    project: str
    actor: str
    accept_worse: str | None
    progress: dict[str, list[int]] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None


class Ingests:
    """Starts ingests, two at a time, and keeps the ledger told; thread-safe. Close it."""

    def __init__(self, ledger: PostgresLedger, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """`command` is how ``destiny`` is started, in `environment`."""
        self._ledger = ledger
        self._command = list(command)
        self._environment = dict(environment)
        self._open: dict[str, _Run] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._workers = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="ingest")
        self._herald = threading.Thread(target=self._tell, name="ingest-herald", daemon=True)
        self._herald.start()

    def start(self, project: str, actor: str, accept_worse: str | None) -> IngestRequest:
        """Begin an ingest, or queue it. Raises `NotFoundError`, and `ConflictError` while another one of the project is open."""
        requests, projects = self._ledger.ingest_requests, self._ledger.projects
        projects.require(project)
        if not (projects.sources(project) or self._ledger.generations.current(project)):
            raise ConflictError(
                f"Project {project!r} has no source. Add one, or push a document, before it is ingested."
            )
        run = _Run(str(uuid.uuid4()), project, actor, accept_worse)
        noted = requests.add(project, run.id, actor, accept_worse)
        with self._lock:
            self._open[run.id] = run
        self._workers.submit(self._work, run)
        return noted

    def close(self) -> None:
        """Stop what runs, as Ctrl-C would, and say so in the ledger."""
        self._closing.set()
        with self._lock:
            running = [run.process for run in self._open.values() if run.process is not None]
        for process in running:
            _signal(process, signal.SIGINT)
        for process in running:
            try:
                process.wait(_GOODBYE_SECONDS)
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
        self._workers.shutdown()
        self._herald.join()

    def _work(self, run: _Run) -> None:
        state, result, reason = "stopped", None, _STOPPED
        try:
            if not self._closing.is_set():
                self._ledger.ingest_requests.begin(run.project, run.id)
                state, result, reason = self._run(run)
        finally:
            with self._lock:
                self._open.pop(run.id, None)
            # A ledger that is away now takes the run for dead a minute later.
            with contextlib.suppress(StoreUnavailableError):
                self._ledger.ingest_requests.end(run.project, run.id, state, result, reason)

    def _run(self, run: _Run) -> tuple[str, dict[str, Any] | None, str]:
        command = [*self._command, "ingest", run.project, "--json", "--progress-lines"]
        if run.accept_worse:
            command.append(f"--accept-worse={run.accept_worse}")
        last: deque[str] = deque(maxlen=_LAST_LINES)
        with tempfile.TemporaryFile("w+", encoding="utf-8") as answer:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                env={**self._environment, ACTOR_VARIABLE: run.actor},
                # A Ctrl-C in the server's terminal is the server's to pass on.
                start_new_session=True,
            )
            run.process = process
            if self._closing.is_set():
                _signal(process, signal.SIGINT)
            with process:
                for line in process.stderr or ():
                    if not _note(line, run.progress):
                        last.append(line.strip())
            answer.seek(0)
            result = _document(answer.read())
        if self._closing.is_set() and process.returncode:
            return "stopped", result, _STOPPED
        if process.returncode == 0 and result is not None:
            return "succeeded", result, str(result.get("reason"))
        said = next((line.removeprefix("destiny: ") for line in reversed(last) if line.startswith("destiny: ")), None)
        return (
            "failed",
            result,
            said or f"destiny ingest ended with {process.returncode}; the server's home has its logs.",
        )

    def _tell(self) -> None:
        while not self._closing.wait(_TELL_SECONDS):
            with self._lock:
                runs = list(self._open.values())
            for run in runs:
                with contextlib.suppress(StoreUnavailableError):
                    self._ledger.ingest_requests.note(run.project, run.id, dict(run.progress))


def _note(line: str, progress: dict[str, list[int]]) -> bool:
    """Whether a line tells of progress, which is then noted."""
    if not line.startswith('{"stage"'):
        return False
    told = _document(line)
    if told is None:
        return False
    progress[str(told["stage"])] = [int(told["done"]), int(told["total"])]
    return True


def _document(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _signal(process: "subprocess.Popen[str]", number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
