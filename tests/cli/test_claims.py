"""Claims from the command line: listed, explained, labelled from words and from a file, and what to label next."""

import math
from pathlib import Path

import pytest

from destiny_assets.stages.trust_suites import measure_trust
from tests.cli.conftest import Destiny
from tests.stages.growing import Growth, Silence


@pytest.fixture
def status(destiny: Destiny, grown: Growth) -> str:
    """The id of what ADR 7 claims of its own status."""
    found = destiny("claims", grown.project, "--subject", "a stream for", "--predicate", "status", "--json").document
    (claim,) = found["claims"]
    assert (claim["value"], claim["standing"], claim["witnesses"]) == ("accepted", "current", ["folder"])
    return str(claim["id"])


def test_claims_are_listed_with_how_probable_they_are(destiny: Destiny, grown: Growth) -> None:
    found = destiny("claims", grown.project, "--json").document
    assert found["total"] == len(found["claims"]) > 4
    assert {"Spring report", "Autumn report"} <= {claim["subject"] for claim in found["claims"]}
    assert all(0 < claim["probability"] < 1 for claim in found["claims"])
    assert destiny("claims", grown.project, "--contested", "--json").document["claims"] == []
    assert "Spring report" in destiny("claims", grown.project, "--limit", "3", "--subject", "report").out


def test_a_claim_is_explained_by_terms_that_add_up(destiny: Destiny, grown: Growth, status: str) -> None:
    found = destiny("trust", "explain", grown.project, status, "--json").document
    assert math.isclose(found["log_odds"], math.fsum(term["log_odds"] for term in found["terms"]), abs_tol=1e-9)
    assert math.isclose(found["probability"], 1 / (1 + math.exp(-found["log_odds"])), abs_tol=1e-9)
    (place,) = found["evidence"]
    assert (place["uri"], place["quote"]) == ("adr-007-stream.md", "Accepted")
    shown = destiny("trust", "explain", grown.project, status[:8]).out
    assert "adr-007-stream.md" in shown
    assert "What would change it" in shown


def test_labels_come_one_by_one_or_from_a_file(destiny: Destiny, grown: Growth, status: str, tmp_path: Path) -> None:
    first = destiny("trust", "label", grown.project, status, "true", "--json").document
    assert (first["claims"], first["changed"]) == (1, 1)
    assert destiny("trust", "label", grown.project, status[:8], "true", "--json").document["changed"] == 0
    by_claim, by_words = tmp_path / "claims.csv", tmp_path / "words.csv"
    by_claim.write_text(f"claim,verdict\n{status},false\n")
    assert destiny("trust", "label", grown.project, "--csv", str(by_claim), "--json").document["changed"] == 1
    by_words.write_text("object,attribute,value\nUse a stream for letters,Status,Accepted\nNobody,age,7\n")
    told = destiny("trust", "label", grown.project, "--csv", str(by_words), "--json").document
    assert (told["claims"], told["changed"], told["unknown"]) == (1, 1, ["Nobody: age = 7"])
    assert destiny("trust", "label", grown.project, status[:8], "none", "--json").document["changed"] == 1
    again = destiny("trust", "label", grown.project, status[:8], "none")
    assert (again.code, "taken back already" in again.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("0123abcd", "true"), "is no claim of"),
        (("0123abcd", "none"), "Nobody labelled"),
        (("0123abcd", "maybe"), "is no verdict: write true or false"),
        (("0123abcd",), "Give a claim and true, false or none"),
        ((), "Give a claim and true, false or none"),
        (("--csv", "/nowhere.csv"), "cannot be read as CSV"),
    ],
)
def test_a_label_that_cannot_be_kept_is_refused_in_a_sentence(
    destiny: Destiny, grown: Growth, arguments: tuple[str, ...], said: str
) -> None:
    done = destiny("trust", "label", grown.project, *arguments)
    assert done.code == 1
    assert said in done.err


def test_nothing_is_suggested_where_nothing_is_contested(destiny: Destiny, grown: Growth) -> None:
    assert destiny("trust", "suggest", grown.project, "--json").document["slots"] == []
    assert "Nothing is contested" in destiny("trust", "suggest", grown.project).out


def test_families_are_made_shown_and_parted(destiny: Destiny, grown: Growth) -> None:
    assert destiny("trust", "family", grown.project, "Press", "Ann", "Ben", "--json").document["changed"] == 2
    assert destiny("trust", "family", grown.project, "Press", "Ann", "--json").document["changed"] == 0
    found = destiny("trust", "families", grown.project, "--json").document
    assert (found["families"], found["proposed"]) == ({"Ann": "Press", "Ben": "Press"}, [])
    assert "Press" in destiny("trust", "families", grown.project).out
    wrong = destiny("trust", "family", grown.project, "Press", "Cy", "--apart")
    assert (wrong.code, "'Cy' is not of the family" in wrong.err) == (1, True)
    assert (
        destiny("trust", "family", grown.project, "Press", "Ann", "Ben", "--apart", "--json").document["changed"] == 2
    )


def test_predicates_with_several_values_are_shown_and_said(destiny: Destiny, grown: Growth) -> None:
    said = destiny("trust", "values", grown.project, "Price", "several", "--json").document
    assert (said["said"], said["changed"]) == ({"price": True}, True)
    assert "price" in destiny("trust", "values", grown.project).out
    assert "As it was" in destiny("trust", "values", grown.project, "price", "several").out
    for wrong in (("price", "many"), ("price",), ("*", "several")):
        refused = destiny("trust", "values", grown.project, *wrong)
        assert (refused.code, "write one, several or rule" in refused.err) == (1, True)
    assert destiny("trust", "values", grown.project, "price", "rule", "--json").document["said"] == {}


def test_calibration_and_truth_suites_are_shown(destiny: Destiny, grown: Growth, tmp_path: Path) -> None:
    assert "No label was judged yet" in destiny("trust", "calibration", grown.project).out
    rows = [f"peak {peak},height,atlas {source},{peak + 1_000}" for peak in range(12) for source in range(3)]
    (tmp_path / "claims.csv").write_text("object,attribute,source,value\n" + "\n".join(rows))
    (tmp_path / "truth.csv").write_text("object,attribute,value\npeak 1,height,1001\npeak 2,height,1002\n")
    attached = destiny("trust", "suite", grown.project, str(tmp_path), "--json").document
    assert (attached["suite"], attached["truths"]) == (tmp_path.name, 2)
    measure_trust(grown.layers.ledger, grown.project, Silence())
    found = destiny("trust", "calibration", grown.project, "--json").document
    assert found["calibration"] == []
    (one,) = found["benchmarks"]
    assert (one["labels"], one["scored"], one["metrics"]["methods"]["destiny"]["precision"]) == (0, 2, 1.0)
    assert "majority" in destiny("trust", "calibration", grown.project).out
    refused = destiny("trust", "suite", grown.project, str(tmp_path / "nowhere"))
    assert (refused.code, "holds no claims.csv" in refused.err) == (1, True)
