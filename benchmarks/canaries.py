"""Twelve projects with a secret each, and a thousand questions through every door: how many secrets are heard out of place. Printed as JSON.

    python -m benchmarks.canaries [questions]

Works on servers of its own, which are gone afterwards.
"""

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from destiny_assets.local import supervisor
from destiny_assets.settings import URL_VARIABLES, Stores
from tests.serving.api.canaries import caged, run
from tests.serving.api.opened import opened_over
from tests.stages.growing import open_layers

PROJECTS = 12


def main(questions: int) -> None:
    """Ask and print."""
    home = Path(tempfile.mkdtemp(prefix="destiny-"))
    try:
        urls = supervisor.start(home)
        stores = Stores(*(urls[name] for name in URL_VARIABLES))
        with (
            open_layers(stores) as layers,
            opened_over(layers, home) as opened,
            caged(layers, opened, home / "work", PROJECTS) as cages,
        ):
            began = time.perf_counter()
            heard = run(opened, cages, questions)
            report = {
                "projects": PROJECTS,
                "questions": sum(heard.asked.values()),
                "by_door": dict(heard.asked),
                "own_secret_heard": dict(heard.own),
                "leaks": heard.leaks,
                "seconds": round(time.perf_counter() - began, 1),
            }
        print(json.dumps(report, indent=2))
    finally:
        supervisor.stop(home)
        shutil.rmtree(home)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
