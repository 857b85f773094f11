"""``destiny identity list | show | undo``: which entities are taken for one, why, and taking it back."""

from typing import Annotated

import typer

from destiny_assets.cli.actor import actor
from destiny_assets.cli.knowledge import AsOf, time_of
from destiny_assets.cli.output import AsJson, Project, print_json, print_table, say
from destiny_assets.cli.stores import open_service, open_service_and_ledger

Merge = Annotated[str, typer.Argument(help="The merge's id, or its first 8 characters.")]


def register(app: typer.Typer) -> None:
    """Add this group."""
    identity = typer.Typer(help="Identity: which entities are taken for one, and why.", no_args_is_help=True)
    for name, command in (("list", list_merges), ("show", show), ("undo", undo)):
        identity.command(name)(command)
    app.add_typer(identity, name="identity")


def list_merges(project: Project, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """List the entities that are taken for one, the least sure first, and what people took back."""
    with open_service() as service:
        found = service.identities.shown(project, as_of=time_of(as_of))
    if as_json:
        print_json(found)
        return
    print_table(
        f"Taken for one in {project}, generation {found.generation}",
        ("merge", "p", "is read as", "was named", "because"),
        [
            (
                one.id[:8],
                one.probability,
                one.kept,
                one.absorbed,
                "\n".join(
                    [
                        *(term["why"] for term in one.reasons[1:]),
                        *([f"taken back by {one.undone_by}, with the next ingest"] if one.undone_by else []),
                    ]
                ),
            )
            for one in found.merges
        ],
    )
    if found.undone:
        said = "; ".join(f"{one.kept} and {one.absorbed} ({one.undone_by})" for one in found.undone[:10])
        say(f"{len(found.undone)} taken back and never made again: {said}{'; ...' if len(found.undone) > 10 else ''}.")


def show(project: Project, merge: Merge, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Show the terms that the probability of one merge is made of."""
    with open_service() as service:
        found = service.identities.one(project, merge, as_of=time_of(as_of))
    if as_json:
        print_json(found)
        return
    log_odds = sum(term["log_odds"] for term in found.reasons)
    print_table(
        f"{found.absorbed} is read as {found.kept} since generation {found.since} ({found.id})",
        ("term", "log-odds", "why"),
        [
            *((term["name"], term["log_odds"], term["why"]) for term in found.reasons),
            ("sum", log_odds, f"probability {found.probability:.3f}, model {found.model}"),
        ],
    )
    say(
        f"Taken back by {found.undone_by}; the next ingest parts them."
        if found.undone_by
        else f"Take it back with: destiny identity undo {project} {found.id[:8]}"
    )


def undo(project: Project, merge: Merge, as_json: AsJson = False) -> None:
    """Say that two entities are two; the next ingest parts them, and they are never merged again."""
    with open_service_and_ledger() as (service, ledger):
        found = service.identities.one(project, merge)
        with ledger.audit.noting(actor(), "identity.undo", project, {"merge": found.id}):
            done = service.identities.undo(project, found.id, actor())
    if as_json:
        print_json(done)
    else:
        say(
            f"{found.kept} and {found.absorbed} are two, and stay so. They are parted by the next: destiny ingest {project}"
        )
