"""Calling `git`: an environment that asks nobody and runs no one's code, time limits, errors without secrets.

What the answers mean is in the other modules of this package.
"""

import os
import subprocess
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from destiny_assets.errors import StoreUnavailableError

SECONDS = 120.0
"""For commands that only read what is on this machine."""
_CHUNK = 1 << 16
# A hook or a shell may have set these for another repository.
_OTHERS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_NAMESPACE",
           "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT",
           "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE", "GIT_EXTERNAL_DIFF", "GIT_TRACE", "GIT_DIFF_OPTS")  # fmt: skip
# What a repository's own configuration may neither run nor change.
_SETTINGS = ("core.fsmonitor=false", "core.hooksPath=/dev/null", "core.quotePath=false", "core.askPass=", "diff.renames=true",
             "diff.renameLimit=1000", "log.showSignature=false", "log.mailmap=true", "log.showRoot=true",
             "blame.ignoreRevsFile=", "i18n.logOutputEncoding=UTF-8", "gc.auto=0", "protocol.ext.allow=never")  # fmt: skip


class GitError(StoreUnavailableError):
    """A git command failed; the message has git's own first line."""


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of every call: no prompts, English messages, only protocols that carry data."""
    kept = {name: value for name, value in os.environ.items() if name not in _OTHERS}
    kept.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes -o ConnectTimeout=20")
    return {
        **kept,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
        "LC_ALL": "C",
        **(more or {}),
    }


class Git:
    """The git command on one repository's folder (`None`: on none); thread-safe."""

    def __init__(self, folder: Path | None, settings: tuple[str, ...] = ()) -> None:
        """`settings` are ``name=value`` lines of configuration."""
        self.folder = folder or Path()
        where = () if folder is None else ("--bare", f"--git-dir={folder}")
        self._command = ("git", *where, *(word for line in (*_SETTINGS, *settings) for word in ("-c", line)))

    def run(
        self,
        *arguments: str,
        seconds: float = SECONDS,
        more: Mapping[str, str] | None = None,
        folder: Path | None = None,
        stdin: bytes = b"",
    ) -> bytes:
        """The command's output; raises `GitError` when it fails or takes longer than `seconds`."""
        try:
            done = subprocess.run(
                [*self._command, *arguments],
                input=stdin,
                capture_output=True,
                timeout=seconds,
                env=environment(more),
                cwd=folder,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise GitError(f"git {arguments[0]} took more than {seconds:.0f} seconds and was stopped.") from error
        except OSError as error:
            raise _cannot_start(error) from error
        if done.returncode:
            raise GitError(said(done.stderr) or f"git {arguments[0]} failed with {done.returncode}")
        return done.stdout

    @contextmanager
    def stream(self, *arguments: str, seconds: float) -> Iterator[Iterator[bytes]]:
        """The command's output a token at a time, parted by NUL; raises `GitError` when it fails or takes too long."""
        try:
            process = subprocess.Popen(
                [*self._command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(),
            )
        except OSError as error:
            raise _cannot_start(error) from error
        assert process.stdout is not None  # noqa: S101 (asked for above)
        limit = threading.Timer(seconds, process.kill)
        limit.start()
        try:
            with process:
                yield _tokens(process.stdout)
                complaint = process.stderr.read() if process.stderr else b""
        finally:
            limit.cancel()
        if process.returncode:
            raise GitError(said(complaint) or f"git {arguments[0]} was stopped after {seconds:.0f} seconds.")

    def open(self, *arguments: str) -> "Conversation":
        """A process that answers one request after another."""
        try:
            process = subprocess.Popen(
                [*self._command, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment(),
            )
        except OSError as error:
            raise _cannot_start(error) from error
        return Conversation(process)


class Conversation:
    """A git process that stays: 2 ms of starting saved for each of thousands of objects. It ends with its owner.

    One request at a time: `ask` holds the lock that `answer` is read under.
    """

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None  # noqa: S101 (`Git.open` asks for both)
        assert process.stdout is not None  # noqa: S101
        self._process = process
        self._input: IO[bytes] = process.stdin
        self._output: IO[bytes] = process.stdout
        self._lock = threading.Lock()
        self._end = weakref.finalize(self, _end, process)

    @property
    def ended(self) -> bool:
        """Whether the process is gone, so that a new one is needed."""
        return self._process.poll() is not None

    @contextmanager
    def ask(self, request: bytes, seconds: float = SECONDS) -> Iterator[IO[bytes]]:
        """Send a request and give what answers it, to be read to its end; raises `GitError` when the process is gone."""
        with self._lock:
            limit = threading.Timer(seconds, self._process.kill)
            limit.start()
            try:
                self._input.write(request)
                self._input.flush()
                yield self._output
            except (OSError, ValueError) as error:
                raise GitError(f"git does not answer any more: {error}") from error
            finally:
                limit.cancel()


def said(complaint: bytes) -> str:
    """The line of git's complaint that says what is wrong."""
    lines = [line.strip() for line in complaint.decode("utf-8", "replace").splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote: fatal:"))]
    line = (telling or lines or [""])[0]
    return line.removeprefix("fatal: ").removeprefix("error: ")[:400]


def _end(process: "subprocess.Popen[bytes]") -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.kill()
    process.wait()


def _cannot_start(error: OSError) -> StoreUnavailableError:
    if isinstance(error, FileNotFoundError):
        return StoreUnavailableError("The command git is not installed. Install it, e.g. with: apt-get install git")
    return StoreUnavailableError(f"The command git cannot be started: {error}")


def _tokens(output: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while chunk := output.read(_CHUNK):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    if rest:
        yield rest
