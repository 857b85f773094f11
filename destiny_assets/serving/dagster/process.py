"""The process that Dagster's web server runs in: started by its first visitor, stopped when nobody came for a while or the server ends.

Its two sockets are in a folder that only this user may enter, so nobody else of the machine gets past the gate.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from destiny_assets.errors import StoreUnavailableError

PATH = "/dagster"
"""Where the UI is seen from outside."""
READING, WRITING = "reading.sock", "writing.sock"
_START_SECONDS = 180.0
_LOOK_SECONDS = 0.1
_GOODBYE_SECONDS = 10.0
_IDLE_SECONDS = 1_800.0


@dataclass(frozen=True, slots=True)
class Sockets:
    """Where the running process listens; `reading` carries out no mutation."""

    reading: Path
    writing: Path


class DagsterProcess:
    """Starts the process when it is needed and takes it down again. For one event loop; `close` may be called after that ended."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], log: Path, idle_s: float = _IDLE_SECONDS
    ) -> None:
        """`command` gets the folder of its sockets; what it says goes to `log`. After `idle_s` without a visitor it is stopped."""
        self._command, self._environment, self._log, self._idle_s = list(command), dict(environment), log, idle_s
        self._lock = asyncio.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._users, self._used_at, self._started_at = 0, 0.0, 0.0
        self._watching: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process, where it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """While somebody is served, it is not idle."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            self._used_at = time.monotonic()

    async def sockets(self) -> Sockets:
        """Where it listens; the first to ask has it started. Raises `StoreUnavailableError` when it does not come up."""
        async with self._lock:
            if self.pid is None:
                await asyncio.to_thread(self._start)
            sockets = await self._listening()
            if self._watching is None or self._watching.done():
                self._watching = asyncio.create_task(self._stop_when_idle())
            return sockets

    def _start(self) -> None:
        self.close()
        self._folder = Path(tempfile.mkdtemp(prefix="destiny-ui-"))
        self._log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._log.open("wb") as log:
            self._log.chmod(0o600)
            self._process = subprocess.Popen(
                [*self._command, str(self._folder)],
                # Its end is the end of whoever holds the other side of this pipe, however that came about.
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        self._started_at = self._used_at = time.monotonic()

    async def _listening(self) -> Sockets:
        """Asked each time: whoever had it started may have gone before it listened."""
        while True:
            folder, late = self._folder, time.monotonic() - self._started_at > _START_SECONDS
            if folder is None:
                raise StoreUnavailableError("The Dagster UI is being stopped. Ask again in a moment.")
            found = Sockets(folder / READING, folder / WRITING)
            if found.reading.exists() and found.writing.exists():
                return found
            if self.pid is None or late:
                await asyncio.to_thread(self.close)
                raise StoreUnavailableError(f"The Dagster UI did not start; {self._log} says why.")
            await asyncio.sleep(_LOOK_SECONDS)

    async def _stop_when_idle(self) -> None:
        while self._process is not None:
            await asyncio.sleep(min(self._idle_s / 4, 60.0))
            async with self._lock:
                if not self._users and time.monotonic() - self._used_at > self._idle_s:
                    await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Stop it and leave nothing behind."""
        process, self._process = self._process, None
        folder, self._folder = self._folder, None
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(_GOODBYE_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
