"""``destiny decisions``: what was decided, newest first."""

from typing import Annotated

import typer

from destiny_assets.cli.knowledge import AsOf, time_of
from destiny_assets.cli.output import AsJson, Project, print_json, print_table, say
from destiny_assets.cli.stores import open_service


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("decisions")(decisions)


def decisions(
    project: Project,
    agent: Annotated[str | None, typer.Option(help="Only what this person or agent decided.")] = None,
    min_importance: Annotated[float, typer.Option(min=0.0, max=1.0, help="Only what matters at least so much.")] = 0.0,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what is superseded, rejected or not yet accepted.")
    ] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """List what was decided, newest first, with what replaced it and what puts it at risk."""
    with open_service() as service:
        found = service.decisions(
            project, agent=agent, min_importance=min_importance, only_holding=not everything, as_of=time_of(as_of)
        )
    if as_json:
        print_json(found)
        return
    print_table(
        f"Decisions of {project}, generation {found.generation}",
        ("decided", "importance", "status", "decision", "by"),
        [
            (
                f"{decision.decided_at:%Y-%m-%d}" if decision.decided_at else "",
                decision.importance,
                "\n".join([decision.status, *(f"superseded by {newer}" for newer in decision.superseded_by)]),
                "\n".join(
                    [
                        f"{decision.key}: {decision.title}",
                        *(f"replaces {old}, unknown here" for old in decision.unresolved),
                        *(f"AT RISK: {reason}" for reason in decision.at_risk),
                    ]
                ),
                decision.agent,
            )
            for decision in found.decisions
        ],
    )
    if found.withheld:
        say(f"{found.withheld} more are superseded, rejected or not yet accepted: show them with --all.")
