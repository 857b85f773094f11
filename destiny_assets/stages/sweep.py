"""What a project's sources say of themselves without being read: whether it has to be ingested again. Nothing is written here."""

import hashlib
import json
from pathlib import Path

from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.source_context import SourceContext
from destiny_assets.adapters.sources import open_source
from destiny_assets.ports import DistantSource, DocumentStore


def sources_mark(ledger: PostgresLedger, originals: DocumentStore, cache: Path, project: str) -> str:
    """A hash of what the sources say of themselves, or else of everything that they list; the same as long as nothing changed.

    Raises `DestinyError` when a source can't be listed.
    """
    digest = hashlib.sha256()
    for source in ledger.projects.sources(project):
        context = SourceContext(project, source.name, ledger, originals, cache)
        place = open_source(source.kind, source.uri, source.options, context)
        listing = (
            place.due()
            if isinstance(place, DistantSource)
            else place.mark() or sorted((item.uri, item.fingerprint) for item in place.scan())
        )
        digest.update(json.dumps([source.name, source.kind, source.uri, listing]).encode())
    return digest.hexdigest()


NOTHING = hashlib.sha256().hexdigest()
"""The mark of a project without sources."""
