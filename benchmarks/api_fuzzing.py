"""schemathesis against every operation of the API on this home's servers, for long: no 5xx, nothing outside its own description.

    python -m benchmarks.api_fuzzing [examples]

Makes two projects of its own and removes them. 500 examples an operation take about half an hour.
"""

import sys
import tempfile
from pathlib import Path

from destiny_assets.settings import home_folder, load_settings
from tests.serving.api.fuzzing import fuzz, operations
from tests.serving.api.opened import opened_over
from tests.stages.growing import growing, open_layers

# What it makes up must not take away the project that the rest is asked of.
_GENTLY = ("DELETE /v1/projects/{project}", "POST /v1/projects/{project}/ingests")


def main(examples: int) -> None:
    """Ask, and print how many requests were answered well, operation by operation."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_layers(load_settings().stores) as layers,
        growing(layers, Path(folder) / "read") as read,
        growing(layers, Path(folder) / "written") as write,
        opened_over(layers, home_folder()) as opened,
    ):
        read.run()
        write.run()
        reader, admin = opened.key(f"{read.project}=reader"), opened.key(f"{write.project}=admin")
        with opened.client_with(reader) as client:
            at = f"/v1/projects/{read.project}"
            ids = [
                item["id"]
                for path in ("documents", "entities", "decisions")
                for item in client.get(f"{at}/{path}").json()["items"]
            ]
        total = 0
        for operation in operations():
            reads = operation.startswith("GET") or operation in _GENTLY
            project = read.project if reads else write.project
            answered = fuzz(
                opened.url, reader if reads else admin, project, operation, examples=examples, ids=tuple(ids[:40])
            )
            total += answered
            print(f"{answered:6} {operation}", flush=True)
        print(f"{total:6} requests, no server error, nothing outside the description")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
