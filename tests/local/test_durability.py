"""Servers killed under writes: `start` brings them back with every acknowledged write."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import neo4j
import psutil
import psycopg
import pytest
from qdrant_client import QdrantClient, models

from destiny_assets.local import supervisor
from destiny_assets.local.accounts import run_as, unprivileged

WRITERS = 2
PROGRAM = Path(__file__).with_name("write_until_killed.py")
VARIABLES = {server.name: server.variable for server in supervisor.SERVERS}
Numbers = dict[str, set[int]]


def graph(url: str) -> neo4j.Driver:
    parts = urlsplit(url)
    return neo4j.GraphDatabase.driver(
        f"bolt://{parts.hostname}:{parts.port}", auth=(parts.username or "", parts.password or "")
    )


def vectors(url: str) -> QdrantClient:
    parts = urlsplit(url)
    return QdrantClient(url=f"http://{parts.hostname}:{parts.port}", api_key=parts.password, check_compatibility=False)


def empty(urls: dict[str, str]) -> None:
    with psycopg.connect(urls["DESTINY_POSTGRES_URL"]) as connection:
        connection.execute("DROP TABLE IF EXISTS written")
        connection.execute("CREATE TABLE written (writer text, number int, PRIMARY KEY (writer, number))")
    with graph(urls["DESTINY_NEO4J_URL"]) as driver:
        # The label exists from here on, so that the writers do not all create it at once.
        driver.execute_query("CREATE (:Written)")
        driver.execute_query("MATCH (n:Written) DETACH DELETE n")
    client = vectors(urls["DESTINY_QDRANT_URL"])
    client.delete_collection("written")
    client.create_collection("written", vectors_config=models.VectorParams(size=2, distance=models.Distance.DOT))
    client.close()


def stored(store: str, url: str) -> Numbers:
    rows: list[tuple[str, int]] = []
    if store == "postgres":
        with psycopg.connect(url) as connection:
            rows = connection.execute("SELECT writer, number FROM written").fetchall()
    elif store == "arcadedb":
        with graph(url) as driver:
            rows = [
                (row["w"], row["n"])
                for row in driver.execute_query("MATCH (n:Written) RETURN n.writer AS w, n.number AS n")[0]
            ]
    else:
        client = vectors(url)
        points, _ = client.scroll("written", limit=1_000_000)
        rows = [(point.payload["writer"], point.payload["number"]) for point in points if point.payload]
        client.close()
    found: Numbers = {}
    for writer, number in rows:
        assert number not in found.setdefault(writer, set()), "written twice"
        found[writer].add(number)
    return found


def start_writers(store: str, url: str, folder: Path) -> dict[str, subprocess.Popen[bytes]]:
    writers = {}
    for index in range(WRITERS):
        name = f"{store}-{index}"
        with (folder / f"{name}.acknowledged").open("wb") as out, (folder / f"{name}.errors").open("wb") as err:
            writers[name] = subprocess.Popen(
                [sys.executable, str(PROGRAM), store, name], stdout=out, stderr=err, env=os.environ | {"URL": url}
            )
    return writers


def acknowledged(folder: Path, writer: str) -> set[int]:
    return {int(line) for line in (folder / f"{writer}.acknowledged").read_text().splitlines()}


def wait_for(condition: Callable[[], bool], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def pid_of(home: Path, name: str) -> int:
    pid = next(server.pid for server in supervisor.status(home) if server.name == name)
    assert pid is not None
    return pid


@pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")
def test_every_acknowledged_write_survives_kill_9_of_each_server_under_writes_of_several_processes(
    own_home: Path, tmp_path: Path
) -> None:
    urls = supervisor.start(own_home)
    empty(urls)
    writers: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for store, variable in VARIABLES.items():
            writers |= start_writers(store, urls[variable], tmp_path)
        wait_for(lambda: all(len(acknowledged(tmp_path, writer)) > 25 for writer in writers))
        for pid in [pid_of(own_home, store) for store in VARIABLES]:
            os.kill(pid, signal.SIGKILL)
        for writer in writers.values():
            assert writer.wait(30) != 0, "a writer ends with an error when its server is gone"
    finally:
        for writer in writers.values():
            writer.kill()
            writer.wait()
    again = supervisor.start(own_home)
    assert again == urls
    for store, variable in VARIABLES.items():
        found = stored(store, again[variable])
        for name in (name for name in writers if name.startswith(store)):
            promised = acknowledged(tmp_path, name)
            lost = promised - found[name]
            unasked = found[name] - promised
            assert not lost, f"{name}: {len(lost)} of {len(promised)} acknowledged writes are lost"
            assert unasked <= {max(promised) + 1}, "at most the write under way when the server was killed"


def test_postgres_starts_again_while_a_session_of_the_killed_server_still_runs(own_home: Path) -> None:
    urls = supervisor.start(own_home)
    with psycopg.connect(urls["DESTINY_POSTGRES_URL"]) as busy:
        session = busy.info.backend_pid
        # A loop that never looks up, so that the session does not notice its server's death.
        busy.pgconn.send_query(b"DO $$ DECLARE n bigint := 0; BEGIN LOOP n := n + 1; END LOOP; END $$")
        time.sleep(0.2)
        os.kill(pid_of(own_home, "postgres"), signal.SIGKILL)
        time.sleep(0.2)
        assert psutil.pid_exists(session)
        assert psutil.Process(session).status() != psutil.STATUS_ZOMBIE, (
            "the session outlives its server: the case at hand"
        )
        supervisor.start(own_home)
        assert not psutil.pid_exists(session) or psutil.Process(session).status() == psutil.STATUS_ZOMBIE
        busy.close()
    with psycopg.connect(urls["DESTINY_POSTGRES_URL"]) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_postgres_starts_when_its_pid_file_names_another_program_of_the_same_user(own_home: Path) -> None:
    os.kill(pid_of(own_home, "postgres"), signal.SIGKILL)
    data = own_home / "postgres" / "data"
    bystander = subprocess.Popen(["/bin/sleep", "60"], **run_as(unprivileged(data)))
    try:
        pid_file = data / "postmaster.pid"
        _, *rest = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(bystander.pid), *rest, ""]))
        urls = supervisor.start(own_home)
        assert bystander.poll() is None, "it is not ours to end"
        with psycopg.connect(urls["DESTINY_POSTGRES_URL"]) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_postgres_acknowledges_only_what_is_on_disk(own_home: Path, setting: str) -> None:
    with psycopg.connect(supervisor.start(own_home)["DESTINY_POSTGRES_URL"]) as connection:
        assert connection.execute(f"SHOW {setting}").fetchone() == ("on",)
