"""Each local store killed in turn (SIGKILL) under a load of searches over HTTP with keys. Figures are printed as JSON.

    python -m benchmarks.outages PROJECT [away_seconds] [readers]

Works on this home's servers: none of them may be in use by anybody else. Readers search, read the surroundings of chunks in the graph and
ask, one after the other. An answer is *wrong* when it holds a chunk that the published generation does not show, or one with another
text, or when it is not `degraded` and differs from what was answered before any store was killed. Recovery is the time from the
moment ``destiny up`` is done to the last answer that was degraded or failed.
"""

import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from benchmarks.api_load import new_keys, serving
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.local import state, supervisor
from destiny_assets.settings import home_folder, load_settings

WARM_S = 5.0
AFTER_S = 15.0
_QUESTIONS = 40


@dataclass
class Tally:
    """What readers got in one phase, and when something last went less than well."""

    counts: Counter[str] = field(default_factory=Counter)
    last_bad: float = 0.0
    slowest_s: float = 0.0
    told: list[str] = field(default_factory=list)

    def note(self, kind: str, seconds: float, detail: str) -> None:
        """One answer: ``whole``, ``degraded``, ``failed`` or ``wrong``."""
        self.counts[kind] += 1
        self.slowest_s = max(self.slowest_s, seconds)
        if kind != "whole":
            self.last_bad = time.monotonic()
        if kind in ("failed", "wrong") and len(self.told) < 5:
            self.told.append(f"{kind}: {detail}"[:300])


@dataclass(frozen=True)
class Truth:
    """What the published generation says: the text of each chunk, and what each question was answered before."""

    texts: dict[str, str]
    hits: dict[str, list[str]]
    edges: dict[str, list[str]]


class Reader(threading.Thread):
    """One reader with a key of its own; `tally` may be changed under it."""

    def __init__(self, url: str, project: str, key: str, truth: Truth, number: int) -> None:
        super().__init__(daemon=True)
        self._http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60)
        self._at = f"/v1/projects/{project}"
        self._truth, self._number = truth, number
        self.tally, self.stopped = Tally(), threading.Event()

    def run(self) -> None:
        """Read until `stopped`."""
        questions, chunks = list(self._truth.hits), list(self._truth.edges)
        for turn in range(self._number, 10**9):
            if self.stopped.is_set():
                return
            if turn % 5 == 4:
                chunk = chunks[turn % len(chunks)]
                self._note("edges", f"/graph/{chunk}", {"limit": 20}, chunk)
            else:
                question = questions[turn % len(questions)]
                self._note("hits", "/search", {"q": question, "k": 10}, question)

    def _note(self, kind: str, path: str, parameters: dict[str, Any], key: str) -> None:
        tally, began = self.tally, time.monotonic()
        try:
            answer = self._http.get(self._at + path, params=parameters)
        except httpx.HTTPError as error:
            tally.note("failed", time.monotonic() - began, f"{path}: {type(error).__name__}")
            return
        seconds = time.monotonic() - began
        if answer.status_code == 503 and answer.headers.get("Retry-After"):
            tally.note("told to wait", seconds, "")
        elif answer.status_code != 200:
            tally.note("failed", seconds, f"{path}: {answer.status_code} {answer.text}")
        else:
            told = answer.json()
            fault = _fault(kind, told, key, self._truth)
            tally.note("wrong" if fault else "degraded" if told["degraded"] else "whole", seconds, fault)


def _fault(kind: str, told: dict[str, Any], key: str, truth: Truth) -> str:
    """What is wrong with an answer; empty when nothing is."""
    if kind == "edges":
        found = [edge["node"]["id"] for edge in told["edges"]]
        return "" if found == ([] if told["degraded"] else truth.edges[key]) else f"edges of {key}"
    ids = [hit["chunk_id"] for hit in told["hits"]]
    if any(truth.texts.get(hit["chunk_id"]) != hit["text"] for hit in told["hits"]):
        return f"a chunk that is not in the generation, for {key!r}"
    if not ids or (not told["degraded"] and ids != truth.hits[key]):
        return f"other hits than before for {key!r}"
    return ""


def truth_of(ledger: PostgresLedger, client: httpx.Client, project: str) -> Truth:
    """What is answered while all is well."""
    pinned = ledger.generations.current(project)
    assert pinned is not None
    with ledger.transaction() as cursor:
        rows = cursor.execute(
            "select id::text as id, text from chunk where project = %s and born <= %s and died > %s",
            (project, pinned.number, pinned.number),
        ).fetchall()
    titles = [title for _, title in ledger.reading.titles(project, pinned.number, _QUESTIONS)]
    at, hits, edges = f"/v1/projects/{project}", {}, {}
    for title in titles:
        found = client.get(f"{at}/search", params={"q": title, "k": 10}).raise_for_status().json()["hits"]
        if found:
            hits[title] = [hit["chunk_id"] for hit in found]
            told = client.get(f"{at}/graph/{found[0]['chunk_id']}", params={"limit": 20}).raise_for_status().json()
            edges[found[0]["chunk_id"]] = [edge["node"]["id"] for edge in told["edges"]]
    return Truth({row["id"]: row["text"] for row in rows}, hits, edges)


def kill(name: str) -> None:
    """SIGKILL to one local server and whatever it started."""
    process = state.load(home_folder())[name].process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)


def phase(readers: list[Reader], seconds: float) -> tuple[list[Tally], float]:
    """What the readers got in the next seconds."""
    tallies = [Tally() for _ in readers]
    for reader, tally in zip(readers, tallies, strict=True):
        reader.tally = tally
    began = time.monotonic()
    time.sleep(seconds)
    return tallies, began


def summed(*groups: list[Tally]) -> dict[str, Any]:
    """One report of several phases."""
    tallies = [tally for group in groups for tally in group]
    counts = sum((tally.counts for tally in tallies), Counter())
    asked = counts.total()
    answered = counts["whole"] + counts["degraded"]
    return {
        "asked": asked,
        "answered_share": round(answered / asked, 5) if asked else None,
        **{kind: counts[kind] for kind in ("whole", "degraded", "told to wait", "failed", "wrong")},
        "slowest_s": round(max(tally.slowest_s for tally in tallies), 2),
        "told": [line for tally in tallies for line in tally.told][:5],
    }


def outage(readers: list[Reader], name: str, away_s: float, after_s: float) -> dict[str, Any]:
    """Kill one store, wait, bring it back, and see when all answers are whole again."""
    kill(name)
    away, _ = phase(readers, away_s)
    began = time.monotonic()
    supervisor.start(home_folder())
    back_after = time.monotonic() - began
    after, back = phase(readers, after_s)
    last = max(tally.last_bad for tally in after)
    return {
        **summed(away, after),
        "start_s": round(back_after, 2),
        "recovery_s": round(max(0.0, last - back), 2),
        "all_whole_at_the_end": last < time.monotonic() - 3,
    }


def main(project: str, away_s: float, count: int, after_s: float = AFTER_S) -> dict[str, Any]:
    """Measure."""
    supervisor.start(home_folder())
    with PostgresLedger(load_settings().stores.postgres_url, pool_size=2) as ledger:
        ledger.migrate()
        keys = new_keys(ledger, project, count, "outages")
        with serving() as (url, _):
            with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {keys[0]}"}, timeout=60) as client:
                truth = truth_of(ledger, client, project)
            readers = [Reader(url, project, key, truth, number) for number, key in enumerate(keys)]
            for reader in readers:
                reader.start()
            before, _ = phase(readers, WARM_S)
            report: dict[str, Any] = {
                "load_before": os.getloadavg()[0],
                "readers": count,
                "away_s": away_s,
                "before": summed(before),
            }
            for server in supervisor.SERVERS[::-1]:
                report[server.name] = outage(readers, server.name, away_s, after_s)
            for reader in readers:
                reader.stopped.set()
            for reader in readers:
                reader.join()
    return report


if __name__ == "__main__":
    print(
        json.dumps(
            main(
                sys.argv[1],
                float(sys.argv[2]) if len(sys.argv) > 2 else 10.0,
                int(sys.argv[3]) if len(sys.argv) > 3 else 4,
            ),
            indent=2,
        )
    )
