"""``destiny evaluate trust``: the contract of its answer, its refusals, and the published sets where they are at hand."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from destiny_assets.errors import ConfigurationError, DestinyError, NotFoundError
from destiny_assets.stages.trust_suites import evaluate_trust, open_suite, read_claims

ROOT = Path(__file__).parents[2]
SHARED = next((place for parent in ROOT.parents if (place := parent / "shared" / "data").is_dir()), None)


def published(name: str) -> Path:
    if SHARED is None or not (SHARED / name).is_dir():
        pytest.skip(f"NOT MEASURED: the data set {name} is not on this machine")
    return SHARED / name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Heights of mountains: five sources right nine times of ten and three that are wrong as often; one value says nothing."""
    random = np.random.default_rng(3)
    rows, truths = ["object,attribute,source,value"], ["object,attribute,value"]
    for number in range(80):
        height = 1_001 + 37 * number
        truths.append(f"peak {number},height,{height}")
        for source in range(8):
            right = random.random() < (0.9 if source < 5 else 0.1)
            said = height if right else 9_000 + int(random.integers(4))
            rows.append(f'peak {number},height,atlas {source},"{said:,}"')
    rows.append("peak 0,height,atlas 9,unknown")
    truths.append("peak 999,height,12")
    (tmp_path / "claims.csv.gz").write_bytes(gzip.compress("\n".join(rows).encode()))
    (tmp_path / "truth.csv").write_text("\n".join(truths))
    return tmp_path


def test_the_answer_has_the_keys_of_the_contract_and_figures_that_fit(folder: Path) -> None:
    found = evaluate_trust(open_suite(folder), labels=30)
    assert found.keys() >= {
        "objects",
        "labels",
        "methods",
        "coverage",
        "seeds",
        "precision_gain",
        "attributes",
        "ece_bins",
    }
    assert (found["objects"], found["labels"], found["scored"], found["unread"]) == (80, 30, 50, 1)
    assert found["seeds"] == [0, 1, 2, 3, 4]
    assert found["attributes"]["height"]["kind"] == "number"
    for method in ("majority", "destiny"):
        assert found["methods"][method].keys() >= {"precision", "brier", "ece", "log_loss"}
    ours, theirs = found["methods"]["destiny"], found["methods"]["majority"]
    assert ours["precision"] >= theirs["precision"]
    assert ours["brier"] < theirs["brier"]
    low, high = found["precision_gain"]["interval_95"]
    assert low <= found["precision_gain"]["mean"] <= high
    assert [share for share, _ in found["coverage"]] == pytest.approx([number / 10 for number in range(1, 11)])
    assert found["coverage"][-1][1] == pytest.approx(ours["precision"])


def test_the_same_seed_gives_the_same_answer_and_without_labels_there_is_one_draw(folder: Path) -> None:
    assert evaluate_trust(open_suite(folder), labels=20, seed=4, draws=2) == evaluate_trust(
        open_suite(folder), labels=20, seed=4, draws=2
    )
    assert evaluate_trust(open_suite(folder))["seeds"] == [0]


def test_only_the_last_word_of_a_source_counts_where_claims_are_dated(folder: Path) -> None:
    (folder / "claims.csv.gz").unlink()
    (folder / "claims.csv").write_text(
        "object,attribute,source,value,observed_at\n"
        "peak 1,height,atlas,2000,2024-05-01\npeak 1,height,atlas,1000,2023-05-01\npeak 1,height,map,7,2020-01-01\n"
    )
    assert read_claims(open_suite(folder))[3] == ["2000", "7"]


@pytest.mark.parametrize(
    ("name", "text", "error", "says"),
    [
        ("truth.csv", None, NotFoundError, "holds no truth.csv"),
        ("truth.csv", "object,value\npeak 1,5\n", ConfigurationError, "lacks the column attribute"),
        ("truth.csv", "", ConfigurationError, "cannot be read as CSV"),
        ("truth.csv", "object,attribute,value\nhill,height,5\n", ConfigurationError, "no truth is of an object"),
        ("claims.csv", "object,attribute,source,value\n", ConfigurationError, "hold no row"),
    ],
)
def test_what_is_missing_is_said(
    folder: Path, name: str, text: str | None, error: type[DestinyError], says: str
) -> None:
    (folder / name).unlink(missing_ok=True)
    if text is not None:
        (folder / name).write_text(text)
    with pytest.raises(error, match=says):
        evaluate_trust(open_suite(folder))


def test_more_labels_than_truths_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds 80 truths"):
        evaluate_trust(open_suite(folder), labels=80)


def test_the_command_answers_in_json_and_refuses_in_a_sentence(folder: Path) -> None:
    def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
        code = "from destiny_assets.cli.app import main; main()"
        call = [sys.executable, "-c", code, "evaluate", "trust", *arguments]
        return subprocess.run(call, capture_output=True, text=True, timeout=120, cwd=ROOT)

    done = command(str(folder), "--labels", "10", "--draws", "1", "--json")
    assert (done.returncode, json.loads(done.stdout)["labels"]) == (0, 10)
    refused = command(str(folder / "nowhere"))
    assert refused.returncode != 0
    assert "holds no claims.csv" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("labels", [0, 50])
def test_lists_of_names_beat_majority_and_know_how_sure_they_are(labels: int) -> None:
    found = evaluate_trust(open_suite(published("truth-book")), labels=labels)
    ours, theirs = found["methods"]["destiny"], found["methods"]["majority"]
    assert ours["precision"] > 0.9
    assert found["precision_gain"]["interval_95"][0] > 0
    assert ours["brier"] < theirs["brier"]
    assert ours["ece"] <= 0.05


@pytest.mark.parametrize("labels", [0, 50])
def test_numbers_are_no_worse_than_majority_and_much_better_calibrated(labels: int) -> None:
    found = evaluate_trust(open_suite(published("truth-population")), labels=labels)
    ours, theirs = found["methods"]["destiny"], found["methods"]["majority"]
    assert ours["precision"] >= theirs["precision"]
    assert ours["brier"] < 0.8 * theirs["brier"]
    assert ours["ece"] < 0.6 * theirs["ece"]
