"""The short form of `benchmarks/outages.py`: each store killed once under readers with keys, over HTTP."""

from pathlib import Path

import pytest

from benchmarks.outages import main
from destiny_assets.adapters.embedders.factory import open_embedder
from destiny_assets.local import supervisor
from destiny_assets.settings import URL_VARIABLES, Stores
from tests.stages.growing import growing, open_layers

# Well over the patience of `destiny serve` with its ledger (3 s): a reader whose ledger comes back sooner is answered, not told to wait.
_AWAY_S = 6.0


@pytest.mark.slow
def test_readers_are_answered_while_stores_are_killed(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESTINY_HOME", str(home))
    urls = supervisor.start(home)
    with open_layers(Stores(*(urls[name] for name in URL_VARIABLES))) as layers:
        with growing(layers, tmp_path / "documents") as growth:
            growth.embedder = open_embedder("minilm")
            growth.run()
            report = main(growth.project, away_s=_AWAY_S, count=2, after_s=12)
        for name in ("qdrant", "arcadedb"):
            told = report[name]
            assert (told["failed"], told["wrong"], told["told to wait"]) == (0, 0, 0), told
            assert told["degraded"] > 0, told
            assert told["all_whole_at_the_end"], told
        ledger = report["postgres"]
        assert (ledger["failed"], ledger["wrong"], ledger["degraded"]) == (0, 0, 0), ledger
        assert ledger["told to wait"] > 0, ledger
        assert ledger["all_whole_at_the_end"], ledger
