"""Launching, recognising and ending processes; what a home remembers of them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from destiny_assets.local import processes, state
from destiny_assets.local.processes import Running
from destiny_assets.local.servers import Launch

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
)


def launch(program: str, folder: Path) -> tuple[Running, Path]:
    log = folder / "some.log"
    return processes.spawn(Launch((sys.executable, "-c", program), directory=folder), log), log


def wait_for_words(log: Path, words: str) -> None:
    assert processes.wait_until(lambda: words in log.read_text(), seconds=20)


def test_a_launched_process_is_nobodys_child_in_a_session_of_its_own(tmp_path: Path) -> None:
    running, log = launch("print('up', flush=True); import time; time.sleep(60)", tmp_path)
    try:
        wait_for_words(log, "up")
        assert processes.is_alive(running)
        assert psutil.Process(running.pid) not in psutil.Process().children(recursive=True)
        assert os.getsid(running.pid) != os.getsid(0)
    finally:
        processes.stop(running, signal.SIGTERM, seconds=10)
    assert not processes.is_alive(running)


def test_a_launched_process_learns_no_secrets_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESTINY_POSTGRES_URL", "postgresql://user:secret@elsewhere/db")
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    _, log = launch("import os; print(sorted(os.environ), 'end', flush=True)", tmp_path)
    wait_for_words(log, "end")
    assert "DESTINY" not in log.read_text()
    assert "OPENAI" not in log.read_text()


def test_a_process_that_ignores_the_polite_signal_is_killed(tmp_path: Path) -> None:
    running, log = launch(STUBBORN, tmp_path)
    wait_for_words(log, "deaf")
    begun = time.monotonic()
    processes.stop(running, signal.SIGTERM, seconds=0.3)
    assert not processes.is_alive(running)
    assert time.monotonic() - begun >= 0.3


def test_what_ends_before_it_can_be_looked_up_is_known_as_one_that_is_not_alive(tmp_path: Path) -> None:
    for number in range(20):
        running = processes.spawn(Launch(("/bin/false",), directory=tmp_path), tmp_path / f"{number}.log")
        assert processes.wait_until(lambda known=running: not processes.is_alive(known), seconds=20)  # type: ignore[misc]


def test_a_zombie_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    process = psutil.Process(child.pid)
    running = Running(child.pid, process.create_time())
    assert processes.wait_until(lambda: process.status() == psutil.STATUS_ZOMBIE, seconds=20)
    assert not processes.is_alive(running)
    child.wait()


def test_a_log_that_has_grown_large_is_set_aside_once(tmp_path: Path) -> None:
    (tmp_path / "some.log").write_bytes(b"x" * 10_000_001)
    _, log = launch("print('new', flush=True)", tmp_path)
    wait_for_words(log, "new")
    assert log.stat().st_size < 100
    assert (tmp_path / "some.old.log").stat().st_size == 10_000_001


records = st.builds(
    state.Record,
    port=st.integers(1, 65535),
    secret=st.text(),
    command=st.lists(st.text(), max_size=3).map(tuple),
    process=st.none() | st.builds(Running, pid=st.integers(1, 2**22), created=st.floats(0, 2e9)),
)


@given(stored=st.dictionaries(st.text(), records, max_size=3))
def test_what_is_remembered_is_what_was_saved(
    stored: dict[str, state.Record], tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.getbasetemp()
    state.save(home, stored)
    assert state.load(home) == stored


def test_new_records_have_free_ports_and_secrets_that_never_show() -> None:
    taken: set[int] = set()
    for _ in range(20):
        record = state.new_record(taken)
        assert record.port not in taken
        assert state.is_free(record.port)
        assert record.secret not in repr(record)
        taken.add(record.port)
