"""Runs that can be killed: the stages in a process of their own, and the whole Dagster job as ``destiny ingest`` starts it."""

import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import psycopg

from destiny_assets.adapters.postgres.locks import project_to_oneself
from destiny_assets.errors import DestinyError, StoreUnavailableError
from destiny_assets.settings import Stores
from tests.stages import growing
from tests.stages.growing import Growth, open_layers

STAGES = ("start", *growing.STAGES)
# What `destiny ingest` reports of itself, in the order of its in-process run; a stage has begun when the one before it has reported.
REPORTED = (
    *("start", "documents", "chunks", "embeddings", "entities", "vector_index", "claims", "decisions", "entity_merges"),
    *("trust_scores", "claim_probabilities", "knowledge_graph", "retrieval_benchmark", "claim_calibration"),
    *("decision_risks", "trust_benchmark", "quality_gate", "published_generation", "project_report"),
)
_PATIENCE_S = 120.0


class Run(Protocol):
    """A run in another process. `begun` holds the stages that have begun, with the time of each (seconds, monotonic)."""

    begun: list[tuple[str, float]]

    def look(self) -> bool:
        """Take notice of what has begun; whether the run still lives."""
        ...

    def kill(self) -> None:
        """SIGKILL; returns when the process is gone."""
        ...

    def end(self) -> str:
        """Wait for its own end: empty when it did all its work, else what it said."""
        ...


_server = multiprocessing.get_context("forkserver")
# Imported once, so that a run costs its work and not four seconds of imports.
_server.set_forkserver_preload(
    ["tests.stages.growing", "alembic.command", "sqlalchemy", "neo4j", "obstore", "tokenizers"]
)


def _grow(said: Connection, stores: Stores, project: str, folder: Path, until: str | None) -> None:
    def tell(stage: str) -> None:
        said.send((stage, time.monotonic()))

    tell("start")
    try:
        with (
            project_to_oneself(stores.postgres_url, project, lambda _: None),
            open_layers(stores) as layers,
        ):
            growth = Growth(layers, project, folder)
            growth.started = tell
            growth.run(until=until)
    except StoreUnavailableError as error:
        tell(f"refused: {error}")
    except psycopg.OperationalError as error:
        # The lock's own connection, or the rollback of one that is gone.
        tell(f"refused: {error}")
    except (DestinyError, AssertionError) as error:
        tell(f"failed: {error!r}")
    else:
        tell("done")


class StageRun:
    """The stages, one after the other, in a process of their own; `until` leaves the rest undone."""

    def __init__(self, stores: Stores, project: str, folder: Path, *, until: str | None = None) -> None:
        self.begun: list[tuple[str, float]] = []
        self._last = ""
        self._told, said = _server.Pipe(duplex=False)
        self._process = _server.Process(target=_grow, args=(said, stores, project, folder, until), daemon=True)
        self._process.start()
        said.close()

    def look(self) -> bool:
        """Take notice of what the run has told."""
        alive = self._process.is_alive()
        try:
            while self._told.poll():
                stage, at = self._told.recv()
                if stage in STAGES:
                    self.begun.append((stage, at))
                else:
                    self._last = stage
                    self.begun.append(("end", at))
        except (EOFError, ConnectionResetError):
            return False
        return alive and not self._last

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.join()

    def end(self) -> str:
        """What it said in the end."""
        self._process.join(_PATIENCE_S)
        if self._process.is_alive():
            self.kill()
            return f"failed: still in {self.begun[-1:]} after {_PATIENCE_S:.0f} seconds"
        self.look()
        return "" if self._last == "done" else self._last or f"failed: exit code {self._process.exitcode}"


class JobRun:
    """``destiny ingest --json`` as anyone starts it: Dagster, the real model, every check."""

    def __init__(self, stores: Stores, home: Path, project: str) -> None:
        self._url, self._project = stores.postgres_url, project
        self._connection: psycopg.Connection[Any] | None = None
        self._before = self._runs()
        self.begun: list[tuple[str, float]] = [("start", time.monotonic())]
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from destiny_assets.cli.app import main; main()", "ingest", project, "--json"],
            env={**os.environ, "DESTINY_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def _ask(self, text: str) -> Sequence[Any]:
        try:
            if self._connection is None:
                self._connection = psycopg.connect(self._url, autocommit=True)
            return self._connection.execute(text, (self._project,)).fetchall()
        except psycopg.OperationalError:
            # PostgreSQL was killed; the next question connects anew.
            self._connection = None
            return []

    def _runs(self) -> set[str]:
        return {row[0] for row in self._ask("select run_id from destiny.stage_report where project = %s")} | {
            row[0]
            for row in self._ask("select run_id from destiny.generation where project = %s and state <> 'published'")
        }

    def look(self) -> bool:
        """Take notice of what the run has told."""
        alive = self._process.poll() is None
        building = self._ask("select run_id from destiny.generation where project = %s and state = 'building'")
        own = self._ask("select run_id, stage from destiny.stage_report where project = %s order by at")
        reports = [stage for run, stage in own if run not in self._before]
        begun = 1 + len(reports) + bool(reports or {row[0] for row in building} - self._before)
        for stage in REPORTED[len(self.begun) : begun if not reports else 2 + len(reports)]:
            self.begun.append((stage, time.monotonic()))
        return alive

    def kill(self) -> None:
        """SIGKILL."""
        self.look()
        self._process.kill()
        self._process.communicate()
        self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def end(self) -> str:
        """What it said in the end."""
        out, err = self._process.communicate(timeout=2 * _PATIENCE_S)
        self._disconnect()
        self.begun.append(("end", time.monotonic()))
        if self._process.returncode == 0:
            return "" if json.loads(out)["failures"] == [] else f"failed: {out}"
        return f"refused: {err.strip()[-500:]}"
