"""``destiny add`` and ``destiny forget``: a document handed in by name or through a pipe, and taken out again."""

from pathlib import Path

from tests.cli.conftest import Destiny
from tests.stages.growing import Growth


def test_a_file_is_pushed_once_and_forgotten_once(destiny: Destiny, growth: Growth, tmp_path: Path) -> None:
    (tmp_path / "ink.md").write_text("# Ink\n\nBlue ink fades.\n")
    push = ("add", growth.project, str(tmp_path / "ink.md"), "--title", "On ink", "--author", "Ada Brook", "--json")
    said = destiny(*push)
    assert (said.code, said.err) == (0, "")
    assert said.document | {"sha256": ""} == {
        "project": growth.project,
        "source": "pushed",
        "uri": "ink.md",
        "sha256": "",
        "state": "accepted",
        "generation": None,
    }
    assert destiny(*push).document["state"] == "unchanged"
    (row,) = growth.layers.ledger.pushed.all(growth.project, "pushed")
    assert (row.facts.title, row.facts.authors) == ("On ink", ("Ada Brook",))
    assert destiny("forget", growth.project, "ink.md", "--json").document["state"] == "forgotten"
    again = destiny("forget", growth.project, "ink.md", "--json")
    assert again.code == 1
    assert "ink.md" in again.err


def test_what_cannot_be_pushed_is_told_in_a_sentence(destiny: Destiny, growth: Growth, tmp_path: Path) -> None:
    for arguments, said in (
        ((str(tmp_path / "missing.md"),), "cannot be read"),
        (("-",), "--uri"),
        ((__file__, "--created", "soon"), "--created"),
    ):
        refused = destiny("add", growth.project, *arguments)
        assert refused.code == 1
        assert said in refused.err
