"""What a caller of the MCP tools may reach: everything of this home over standard input, what its key grants over HTTP."""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from destiny_assets.adapters.postgres.audit import AuditLog
from destiny_assets.adapters.postgres.isolation import read_project
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.domain.access import Caller, Right
from destiny_assets.domain.pushing import PushedDocument
from destiny_assets.errors import ConfigurationError, NotFoundError
from destiny_assets.serving.api.doors import Doors, require
from destiny_assets.serving.api.problems import RefusedError
from destiny_assets.serving.results import Pushed
from destiny_assets.serving.service import KnowledgeService

CALLER: ContextVar[Caller] = ContextVar("caller")
"""Whose request is being answered over HTTP."""


class Reach(Protocol):
    """Who calls a tool, and what that one may read and write."""

    @property
    def ledger(self) -> PostgresLedger:
        """The ledger to read from, once a project was admitted."""
        ...

    @property
    def audit(self) -> AuditLog:
        """Where writes are noted."""
        ...

    @property
    def actor(self) -> str:
        """Who the audit log says wrote."""
        ...

    def names(self) -> list[str]:
        """The projects that may be read."""
        ...

    def admit(self, project: str, right: Right) -> None:
        """From here on this call reads that project; raises `NotFoundError`, `ConfigurationError` where it may not."""
        ...

    def add(self, project: str, document: PushedDocument, *, source: str) -> Pushed:
        """Take in a document, as `KnowledgeService.add` does."""
        ...


@dataclass(frozen=True, slots=True)
class OwnersReach:
    """Whoever started the server on this home: every project."""

    service: KnowledgeService
    ledger: PostgresLedger
    actor: str

    @property
    def audit(self) -> AuditLog:
        """The ledger's own."""
        return self.ledger.audit

    def names(self) -> list[str]:
        """All of them."""
        return self.ledger.projects.names()

    def admit(self, project: str, right: Right) -> None:  # noqa: ARG002 - an owner has every right
        """Any that there is."""
        self.ledger.projects.require(project)

    def add(self, project: str, document: PushedDocument, *, source: str) -> Pushed:
        """Through the service."""
        return self.service.add(project, document, source=source)


@dataclass(frozen=True, slots=True)
class CallersReach:
    """The caller that the gate recognised: what its grants say, read as the role to which PostgreSQL shows one project."""

    doors: Doors

    @property
    def ledger(self) -> PostgresLedger:
        """The isolated one."""
        return self.doors.reading

    @property
    def audit(self) -> AuditLog:
        """The owner's: readers see none of it."""
        return self.doors.ledger.audit

    @property
    def actor(self) -> str:
        """The key's or token's id."""
        return CALLER.get().id

    def names(self) -> list[str]:
        """Those that the caller may read."""
        caller = CALLER.get()
        return [name for name in self.doors.ledger.projects.names() if caller.may(Right.READ, name)]

    def admit(self, project: str, right: Right) -> None:
        """One that the caller has the right in; any other is answered as one that does not exist."""
        try:
            require(CALLER.get(), right, project)
        except RefusedError as error:
            raise (NotFoundError if error.kind == "not-found" else ConfigurationError)(error.detail) from error
        read_project(project)
        self.doors.reading.projects.require(project)

    def add(self, project: str, document: PushedDocument, *, source: str) -> Pushed:
        """Through the doors' own pushing, as the API does."""
        return self.doors.pushing.add(project, document, source=source)
