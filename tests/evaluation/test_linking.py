"""``destiny evaluate linking``: the contract of its answer, files as people write them, and the published sets where they are at hand."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from destiny_assets.errors import ConfigurationError, DestinyError, NotFoundError
from destiny_assets.evaluation_linking import evaluate_linking

ROOT = Path(__file__).parents[2]
SHARED = next((place for parent in ROOT.parents if (place := parent / "shared" / "data").is_dir()), None)
SOUNDS = ["ba", "do", "ké", "lu", "mi", "no", "ra", "si", "tu", "ve", "zo", "pha"]


def published(name: str) -> Path:
    if SHARED is None or not (SHARED / name).is_dir():
        pytest.skip(f"NOT MEASURED: the data set {name} is not on this machine")
    return SHARED / name


def people(count: int) -> tuple[list[list[str]], list[list[str]], list[list[str]]]:
    """People in two registers, every fourth in one alone, and labelled pairs of both kinds in three splits."""
    random = np.random.default_rng(7)
    names = [
        "".join(random.choice(SOUNDS, 3)).title() + " " + "".join(random.choice(SOUNDS, 4)).title()
        for _ in range(count)
    ]
    born = random.integers(1930, 2000, count)
    left = [["id", "name", "born"], *([str(n), names[n], str(born[n])] for n in range(count))]
    there = [n for n in range(count) if n % 4]
    right = [
        ["id", "name", "born"],
        *([f"r{n}", names[n].replace("é", "e").upper(), str(born[n]) if n % 3 else ""] for n in there),
    ]
    pairs = [["left_id", "right_id", "label", "split"]]
    for n in there:
        split = ("train", "train", "valid", "test")[n // 4 % 4]
        other = there[(there.index(n) + 1) % len(there)]
        pairs += [[str(n), f"r{n}", "1", split], [str(n), f"r{other}", "0", split]]
    return left, right, pairs


def write(folder: Path, name: str, rows: list[list[str]], *, delimiter: str = ",", encoding: str = "utf-8") -> None:
    (folder / name).write_bytes("\n".join(delimiter.join(row) for row in rows).encode(encoding))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    left, right, pairs = people(120)
    write(tmp_path, "left.csv", left)
    (tmp_path / "right.csv.gz").write_bytes(gzip.compress("\n".join(",".join(row) for row in right).encode()))
    write(tmp_path, "pairs.csv", pairs)
    return tmp_path


def test_the_answer_has_the_keys_of_the_contract_and_figures_that_fit(folder: Path) -> None:
    found = evaluate_linking(folder)
    assert found["records"] == {"left": 120, "right": 90}
    assert found["labelled"]["tuned_on"] + found["labelled"]["scored"] == 180
    assert found["seeds"] == [0, 1, 2, 3, 4]
    assert found["columns"] == ["name~name", "born~born"]
    assert found["precision"] > 0.95
    assert found["recall"] > 0.95
    assert found["f1_interval_95"][0] <= found["f1"] <= found["f1_interval_95"][1]
    assert found["by_type"]["match"]["f1"] == found["f1"]
    assert found["baselines"]["equal_key"]["f1"] <= found["f1"]
    assert found["blocking"]["recall"] > 0.95
    assert found["blocking"]["possible"] == 120 * 90
    assert found["candidate_pairs_per_s"] > 0
    assert found["skipped"] == {"rows": 0, "first": []}


def test_labels_of_the_scored_split_teach_nothing(folder: Path) -> None:
    before = evaluate_linking(folder, draws=1)
    lines = (folder / "pairs.csv").read_text().splitlines()
    flipped = [f"{line[:-6]}{1 - int(line[-6])},test" if line.endswith(",test") else line for line in lines]
    (folder / "pairs.csv").write_text("\n".join(flipped))
    after = evaluate_linking(folder, draws=1)
    assert before["right"] + after["right"] == before["found"] == after["found"]


def test_without_a_split_no_label_is_looked_at_and_all_are_scored(folder: Path) -> None:
    rows = [line.rpartition(",")[0] for line in (folder / "pairs.csv").read_text().splitlines()]
    (folder / "pairs.csv").write_text("\n".join(rows))
    found = evaluate_linking(folder)
    assert (found["decided_by"], found["scored"], found["seeds"]) == ("no labels", "listed pairs", [0])
    assert found["f1"] > 0.9


def test_where_only_matches_are_listed_every_link_is_scored(tmp_path: Path) -> None:
    left, right, pairs = people(120)
    write(tmp_path, "left.csv", left)
    write(tmp_path, "right.csv", right)
    write(tmp_path, "pairs.csv", [row[:2] for row in pairs if row[2] in ("label", "1")])
    found = evaluate_linking(tmp_path)
    assert (found["decided_by"], found["scored"], found["gold"]) == ("no labels", "all links", 90)
    assert found["f1"] > 0.9
    # A folder with one link too few in its gold finds that link wrong.
    write(tmp_path, "pairs.csv", [row[:2] for row in pairs if row[2] in ("label", "1")][:-1])
    assert evaluate_linking(tmp_path)["right"] == found["right"] - 1


def test_a_pair_listed_twice_is_scored_by_the_label_of_the_scored_split(folder: Path) -> None:
    before = evaluate_linking(folder, draws=1)
    row = next(line for line in (folder / "pairs.csv").read_text().splitlines() if line.endswith(",1,test"))
    with (folder / "pairs.csv").open("a") as lines:
        lines.write(f"\n{row[:-7]},0,train\n{row}")
    after = evaluate_linking(folder, draws=1)
    assert (after["gold"], after["labelled"]) == (before["gold"], before["labelled"])
    assert [one["reason"] for one in after["skipped"]["first"]] == ["an earlier row gives this pair the other label"]


def test_files_as_people_write_them(tmp_path: Path) -> None:
    left, right, pairs = people(120)
    left[0], right[0] = ["Nummer", "Name", "Jahrgang"], ["key", "person", "year"]
    write(tmp_path, "left.csv", [[row[1], row[0], row[2]] for row in left], delimiter=";", encoding="cp1252")
    write(tmp_path, "right.csv", right, delimiter="\t", encoding="utf-16")
    pairs[0] = ["one", "other", "gold", "set"]
    for number, row in enumerate(pairs[1:]):
        row[0] += ".0" if number % 2 else ""
        row[2] = {"1": "True", "0": "no"}[row[2]]
    write(
        tmp_path,
        "pairs.csv",
        [*pairs, ["999", "r1", "1", "test"], ["1", "r1", "perhaps", "test"], ["1", "r1", "1", "test", "x"]],
    )
    found = evaluate_linking(tmp_path, draws=1)
    assert set(found["columns"]) == {"Name~person", "Jahrgang~year"}
    assert found["f1"] > 0.9
    assert sorted(row["reason"] for row in found["skipped"]["first"]) == [
        "5 values under 4 columns",
        "no record has this id",
        "the label 'perhaps' is neither 1 nor 0",
    ]


@pytest.mark.parametrize(
    ("name", "text", "error", "says"),
    [
        ("pairs.csv", None, NotFoundError, "holds no pairs.csv"),
        ("left.csv", None, NotFoundError, "holds no left.csv"),
        ("left.csv", "", ConfigurationError, "is empty"),
        ("left.csv", "id,name\n", ConfigurationError, "holds no record"),
        ("pairs.csv", "left_id,label\n1,1\n", ConfigurationError, "must name left_id, right_id"),
        ("pairs.csv", "left_id,right_id,label\n0,r1,0\n", ConfigurationError, "no pair that would be scored"),
        ("pairs.csv", "left_id,right_id\nx,y\n", ConfigurationError, "no pair that would be scored"),
    ],
)
def test_what_is_missing_is_said(
    folder: Path, name: str, text: str | None, error: type[DestinyError], says: str
) -> None:
    (folder / name).unlink()
    if text is not None:
        (folder / name).write_text(text)
    with pytest.raises(error, match=says):
        evaluate_linking(folder)


def test_the_command_answers_in_json_and_in_words(folder: Path) -> None:
    def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
        code = "from destiny_assets.cli.app import main; main()"
        call = [sys.executable, "-c", code, "evaluate", "linking", str(folder), "--draws", "1", *arguments]
        return subprocess.run(call, capture_output=True, text=True, timeout=120, cwd=ROOT)

    done = command("--json")
    assert (done.returncode, json.loads(done.stdout)["gold"]) == (0, 21)
    assert "candidate pairs a second" in command().stdout


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("matching-dblp-acm", 0.97), ("matching-abt-buy", 0.9)])
def test_published_tables_are_linked(name: str, least: float) -> None:
    found = evaluate_linking(published(name), draws=1)
    assert found["f1"] >= least
    assert found["blocking"]["recall"] >= 0.97
