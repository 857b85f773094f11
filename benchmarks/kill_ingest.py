"""Kills an ingest at random points and lets readers look: ``python benchmarks/kill_ingest.py --kills 200 --seed 1``

A project of 10 to 40 documents grows by additions, edits, renames, deletions and documents that come back. Each of its runs, in a
process of its own, gets SIGKILL at a random moment of a stage drawn from a shuffled deck, or one of the three servers does; then
it runs again. Three readers never pause. A fault is a read that is not exactly one published generation, a reader's error while
all servers are up, or any difference, in any layer, from a twin project that was never killed. Exit code 1 when there is one.

The stages run with a fast embedder (its vectors are compared bit by bit); `--job-share` of the kills fall on the whole Dagster job
as ``destiny ingest`` starts it, with the real model and every check.
"""

import argparse
import json
import logging
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.killing.campaign import Plan, as_document, campaign
from destiny_assets.local import supervisor


def main() -> int:
    """Run a campaign on servers of its own and print what it did as JSON."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--kills", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--job-share", type=float, default=0.1, help="share of kills that fall on `destiny ingest`")
    arguments.add_argument("--server-share", type=float, default=0.1, help="share of kills that take a server")
    arguments.add_argument("--readers", type=int, default=3)
    chosen = arguments.parse_args()
    plan = Plan(chosen.kills, chosen.seed, server_share=chosen.server_share, readers=chosen.readers)
    for name in ("psycopg.pool", "neo4j"):
        # They say at length that a server which was killed is gone.
        logging.getLogger(name).addHandler(logging.NullHandler())
    # Short: PostgreSQL's socket lies below it.
    home = Path(tempfile.mkdtemp(prefix="kill-"))
    began = time.monotonic()
    try:
        tally = campaign(
            home,
            home / "sources",
            plan,
            job_share=chosen.job_share,
            report=lambda line: print(line, file=sys.stderr, flush=True),
        )
    finally:
        supervisor.stop(home)
        shutil.rmtree(home)
    print(json.dumps({"seed": chosen.seed, "seconds": round(time.monotonic() - began), **as_document(tally)}, indent=2))
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
