"""``destiny backup | restore``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from destiny_assets.cli.output import AsJson, print_json, print_table, progress_bars, say
from destiny_assets.errors import DestinyError
from destiny_assets.settings import KEPT_BACKUPS, load_settings

if TYPE_CHECKING:
    from destiny_assets.stages.backup import Home


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (backup, restore):
        app.command()(command)


def backup(
    folder: Annotated[Path, typer.Argument(help="A folder of backups; made when it is not there.")],
    keep: Annotated[int, typer.Option(min=1, help="How many backups to keep; older ones go.")] = KEPT_BACKUPS,
    as_json: AsJson = False,
) -> None:
    """Take one consistent copy of all projects, while ingestion goes on; only new originals are copied."""
    from destiny_assets.adapters.backups import BackupFolder
    from destiny_assets.stages.backup import make_backup

    with _home() as home, progress_bars() as progress:
        made = make_backup(home.ledger, home.originals, BackupFolder(folder.absolute()), keep=keep, progress=progress)
    if as_json:
        print_json(made)
        return
    print_table(
        f"Backup {made['backup']}",
        ("project", "generation", "in progress"),
        [(name, held["generation"], "yes" if held["unfinished"] else "") for name, held in made["projects"].items()],
    )
    ledger, originals = made["ledger"], made["originals"]
    say(
        f"{ledger['rows']} rows of the ledger ({ledger['bytes'] / 1e6:.1f} MB) and {originals['named']} originals, "
        f"{originals['copied']} of them new ({originals['bytes'] / 1e6:.1f} MB), in {made['seconds']:.1f} s."
    )
    if originals["missing"]:
        say(f"{len(originals['missing'])} originals are lost from the document store. See: destiny doctor")
    say(f"Restore it into an empty home with: destiny restore {made['backup']}")


def restore(
    folder: Annotated[Path, typer.Argument(help="One backup, or a folder of them: then the newest.")],
    replace: Annotated[bool, typer.Option("--replace", help="Give up what this home holds now.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring an empty home to what a backup holds; vectors and graph are made from the ledger, without a model."""
    from destiny_assets.adapters.backups import open_backup
    from destiny_assets.stages.backup import restore_backup

    chosen = open_backup(folder)
    with _home() as home, progress_bars() as progress:
        done = restore_backup(chosen, home, replace=replace, progress=progress)
    if as_json:
        print_json(done)
    else:
        print_table(
            f"Restored {done['backup']}, taken at {done['made_at']}",
            ("project", "generation", "documents", "chunks", "layers", "note"),
            [
                (
                    name,
                    state["generation"],
                    state.get("counts", {}).get("documents"),
                    state.get("counts", {}).get("chunks"),
                    "agree" if state["ok"] else "DO NOT AGREE",
                    "the next ingest completes a generation that was being built" if state["unfinished"] else "",
                )
                for name, state in done["projects"].items()
            ],
        )
        say(
            f"{done['ledger_rows']} rows and {done['originals']} originals in {done['seconds']['total']:.1f} s, 0 model calls."
        )
        say(
            "Start destiny serve, destiny dev and destiny mcp anew where they run over this home: they know the old one."
        )
    if not done["ok"]:
        raise DestinyError("What was restored is not what was saved. See: destiny doctor")


@contextmanager
def _home() -> Iterator["Home"]:
    from destiny_assets.adapters.documents import open_document_store
    from destiny_assets.adapters.neo4j import connect
    from destiny_assets.adapters.postgres.ledger import PostgresLedger
    from destiny_assets.adapters.qdrant import QdrantVectorIndex
    from destiny_assets.stages.backup import Home

    stores = load_settings().stores
    with (
        PostgresLedger(stores.postgres_url, pool_size=2) as ledger,
        QdrantVectorIndex(stores.qdrant_url) as vectors,
        connect(stores.neo4j_url) as graph,
    ):
        yield Home(ledger, open_document_store(stores.documents_url), vectors, graph)
