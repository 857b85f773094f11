"""``destiny mcp``: the tools for agents over standard input and output; nothing else is ever written to standard output."""

import os
import sys
from typing import Annotated

import typer

from destiny_assets.cli.actor import actor
from destiny_assets.cli.stores import open_service_and_ledger
from destiny_assets.errors import ConfigurationError
from destiny_assets.settings import URL_VARIABLES, home_folder

# An agent calls a few tools at once.
_CONNECTIONS = 4


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(mcp)


def mcp(
    project: Annotated[
        str | None, typer.Option(help="Serve this project alone; agents then need not name one and can reach no other.")
    ] = None,
) -> None:
    """Serve the knowledge base to an agent as MCP tools over standard input and output, until the client closes it."""
    try:
        from destiny_assets.serving.mcp_reach import OwnersReach
        from destiny_assets.serving.mcp_server import KnowledgeTools, create_server
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in {"mcp", "mcp_types"}:
            raise
        raise ConfigurationError("The MCP server is not installed. Run: pip install 'destiny[mcp]'") from error

    if not all(os.environ.get(name) for name in URL_VARIABLES):
        from destiny_assets.local import supervisor

        supervisor.start(home_folder(), report=lambda line: print(line, file=sys.stderr))
    with open_service_and_ledger(pool_size=_CONNECTIONS) as (service, ledger):
        if project is not None:
            ledger.projects.require(project)
        create_server(KnowledgeTools(service, OwnersReach(service, ledger, actor()), project)).run("stdio")
