"""Merges through the real stages: in the ledger, the graph and the scores; and all of them as before when one is taken back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from destiny_assets.adapters.postgres.claim_reading import StoredClaim
from destiny_assets.adapters.postgres.facts import merges_of_the_dead
from destiny_assets.domain.generations import Generation
from destiny_assets.domain.identity.entities import merge_id
from destiny_assets.domain.linking.names import EntityKind, entity_id, entity_key
from destiny_assets.errors import NotFoundError
from destiny_assets.serving.circuits import Circuits
from destiny_assets.serving.health import diagnose
from destiny_assets.serving.library import Library
from tests.stages.growing import Growth, Layers, growing


def prices(author: str, price: int, of: str = "Small") -> str:
    head = f"---\ntitle: Prices as {author} saw them {price}\nauthor: {author}\ndate: 2024-0{price}-01\n---\n\n# Prices\n\n"
    return f"{head}| Parcel | Price |\n|---|---|\n| {of} | {price} crowns |\n| Shelf of {author} | 2 crowns |\n"


DOCUMENTS = {
    "a.md": prices("Michael J. Sullivan", 3),
    "b.md": prices("Michael Sullivan", 3),
    "c.md": prices("Ben Cole", 4),
    "d.md": prices("Michael Sullivan", 5, "Large"),
    "notes.md": "# Notes of the day\n\nWet letters are dried on the stove.\n",
}
FULL, SHORT = (entity_id(entity_key(EntityKind.PERSON, name)) for name in ("Michael J. Sullivan", "Michael Sullivan"))
MERGE = merge_id(FULL, SHORT)


@pytest.fixture
def post(layers: Layers, tmp_path: Path) -> Iterator[Growth]:
    with growing(layers, tmp_path / "post", DOCUMENTS) as project:
        yield project


SCORES = {
    "claim_probability": "id::text, slot_id::text, probability, score, standing, believed, contested, label, components::text",
    "source_reliability": "id::text, witness, predicate, complete, coarse, level, copies",
    "trust_score": "id::text, score, components::text",
    "entity": "id::text, key, name",
    "mention": "id::text, entity_id::text, chunk_id::text",
}


def fingerprints(growth: Growth, generation: Generation) -> dict[str, list[str]]:
    """All that a reader of a generation finds in graph, vectors and scores, but for since when."""
    shown = {"p": growth.project, "g": generation.number}
    found: dict[str, list[str]] = {"vectors": [], "nodes": [], "edges": []}

    def told(properties: dict[str, Any]) -> str:
        kept = {k: v for k, v in properties.items() if k not in ("key", "id", "born", "died", "chunk")}
        return json.dumps(kept, sort_keys=True, default=str)

    for payload, vectors in growth.points().values():
        if payload["born"] <= generation.number < payload["died"]:
            found["vectors"].append(told(payload) + json.dumps(vectors, sort_keys=True))
    visible = "WHERE n.project = $p AND n.born <= $g AND $g < n.died"
    with growth.layers.graph._driver.session() as session:
        for (properties,) in session.run(f"MATCH (n) {visible} RETURN properties(n)", **shown):
            found["nodes"].append(told(dict(properties)))
        edges = f"MATCH (a)-[n]->(b) {visible} RETURN type(n), properties(n), a.item, b.item"
        for type_, properties, source, target in session.run(edges, **shown):
            found["edges"].append(f"{type_} {source} {target} {told(dict(properties))}")
    with growth.layers.ledger.transaction() as cursor:
        for table, columns in SCORES.items():
            rows = cursor.execute(
                f"select {columns} from {table} where project = %(p)s and born <= %(g)s and died > %(g)s", shown
            )
            found[table] = [str(sorted(row.items())) for row in rows]
    return {name: sorted(items) for name, items in found.items()}


def keep_apart(growth: Growth) -> None:
    with growth.layers.ledger.transaction() as cursor:
        cursor.execute(
            "insert into undone_merge (project, merge_id, kept_name, absorbed_name, undone_by) values (%s, %s, 'a', 'b', 'test')",
            (growth.project, MERGE),
        )


def test_a_merge_taken_back_leaves_graph_vectors_and_scores_as_they_were_before_it(post: Growth) -> None:
    keep_apart(post)
    apart = post.run()
    before = fingerprints(post, apart)
    assert all(before.values())
    with post.layers.ledger.transaction() as cursor:
        cursor.execute("delete from undone_merge where project = %s", (post.project,))
    post.write("notes.md", DOCUMENTS["notes.md"] + "\nSo they were on Monday.\n")
    together = post.run()
    (merge,) = post.service().identities.shown(post.project).merges
    assert (merge.id, merge.kept, merge.absorbed) == (MERGE, "Michael J. Sullivan", "Michael Sullivan")
    merged = fingerprints(post, together)
    # One voice: what the two bore out for each other counts once.
    for name in ("edges", "claim_probability", "source_reliability"):
        assert merged[name] != before[name]
    assert (merged["entity"], merged["mention"]) != ([], [])
    # What readers of the older generation find is what they found.
    assert fingerprints(post, apart) == before

    undone = post.service().identities.undo(post.project, MERGE[:8], "ann")
    assert (undone.changed, undone.merge.id) == (True, MERGE)
    assert post.service().identities.undo(post.project, MERGE, "ben").changed is False
    post.write("notes.md", DOCUMENTS["notes.md"])
    after = post.run()
    assert fingerprints(post, after) == before
    assert fingerprints(post, together) == merged
    layers = post.layers
    assert diagnose(layers.ledger, layers.originals, layers.vectors, layers.graph, post.project).ok
    # Never again, whatever else changes.
    post.write("e.md", prices("Michael J. Sullivan", 6, "Medium"))
    post.run()
    assert post.service().identities.shown(post.project).merges == []
    (kept,) = post.service().identities.shown(post.project).undone
    assert (kept.id, kept.undone_by) == (MERGE, "ann")


def rooms(person: str, room: int) -> str:
    return f"# Rooms in the year {room}\n\n| Colleague | Room |\n|---|---|\n| {person} | {room} |\n"


def test_claims_about_two_spellings_of_one_subject_compete_until_the_merge_is_taken_back(post: Growth) -> None:
    keep_apart(post)
    post.write("e.md", rooms("Michael J. Sullivan", 12))
    post.write("f.md", rooms("Michael Sullivan", 14))
    apart = post.run()
    before = fingerprints(post, apart)
    service = post.service()

    def told() -> dict[str, StoredClaim]:
        return {one.subject: one for one in service.claims.shown(post.project, predicate="room").claims}

    assert {(subject, one.contested) for subject, one in told().items()} == {
        ("Michael J. Sullivan", False),
        ("Michael Sullivan", False),
    }
    with post.layers.ledger.transaction() as cursor:
        cursor.execute("delete from undone_merge where project = %s", (post.project,))
    post.write("notes.md", DOCUMENTS["notes.md"] + "\nSo they were on Monday.\n")
    together = post.run()
    full, short = told()["Michael J. Sullivan"], told()["Michael Sullivan"]
    assert (full.contested, short.contested) == (True, True)
    assert full.slot_id == short.slot_id
    assert full.probability + short.probability < 1
    why = service.claims.explained(post.project, full.id)
    assert [rival.value for rival in why.against] == ["14"]
    assert [one.id for one in why.identities] == [MERGE]
    (slot,) = [slot for slot in service.claims.suggested(post.project).slots if slot.predicate == "room"]
    assert {one.value for one in slot.claims} == {"12", "14"}
    merged = fingerprints(post, together)

    # What one of them says no more leaves the other alone in the slot of both, and comes back to it.
    post.delete("e.md")
    post.run()
    assert [(one.subject, one.contested) for one in told().values()] == [("Michael Sullivan", False)]
    post.write("e.md", rooms("Michael J. Sullivan", 12))
    assert fingerprints(post, post.run())["claim_probability"] == merged["claim_probability"]

    service.identities.undo(post.project, MERGE, "ann")
    post.write("notes.md", DOCUMENTS["notes.md"])
    assert fingerprints(post, post.run()) == before
    assert post.layers.ledger.merges.joined_slots(post.project) == []


def test_an_undo_alone_is_a_new_generation_and_an_unchanged_run_compares_nothing(post: Growth) -> None:
    post.run()
    assert post.reports["identities"]["merges"] == 1
    post.run()
    assert post.reports["identities"] | {"model": ""} == {
        "model": "",
        "compared": 0,
        "written": 0,
        "merges": 1,
        "undone": 0,
    }
    assert post.reports["published"]["published"] is False
    post.service().identities.undo(post.project, MERGE, "ann")
    assert post.layers.ledger.merges.undone_and_shown(post.project, 1) == [MERGE]
    post.run()
    assert (post.reports["documents"]["read"], post.reports["published"]["published"]) == (0, True)
    assert post.reports["beliefs"]["judged"] > 0
    post.run()
    assert post.reports["published"]["published"] is False


def test_readers_see_who_is_taken_for_whom(post: Growth) -> None:
    generation = post.run()
    layers, project, number = post.layers, post.project, generation.number
    assert merges_of_the_dead(layers.ledger, generation) == []
    service = post.service()
    claims = {(one.subject, one.value): one for one in service.claims.shown(project, predicate="price").claims}
    # Two spellings of one witness bear each other out no more than one does: the claim of a third weighs as much.
    two, alone = claims["Small", "3 crowns"], claims["Small", "4 crowns"]
    assert two.witnesses == ["Michael J. Sullivan", "Michael Sullivan"]
    assert two.score == pytest.approx(alone.score, abs=0.5)
    explained = service.claims.explained(project, two.id)
    assert [(one.absorbed, one.kept) for one in explained.identities] == [("Michael Sullivan", "Michael J. Sullivan")]
    # Its places share one vote.
    assert {term["witness"] for term in explained.terms} == {"Michael J. Sullivan"}
    assert sum(term["log_odds"] for term in explained.terms) == pytest.approx(two.score)
    assert service.claims.explained(project, alone.id).identities == []

    library = Library(layers.ledger, layers.originals, layers.graph, Circuits())
    full, short = (library.entity(project, number, id_, 20) for id_ in (FULL, SHORT))
    assert (full.entity.also, full.entity.read_as) == (["Michael Sullivan"], None)
    assert (short.entity.also, short.entity.read_as) == ([], FULL)
    assert {mention.uri for mention in full.mentions} >= {"a.md", "b.md", "d.md"}
    assert full.entity.mentions == len(full.mentions) > short.entity.mentions
    around = library.neighbourhood(project, number, SHORT, 50)
    (edge,) = [edge for edge in around.edges if edge.type == "SAME_AS"]
    assert (edge.node.id, edge.outgoing) == (FULL, True)
    with pytest.raises(NotFoundError, match="is no merge"):
        service.identities.one(project, "deadbeef")


def test_a_merge_ends_with_one_of_its_entities_and_when_it_can_no_longer_be_told(post: Growth) -> None:
    post.run()
    post.write("e.md", prices("Michael K. Sullivan", 6, "Medium"))
    post.run()
    assert post.reports["identities"]["merges"] == 0
    post.delete("e.md")
    post.run()
    assert post.reports["identities"]["merges"] == 1
    post.delete("a.md")
    post.run()
    assert post.reports["identities"]["merges"] == 0
