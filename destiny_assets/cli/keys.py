"""``destiny key create | list | revoke``."""

import re
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from destiny_assets.cli.actor import actor
from destiny_assets.cli.output import AsJson, print_json, print_table, say
from destiny_assets.cli.stores import open_ledger
from destiny_assets.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from destiny_assets.adapters.postgres.api_keys import StoredKey

_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,100}")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    group = typer.Typer(help="Keys to the API: who may do what, until when.", no_args_is_help=True)
    group.command("create")(create)
    group.command("list")(list_keys)
    group.command("revoke")(revoke)
    app.add_typer(group, name="key")


def create(
    name: Annotated[str, typer.Argument(help="Whose key it is, for the log: a person, an agent, a service.")],
    grant: Annotated[
        list[str],
        typer.Option(
            "--grant",
            help="What it opens, as PROJECT=ROLE (*=ROLE: every project); may be repeated. Roles, each with what those before it "
            "may: client (published knowledge), reader (also sources, ingests, benchmarks, health), contributor (push, forget, "
            "ingest), curator (sources, rollback), admin (projects, audit log).",
        ),
    ],
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it opens anything.")] = 90,
    rate: Annotated[float, typer.Option(min=0.01, max=100_000, help="Requests a second, in the long run.")] = 100.0,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, this once; only its hash is kept."""
    from destiny_assets.domain.access import grants_of
    from destiny_assets.domain.api_keys import ID_BYTES, SECRET_BYTES, key_print, write_key

    grants = grants_of(grant)
    if not _NAME.fullmatch(name):
        raise ConfigurationError("A key's name has 1 to 100 characters that can be shown.")
    key = write_key(secrets.token_bytes(ID_BYTES), secrets.token_bytes(SECRET_BYTES))
    printed = key_print(key)
    assert printed is not None  # noqa: S101 - it was written a line above
    with open_ledger() as ledger:
        for project in grants:
            if project != "*":
                ledger.projects.require(project)
        ledger.audit.append(actor(), "key.create", None, {"key": printed.id, "name": name, "grants": dict(grants)})
        stored = ledger.api_keys.add(printed, name, grants, rate=rate, days=days, by=actor())
    if as_json:
        print_json({"key": key, **_document(stored)})
        return
    say(key)
    say(
        f"Shown this once. It opens {', '.join(grant)} until {stored.expires_at:%Y-%m-%d}; send it as: Authorization: Bearer KEY. "
        f"Take it back with: destiny key revoke {stored.id}"
    )


def list_keys(as_json: AsJson = False) -> None:
    """List the keys, newest first, without what opens anything."""
    with open_ledger() as ledger:
        found = ledger.api_keys.all()
    if as_json:
        print_json({"keys": [_document(key) for key in found]})
        return
    print_table(
        "Keys",
        ("id", "name", "opens", "state", "expires", "last used", "made by"),
        [
            (
                *(
                    key.id,
                    key.name,
                    "\n".join(f"{project}={role}" for project, role in key.grants.items()),
                    _state(key),
                ),
                *(key.expires_at, key.last_used_at, key.created_by),
            )
            for key in found
        ],
    )


def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id: the 16 digits between its first two underscores.")],
    as_json: AsJson = False,
) -> None:
    """Take a key back; within five seconds it opens nothing."""
    with open_ledger() as ledger:
        if all(key.id != key_id for key in ledger.api_keys.all()):
            raise NotFoundError(f"There is no key {key_id!r}. See: destiny key list")
        ledger.audit.append(actor(), "key.revoke", None, {"key": key_id})
        ledger.api_keys.revoke(key_id)
    if as_json:
        print_json({"id": key_id, "state": "revoked"})
    else:
        say(f"Key {key_id} is revoked.")


def _state(key: "StoredKey") -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "open" if key.expires_at > datetime.now(UTC) else "expired"


def _document(key: "StoredKey") -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "grants": dict(key.grants),
        "requests_per_second": key.rate_per_s,
        "state": _state(key),
        "created_by": key.created_by,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
    }
