"""``destiny evaluate relations``: figures of two documents counted by hand, its refusals, and the published set where it is at hand."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from destiny_assets.errors import ConfigurationError, DestinyError, NotFoundError
from destiny_assets.evaluation_relations import evaluate_relations

ROOT = Path(__file__).parents[2]
SHARED = next((place for parent in ROOT.parents if (place := parent / "shared" / "data").is_dir()), None)


class Silent:
    """A progress that shows nothing."""

    def advance(self, stage: str, done: int, total: int) -> None:
        """Nothing."""


def document(
    text: str, entities: list[tuple[str, str, list[str]]], relations: list[tuple[int, str, int]]
) -> dict[str, Any]:
    """A labelled document; each name of an entity stands once in the text."""
    listed = [
        {
            "id": number,
            "types": [kind],
            "mentions": [{"start": text.index(one), "end": text.index(one) + len(one)} for one in names],
        }
        for number, (_, kind, names) in enumerate(entities)
    ]
    return {
        "text": text,
        "entities": listed,
        "relations": [{"head": h, "relation": r, "tail": t} for h, r, t in relations],
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two documents with six mentions and three relations, and two lines that hold none."""
    first = document(
        "Mary Shelley was born in London. Her novel frankenstein is read by Pupils. Byron knew Shelley's work",
        [
            ("Mary", "PER", ["Mary Shelley"]),
            ("London", "LOC", ["London"]),
            ("novel", "MISC", ["frankenstein"]),
            ("Byron", "PER", ["Byron"]),
        ],
        [(0, "place of birth", 1), (0, "notable work", 2)],
    )
    second = document(
        "it was released in 1999 by Acme",
        [("1999", "TIME", ["1999"]), ("Acme", "ORG", ["Acme"])],
        [(1, "publication date", 0)],
    )
    lines = [json.dumps(first), "[1]", json.dumps({"text": "x"}), json.dumps(second)]
    (tmp_path / "docs.jsonl").write_text("\n".join(lines))
    return tmp_path


def test_the_figures_are_those_counted_by_hand(folder: Path) -> None:
    found = evaluate_relations(folder, Silent())
    # Found: Mary Shelley, London, Pupils, Byron, Shelley; 1999, Acme. Right are all but Pupils and the second Shelley.
    mentions = found["mentions"]
    assert (mentions["right"], mentions["found"], mentions["gold"]) == (5, 7, 6)
    assert mentions["by_type"]["time"]["f1"] == 1
    assert mentions["recall_by_label"] == {"LOC": 1, "MISC": 0, "ORG": 1, "PER": 1, "TIME": 1}
    relations = found["relations"]
    assert (relations["right"], relations["gold"]) == (2, 3)
    assert found["by_type"]["place of birth"]["f1"] == 1
    assert found["by_type"]["notable work"]["recall"] == 0
    assert found["f1"] == relations["f1"]
    assert found["skipped"]["rows"] == 2
    assert found["baselines"]["gazetteer"]["mentions"]["gold"] == 6


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [(None, NotFoundError, "holds no docs.jsonl"), ("{}", ConfigurationError, "holds no document with a text")],
)
def test_what_is_missing_is_said(folder: Path, text: str | None, error: type[DestinyError], says: str) -> None:
    (folder / "docs.jsonl").unlink()
    if text is not None:
        (folder / "docs.jsonl").write_text(text)
    with pytest.raises(error, match=says):
        evaluate_relations(folder, Silent())


def test_the_command_answers_in_json_and_in_words(folder: Path) -> None:
    def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
        code = "from destiny_assets.cli.app import main; main()"
        call = [sys.executable, "-c", code, "evaluate", "relations", str(folder), *arguments]
        return subprocess.run(call, capture_output=True, text=True, timeout=120, cwd=ROOT)

    done = command("--json")
    assert (done.returncode, json.loads(done.stdout)["documents"]) == (0, 2)
    assert "coreference" in command().stdout


@pytest.mark.slow
def test_published_documents_are_read_far_better_than_by_the_gazetteer() -> None:
    if SHARED is None or not (folder := SHARED / "relations-redocred-dev").is_dir():
        pytest.skip("NOT MEASURED: the data set relations-redocred-dev is not on this machine")
    found = evaluate_relations(folder, Silent())
    assert found["mentions"]["f1"] > 0.8
    assert found["coreference"]["f1"] > 0.75
    assert found["mentions"]["f1"] > found["baselines"]["gazetteer"]["mentions"]["f1"]
