"""Kill, run again, compare: a project that is killed without end beside a twin that never is, over the same folder."""

import os
import random
import secrets
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.killing.folder import ChangingFolder
from benchmarks.killing.readers import Outage, Readers
from benchmarks.killing.runs import REPORTED, STAGES, JobRun, Run, StageRun
from benchmarks.killing.view import QUERIES, View, differences, everything, view_of
from destiny_assets.adapters.postgres.benchmarks import Suite
from destiny_assets.local import supervisor
from destiny_assets.settings import URL_VARIABLES, Stores
from tests.stages.growing import Growth, Layers, growing, open_layers

_USUAL_S = 0.05
_WEIGHT = 0.3
_MOST_KILLS_A_GENERATION = 8
# From here on a run may publish, so a folder that changes again would be another generation.
_LAST_SAFE = "trust"


@dataclass
class Tally:
    """What a campaign did and found. `kills` by the stage in which the run really was, `partial` by what a kill left half-done."""

    kills: Counter[str] = field(default_factory=Counter)
    servers: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    partial: Counter[str] = field(default_factory=Counter)
    reads: Counter[str] = field(default_factory=Counter)
    generations: int = 0
    comparisons: int = 0
    away: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """How many kills, what share of them takes a server instead of the run, and how often the folder changes before the rerun."""

    kills: int
    seed: int
    server_share: float = 0.1
    restless_share: float = 0.15
    readers: int = 3
    documents: int = 12


class Campaign:
    """One project under fire. `home` is that of the local servers, which this campaign may kill."""

    def __init__(self, layers: Layers, home: Path, plan: Plan, tally: Tally, *, job: bool) -> None:
        self._layers, self._home, self._plan, self._tally, self._job = layers, home, plan, tally, job
        self._chance = random.Random(plan.seed + job)
        self._usual: dict[str, float] = {}
        self._views: dict[int, View] = {}
        self._outage = Outage()
        self._deck: list[str] = []

    def run(self, root: Path, report: Callable[[str], None]) -> None:
        """Kill `plan.kills` times; faults go to the tally."""
        folder = ChangingFolder(root, self._plan.seed + self._job, self._plan.documents)
        with ExitStack() as stack:
            subject, twin, scratch = (stack.enter_context(self._project(root)) for _ in range(3))
            self._publish(twin)
            if said := self._start(subject).end():
                self._tally.faults.append(f"the first run: {said}")
                return
            readers = Readers(subject, self._views, self._outage, threads=self._plan.readers, seed=self._plan.seed)
            killed = 0
            with readers:
                while killed < self._plan.kills and not self._tally.faults:
                    wanted = min(self._chance.randint(1, _MOST_KILLS_A_GENERATION), self._plan.kills - killed)
                    killed += self._generation(folder, subject, twin, wanted)
                    report(f"{killed} of {self._plan.kills} kills, {self._tally.generations} generations, "
                           f"{sum(readers.reads.values())} reads, {len(readers.violations)} violations")  # fmt: skip
                    self._tally.faults += readers.violations
                    readers.violations.clear()
            self._tally.faults += readers.violations
            self._tally.reads += readers.reads
            self._tally.away += readers.away
            self._compare_with_scratch(subject, scratch)

    @contextmanager
    def _project(self, root: Path) -> Iterator[Growth]:
        with growing(self._layers, root, {}) as growth:
            if self._job:
                from destiny_assets.adapters.embedders.factory import open_embedder

                growth.embedder = open_embedder("minilm")
            questions = {f"q{number}": text for number, text in enumerate(QUERIES)}
            self._layers.ledger.benchmarks.attach(
                growth.project, Suite("golden", questions, {name: {"adr/001-letter.md": 1} for name in questions})
            )
            yield growth

    def _start(self, subject: Growth, *, until: str | None = None) -> Run:
        if self._job:
            return JobRun(self._layers.stores, self._home, subject.project)
        return StageRun(self._layers.stores, subject.project, subject.folder, until=until)

    def _publish(self, twin: Growth) -> None:
        """The twin's next generation is what the subject's must be; nobody may see the subject's before it is known."""
        number = twin.run().number
        self._views[number] = view_of(twin, twin.service(), number)

    def _generation(self, folder: ChangingFolder, subject: Growth, twin: Growth, wanted: int) -> int:
        restless = not self._job and self._chance.random() < self._plan.restless_share
        self._tally.changes.update(folder.change())
        killed = 0
        if restless:
            # The generation that is completed is not quite the one that was begun.
            killed += self._kill_one(subject, until=_LAST_SAFE)
            self._tally.changes.update(folder.change())
            self._tally.partial["folder changed before the rerun"] += 1
        self._publish(twin)
        if (uris := self._views[max(self._views)].uris) != set(folder.names()):
            self._tally.faults.append(
                f"the twin itself shows {sorted(uris ^ set(folder.names()))} too much or too little"
            )
        while killed < wanted:
            killed += self._kill_one(subject)
        if said := self._finish(subject):
            self._tally.faults.append(f"the rerun: {said}")
        else:
            self._compare(subject, twin)
        self._tally.generations += 1
        return killed

    def _kill_one(self, subject: Growth, *, until: str | None = None) -> int:
        stage = self._next_stage(until)
        run = self._start(subject, until=until)
        while run.look() and not any(name == stage for name, _ in run.begun):
            time.sleep(0.0005 if not self._job else 0.02)
        time.sleep(self._chance.uniform(0, self._usual.get(stage, _USUAL_S)))
        if self._chance.random() < self._plan.server_share:
            self._kill_a_server(run)
            return 1
        run.kill()
        run.look()
        self._tally.kills[run.begun[-1][0]] += 1
        self._note_what_is_half_done(subject)
        return 1

    def _next_stage(self, until: str | None) -> str:
        """A shuffled deck, so that a stage of milliseconds is hit as often as one of seconds."""
        stages = REPORTED if self._job else STAGES
        allowed = stages[: stages.index(until)] if until else stages
        fitting = [stage for stage in self._deck if stage in allowed]
        if not fitting:
            more = list(stages)
            self._chance.shuffle(more)
            self._deck += more
            return self._next_stage(until)
        self._deck.remove(fitting[0])
        return fitting[0]

    def _kill_a_server(self, run: Run) -> None:
        names = [server.name for server in supervisor.SERVERS]
        name = names[sum(self._tally.servers.values()) % len(names)]
        pid = next(server.pid for server in supervisor.status(self._home) if server.name == name)
        run.look()
        stage = run.begun[-1][0]
        self._outage.begin()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        said = run.end()
        if said.startswith("failed"):
            self._tally.faults.append(f"{name} was killed in {stage}: {said}")
        urls = supervisor.start(self._home)
        self._outage.end()
        self._tally.servers[name] += 1
        self._tally.kills[stage] += 1
        if Stores(*(urls[variable] for variable in URL_VARIABLES)) != self._layers.stores:
            self._tally.faults.append(f"{name} came back at another address")

    def _note_what_is_half_done(self, subject: Growth) -> None:
        """How far the killed run had come in each layer: evidence that kills fall inside of work, not between runs."""
        ledger = self._layers.ledger
        building = next((g for g in ledger.generations.all(subject.project) if g.state != "published"), None)
        if building is None:
            self._tally.partial["nothing begun, or all published"] += 1
            return
        view = self._views.get(building.number)
        begun = ledger.generations.changes(subject.project, building.number)
        self._tally.partial["unfinished generation"] += 1
        self._tally.partial["rows in the ledger"] += any(begun.values())
        present = {id_ for _, id_ in self._layers.graph.ids(subject.project, building.number)}
        before = {id_ for _, id_ in self._views[building.number - 1].nodes}
        if view is not None and present not in (before, {id_ for _, id_ in view.nodes}):
            self._tally.partial["graph half-written"] += 1
        for collection in self._layers.vectors.collections(subject.project):
            marked = self._layers.vectors.marked(collection, "born", building.number)
            retired = self._layers.vectors.marked(collection, "died", building.number)
            self._tally.partial["points written or retired"] += bool(marked or retired)

    def _finish(self, subject: Growth) -> str:
        run = self._start(subject)
        while run.look():
            time.sleep(0.0005 if not self._job else 0.02)
        said = run.end()
        for (stage, at), (_, after) in zip(run.begun, run.begun[1:], strict=False):
            self._usual[stage] = (1 - _WEIGHT) * self._usual.get(stage, after - at) + _WEIGHT * (after - at)
        return said

    def _compare(self, subject: Growth, twin: Growth) -> None:
        self._tally.comparisons += 1
        mine, theirs = everything(subject), everything(twin)
        if self._job:
            # The model pads a batch to its longest text, so a vector's last bits depend on its company.
            mine.pop("dense vectors"), theirs.pop("dense vectors")
        self._tally.faults += [f"after generation {max(self._views)}, {line}" for line in differences(mine, theirs)]
        subject.require_agreement(self._layers.ledger.generations.number(subject.project, max(self._views)))

    def _compare_with_scratch(self, subject: Growth, scratch: Growth) -> None:
        """What readers see after all that is what a project sees that was built in one go."""
        first = scratch.run()
        fresh = view_of(scratch, scratch.service(), first.number)
        current = subject.service().generation(subject.project).number
        mine = view_of(subject, subject.service(), current)
        self._tally.comparisons += 1
        for name in ("uris", "chunks", "items", "counts"):
            if getattr(fresh, name) != getattr(mine, name):
                self._tally.faults.append(f"built from nothing, {name} are others than after {current} generations")


def campaign(home: Path, root: Path, plan: Plan, *, job_share: float, report: Callable[[str], None]) -> Tally:
    """Both kinds of runs: the stages alone, and `job_share` of the kills on ``destiny ingest``. Starts the servers of `home`."""
    urls = supervisor.start(home)
    tally = Tally()
    jobs = round(plan.kills * job_share)
    with open_layers(Stores(*(urls[name] for name in URL_VARIABLES))) as layers:
        for job, kills in ((False, plan.kills - jobs), (True, jobs)):
            if kills:
                part = Plan(kills, plan.seed, plan.server_share, plan.restless_share, plan.readers, plan.documents)
                kind = "the job" if job else "the stages"
                Campaign(layers, home, part, tally, job=job).run(
                    root / secrets.token_hex(3),
                    lambda line, kind=kind: report(f"{kind}: {line}"),  # type: ignore[misc]
                )
    return tally


def as_document(tally: Tally) -> dict[str, Any]:
    """The tally as JSON."""
    return {
        "kills": sum(tally.kills.values()),
        "kills_by_stage": dict(tally.kills.most_common()),
        "servers_killed": dict(tally.servers),
        "changes": dict(tally.changes),
        "state_after_a_kill": dict(tally.partial),
        "generations": tally.generations,
        "full_comparisons": tally.comparisons,
        "reads": dict(tally.reads) | {"total": sum(tally.reads.values())},
        "reads_refused_while_a_server_was_down": tally.away,
        "faults": tally.faults,
    }
