"""``destiny audit list | verify``."""

import json
import re
from typing import Annotated

import typer

from destiny_assets.cli.output import AsJson, print_json, print_table, say
from destiny_assets.cli.stores import open_ledger
from destiny_assets.errors import ConfigurationError

_DIGEST = re.compile(r"[0-9a-f]{64}")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(help="The audit log: who did what to which project.", no_args_is_help=True)
    group.command("list")(list_events)
    group.command("verify")(verify)
    app.add_typer(group, name="audit")


def list_events(
    project: Annotated[str | None, typer.Option(help="Only what was done to this project.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many events at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List what was done by whom, newest first."""
    with open_ledger() as ledger:
        found = ledger.audit.page(project=project, limit=limit)
    if as_json:
        events = [
            {
                "id": event.id,
                "at": event.at,
                "actor": event.actor,
                "action": event.action,
                "project": event.project,
                "detail": event.detail,
                "digest": bytes(event.digest).hex(),
            }
            for event in found
        ]
        print_json({"events": events})
        return
    print_table(
        "Audit log",
        ("id", "at", "actor", "action", "project", "detail"),
        [
            (str(e.id), e.at, e.actor, e.action, e.project, json.dumps(e.detail, ensure_ascii=False, sort_keys=True))
            for e in found
        ],
    )


def verify(
    head: Annotated[
        str | None,
        typer.Option(help="A head that an earlier verify gave: the log has to hold it still, so nothing was cut off."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compute the chain of the audit log anew and say where it breaks, if it does."""
    if head is not None and not _DIGEST.fullmatch(head):
        raise ConfigurationError("--head is the 64 hex digits that an earlier: destiny audit verify gave.")
    with open_ledger() as ledger:
        proof = ledger.audit.verify()
        held = head is None or head == "0" * 64 or ledger.audit.holds(head)
    ok = proof.ok and held
    if as_json:
        print_json({"ok": ok, "events": proof.events, "head": proof.head, "broken": proof.broken, "holds_head": held})
    elif not proof.ok:
        say(f"The audit log was changed: event {proof.broken} does not follow from the {proof.events} before it.")
    elif not held:
        say(f"The audit log is whole but does not hold {head}: events were cut off, or it is another ledger's.")
    else:
        say(f"{proof.events} events, each follows from the one before. Keep the head elsewhere: {proof.head}")
    if not ok:
        raise typer.Exit(1)
