"""What the API works with, made by whoever starts it, and how a handler gets at it and at its caller."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, NamedTuple

from fastapi import Depends, Request

from destiny_assets.adapters.oidc_sign_in import OidcSignIn
from destiny_assets.adapters.postgres.isolation import read_project
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.qdrant import QdrantVectorIndex
from destiny_assets.adapters.tracing import Tracing
from destiny_assets.domain.access import EVERY_PROJECT, Caller, Right
from destiny_assets.ports import DocumentStore, KnowledgeGraph
from destiny_assets.serving.api.authentication import Authenticator
from destiny_assets.serving.api.ingests import Ingests
from destiny_assets.serving.api.problems import RefusedError
from destiny_assets.serving.circuits import Circuits
from destiny_assets.serving.dagster.process import DagsterProcess
from destiny_assets.serving.library import Library
from destiny_assets.serving.metrics import Metrics
from destiny_assets.serving.pushing import Pushing
from destiny_assets.serving.service import KnowledgeService


class OpenLayers(NamedTuple):
    """The four layers, in the order in which every function that wants them takes them."""

    ledger: PostgresLedger
    originals: DocumentStore
    vectors: QdrantVectorIndex
    graph: KnowledgeGraph


@dataclass(frozen=True)
class Doors:
    """Everything behind the routes.

    `circuits` are those of `service` and `library`; `reading` is the ledger as a role that sees one project; `remove_project` takes a
    project out of every layer; `cache` is where sources keep copies.

    `dagster_url` is where the pages say that a run can be looked at in the Dagster UI; empty: they name its id alone. `dagster` is the
    process of that UI where this server passes on to it.

    `sign_in` is where people sign in at an identity provider, where one knows the pages.

    `closing` is set when the server is told to stop: what streams ends then.
    """

    service: KnowledgeService
    circuits: Circuits
    metrics: Metrics
    library: Library
    reading: PostgresLedger
    pushing: Pushing
    layers: OpenLayers
    authenticator: Authenticator
    ingests: Ingests
    remove_project: Callable[[str], dict[str, int]]
    cache: Path
    dagster_url: str = ""
    dagster: DagsterProcess | None = None
    sign_in: OidcSignIn | None = None
    tracing: Tracing | None = None
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def ledger(self) -> PostgresLedger:
        """The system of record as its owner: for writes, and for what spans projects."""
        return self.layers.ledger


async def _doors(request: Request) -> Doors:
    doors: Doors = request.app.state.doors
    return doors


async def caller_of(request: Request) -> Caller:
    """Whom the gate recognised."""
    caller: Caller = request.state.caller
    return caller


TheDoors = Annotated[Doors, Depends(_doors)]
TheCaller = Annotated[Caller, Depends(caller_of)]


class Guard:
    """The dependency that every route has: it lets in who has a right in the project that the path names.

    Without a project in the path it is a right in every project. A project that the caller may not even read is answered as one
    that does not exist.
    """

    def __init__(self, right: Right) -> None:
        self.right = right

    async def __call__(self, request: Request, caller: TheCaller) -> None:
        """Let in, or raise `RefusedError`."""
        project = request.path_params.get("project", EVERY_PROJECT)
        require(caller, self.right, project)
        if project != EVERY_PROJECT:
            read_project(project)


class Recognised:
    """The dependency of the few routes that tell a caller only of itself and of what it may see."""

    async def __call__(self, caller: TheCaller) -> None:
        """Whoever the gate let in."""


def require(caller: Caller, right: Right, project: str) -> None:
    """Raises `RefusedError` unless the caller has the right in the project."""
    if caller.may(right, project):
        return
    if project != EVERY_PROJECT and not caller.may(Right.READ, project):
        raise RefusedError(
            "not-found", f"There is no project {project!r} that you may read. /v1/projects lists those you may."
        )
    where = "every project (*)" if project == EVERY_PROJECT else f"project {project!r}"
    raise RefusedError(
        "forbidden",
        f"This needs the right to {right} in {where}, which {caller.name!r} has not. Ask an administrator for a key with more.",
    )
