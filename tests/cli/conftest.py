"""The command line against the session's servers: within this process where that is enough, as a process of its own where not."""

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from destiny_assets.cli.app import main
from tests.stages.growing import Growth, Layers, growing


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Destiny:
    """The `destiny` command of this checkout with a home of its own."""

    home: Path

    def __call__(self, *arguments: str, **environment: str) -> Said:
        """Run a command in this process, with the environment, the arguments and the streams that a process would have."""
        before, out, err = dict(os.environ), io.StringIO(), io.StringIO()
        code: object = 0
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            patch.setattr(sys, "argv", ["destiny", *arguments])
            os.environ.clear()
            os.environ.update(self._environment(before, environment))
            try:
                main()
            except SystemExit as end:
                code = end.code or 0
            finally:
                os.environ.clear()
                os.environ.update(before)
        assert isinstance(code, int)
        return Said(code, out.getvalue(), err.getvalue())

    def process(self, *arguments: str, **environment: str) -> Said:
        """Run a command as a process of its own."""
        done = subprocess.run(
            [sys.executable, "-c", "from destiny_assets.cli.app import main; main()", *arguments],
            env=self._environment(os.environ, environment),
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    @contextlib.contextmanager
    def going(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A command that goes on, as a process of its own; killed at the end of the block if it still does."""
        # A suite that a shell runs in the background ignores Ctrl-C, and so would whatever it starts.
        heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        with subprocess.Popen(
            [sys.executable, "-c", f"{heeding}from destiny_assets.cli.app import main; main()", *arguments],
            env=self._environment(os.environ, {}),
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def _environment(self, inherited: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
        kept = {name: value for name, value in inherited.items() if not name.startswith(("DESTINY_", "DAGSTER_"))}
        return {**kept, "DESTINY_HOME": str(self.home), **more}


@pytest.fixture(scope="session")
def destiny(stores_home: Path) -> Destiny:
    return Destiny(stores_home)


@pytest.fixture(scope="package")
def grown(layers: Layers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Growth]:
    """Two published generations and one broken file, embedded by the model that the command line uses too."""
    from destiny_assets.adapters.embedders.factory import open_embedder

    with growing(layers, tmp_path_factory.mktemp("cli") / "documents") as growth:
        growth.embedder = open_embedder("minilm")
        growth.write("empty.md", "")
        growth.run()
        growth.delete("notes/rain.txt")
        growth.run()
        yield growth
