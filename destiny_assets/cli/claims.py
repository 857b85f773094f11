"""``destiny claims``: what is claimed, by whom, and how far each claim is believed."""

from typing import TYPE_CHECKING, Annotated

import typer

from destiny_assets.cli.knowledge import AsOf, time_of
from destiny_assets.cli.output import AsJson, Project, print_json, print_table, say
from destiny_assets.cli.stores import open_service

if TYPE_CHECKING:
    from destiny_assets.adapters.postgres.claim_reading import StoredClaim


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("claims")(claims)


def claims(
    project: Project,
    subject: Annotated[str | None, typer.Option(help="Only claims about this; any part of the subject.")] = None,
    predicate: Annotated[str | None, typer.Option(help="Only claims with just this predicate, e.g. status.")] = None,
    contested: Annotated[bool, typer.Option("--contested", help="Only where claims contradict each other.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Show at most so many.")] = 100,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """List what is claimed, with how probable each claim is; claims of one slot stand together."""
    with open_service() as service:
        found = service.claims.shown(
            project, subject=subject, predicate=predicate, contested=contested, limit=limit, as_of=time_of(as_of)
        )
    if as_json:
        print_json(found)
        return
    print_table(
        f"Claims of {project}, generation {found.generation}",
        ("claim", "subject", "predicate", "value", "p", "", "witnesses"),
        [claim_row(one) for one in found.claims],
    )
    if found.total > len(found.claims):
        say(
            f"{len(found.claims)} of {found.total} claims; see more with --limit, or fewer with --subject, --predicate."
        )


def claim_row(one: "StoredClaim") -> tuple[str, str, str, str, float, str, str]:
    """A claim as a row of a table; the sixth column says what is to be noticed."""
    marks = [
        *(["believed"] if one.believed and one.contested else []),
        *(["contested"] if one.contested and one.standing == "current" else []),
        *([one.standing] if one.standing != "current" else []),
        *([f"labelled {str(one.label).lower()}"] if one.label is not None else []),
    ]
    more = f" and {len(one.witnesses) - 3} more" if len(one.witnesses) > 3 else ""
    return (
        one.id[:8],
        one.subject,
        one.predicate,
        one.value,
        one.probability,
        ", ".join(marks),
        "; ".join(one.witnesses[:3]) + more,
    )
