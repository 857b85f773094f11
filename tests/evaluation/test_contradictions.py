"""``destiny evaluate contradictions``: the contract of its answer, its refusals, and the published set where it is at hand."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from destiny_assets.errors import ConfigurationError, DestinyError, NotFoundError
from destiny_assets.evaluation_contradictions import evaluate_contradictions

ROOT = Path(__file__).parents[2]
SHARED = next((place for parent in ROOT.parents if (place := parent / "shared" / "data").is_dir()), None)
THINGS = ["cache", "queue", "gateway", "index", "parser", "scheduler", "ledger", "mirror", "router", "pool"]
EFFECTS = ["throughput", "latency", "memory", "disk usage", "startup time"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What parts of a system do, said right, turned round, and of something else; every third claim is scored."""
    evidence, claims = [], []
    for number, thing in enumerate(THINGS):
        for place, effect in enumerate(EFFECTS):
            document = f"{number}-{place}"
            evidence.append(
                {"doc_id": document, "title": thing, "sentences": [f"The {thing} reduces {effect}.", "It is new."]}
            )
            for label, said in (
                ("SUPPORTS", f"The {thing} reduces {effect}."),
                ("REFUTES", f"The {thing} increases {effect}."),
                ("NOT ENOUGH INFO", f"Nobody maintains the {THINGS[number - 1]} abroad."),
            ):
                split = "test" if (number + place) % 3 == 0 else "train"
                claims.append({"claim": said, "label": label, "cited_doc_ids": [document], "split": split})
    (tmp_path / "evidence.jsonl").write_text("\n".join(map(json.dumps, evidence)))
    (tmp_path / "claims.jsonl").write_text(
        "\n".join([*map(json.dumps, claims), "{broken", json.dumps({"claim": "x", "label": "?"})])
    )
    return tmp_path


def test_the_answer_has_the_keys_of_the_contract_and_figures_that_fit(folder: Path) -> None:
    found = evaluate_contradictions(folder)
    assert found["decided_by"] == "labels of the other splits"
    assert found["claims"] == {"tuned_on": 99, "scored": 51}
    assert found["accuracy"] > 0.95
    assert found["accuracy_interval_95"][0] <= found["accuracy"] <= found["accuracy_interval_95"][1]
    assert set(found["by_type"]) == {"support", "contradict", "not_enough"}
    assert found["baselines"]["majority"]["accuracy"] == pytest.approx(1 / 3)
    assert found["skipped"]["first"][0]["reason"] == "no JSON"
    assert found["skipped"]["rows"] == 2


def test_without_a_split_rules_decide_and_all_are_scored(folder: Path) -> None:
    text = (folder / "claims.jsonl").read_text()
    (folder / "claims.jsonl").write_text(text.replace('"split": "train"', '"split": ""'))
    found = evaluate_contradictions(folder)
    assert (found["decided_by"], found["claims"]) == ("rules", {"tuned_on": 0, "scored": 150})
    assert found["accuracy"] == found["baselines"]["rules"]["accuracy"] > 0.75


@pytest.mark.parametrize(
    ("name", "text", "error", "says"),
    [
        ("claims.jsonl", None, NotFoundError, "holds no claims.jsonl"),
        ("evidence.jsonl", None, NotFoundError, "holds no evidence.jsonl"),
        ("claims.jsonl", "{}", ConfigurationError, "no labelled claim"),
    ],
)
def test_what_is_missing_is_said(
    folder: Path, name: str, text: str | None, error: type[DestinyError], says: str
) -> None:
    (folder / name).unlink()
    if text is not None:
        (folder / name).write_text(text)
    with pytest.raises(error, match=says):
        evaluate_contradictions(folder)


def test_the_command_answers_in_json_and_in_words(folder: Path) -> None:
    def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
        code = "from destiny_assets.cli.app import main; main()"
        call = [sys.executable, "-c", code, "evaluate", "contradictions", str(folder), *arguments]
        return subprocess.run(call, capture_output=True, text=True, timeout=120, cwd=ROOT)

    done = command("--json")
    assert (done.returncode, json.loads(done.stdout)["claims"]["scored"]) == (0, 51)
    assert "always support: 0.333" in command().stdout


@pytest.mark.slow
def test_published_claims_are_judged_better_than_by_the_majority() -> None:
    if SHARED is None or not (folder := SHARED / "claims-scifact").is_dir():
        pytest.skip("NOT MEASURED: the data set claims-scifact is not on this machine")
    found = evaluate_contradictions(folder)
    assert found["accuracy_interval_95"][0] > found["baselines"]["majority"]["accuracy"] + 0.15
