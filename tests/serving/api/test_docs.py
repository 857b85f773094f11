"""docs/api.md: its examples run, against the real API."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.serving.api.opened import Opened
from tests.stages.growing import Growth

GUIDE = (Path(__file__).parents[3] / "docs" / "api.md").read_text("utf-8")
CURLS = [line for line in GUIDE.splitlines() if line.startswith("curl ")]


def test_there_are_examples_of_every_kind() -> None:
    assert len(CURLS) >= 10


def test_every_curl_example_answers_in_json_as_promised(opened: Opened, growth: Growth) -> None:
    growth.run()
    key = opened.key(f"{growth.project}=contributor")
    for line in CURLS:
        environment = {"URL": opened.url, "PROJECT": growth.project, "KEY": key, "PATH": "/usr/bin:/bin"}
        done = subprocess.run(
            ["/bin/sh", "-c", f"{line} --fail-with-body"], env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, (line, done.stdout)
        document = json.loads(done.stdout)
        assert document.keys() & {"hits", "text", "citations", "state", "items", "terms", "paths"}, line


def test_the_python_examples_run(opened: Opened, grown: Growth, capsys: pytest.CaptureFixture[str]) -> None:
    key = opened.key(f"{grown.project}=reader")
    found = re.findall(r"```python\n(.*?)```", GUIDE, re.S)
    here = {"URL": opened.url, "KEY": key, "PROJECT": grown.project}
    for code in found:
        # One goes on where the one before ended, as who reads the page does.
        exec(compile(code, "docs/api.md", "exec"), here)  # noqa: S102
    told = capsys.readouterr().out
    assert len(found) == 2
    assert "handbook/stamps.md" in told
    assert re.search(r"^[01]\.\d\d .+: status = ", told, re.M)
