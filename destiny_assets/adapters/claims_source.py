"""The source kind ``claims``: tables whose rows are claims (CSV, also gzipped; Parquet). Other files are read as the `files` kind does."""

from collections.abc import Iterator, Mapping

from destiny_assets.adapters.files_source import open_files_source
from destiny_assets.domain.claims.extraction import CLAIM_TABLE
from destiny_assets.domain.documents import SourceContent, SourceItem
from destiny_assets.ports import SourceReader

_TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")


def open_claims_source(uri: str, options: Mapping[str, str]) -> SourceReader:
    """The tables at `uri`: a path, a glob or an object-store URL, with the options of a source of files.

    Raises `ConfigurationError` as `open_files_source` does.
    """
    return ClaimTables(open_files_source(uri, options))


class ClaimTables:
    """A `SourceReader` over another that says which of its files are tables of claims."""

    def __init__(self, files: SourceReader) -> None:
        self._files = files

    def mark(self) -> str | None:
        """That of the files."""
        return self._files.mark()

    def scan(self) -> Iterator[SourceItem]:
        """Every file there is now; raises `StoreUnavailableError`."""
        return self._files.scan()

    def read(self, item: SourceItem) -> SourceContent:
        """The bytes of one file; raises `UnreadableDocumentError`."""
        content = self._files.read(item)
        return SourceContent(content.data, CLAIM_TABLE) if item.uri.lower().endswith(_TABLES) else content
