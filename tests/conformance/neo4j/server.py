"""A real Neo4j 5 Community server for tests: the one at DESTINY_TEST_NEO4J_URL, else one fetched by Maven and started here.

Maven keeps what it fetched in its own cache, so only the first run of a machine waits for it. Where there is neither a URL nor
Maven and Java, or the download fails, the tests are skipped and say so.
"""

import os
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue

import pytest

HERE = Path(__file__).parent
_FETCH_SECONDS = 240
_START_SECONDS = 120
# A server that lives for a minute gains nothing from the second compiler, nor from a collector with threads of its own.
_JAVA = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m")


@contextmanager
def real_neo4j() -> Iterator[str]:
    """The URL of a Neo4j server, which is gone afterwards if it was started here; skips the test where there is none."""
    if url := os.environ.get("DESTINY_TEST_NEO4J_URL"):
        yield url
        return
    maven, java = shutil.which("mvn"), shutil.which("java")
    if not (maven and java):
        _skip("DESTINY_TEST_NEO4J_URL is not set, and mvn and java are not both here to fetch and start one")
    with tempfile.TemporaryDirectory(prefix="neo4j-", dir=_quick_folder()) as folder:
        classpath = _fetched(maven, Path(folder))
        with _started(java, classpath, Path(folder)) as port:
            yield _with_password(port)


def _quick_folder() -> str | None:
    """Memory where there is some: a new server waits for the disk hundreds of times."""
    shared = Path("/dev/shm")
    return str(shared) if shared.is_dir() and shutil.disk_usage(shared).free > 2**30 else None


def _fetched(maven: str, folder: Path) -> str:
    listed = folder / "classpath"
    command = [
        maven,
        "-q",
        "-B",
        "-f",
        str(HERE / "pom.xml"),
        "dependency:build-classpath",
        f"-Dmdep.outputFile={listed}",
    ]
    try:
        # What is in the cache needs no network, and a registry that does not answer holds nobody up.
        done = subprocess.run([*command, "-o"], capture_output=True, text=True, timeout=_FETCH_SECONDS)
        if done.returncode:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_FETCH_SECONDS)
    except subprocess.TimeoutExpired:
        _skip(f"Maven did not fetch it within {_FETCH_SECONDS} s")
    if done.returncode:
        _skip(f"Maven could not fetch it: {(done.stdout + done.stderr).strip()[-300:]}")
    return listed.read_text().strip()


@contextmanager
def _started(java: str, classpath: str, folder: Path) -> Iterator[int]:
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [java, *_JAVA, "-cp", classpath, str(HERE / "Neo4jUnderTest.java"), str(folder / "data")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    lines: Queue[str] = Queue()

    def read() -> None:
        assert server.stdout is not None
        for line in server.stdout:
            lines.put(line)
        lines.put("")

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        try:
            line = lines.get(timeout=_START_SECONDS)
            while line and not line.startswith("PORT "):
                line = lines.get(timeout=_START_SECONDS)
        except Empty:
            _skip(f"it did not start within {_START_SECONDS} s")
        assert line, f"Neo4j ended while it started: {(folder / 'log').read_text()[-2000:]}"
        yield int(line.split()[1])
    finally:
        server.kill()
        server.wait()
        reader.join()
        for pipe in (server.stdin, server.stdout):
            if pipe is not None:
                pipe.close()


def _with_password(port: int) -> str:
    """A new server lets nobody do anything before the first password is changed."""
    from neo4j import GraphDatabase

    password = secrets.token_hex(12)
    with (
        GraphDatabase.driver(f"bolt://127.0.0.1:{port}", auth=("neo4j", "neo4j")) as driver,
        driver.session(database="system") as session,
    ):
        session.run("ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO $password", password=password).consume()
    return f"bolt://neo4j:{password}@127.0.0.1:{port}"


def _skip(why: str) -> None:
    pytest.skip(f"NOT TESTED against a real Neo4j: {why}")
