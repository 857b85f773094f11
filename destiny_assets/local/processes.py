"""Processes that outlive us: launched detached, recognised by pid and start time, ended politely and then for good.

Knows nothing of which servers there are or where they keep their data.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from destiny_assets.errors import ServerError
from destiny_assets.local.accounts import run_as
from destiny_assets.local.servers import Launch

try:
    import psutil
except ImportError as error:
    raise ServerError(
        "The local servers cannot be started because the package psutil is not installed. Install it with: "
        "pip install 'destiny[local]'"
    ) from error

# A clock set by NTP shifts the start times the system reports; two processes with one pid are further apart than this.
_SAME_START_SECONDS = 1.0
_POLL_SECONDS = 0.02
_KILL_SECONDS = 10.0
_LOG_LIMIT_BYTES = 10_000_000
# Servers get no more of our environment than this: tokens and database URLs stay with us.
_PASSED_ON = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Running:
    """One process, told from a later one with the same pid by its start time (seconds since the epoch)."""

    pid: int
    created: float


def spawn(launch: Launch, log: Path) -> Running:
    """Launch a command in a session of its own, with its output appended to ``log`` and no tie to this process.

    A shell starts it in the background and ends, so that the server is nobody's child: it outlives us, and a crash
    leaves no zombie in a caller that stays. One that ended before it could be looked up is returned as well, and is not alive: what
    ended while starting is told in one place, with its last words.
    """
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".old.log"))
    with log.open("ab") as output:
        log.chmod(0o600)
        shell = subprocess.run(
            ["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh", *launch.command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            cwd=launch.directory,
            env=_environment(launch),
            start_new_session=True,
            check=True,
            **run_as(launch.account),
        )
    pid = int(shell.stdout)
    return _look_up(pid) or Running(pid, time.time())


def is_alive(process: Running) -> bool:
    """Whether this very process still runs; a zombie does not."""
    now = _look_up(process.pid)
    return now is not None and abs(now.created - process.created) < _SAME_START_SECONDS


def exists(pid: int) -> bool:
    """Whether any process has this pid now."""
    return psutil.pid_exists(pid)


def find(command: Sequence[str]) -> Running | None:
    """The running process with exactly this command line, if there is one.

    Finds a server whose start was interrupted before its pid was noted, or whose noted start time a change of the clock
    made wrong.
    """
    wanted = list(command)
    return next(iter(_matching(lambda process: process.cmdline() == wanted)), None)


def working_in(folder: Path, name: str) -> list[Running]:
    """The processes with this executable name whose working directory is ``folder``."""
    return _matching(lambda process: process.name() == name and Path(process.cwd()) == folder)


def stop(process: Running, how: signal.Signals, *, seconds: float) -> None:
    """Send ``how``, wait up to ``seconds``, then kill. Returns when the process has ended.

    Raises `ServerError` when it belongs to someone else or outlives even the kill.
    """
    for sent, patience in ((how, seconds), (signal.SIGKILL, _KILL_SECONDS)):
        if not is_alive(process):
            return
        try:
            os.kill(process.pid, sent)
        except ProcessLookupError:
            return
        except PermissionError as error:
            raise ServerError(
                f"Process {process.pid} belongs to another user and cannot be stopped. "
                "Run destiny down as the user who started it."
            ) from error
        if wait_until(lambda: not is_alive(process), seconds=patience):
            return
    raise ServerError(
        f"Process {process.pid} did not end, not even when killed. Look for a disk that no longer answers."
    )


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Ask every 20 ms until the condition holds; False when ``seconds`` went by first."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def holder_of(port: int) -> str:
    """Who listens on this TCP port, as ``name (pid N)`` where the system lets us see it, else ``another program``."""
    try:
        for found in psutil.net_connections(kind="tcp"):
            if found.status == psutil.CONN_LISTEN and found.laddr and found.laddr.port == port and found.pid:
                return f"{psutil.Process(found.pid).name()} (pid {found.pid})"
    except psutil.Error:
        # Without root, macOS shows nobody's connections, and Linux only our own.
        return "another program"
    return "another program"


def memory_bytes() -> int:
    """The machine's memory."""
    return int(psutil.virtual_memory().total)


def _environment(launch: Launch) -> dict[str, str]:
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | dict(launch.environment)


def _look_up(pid: int) -> Running | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else Running(pid, process.create_time())
    except psutil.NoSuchProcess:
        return None


def _matching(wanted: Callable[[psutil.Process], bool]) -> list[Running]:
    found = []
    for process in psutil.process_iter():
        try:
            if wanted(process) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(Running(process.pid, process.create_time()))
        except psutil.Error:
            # It ended meanwhile, or it is someone else's: either way not ours.
            continue
    return found
