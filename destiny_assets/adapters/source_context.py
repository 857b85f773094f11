"""What a source's reader may use beyond its own uri and options."""

from dataclasses import dataclass
from pathlib import Path

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.ports import DocumentStore


@dataclass(frozen=True, slots=True)
class SourceContext:
    """Where a source stands: its project and its name there, the layers that hold what it has seen, and a folder of its own.

    `cache` is for what can be fetched again, such as a clone; it may not exist yet, all sources share it, and losing it
    costs time only.
    """

    project: str
    name: str
    ledger: PostgresLedger
    originals: DocumentStore
    cache: Path
