"""Taking in documents that are handed in: durable when the call returns, readable with the next ingest."""

from datetime import UTC, datetime

from destiny_assets.adapters.parsers.limits import MAX_BYTES
from destiny_assets.adapters.postgres.ledger import PostgresLedger
from destiny_assets.adapters.postgres.projects import Source
from destiny_assets.adapters.postgres.pushed import PushedRow
from destiny_assets.domain.pushing import PushedDocument, check_pushed
from destiny_assets.errors import ConflictError, NotFoundError
from destiny_assets.ports import DocumentStore
from destiny_assets.serving.results import Pushed

KIND = "pushed"


class Pushing:
    """Adds and removes pushed documents of any project."""

    def __init__(self, ledger: PostgresLedger, originals: DocumentStore) -> None:
        self._ledger = ledger
        self._originals = originals

    def add(self, project: str, document: PushedDocument, *, source: str) -> Pushed:
        """Store a document's bytes, then the row that names them; the source is made with the first document.

        Raises `NotFoundError` without the project, `ConflictError` when the source is of another kind,
        `UnreadableDocumentError` for a document that no ingest could take, `StoreUnavailableError`.
        """
        self._ledger.projects.require(project)
        check_pushed(document, MAX_BYTES)
        self._require_source(project, source)
        # Bytes first: killed between the two, an original without a row is litter, a row without an original a loss.
        data = document.data
        with self._ledger.pushed.naming(project):
            sha256 = self._originals.put(project, data)
            row = PushedRow(document.uri, sha256, len(data), document.media_type, document.facts, datetime.now(UTC))
            state = "accepted" if self._ledger.pushed.put(project, source, row) else "unchanged"
        return Pushed(project, source, document.uri, sha256, state, self._current(project))

    def forget(self, project: str, uri: str) -> Pushed:
        """Take a pushed document out of its source; raises `NotFoundError` when none has that uri."""
        self._ledger.projects.require(project)
        sources = self._ledger.pushed.delete(project, uri)
        if not sources:
            raise NotFoundError(
                f"Nothing with the uri {uri!r} was pushed to {project!r}. Documents of other sources leave where they lie."
            )
        return Pushed(project, ", ".join(sources), uri, None, "forgotten", self._current(project))

    def _require_source(self, project: str, name: str) -> None:
        found = next((some for some in self._ledger.projects.sources(project) if some.name == name), None)
        if found is None:
            self._ledger.projects.add_source(project, Source(name, KIND, f"{KIND}:{name}"))
        elif found.kind != KIND:
            raise ConflictError(f"The source {name!r} of {project!r} is one of {found.kind}. Push to another name.")

    def _current(self, project: str) -> int | None:
        current = self._ledger.generations.current(project)
        return current.number if current else None
