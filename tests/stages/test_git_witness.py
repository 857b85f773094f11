"""A repository as a witness: commits, blame and tags become dated claims of their authors, and what a commit says falls when it is reverted."""

from pathlib import Path
from typing import Any

from destiny_assets.adapters.postgres.projects import Source
from tests.adapters.repositories import Repository
from tests.stages.growing import Growth, vars_of

PRICES = "# Prices of the post\n\n| Parcel | Price |\n|---|---|\n| Small | 3 crowns |\n| Large | 9 crowns |\n"


def claims(growth: Growth) -> dict[tuple[str, str, str], dict[str, Any]]:
    found = growth.service().claims.shown(growth.project, limit=1_000).claims
    return {(one.subject, one.predicate, one.value): vars_of(one) for one in found}


def test_a_reverted_commit_is_taken_back_and_stands_again_when_the_revert_is_reverted(
    growth: Growth, tmp_path: Path
) -> None:
    made = Repository.create(tmp_path / "repository")
    made.write("prices.md", PRICES)
    made.commit("Prices")
    made.git("tag", "--annotate", "v1", "--message", "First prices", author="Cy Dunn")
    made.write("prices.md", PRICES.replace("3 crowns", "4 crowns"))
    dearer = made.commit("Small parcels are dearer", "Ben Reed")
    growth.layers.ledger.projects.remove_source(growth.project, "folder")
    growth.layers.ledger.projects.add_source(growth.project, Source("code", "git", str(made.folder)))
    growth.run()
    name = f"commit {dearer[:12]}"
    changed, author = ("code/prices.md", "change", f"changed in {name}"), (name, "author", "Ben Reed")
    first = claims(growth)
    assert (first[changed]["standing"], first[changed]["witnesses"]) == ("current", ["Ben Reed"])
    # Each row of the table is said by who wrote that row.
    assert first["Small", "price", "4 crowns"]["witnesses"] == ["Ben Reed"]
    assert first["Large", "price", "9 crowns"]["witnesses"] == ["Ada Brook"]
    (tagged,) = [one for (subject, _, _), one in first.items() if subject == "code tag v1"]
    assert tagged["witnesses"] == ["Cy Dunn"]

    made.git("revert", "--no-edit", dearer, author="Ada Brook")
    revert = made.git("rev-parse", "HEAD")
    growth.run()
    second = claims(growth)
    assert (second[changed]["standing"], second[author]["standing"]) == ("retracted", "current")
    assert second[changed]["probability"] < 0.1 < first[changed]["probability"]
    assert ("Small", "price", "4 crowns") not in second
    assert second["Small", "price", "3 crowns"]["standing"] == "current"
    why = growth.service().claims.explained(growth.project, second[changed]["id"])
    assert why.terms[0]["why"] == f"Ada Brook takes back what says so: reverts {name}"
    assert sum(term["log_odds"] for term in why.terms) == why.log_odds

    made.git("revert", "--no-edit", revert, author="Ben Reed")
    growth.run()
    third = claims(growth)
    assert third[changed] == first[changed]
    assert third["code/prices.md", "change", f"changed in commit {revert[:12]}"]["standing"] == "retracted"
    assert growth.reports["beliefs"]["judged"] < growth.reports["claims"]["slots"]
    assert growth.run() == growth.layers.ledger.generations.current(growth.project)
    assert growth.reports["beliefs"]["judged"] == 0
