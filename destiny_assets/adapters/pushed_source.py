"""The source kind ``pushed``: documents that people and agents hand in. Its list is a ledger table, its bytes are originals."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from destiny_assets.adapters.postgres.pushed import PushedRow
from destiny_assets.adapters.source_context import SourceContext
from destiny_assets.domain.documents import SourceContent, SourceItem
from destiny_assets.errors import NotFoundError, UnreadableDocumentError


def open_pushed_source(uri: str, options: Mapping[str, str], context: SourceContext) -> "PushedSource":  # noqa: ARG001
    """The documents pushed to the context's source."""
    return PushedSource(context)


class PushedSource:
    """What was pushed to one source and not deleted since."""

    def __init__(self, context: SourceContext) -> None:
        self._context = context
        self._rows: dict[str, PushedRow] = {}

    def mark(self) -> None:
        """A listing costs one query."""

    def scan(self) -> Iterator[SourceItem]:
        """Every document there is now, by uri; the fingerprint covers bytes, media type and facts. Raises `StoreUnavailableError`."""
        rows = self._context.ledger.pushed.all(self._context.project, self._context.name)
        self._rows = {row.uri: row for row in rows}
        for row in rows:
            yield SourceItem(row.uri, _fingerprint(row), row.bytes, row.pushed_at)

    def read(self, item: SourceItem) -> SourceContent:
        """The bytes as they were pushed; raises `UnreadableDocumentError` ("unreachable")."""
        row = self._rows.get(item.uri)
        if row is None:
            raise UnreadableDocumentError("unreachable", f"{item.uri} is no longer among the pushed documents.")
        try:
            data = self._context.originals.get(self._context.project, row.sha256)
        except NotFoundError as error:
            raise UnreadableDocumentError("unreachable", f"The bytes of {item.uri} are lost. Push it again.") from error
        return SourceContent(data, row.media_type, row.facts)


def _fingerprint(row: PushedRow) -> str:
    told = json.dumps([row.media_type, asdict(row.facts)], default=str, sort_keys=True)
    return f"{row.sha256}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"
