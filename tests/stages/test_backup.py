"""Backup while a generation is built, restore into servers of another home, and the same answers from there."""

import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from destiny_assets.adapters.backups import BackupFolder, open_backup
from destiny_assets.adapters.postgres.benchmarks import Suite
from destiny_assets.errors import ConflictError, NotFoundError
from destiny_assets.local import supervisor
from destiny_assets.serving.service import KnowledgeService
from destiny_assets.settings import URL_VARIABLES, Stores
from destiny_assets.stages.backup import Home, golden_rankings, make_backup, restore_backup
from tests.stages.growing import Growth, Layers, Silence, open_layers

RAIN = "notes/rain.txt"
GOLDEN = Suite(
    "letters", {"q1": "how do letters wait", "q2": "who repairs a bicycle"}, {"q1": {RAIN: 1}, "q2": {RAIN: 1}}
)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Layers]:
    """Four empty layers of another home."""
    home = Path(tempfile.mkdtemp(prefix="destiny-"))
    try:
        urls = supervisor.start(home)
        with open_layers(Stores(*(urls[name] for name in URL_VARIABLES))) as layers:
            yield layers
    finally:
        supervisor.stop(home)
        shutil.rmtree(home)


@pytest.fixture
def folder(tmp_path: Path) -> BackupFolder:
    return BackupFolder(tmp_path / "backups")


def saved(growth: Growth, folder: BackupFolder, *, keep: int = 3) -> dict[str, Any]:
    layers = growth.layers
    return make_backup(layers.ledger, layers.originals, folder, keep=keep, progress=Silence())


def restored(folder: BackupFolder, layers: Layers, *, replace: bool = True) -> dict[str, Any]:
    home = Home(layers.ledger, layers.originals, layers.vectors, layers.graph)
    return restore_backup(folder.backups()[0], home, replace=replace, progress=Silence())


def grown(growth: Growth) -> int:
    """Two generations with a death in between, and a third that is left half-built."""
    growth.layers.ledger.benchmarks.attach(growth.project, GOLDEN)
    growth.run()
    growth.write(RAIN, "Rain is welcome in May.\n")
    growth.delete("notes/archive.rst")
    number = growth.run().number
    growth.write("new.md", "# New\n\nA document of the generation that is being built.\n")
    growth.run(until="links")
    return number


def test_a_restored_home_is_the_one_that_was_saved_and_the_next_ingest_completes_what_was_being_built(
    growth: Growth, elsewhere: Layers, folder: BackupFolder
) -> None:
    number = grown(growth)
    expected = golden_rankings(growth.layers.ledger, growth.service(), growth.project, number)
    made = saved(growth, folder)
    # What comes after the backup is not in it.
    growth.run()

    done = restored(folder, elsewhere)
    state = done["projects"][growth.project]
    assert (done["ok"], done["model_calls"], state["generation"], state["unfinished"]) == (True, 0, number, True)
    assert done["originals"] == made["originals"]["named"]
    assert state["counts"] == growth.layers.ledger.reading.counts(growth.project, number)

    copy = Growth(elsewhere, growth.project, growth.folder)
    assert golden_rankings(elsewhere.ledger, copy.service(), growth.project, number) == expected
    for generation in (1, 2):
        known = elsewhere.ledger.generations.number(growth.project, generation)
        copy.require_agreement(known)
        assert copy.seen(known) == growth.seen(growth.layers.ledger.generations.number(growth.project, generation))
    with pytest.raises(NotFoundError):
        elsewhere.ledger.generations.number(growth.project, 4)
    third = copy.run()
    assert (third.number, "new.md" in copy.uris(third)) == (number + 1, True)
    assert copy.reports["embeddings"]["texts"] == 0
    assert copy.nodes().keys() == growth.nodes().keys()
    assert copy.points() == growth.points()


def test_every_backup_taken_while_an_ingest_runs_is_whole_and_of_one_moment(
    growth: Growth, elsewhere: Layers, folder: BackupFolder
) -> None:
    first = growth.run()
    growth.write(RAIN, "Rain is welcome in May.\n")
    growth.delete("notes/archive.rst")
    with ThreadPoolExecutor(1) as threads:
        ingest = threads.submit(growth.run)
        while not ingest.done():
            saved(growth, folder, keep=1_000)
    second = ingest.result()
    taken = folder.backups()
    for backup in taken:
        backup.verify()
    states = [(held["generation"], held["unfinished"]) for held in (b.manifest.projects[growth.project] for b in taken)]
    assert set(states) <= {(first.number, False), (first.number, True), (second.number, False)}
    building = [backup for backup, state in zip(taken, states, strict=True) if state == (first.number, True)]
    assert len(building) > 1

    home = Home(elsewhere.ledger, elsewhere.originals, elsewhere.vectors, elsewhere.graph)
    done = restore_backup(building[len(building) // 2], home, replace=True, progress=Silence())
    assert (done["ok"], done["projects"][growth.project]["generation"]) == (True, first.number)
    copy = Growth(elsewhere, growth.project, growth.folder)
    copy.require_agreement(elsewhere.ledger.generations.number(growth.project, first.number))
    assert copy.seen(elsewhere.ledger.generations.number(growth.project, first.number)) == growth.seen(
        growth.layers.ledger.generations.number(growth.project, first.number)
    )


def test_saving_what_was_restored_gives_the_same_bytes(
    growth: Growth, elsewhere: Layers, folder: BackupFolder, tmp_path: Path
) -> None:
    growth.run()
    saved(growth, folder)
    restored(folder, elsewhere)
    again = BackupFolder(tmp_path / "again")
    make_backup(elsewhere.ledger, elsewhere.originals, again, keep=1, progress=Silence())
    one, two = folder.backups()[0].manifest, again.backups()[0].manifest
    assert {t.name: t.sha256 for t in one.tables if t.name != "generation"} == {
        t.name: t.sha256 for t in two.tables if t.name != "generation"
    }
    assert (one.projects, one.originals, one.originals_sha256) == (two.projects, two.originals, two.originals_sha256)


def test_a_second_backup_copies_what_is_new_and_old_ones_go_with_the_originals_only_they_named(
    growth: Growth, folder: BackupFolder
) -> None:
    growth.run()
    first = saved(growth, folder)
    growth.write(RAIN, "Rain is welcome in May.\n")
    growth.run()
    second = saved(growth, folder)
    assert (first["originals"]["copied"] >= 10, second["originals"]["copied"]) == (True, 1)
    assert [str(backup.folder) for backup in folder.backups()] == [second["backup"], first["backup"]]
    lost = folder.originals.put(growth.project, b"an original that no backup names")
    third = saved(growth, folder, keep=1)
    assert (third["removed"], third["originals"]["copied"]) == (2, 0)
    assert lost not in set(folder.originals.ids(growth.project))
    folder.backups()[0].verify()


def test_a_damaged_backup_is_refused_before_anything_is_touched(
    growth: Growth, elsewhere: Layers, folder: BackupFolder
) -> None:
    growth.run()
    saved(growth, folder)
    before = elsewhere.ledger.projects.names()
    table = folder.backups()[0].folder / "ledger" / "chunk.copy.gz"
    table.write_bytes(table.read_bytes()[:-20])
    with pytest.raises(ConflictError, match=r"chunk\.copy\.gz is damaged"):
        restored(folder, elsewhere)
    assert elsewhere.ledger.projects.names() == before


def test_a_backup_that_was_cut_short_is_never_taken_for_one(growth: Growth, folder: BackupFolder) -> None:
    class CutShortError(Exception):
        """Stands for a death: nothing below may rely on its being handled."""

    class Dying(Silence):
        def advance(self, stage: str, done: int, total: int) -> None:  # noqa: ARG002
            if stage == "originals":
                raise CutShortError

    growth.run()
    layers = growth.layers
    with pytest.raises(CutShortError):
        make_backup(layers.ledger, layers.originals, folder, keep=3, progress=Dying())
    assert folder.backups() == []
    with pytest.raises(NotFoundError, match="holds no whole backup"):
        open_backup(folder.originals._root.parent)
    assert saved(growth, folder)["projects"][growth.project]["generation"] == 1


def test_a_restore_that_was_cut_short_shows_readers_nothing_and_is_taken_up_again(
    growth: Growth, elsewhere: Layers, folder: BackupFolder
) -> None:
    class CutShortError(Exception):
        """Stands for a death in the middle of a layer."""

    class Dying(Silence):
        def advance(self, stage: str, done: int, total: int) -> None:  # noqa: ARG002
            if stage == "graph":
                raise CutShortError

    growth.run()
    saved(growth, folder)
    home = Home(elsewhere.ledger, elsewhere.originals, elsewhere.vectors, elsewhere.graph)
    with pytest.raises(CutShortError):
        restore_backup(folder.backups()[0], home, replace=True, progress=Dying())
    with pytest.raises(NotFoundError, match="nothing published"):
        KnowledgeService(elsewhere.ledger, elsewhere.vectors, lambda: growth.embedder).search(growth.project, "letters")
    # Not asked to replace anything: it is the same restore.
    assert restored(folder, elsewhere, replace=False)["ok"]
    with pytest.raises(ConflictError, match="holds knowledge already"):
        restored(folder, elsewhere, replace=False)
