"""A project that grows from a repository: what moves keeps its vectors, and each passage says who wrote it."""

from pathlib import Path

import pytest

from destiny_assets.adapters.postgres.projects import Source
from destiny_assets.domain.generations import Generation
from destiny_assets.serving.results import Hit
from tests.adapters.repositories import Repository
from tests.stages.growing import Growth

CODE = '''"""How letters travel."""


class Courier:
    """Takes letters to people."""

    def deliver(self, letter):
        """Ring twice, then leave a yellow card."""
        return letter.address

    def report(self):
        """Tell the office what was delivered."""
        return []
'''


@pytest.fixture
def repository(growth: Growth, tmp_path: Path) -> Repository:
    """A repository that is the project's only source."""
    made = Repository.create(tmp_path / "repository")
    made.write("src/courier.py", CODE)
    made.write("docs/stamps.md", "# Stamps\n\nA stamp costs three crowns.\n\nAbroad it costs nine crowns.\n")
    made.commit("Couriers ring twice\n\nPeople did not hear the first bell.")
    growth.layers.ledger.projects.remove_source(growth.project, "folder")
    growth.layers.ledger.projects.add_source(growth.project, Source("code", "git", str(made.folder)))
    return made


def hit(growth: Growth, question: str, uri: str) -> Hit:
    """The best passage of one document."""
    found = growth.service().search(growth.project, question, k=50)
    return next(hit for hit in found.hits if hit.uri == uri)


def born(growth: Growth, table: str, generation: Generation) -> int:
    with growth.layers.ledger.transaction() as cursor:
        row = cursor.execute(
            f"select count(*) as n from {table} where project = %s and born = %s", (growth.project, generation.number)
        ).fetchone()
    assert row is not None
    return int(row["n"])


def test_a_passage_is_headed_by_its_function_and_says_who_wrote_it_when(growth: Growth, repository: Repository) -> None:
    repository.write("src/courier.py", CODE.replace("yellow card", "blue card"))
    change = repository.commit("Blue cards", "Ben Reed")
    growth.run()
    found = hit(growth, "card left after ringing", "src/courier.py")
    assert found.document == "courier.py"
    assert found.heading == ["Courier", "deliver"]
    assert found.authors == ["Ada Brook", "Ben Reed"]
    assert found.revision == change
    assert found.written_at is not None
    assert int(found.written_at.timestamp()) == int(repository.git("log", "-1", "--format=%at"))


def test_why_something_was_changed_is_found_in_its_commit(growth: Growth, repository: Repository) -> None:
    commit = repository.git("rev-parse", "HEAD")
    growth.run()
    found = growth.service().search(growth.project, "why ring twice, people did not hear the first bell").hits[0]
    assert found.uri == f"commits/{commit}"
    assert (found.document, found.authors, found.revision) == ("Couriers ring twice", ["Ada Brook"], commit)


def test_a_second_run_lists_and_writes_nothing(growth: Growth, repository: Repository) -> None:
    first = growth.run()
    documents = growth.reports["documents"]["read"]
    assert growth.run() == first
    assert growth.reports["documents"]["read"] == 0
    assert growth.reports["documents"]["unchanged"] == documents == 3
    assert growth.reports["published"] == {"published": False, "reason": "nothing changed"}


def test_a_renamed_file_is_moved_and_not_embedded_again(growth: Growth, repository: Repository) -> None:
    growth.run()
    repository.git("mv", "docs/stamps.md", "docs/prices.md")
    repository.commit("Prices")
    second = growth.run()
    counts = growth.layers.ledger.documents.counts(growth.project, second.number)
    assert counts == {"added": 1, "changed": 0, "moved": 1, "removed": 0, "total": 4}
    # The commit's own words are all that was new.
    assert growth.reports["embeddings"]["texts"] == 1
    with growth.layers.ledger.transaction() as cursor:
        row = cursor.execute(
            """select v.fields from document d join document_version v on (v.project, v.document_id) = (d.project, d.id)
               where d.project = %s and d.uri = 'docs/prices.md'""",
            (growth.project,),
        ).fetchone()
    assert row is not None
    assert row["fields"]["renamed_from"] == "docs/stamps.md"


def test_a_file_that_was_renamed_and_edited_is_moved_too(growth: Growth, repository: Repository) -> None:
    growth.run()
    repository.git("mv", "src/courier.py", "src/postman.py")
    repository.write("src/postman.py", CODE + "\n\n# The end.\n")
    repository.commit("Postmen")
    second = growth.run()
    counts = growth.layers.ledger.documents.counts(growth.project, second.number)
    assert (counts["added"], counts["moved"], counts["removed"]) == (1, 1, 0)


def test_other_authors_of_the_same_text_change_where_it_stands_and_nothing_else(
    growth: Growth, repository: Repository
) -> None:
    first = growth.run()
    seen, points = growth.seen(first), growth.points()
    before = hit(growth, "stamp costs", "docs/stamps.md")
    repository.write("docs/stamps.md", "# Stamps\n\nAbroad it costs nine crowns.\n")
    repository.commit("Drop a price", "Ben Reed")
    repository.git("revert", "--no-edit", "HEAD", author="Cleo Vance")
    second = growth.run()
    after = hit(growth, "stamp costs", "docs/stamps.md")
    assert after.chunk_id == before.chunk_id
    assert (before.authors, sorted(after.authors)) == (["Ada Brook"], ["Ada Brook", "Cleo Vance"])
    assert after.revision == repository.git("rev-parse", "HEAD")
    commits = 2
    assert born(growth, "placement", second) == 1 + commits
    assert growth.reports["embeddings"]["texts"] == commits
    assert points.items() <= growth.points().items()
    assert seen.keys() <= growth.seen(second).keys()
    # A reader of the first generation sees who had written it then.
    old = growth.layers.ledger.reading.passages(growth.project, first.number, [before.chunk_id])[before.chunk_id]
    assert old.authors == ("Ada Brook",)
    growth.require_agreement(first)


def test_a_branch_that_is_gone_leaves_its_documents(growth: Growth, repository: Repository) -> None:
    first = growth.run()
    repository.git("branch", "--move", "main", "trunk")
    repository.git("symbolic-ref", "HEAD", "refs/heads/main")
    assert growth.uris(growth.run()) == growth.uris(first)
    (told,) = growth.layers.ledger.projects.quarantined(growth.project)
    assert (told.source, told.uri, told.reason) == ("code", "", "unreachable")
    assert "trunk" in told.detail
    repository.git("branch", "--move", "trunk", "main")
    growth.run()
    assert growth.layers.ledger.projects.quarantined(growth.project) == []


def test_a_file_moved_in_a_folder_is_moved_and_not_embedded_again(growth: Growth) -> None:
    growth.run()
    (growth.folder / "handbook" / "stamps.md").rename(growth.folder / "notes" / "prices.md")
    counts = growth.layers.ledger.documents.counts(growth.project, growth.run().number)
    assert (counts["added"], counts["moved"], counts["removed"]) == (0, 1, 0)
    assert growth.reports["embeddings"]["texts"] == 0
