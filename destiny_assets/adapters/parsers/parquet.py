"""Columns of a Parquet file as texts, by pyarrow, which is an extra (``destiny[parquet]``). What the columns mean is not known here."""

import importlib.util
import io
from collections.abc import Collection
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from destiny_assets.adapters.parsers.limits import MAX_UNPACKED_BYTES
from destiny_assets.errors import UnreadableDocumentError

if TYPE_CHECKING:
    import pyarrow as pa

MAGIC, ENCRYPTED_MAGIC = b"PAR1", b"PARE"
# A run of equal values costs a few bytes however long it is, so that bytes say nothing of memory.
_MOST_ROWS = 5_000_000


def is_available() -> bool:
    """Whether pyarrow is installed."""
    return importlib.util.find_spec("pyarrow") is not None


def read_columns(data: bytes, uri: str, wanted: Collection[str]) -> dict[str, list[str]]:
    """Those of the `wanted` columns that there are, by name, each value as text; what is null is an empty one.

    Raises `UnreadableDocumentError`: "unsupported" without pyarrow, else for what is no such file, too much, or not flat.
    """
    if data.startswith(ENCRYPTED_MAGIC):
        raise UnreadableDocumentError("encrypted", f"{uri} is encrypted Parquet. Write it without encryption.")
    if not is_available():
        raise UnreadableDocumentError(
            "unsupported",
            f"{uri} is Parquet, which pyarrow reads: pip install 'destiny[parquet]' and ingest again, or write it as CSV.",
        )
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(io.BytesIO(data))
        names = [name for name in file.schema_arrow.names if name in wanted]
        _check(file, names, uri)
        texts = [
            name
            for name in names
            if pa.types.is_string(file.schema_arrow.field(name).type)
            or pa.types.is_binary(file.schema_arrow.field(name).type)
        ]
        # A value that is repeated a million times is then one text.
        table = parquet.read_table(io.BytesIO(data), columns=names, read_dictionary=texts)
        return {name: _texts(table.column(name)) for name in names}
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        said = str(error).partition("\n")[0][:200]
        raise UnreadableDocumentError("broken", f"{uri} cannot be read as Parquet: {said}") from error


def _check(file: Any, names: Collection[str], uri: str) -> None:
    metadata = file.metadata
    unpacked = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    if metadata.num_rows > _MOST_ROWS or unpacked > MAX_UNPACKED_BYTES:
        raise UnreadableDocumentError(
            "huge",
            f"{uri} has {metadata.num_rows:,} rows and unpacks to {unpacked:,} bytes, more than the {_MOST_ROWS:,} and {MAX_UNPACKED_BYTES:,} "
            "that are read. Split it.",
        )
    import pyarrow as pa

    nested = [name for name in names if pa.types.is_nested(file.schema_arrow.field(name).type)]
    if nested:
        raise UnreadableDocumentError(
            "broken", f"{uri}: the column {nested[0]} holds lists or structures. Write a row for each value."
        )


def _texts(column: "pa.ChunkedArray") -> list[str]:
    found: list[str] = []
    for chunk in column.chunks:
        if hasattr(chunk, "dictionary"):
            words = [_text(value) for value in chunk.dictionary.to_pylist()]
            found += ["" if place is None else words[place] for place in chunk.indices.to_pylist()]
        else:
            found += [_text(value) for value in chunk.to_pylist()]
    return found


def _text(value: object) -> str:
    """A value as a table of text would have it: 1003 for 1003.0, ISO for times."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return "" if value != value else f"{value:.15g}"
        case datetime() | date():
            return value.isoformat()
        case bytes():
            return value.decode("utf-8")
        case _:
            return str(value)
