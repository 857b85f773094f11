"""Two projects on the same servers, fed from the same documents, do not see each other."""

from pathlib import Path

from tests.stages.growing import DOCUMENTS, Growth, Layers, growing

STAMPS = "handbook/stamps.md"


def test_what_one_project_holds_is_found_in_no_other(growth: Growth, layers: Layers, tmp_path: Path) -> None:
    ours = growth.run()
    with growing(
        layers, tmp_path / "theirs", {"secret.md": "# Secret\n\nThe vault opens with seven stamps.\n"}
    ) as other:
        theirs = other.run()
        found = other.service().search(other.project, "stamps letters courier queue", k=50)
        assert {hit.uri for hit in found.hits} == {"secret.md"}
        assert "secret.md" not in {hit.uri for hit in growth.service().search(growth.project, "vault", k=50).hits}
        chunks = [id_ for id_, held in growth.nodes().items() if "preview" in held]
        assert layers.graph.neighbours(growth.project, chunks, ours.number)
        assert layers.graph.neighbours(other.project, chunks, theirs.number) == []
        assert layers.ledger.reading.passages(other.project, 1, list(growth.seen(ours))) == {}
        assert not growth.nodes().keys() & other.nodes().keys()
        growth.require_agreement(ours)
        other.require_agreement(theirs)


def test_the_same_documents_in_two_projects_are_two_sets_of_rows(
    growth: Growth, layers: Layers, tmp_path: Path
) -> None:
    ours = growth.run()
    with growing(layers, tmp_path / "twin") as twin:
        theirs = twin.run()
        assert growth.seen(ours) == twin.seen(theirs)
        twin.delete(STAMPS)
        second = twin.run()
        assert twin.uris(second) == set(DOCUMENTS) - {STAMPS}
        growth.require_agreement(ours)
        assert growth.uris(ours) == set(DOCUMENTS)
    growth.require_agreement(ours)
    assert growth.run() == ours
