"""Identities for readers: which entities are taken for one and why; taking one back is for the next generation."""

from collections.abc import Callable
from datetime import datetime

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.merges import StoredMerge
from destiny_assets.domain.generations import Generation
from destiny_assets.serving.results import MergeList, MergeUndone


class IdentityReader:
    """Merges of the entities of a project, read at one generation."""

    def __init__(self, ledger: PostgresLedger, pin: Callable[..., Generation]) -> None:
        self._ledger = ledger
        self._pin = pin

    def shown(self, project: str, *, as_of: datetime | None = None) -> MergeList:
        """Every merge, the least sure first, and what people took back; raises `NotFoundError`."""
        pinned = self._pin(project, as_of=as_of)
        merges = self._ledger.merges
        return MergeList(project, pinned.number, merges.shown(project, pinned.number), merges.undone(project))

    def one(self, project: str, item: str, *, as_of: datetime | None = None) -> StoredMerge:
        """The merge of this id, or of its first eight characters or more; raises `NotFoundError`."""
        return self._ledger.merges.named(project, self._pin(project, as_of=as_of).number, item)

    def undo(self, project: str, item: str, by: str) -> MergeUndone:
        """Take a merge back: the next ingest parts the two, and none merges them again. Raises `NotFoundError`."""
        merge = self.one(project, item)
        return MergeUndone(project, merge, self._ledger.merges.undo(project, merge, by))
