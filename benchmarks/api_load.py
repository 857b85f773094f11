"""Ten readers at once over HTTP with keys, alone and under a flood of bad ones. Figures are printed as JSON.

    python -m benchmarks.api_load PROJECT [seconds]

Starts `destiny serve` over this home's servers. Readers ask different questions (made of the project's own words), each with a key
of its own; the flood sends 1,000 requests a second with malformed keys, and again with keys that look right and are unknown.
"""

import json
import multiprocessing
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import numpy as np
import psutil

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.access import grants_of
from destiny_assets.domain.api_keys import ID_BYTES, SECRET_BYTES, key_print, write_key
from destiny_assets.settings import load_settings

READERS = 10
FLOOD = 1_000


def main(project: str, seconds: float) -> None:
    """Measure and print."""
    with PostgresLedger(load_settings().stores.postgres_url, pool_size=2) as ledger:
        ledger.migrate()
        keys = new_keys(ledger, project, READERS, "api_load")
        pinned = ledger.generations.current(project)
        assert pinned is not None
        titles = [title for _, title in ledger.reading.titles(project, pinned.number, 500)]
    with serving() as (url, pid):
        meter = psutil.Process(pid)
        report = {"load_before": os.getloadavg()[0], "cpus": os.cpu_count(), "readers": READERS}
        measure(meter, url, project, keys, titles, min(seconds, 3.0))
        report["alone"] = measure(meter, url, project, keys, titles, seconds)
        for kind in ("malformed", "unknown"):
            report[f"under {FLOOD}/s {kind}"] = flooded(meter, url, project, keys, titles, seconds, kind)
        report["alone again"] = measure(meter, url, project, keys, titles, seconds)
        print(json.dumps(report, indent=2))


def new_keys(ledger: PostgresLedger, project: str, count: int, name: str) -> list[str]:
    """Keys that read a project for a day."""
    keys = []
    for _ in range(count):
        key = write_key(secrets.token_bytes(ID_BYTES), secrets.token_bytes(SECRET_BYTES))
        printed = key_print(key)
        assert printed is not None
        ledger.api_keys.add(printed, name, grants_of([f"{project}=reader"]), rate=10_000, days=1, by="benchmark")
        keys.append(key)
    return keys


@contextmanager
def serving() -> Iterator[tuple[str, int]]:
    """`destiny serve` over this home: its URL and process id."""
    code = "from destiny_assets.cli.app import main; main()"
    command = [sys.executable, "-c", code, "serve", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            told = ""
            while not told.rstrip().endswith("}"):
                line = server.stdout.readline()
                assert line, "destiny serve ended before it listened"
                told += line
            yield json.loads(told)["url"], server.pid
        finally:
            server.terminate()


def measure(
    meter: psutil.Process, url: str, project: str, keys: list[str], titles: list[str], seconds: float
) -> dict[str, float]:
    """Searches a second, their latency, and the server's own processor time for each, which says something on a busy machine too."""
    until = time.perf_counter() + seconds
    before = sum(meter.cpu_times()[:2])

    def read(number: int) -> list[float]:
        spent, asked = [], number
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {keys[number]}"}, timeout=30) as client:
            while time.perf_counter() < until:
                began = time.perf_counter()
                question = f"{titles[asked % len(titles)]} {asked}"
                answer = client.get(f"/v1/projects/{project}/search", params={"q": question, "k": 10})
                spent.append(time.perf_counter() - began)
                assert answer.status_code == 200, answer.text
                asked += READERS
        return spent

    with ThreadPoolExecutor(READERS) as threads:
        spent = [one for some in threads.map(read, range(READERS)) for one in some]
    at = np.percentile(np.array(spent) * 1000, [50, 95, 99])
    return {
        "searches_per_s": round(len(spent) / seconds, 1),
        "server_cpu_ms": round((sum(meter.cpu_times()[:2]) - before) / len(spent) * 1000, 2),
        **dict(zip(("p50_ms", "p95_ms", "p99_ms"), at.round(1).tolist(), strict=True)),
    }


def flooded(
    meter: psutil.Process, url: str, project: str, keys: list[str], titles: list[str], seconds: float, kind: str
) -> dict[str, float]:
    """The same while another process sends bad keys."""
    # A fork of this process would share its connections.
    start = multiprocessing.get_context("spawn")
    stop, sent = start.Event(), start.Value("i", 0)
    process = start.Process(target=flood, args=(url, kind, stop, sent))
    process.start()
    while not sent.value:
        time.sleep(0.1)
    before, began = sent.value, time.perf_counter()
    found = measure(meter, url, project, keys, titles, seconds)
    found["bad_per_s"] = round((sent.value - before) / (time.perf_counter() - began), 1)
    stop.set()
    process.join()
    return found


def flood(url: str, kind: str, stop: "threading.Event", sent: "multiprocessing.sharedctypes.Synchronized[int]") -> None:
    """`FLOOD` requests a second, as far as the server takes them, over ten connections."""

    def send(_: int) -> None:
        pause, due = 10 / FLOOD, time.perf_counter()
        with httpx.Client(base_url=url, timeout=30) as client:
            while not stop.is_set():
                bad = secrets.token_hex(20)
                if kind == "unknown":
                    bad = write_key(secrets.token_bytes(ID_BYTES), secrets.token_bytes(SECRET_BYTES))
                answer = client.get("/v1/me", headers={"Authorization": f"Bearer {bad}"})
                assert answer.status_code in (401, 429), answer.status_code
                with sent.get_lock():
                    sent.value += 1
                due += pause
                time.sleep(max(0.0, due - time.perf_counter()))

    with ThreadPoolExecutor(10) as threads:
        list(threads.map(send, range(10)))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 10.0)
