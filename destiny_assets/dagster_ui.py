"""Dagster's web server as `destiny serve` keeps it behind its own door: one process, two Unix sockets, one of which changes nothing.

`serving/dagster/process.py` starts it and holds its standard input; it ends when that is closed, however whoever held it ended. Who may come
is decided before it (`serving/dagster/proxy.py`): whoever reaches a socket is let in.
"""

import asyncio
import contextlib
import shutil
import sys
import threading
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import uvicorn

# Two command lines, one a socket, would be two processes and two code servers of 320 MB each; and none of them can listen at a socket, only
# at a port, which every user of the machine can reach. So the pieces of `dagster-webserver` are put together here.
from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_graphql.schema import create_schema
from dagster_webserver.version import __version__ as version
from dagster_webserver.webserver import DagsterWebserver
from graphene import Schema
from graphql import ASTValidationRule, GraphQLError, OperationDefinitionNode, OperationType, specified_rules
from starlette.requests import HTTPConnection

from destiny_assets.runner import dagster_instance
from destiny_assets.serving.dagster.process import PATH, READING, WRITING
from destiny_assets.settings import load_settings

_POLL_MS = 2_000
_STATEMENT_MS, _RECYCLE_SECONDS, _OVERFLOW = 15_000, 3_600, 10
_GOODBYE_SECONDS = 3
_LOOK_SECONDS = 0.1


class _NoMutation(ASTValidationRule):
    """Refuses what would change something, whatever permissions Dagster's own resolvers ask for."""

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        if node.operation is OperationType.MUTATION:
            self.report_error(GraphQLError("Nothing is changed here.", node))


class _Web(DagsterWebserver[WorkspaceProcessContext, WorkspaceRequestContext]):
    """The web server, over the one schema that both share: it takes a second and a half to make."""

    def build_graphql_schema(self) -> Schema:
        return _schema()


@cache
def _schema() -> Schema:
    return create_schema()


class _Reading(_Web):
    """The web server for whoever may look: Dagster's own read-only mode, and no mutation gets as far as that."""

    def build_graphql_validation_rules(self) -> Collection[type[ASTValidationRule]]:
        return [*specified_rules, _NoMutation]

    def _make_request_context(self, conn: HTTPConnection) -> WorkspaceRequestContext:
        held = self._process_context
        return WorkspaceRequestContext(
            instance=held.instance,
            current_workspace=held.get_current_workspace(),
            process_context=held,
            version=held.version,
            source=conn,
            read_only=True,
        )


class _Serving(uvicorn.Server):
    """Leaves signals to whoever runs two of them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(apps: dict[Path, Any], ending: threading.Event) -> None:
    servers = [
        _Serving(
            uvicorn.Config(
                app,
                uds=str(path),
                log_level="warning",
                access_log=False,
                ws="websockets-sansio",
                timeout_graceful_shutdown=_GOODBYE_SECONDS,
            )
        )
        for path, app in apps.items()
    ]

    async def watch() -> None:
        while not ending.is_set():
            await asyncio.sleep(_LOOK_SECONDS)
        for server in servers:
            server.should_exit = True

    await asyncio.gather(watch(), *(server.serve() for server in servers))


def main() -> None:
    """Serve until standard input is closed; then nothing of it is left, the folder of its sockets (its argument) neither."""
    folder = Path(sys.argv[1])
    ending = threading.Event()

    def wait_for_the_end() -> None:
        while sys.stdin.buffer.read(1):
            pass
        ending.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    checkout = Path(__file__).parents[1]
    try:
        with dagster_instance(load_settings()) as instance:
            instance.optimize_for_webserver(_STATEMENT_MS, _RECYCLE_SECONDS, _OVERFLOW)
            target = WorkspaceFileTarget([str(checkout / "workspace.yaml")])
            with WorkspaceProcessContext(instance, workspace_load_target=target, version=version) as context:
                apps = {
                    folder / name: kind(context, PATH, _POLL_MS).create_asgi_app()
                    for name, kind in ((READING, _Reading), (WRITING, _Web))
                }
                asyncio.run(_serve(apps, ending))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
