"""Generations: which rows a reader sees, and how a set of rows is brought to what it should be.

A row is visible at generation g when ``born <= g < died``. Nothing is updated in place: a changed row is one retired and one born.
"""

import re
from collections.abc import Hashable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

from destiny_assets.domain.chunks import stable_id
from destiny_assets.errors import ConfigurationError

GenerationState = Literal["building", "published", "rejected"]

K = TypeVar("K", bound=Hashable)

_PROJECT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class Generation:
    """One version of a project's knowledge. `facts` holds the counts it was published with; once vacuumed it can't be read.

    `unrelated_cosine` is that of texts which have nothing to do with each other, by the model `model_id`.
    """

    project: str
    number: int
    state: GenerationState
    started_at: datetime
    model_id: str | None = None
    collection: str | None = None
    unrelated_cosine: float = 0.0
    published_at: datetime | None = None
    reason: str | None = None
    facts: Mapping[str, Any] | None = None
    current: bool = False
    vacuumed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What a stage did to one set of rows."""

    added: int
    retired: int
    total: int

    @property
    def written(self) -> int:
        """Rows touched."""
        return self.added + self.retired


def difference(desired: Set[K], alive: Set[K]) -> tuple[Set[K], Set[K]]:
    """(ids to insert, ids to retire) that turn `alive` into `desired`."""
    return desired - alive, alive - desired


def layer_id(row_id: str, born: int) -> str:
    """The id of one ledger row in the vector and graph layers.

    A row that died and came back is a second point and a second node, since one pair of born and died cannot describe two
    intervals; so the id there depends on `born` too.
    """
    return stable_id("layer", row_id, str(born))


def valid_project_name(name: str) -> str:
    """`name` itself; raises `ConfigurationError` unless it is 1-63 of a-z, 0-9, '-' and '_', not starting with '-' or '_'."""
    if not _PROJECT_NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} can't be a project name: use 1 to 63 lower-case letters, digits, '-' and '_', starting with a letter or digit."
        )
    return name
