"""The stages end to end on ten documents: what changes is redone, what does not is left alone, in all four layers."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from destiny_assets.adapters.embedders.factory import open_embedder
from destiny_assets.adapters.postgres.projects import Source
from destiny_assets.domain.graph import FOREVER
from destiny_assets.domain.near_duplicates import signature
from destiny_assets.errors import ConflictError
from tests.fakes.embedder import HashingEmbedder
from tests.stages.growing import DOCUMENTS, Growth

STAMPS, RAIN = "handbook/stamps.md", "notes/rain.txt"
DEARER = DOCUMENTS[STAMPS].replace("three crowns", "four crowns")


def test_a_first_run_publishes_what_the_folder_holds(growth: Growth) -> None:
    first = growth.run()
    assert (first.number, first.current, first.state) == (1, True, "published")
    assert growth.uris(first) == set(DOCUMENTS)
    assert first.model_id == growth.embedder.model_id
    assert growth.reports["embeddings"]["texts"] == growth.reports["chunks"]["total"] == len(growth.points())
    assert growth.reports["graph"]["Document"] == len(DOCUMENTS)


def test_a_run_in_which_nothing_changed_writes_nothing_and_asks_no_model(growth: Growth) -> None:
    first = growth.run()
    points, nodes, asked = growth.points(), growth.nodes(), growth.embedder.usage.calls
    again = growth.run()
    assert again == first
    assert growth.reports["published"] == {"published": False, "reason": "nothing changed"}
    assert [generation.number for generation in growth.layers.ledger.generations.all(growth.project)] == [1]
    assert (growth.points(), growth.nodes()) == (points, nodes)
    assert growth.embedder.usage.calls == asked
    assert growth.reports["chunks"]["documents"] == growth.reports["links"]["relinked"] == 0
    assert growth.reports["documents"]["unchanged"] == len(DOCUMENTS)
    assert growth.reports["vectors"]["upserted"] == growth.reports["graph"]["written"] == 0
    assert growth.reports["trust"]["written"] == 0


def test_an_edit_leaves_every_other_chunk_with_its_id_vector_and_node(growth: Growth) -> None:
    first = growth.run()
    seen, points, nodes = growth.seen(first), growth.points(), growth.nodes()
    growth.write(STAMPS, DEARER)
    second = growth.run()
    assert second.number == 2
    now = growth.seen(second)
    gone, fresh = seen.keys() - now.keys(), now.keys() - seen.keys()
    assert len(gone) == len(fresh) == 1
    assert "four crowns" in now[fresh.pop()]
    assert growth.reports["embeddings"]["texts"] == 1
    untouched = {id_: point for id_, point in growth.points().items() if point == points.get(id_)}
    assert len(untouched) == len(seen) - 1
    chunks = {id_: held for id_, held in nodes.items() if "preview" in held}
    assert sum(growth.nodes()[id_] == held for id_, held in chunks.items()) == len(seen) - 1
    growth.require_agreement(first)


def test_an_edit_to_one_section_leaves_the_other_sections_of_the_document(growth: Growth) -> None:
    first = growth.run()
    bicycles = DOCUMENTS["handbook/bicycles.rst"]
    growth.write("handbook/bicycles.rst", bicycles.replace("oiled on Mondays", "oiled every single Monday and Friday"))
    second = growth.run()
    kept = growth.seen(first).keys() & growth.seen(second).keys()
    repairs = [id_ for id_, text in growth.seen(first).items() if "workshop behind" in text]
    assert set(repairs) <= kept
    (passage,) = growth.layers.ledger.reading.passages(growth.project, 2, repairs).values()
    assert growth.text_of(passage.uri, second)[slice(*passage.span)] == passage.text


def test_an_edit_to_white_space_alone_keeps_every_chunk_at_its_span(growth: Growth) -> None:
    growth.run()
    growth.write(
        "handbook/couriers.md", DOCUMENTS["handbook/couriers.md"].replace("A courier takes", "A courier\ntakes")
    )
    second = growth.run()
    for passage in growth.layers.ledger.reading.passages(growth.project, 2, list(growth.seen(second))).values():
        assert growth.text_of(passage.uri, second)[slice(*passage.span)] == passage.text


def test_a_deleted_document_is_gone_from_the_next_generation_and_stays_in_the_old_one(growth: Growth) -> None:
    first = growth.run()
    between = datetime.now(UTC)
    growth.delete(STAMPS)
    second = growth.run()
    assert growth.uris(second) == set(DOCUMENTS) - {STAMPS}
    assert growth.uris(first) == set(DOCUMENTS)
    growth.require_agreement(first)
    service = growth.service()
    assert STAMPS in {hit.uri for hit in service.search(growth.project, "stamp crowns", as_of=between).hits}
    assert STAMPS not in {hit.uri for hit in service.search(growth.project, "stamp crowns").hits}
    growth.layers.ledger.generations.rollback(growth.project, 1)
    assert STAMPS in {hit.uri for hit in service.search(growth.project, "stamp crowns").hits}


def test_a_run_after_a_rollback_builds_on_the_newest_generation(growth: Growth) -> None:
    growth.run()
    growth.delete(STAMPS)
    growth.run()
    growth.layers.ledger.generations.rollback(growth.project, 1)
    assert growth.run().number == 1
    growth.delete(RAIN)
    third = growth.run()
    assert third.number == 3
    assert growth.uris(third) == set(DOCUMENTS) - {STAMPS, RAIN}


def test_a_document_that_comes_back_is_as_it_was_and_asks_no_model(growth: Growth) -> None:
    first = growth.run()
    growth.delete(STAMPS)
    second = growth.run()
    asked = growth.embedder.usage.calls
    growth.write(STAMPS, DOCUMENTS[STAMPS])
    third = growth.run()
    assert growth.seen(third) == growth.seen(first)
    assert growth.embedder.usage.calls == asked
    for generation in (first, second):
        growth.require_agreement(generation)
    assert growth.uris(second) == set(DOCUMENTS) - {STAMPS}


def test_a_renamed_document_moves_and_its_texts_are_not_embedded_again(growth: Growth) -> None:
    growth.run()
    asked = growth.embedder.usage.calls
    growth.delete(STAMPS)
    growth.write("handbook/postage.md", DOCUMENTS[STAMPS])
    second = growth.run()
    assert growth.uris(second) == (set(DOCUMENTS) - {STAMPS}) | {"handbook/postage.md"}
    assert growth.embedder.usage.calls == asked


def test_a_project_whose_documents_are_all_deleted_is_published_empty(growth: Growth) -> None:
    first = growth.run()
    for name in DOCUMENTS:
        growth.delete(name)
    second = growth.run()
    assert (second.number, growth.uris(second)) == (2, set())
    assert growth.service().search(growth.project, "letters").hits == []
    assert growth.uris(first) == set(DOCUMENTS)


class TestQuarantine:
    """What cannot be read waits with a reason; the rest goes on."""

    def test_a_broken_document_is_quarantined_and_the_others_are_published(self, growth: Growth) -> None:
        growth.write("broken.pdf", b"%PDF-1.4 this is no PDF at all")
        growth.write("empty.md", "")
        first = growth.run()
        assert growth.uris(first) == set(DOCUMENTS)
        waiting = {item.uri: item for item in growth.layers.ledger.projects.quarantined(growth.project)}
        assert set(waiting) == {"broken.pdf", "empty.md"}
        assert (waiting["empty.md"].reason, waiting["broken.pdf"].stage) == ("empty", "documents")
        assert waiting["broken.pdf"].reason in ("broken", "unsupported")

    def test_the_old_version_stays_readable_until_the_document_is_mended(self, growth: Growth) -> None:
        first = growth.run()
        growth.write(STAMPS, "")
        assert growth.run() == first
        assert STAMPS in growth.uris(first)
        growth.write(STAMPS, DEARER)
        second = growth.run()
        assert any("four crowns" in text for text in growth.seen(second).values())
        assert growth.layers.ledger.projects.quarantined(growth.project) == []

    def test_a_broken_document_is_tried_again_only_when_it_changed(self, growth: Growth) -> None:
        growth.write("empty.md", "")
        growth.run()
        growth.run()
        assert [item.tries for item in growth.layers.ledger.projects.quarantined(growth.project)] == [1]
        growth.write("empty.md", " ")
        growth.run()
        assert [item.tries for item in growth.layers.ledger.projects.quarantined(growth.project)] == [2]

    def test_a_broken_document_that_is_deleted_is_forgotten(self, growth: Growth) -> None:
        growth.write("empty.md", "")
        growth.run()
        growth.delete("empty.md")
        growth.run()
        assert growth.layers.ledger.projects.quarantined(growth.project) == []

    def test_what_was_quarantined_of_a_detached_source_is_forgotten(self, growth: Growth) -> None:
        growth.write("empty.md", "")
        growth.run()
        growth.layers.ledger.projects.remove_source(growth.project, "folder")
        growth.run()
        assert growth.layers.ledger.projects.quarantined(growth.project) == []

    def test_a_folder_that_is_away_keeps_its_documents_until_it_is_back(self, growth: Growth) -> None:
        first = growth.run()
        away = growth.folder.rename(growth.folder.with_name("away"))
        assert growth.run() == first
        (trouble,) = growth.layers.ledger.projects.quarantined(growth.project)
        assert (trouble.source, trouble.reason, trouble.uri) == ("folder", "unreachable", "")
        assert growth.reports["documents"]["unchanged"] == len(DOCUMENTS)
        away.rename(growth.folder)
        growth.delete(RAIN)
        assert growth.uris(growth.run()) == set(DOCUMENTS) - {RAIN}
        assert growth.layers.ledger.projects.quarantined(growth.project) == []


class TestSources:
    """Several sources in one project."""

    def test_a_detached_source_takes_its_documents_along(self, growth: Growth, tmp_path: Path) -> None:
        (tmp_path / "more").mkdir()
        (tmp_path / "more" / "stamps.md").write_text("# Stamps of old\n\nStamps once cost a single crown.\n")
        growth.layers.ledger.projects.add_source(growth.project, Source("more", "files", str(tmp_path / "more")))
        first = growth.run()
        assert growth.uris(first) == {*DOCUMENTS, "stamps.md"}
        growth.layers.ledger.projects.remove_source(growth.project, "more")
        second = growth.run()
        assert growth.uris(second) == set(DOCUMENTS)
        assert "stamps.md" in growth.uris(first)

    def test_the_same_text_in_two_sources_is_embedded_once_and_trusted_more(
        self, growth: Growth, tmp_path: Path
    ) -> None:
        growth.run()
        asked = growth.embedder.usage.texts
        before = growth.layers.ledger.reading.trust(growth.project, 1, STAMPS).score
        (tmp_path / "copy").mkdir()
        (tmp_path / "copy" / "postage.md").write_text(DOCUMENTS[STAMPS])
        growth.layers.ledger.projects.add_source(growth.project, Source("copy", "files", str(tmp_path / "copy")))
        growth.run()
        assert growth.embedder.usage.texts == asked
        assert growth.layers.ledger.reading.trust(growth.project, 2, STAMPS).score > before


@pytest.mark.parametrize("killed_after", ["documents", "chunks", "embeddings", "vectors", "links", "graph", "trust"])
def test_a_run_killed_half_way_is_finished_by_the_next_one_whatever_changed_meanwhile(
    growth: Growth, killed_after: str
) -> None:
    first = growth.run()
    before = growth.seen(first)
    growth.write(STAMPS, DEARER)
    growth.write("notes/new.md", "# New\n\nThe new courier starts in June, and her name is Ingeborg.\n")
    growth.delete(RAIN)
    unfinished = growth.run(until=killed_after)
    assert (unfinished.number, unfinished.state) == (2, "building")
    assert growth.layers.ledger.generations.current(growth.project) == first
    assert growth.seen(first) == before
    growth.delete("notes/new.md")
    growth.write(STAMPS, DOCUMENTS[STAMPS].replace("three crowns", "five crowns"))
    growth.write(RAIN, DOCUMENTS[RAIN])
    growth.delete("handbook/holidays.md")
    second = growth.run()
    assert second.number == 2
    assert growth.uris(second) == set(DOCUMENTS) - {"handbook/holidays.md"}
    text = " ".join(growth.seen(second).values())
    assert "five crowns" in text
    assert "four crowns" not in text
    assert "Ingeborg" not in " ".join(str(held) for held in growth.nodes().values())
    growth.require_agreement(first)
    assert growth.seen(first) == before


def test_a_title_changed_after_a_killed_run_is_the_one_the_graph_shows(growth: Growth) -> None:
    growth.run(until="graph")
    growth.write(STAMPS, DOCUMENTS[STAMPS].replace("# Stamps", "# Postage"))
    growth.run()
    names = {held["name"] for held in growth.nodes().values() if held.get("kind") == "document"}
    assert "Postage" in names
    assert "Stamps" not in names


class TestHealing:
    """A layer changed behind Destiny's back is brought back by the next run."""

    def test_a_dropped_collection_is_filled_again_without_the_model(self, growth: Growth) -> None:
        first = growth.run()
        points = growth.points()
        growth.layers.vectors.drop(first.collection or "")
        assert growth.agreement(first)["vectors"] == (len(points), 0)
        growth.write(STAMPS, DEARER)
        second = growth.run()
        growth.require_agreement(second)
        assert growth.reports["embeddings"]["texts"] == 1
        kept = points.keys() & growth.points().keys()
        assert len(kept) == len(points) - 1
        assert all(growth.points()[id_] == points[id_] for id_ in kept)

    @pytest.mark.parametrize("kind", ["preview", "slug"])
    def test_graph_nodes_that_a_change_stands_on_are_put_right_with_all_others(self, growth: Growth, kind: str) -> None:
        first = growth.run()
        lost = [id_ for id_, held in growth.nodes().items() if kind in held]
        growth.layers.graph.remove(growth.project, lost)
        assert growth.agreement(first)["graph"][0] >= len(lost)
        growth.write(STAMPS, DEARER)
        growth.require_agreement(growth.run())

    def test_points_that_lost_their_end_are_put_right(self, growth: Growth) -> None:
        growth.run()
        growth.delete(STAMPS)
        second = growth.run()
        (retired,) = growth.layers.vectors.marked(second.collection or "", "died", 2)
        growth.layers.vectors.set_died(second.collection or "", [retired], 2**31 - 1)
        assert growth.agreement(second)["vectors"] == (0, 1)
        growth.write("notes/new.md", "# New\n\nThe new courier starts in June.\n")
        growth.run()


class Renamed(HashingEmbedder):
    """A model that bears another's name."""

    def __init__(self, name: str, model_id: str) -> None:
        super().__init__(name)
        self._model_id = model_id

    @property
    def model_id(self) -> str:
        return self._model_id


class TestModels:
    """Another embedding model is another collection beside the old one."""

    def test_a_new_model_builds_its_own_collection_and_the_old_generation_keeps_the_old_one(
        self, growth: Growth
    ) -> None:
        first = growth.run()
        growth.embedder = HashingEmbedder("two")
        second = growth.run()
        assert second.number == 2
        assert second.collection != first.collection
        assert growth.reports["embeddings"]["texts"] == growth.reports["chunks"]["total"]
        assert growth.seen(first) == growth.seen(second)
        growth.require_agreement(first)
        assert growth.run() == second

    def test_a_model_that_was_changed_under_its_name_embeds_nothing_and_answers_nothing(self, growth: Growth) -> None:
        first = growth.run()
        growth.embedder = Renamed("two", HashingEmbedder("one").model_id)
        with pytest.raises(ConflictError, match="it was changed under its name"):
            growth.service().search(growth.project, "stamps")
        growth.write(STAMPS, DEARER)
        with pytest.raises(ConflictError, match=r"lowest cosine -?0\.\d+ over 3 of its texts"):
            growth.run()
        growth.embedder = HashingEmbedder("one")
        assert growth.layers.ledger.generations.current(growth.project) == first
        assert growth.service().search(growth.project, "stamps").hits
        assert growth.run().number == 2

    def test_a_model_whose_vectors_have_another_length_writes_into_no_collection(self, growth: Growth) -> None:
        first = growth.run()
        with pytest.raises(ConflictError, match="holds vectors of 64 numbers, the model gives 32"):
            growth.layers.vectors.ensure(first.collection or "", 32)

    def test_questions_are_embedded_by_the_model_of_their_generation_whatever_is_configured(
        self, growth: Growth
    ) -> None:
        growth.embedder = open_embedder("minilm:f32")
        growth.run()
        growth.embedder = HashingEmbedder("one")
        found = growth.service().search(growth.project, "what is the price of postage", recipe="dense")
        assert found.hits[0].uri == STAMPS
        growth.run()
        growth.embedder = HashingEmbedder("two")
        with pytest.raises(ConflictError, match=r"embedded with 'hashing-words/one.*hashing-words/two.*is configured"):
            growth.service().search(growth.project, "postage", recipe="dense")


def test_signatures_of_another_version_are_made_again_and_chunks_keep_their_ids(growth: Growth) -> None:
    before = growth.seen(growth.run())
    ledger, project = growth.layers.ledger, growth.project
    with ledger.transaction() as cursor:
        cursor.execute("update chunk set signature = %s where project = %s", (bytes(8), project))
        cursor.execute("update document_version set chunker = 'of old' where project = %s", (project,))
    second = growth.run()
    assert (second.number, growth.seen(second)) == (2, before)
    with ledger.transaction() as cursor:
        cursor.execute(
            "select id::text as id, signature from chunk where project = %s and died = %s", (project, FOREVER)
        )
        made = {row["id"]: row["signature"] for row in cursor}
    assert made == {id_: signature(text).tobytes() for id_, text in before.items()}


def test_what_a_killed_run_made_of_a_document_that_is_gone_since_is_gone_too(growth: Growth) -> None:
    first = growth.run()
    growth.write("zanzibar.md", "# Zanzibar Protocol\n\nIt supersedes [ADR 7](adr-007-stream.md), says Ada Brook.\n")
    growth.run(until="trust")
    growth.delete("zanzibar.md")
    again = growth.run()
    # It may be a generation of its own, if an entity's name went to and fro; what it shows is the same.
    assert again.facts == first.facts
    assert growth.seen(again) == growth.seen(first)
    growth.require_agreement(first)
