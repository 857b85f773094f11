"""Who may do what: roles, the rights they carry, and the grants of one caller. Values only; how a caller is known is not told here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from destiny_assets.domain.generations import valid_project_name
from destiny_assets.errors import ConfigurationError

EVERY_PROJECT = "*"
DEFAULT_RATE = 100.0
"""Requests a second that a caller may make in the long run; twice as many at once."""


class Right(StrEnum):
    """What a request needs."""

    READ = "read"
    """Published knowledge: search, ask, documents, decisions, trust, entities, generations."""
    INSPECT = "inspect"
    """How it came about: sources, ingests, benchmarks, the state of the layers."""
    CONTRIBUTE = "contribute"
    """Push and forget documents, start an ingest."""
    CURATE = "curate"
    """Sources, rollback, publishing what the gate refuses."""
    ADMINISTER = "administer"
    """Projects themselves, and the audit log."""


class Role(StrEnum):
    """What a caller is to a project."""

    CLIENT = "client"
    READER = "reader"
    CONTRIBUTOR = "contributor"
    CURATOR = "curator"
    ADMIN = "admin"


_LADDER = (Right.READ, Right.INSPECT, Right.CONTRIBUTE, Right.CURATE, Right.ADMINISTER)
RIGHTS: Mapping[Role, frozenset[Right]] = {
    role: frozenset(_LADDER[:steps])
    for role, steps in zip(
        (Role.CLIENT, Role.READER, Role.CONTRIBUTOR, Role.CURATOR, Role.ADMIN), range(1, 6), strict=True
    )
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who was recognised. `grants` maps a project, or `EVERY_PROJECT`, to a role there; `rate` is in requests a second."""

    id: str
    name: str
    grants: Mapping[str, Role]
    rate: float = DEFAULT_RATE

    def may(self, right: Right, project: str) -> bool:
        """Whether a role in the project, or in every project, carries the right."""
        roles = (self.grants.get(project), self.grants.get(EVERY_PROJECT))
        return any(role is not None and right in RIGHTS[role] for role in roles)


def grants_of(written: Iterable[str]) -> dict[str, Role]:
    """Grants written ``project=role`` (``*=role`` for every project); raises `ConfigurationError` for another form or role."""
    grants = {}
    for text in written:
        project, equals, role = text.partition("=")
        if not equals or role not in set(Role):
            raise ConfigurationError(
                f"{text!r} is no grant: write PROJECT=ROLE, or *=ROLE for every project; roles are {', '.join(Role)}."
            )
        grants[project if project == EVERY_PROJECT else valid_project_name(project)] = Role(role)
    return grants
