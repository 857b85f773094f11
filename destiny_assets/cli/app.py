"""The `destiny` command: what there is, and how a failure is told."""

import logging
import os
import sys

import typer

from destiny_assets.cli import (
    audit,
    backup,
    care,
    claims,
    decisions,
    demo,
    evaluate,
    identity,
    keys,
    knowledge,
    mcp,
    models,
    projects,
    pushing,
    serve,
    servers,
    trust,
)
from destiny_assets.errors import DestinyError

app = typer.Typer(
    name="destiny",
    help="A knowledge base that can be trusted: every answer with its source, every source with its trust.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
servers.register(app)
projects.register(app)
pushing.register(app)
knowledge.register(app)
care.register(app)
decisions.register(app)
claims.register(app)
trust.register(app)
identity.register(app)
evaluate.register(app)
backup.register(app)
demo.register(app)
serve.register(app)
mcp.register(app)
models.register(app)
keys.register(app)
audit.register(app)

# What a shell says of a command that SIGINT ended.
_STOPPED = 130


def main() -> None:
    """Run a command; a refusal or failure Destiny knows is one sentence on standard error and exit code 1."""
    # The pool logs each vain attempt; the sentence below says it once.
    logging.getLogger("psycopg.pool").addHandler(logging.NullHandler())
    try:
        app()
    except DestinyError as error:
        if os.environ.get("DESTINY_TRACEBACK"):
            raise
        print(f"destiny: {error}", file=sys.stderr)
        sys.exit(1)
    except SystemExit as end:
        # Typer turns Ctrl-C into this.
        if end.code == _STOPPED:
            print("destiny: stopped. What was published stays; run the command again to go on.", file=sys.stderr)
        raise
