"""Attaching sources: what they are is looked at before they are kept, and which may be attached from afar."""

from collections.abc import Mapping
from pathlib import Path

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.projects import Source
from destiny_assets.adapters.source_context import SourceContext
from destiny_assets.adapters.sources import open_source, placed
from destiny_assets.domain.source_kinds import check_options
from destiny_assets.ports import DistantSource, DocumentStore


def attach_source(
    ledger: PostgresLedger,
    originals: DocumentStore,
    cache: Path,
    project: str,
    source: Source,
) -> tuple[Source, int]:
    """Keep a source that can be opened and listed; as it is kept, and how many documents it offers.

    Raises `NotFoundError`, `ConfigurationError`, `ConflictError`, `StoreUnavailableError`.
    """
    check_options(source.kind, source.options)
    place = placed(source.kind, source.uri)
    kept = Source(source.name or _named(source.kind, place), source.kind, place, source.options, source.prior)
    ledger.projects.require(project)
    reader = open_source(kept.kind, place, kept.options, SourceContext(project, kept.name, ledger, originals, cache))
    found = reader.listed() if isinstance(reader, DistantSource) else sum(1 for _ in reader.scan())
    ledger.projects.add_source(project, kept)
    return kept, found


def reads_as_the_server(kind: str, uri: str, options: Mapping[str, str]) -> bool:
    """Whether a source would be read with the server's own rights: its disk, its network, its accounts.

    Who may attach such a source can read what the server can, so that is not for whoever curates one project.
    """
    if kind == "pushed":
        return False
    return kind != "web" or not uri.startswith(("http://", "https://")) or "private_hosts" in options


def _named(kind: str, place: str) -> str:
    return Path(place).name.removesuffix(".git") or kind
