"""The short form of `benchmarks/kill_ingest.py`: five kills, some of them of a server, while readers look. The long form has 200."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.killing.campaign import Plan, campaign
from destiny_assets.local import supervisor


@pytest.fixture
def fragile_home() -> Iterator[Path]:
    """A home whose servers this test may kill."""
    home = Path(tempfile.mkdtemp(prefix="kill-"))
    try:
        yield home
    finally:
        supervisor.stop(home)
        shutil.rmtree(home)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_whatever_is_killed_readers_see_whole_generations_and_the_rerun_completes_them(
    fragile_home: Path, tmp_path: Path
) -> None:
    plan = Plan(kills=5, seed=5, server_share=0.2, readers=2, documents=10)
    tally = campaign(fragile_home, tmp_path, plan, job_share=0.0, report=print)
    assert tally.faults == []
    assert sum(tally.kills.values()) == 5
    assert len(tally.kills) >= 3, "kills fall into many stages"
    assert tally.reads.total() > 20
    assert tally.comparisons == tally.generations + 1
