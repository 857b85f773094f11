"""Tables whose rows are claims: object, attribute, source, value, and when. CSV by pandas, Parquet by pyarrow; as a document and as statements.

As a document such a table is a short account of what it holds: its rows are asked as claims, and would say little as passages.
"""

import gzip
import io
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from destiny_assets.adapters.parsers import parquet
from destiny_assets.adapters.parsers.limits import check_size
from destiny_assets.domain.chunks import normalised
from destiny_assets.domain.claims.extraction import CLAIM_TABLE, Witnessed
from destiny_assets.domain.claims.records import Statement, claim_of
from destiny_assets.domain.documents import UNSTORABLE, ParsedDocument
from destiny_assets.errors import UnreadableDocumentError

if TYPE_CHECKING:
    import pandas as pd

VERSION = "claim-table/1"
PARQUET_VERSION = "claim-parquet/1"
COLUMNS = ("object", "attribute", "source", "value")
_TIMES = ("observed_at", "valid_from", "valid_to")
_NAMED = 40
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class ClaimTable:
    """The statements of a table, and why some of its rows (1 is the first below the header) make none."""

    found: list[Witnessed]
    refused: list[tuple[int, str]]


def parse_claim_table(data: bytes, uri: str) -> ParsedDocument:
    """An account of the table: how many claims of how many sources about what; raises `UnreadableDocumentError`."""
    table, _ = _frame(data, uri)
    title = PurePosixPath(uri).name.removesuffix(".gz").rpartition(".")[0] or uri
    attributes = Counter(table["attribute"].tolist())
    objects = list(dict.fromkeys(table["object"].tolist()))
    parts = [
        title,
        f"{len(table)} claims of {table['source'].nunique()} sources about {len(objects)} objects.",
        "Attributes: " + ", ".join(f"{name} ({count})" for name, count in attributes.most_common(_NAMED)) + ".",
        "Objects: " + ", ".join(objects[:_NAMED]) + (", and others." if len(objects) > _NAMED else "."),
    ]
    text = UNSTORABLE.sub(" ", "\n\n".join(normalised(part) for part in parts))
    parser = PARQUET_VERSION if _is_parquet(data) else VERSION
    return ParsedDocument(title=title, text=text, media_type=CLAIM_TABLE, parser=parser)


def claim_table_versions() -> list[str]:
    """The versions of what can be read here: Parquet where pyarrow is installed, so that what waited for it is read then."""
    return [VERSION, *([PARQUET_VERSION] if parquet.is_available() else [])]


def read_claim_table(data: bytes, uri: str) -> ClaimTable:
    """Every row as a statement whose witness is the row's own source; raises `UnreadableDocumentError`."""
    table, refused = _frame(data, uri)
    times = {name: _times(table, name, refused) for name in _TIMES}
    found = []
    rows = zip(*(table[name].tolist() for name in COLUMNS), *times.values(), strict=True)
    for number, (thing, attribute, source, value, observed, since, until) in enumerate(rows, start=1):
        blank = next(
            (name for name, said in zip(COLUMNS, (thing, attribute, source, value), strict=True) if not said.strip()),
            None,
        )
        if blank is not None:
            refused.append((number, f"it has no {blank}"))
        elif any(UNSTORABLE.search(said) for said in (thing, attribute, source, value)):
            refused.append((number, "it holds a NUL or half a surrogate pair"))
        elif (claim := claim_of(thing, attribute, value, valid_from=since, valid_to=until)) is None:
            refused.append((number, f"{value[:40]!r} says nothing, or is longer than a value is"))
        else:
            statement = Statement(claim, "row", row=number, observed_at=observed)
            found.append(Witnessed(statement, normalised(source)))
    return ClaimTable(found, sorted(refused))


def _frame(data: bytes, uri: str) -> tuple["pd.DataFrame", list[tuple[int, str]]]:
    import pandas as pd

    if _is_parquet(data):
        return _checked(pd.DataFrame(parquet.read_columns(data, uri, {*COLUMNS, *_TIMES})), uri), []
    if data.startswith(_GZIP):
        data = _unpacked(data, uri)
    separator = "\t" if PurePosixPath(uri.removesuffix(".gz")).suffix == ".tsv" else ","
    refused: list[tuple[int, str]] = []
    try:
        table = _read_csv(data, separator, None)
    except pd.errors.ParserError:
        # Slower, and goes on after a line that has too many fields. Only told to the reader of the statements which lines.
        def bad(fields: list[str]) -> None:
            refused.append((0, f"a line of {len(fields)} fields, which begins {','.join(fields)[:40]!r}"))

        try:
            table = _read_csv(data, separator, bad)
        except pd.errors.ParserError as error:
            raise UnreadableDocumentError("broken", f"{uri} is no table: {error}") from error
    except pd.errors.EmptyDataError as error:
        raise UnreadableDocumentError("empty", f"{uri} has no header and no row.") from error
    except UnicodeDecodeError as error:
        raise UnreadableDocumentError("broken", f"{uri} is no UTF-8: {error.reason}.") from error
    return _checked(table, uri), refused


def _checked(table: "pd.DataFrame", uri: str) -> "pd.DataFrame":
    if lacking := [name for name in COLUMNS if name not in table]:
        raise UnreadableDocumentError(
            "broken", f"{uri} has no column {', '.join(lacking)}: its header must name {', '.join(COLUMNS)}."
        )
    if table.empty:
        raise UnreadableDocumentError("empty", f"{uri} has a header and no row.")
    return table


def _is_parquet(data: bytes) -> bool:
    return data.startswith((parquet.MAGIC, parquet.ENCRYPTED_MAGIC))


def _read_csv(data: bytes, separator: str, bad: Callable[[list[str]], None] | None) -> "pd.DataFrame":
    import pandas as pd

    source = io.BytesIO(data)
    if bad is None:
        return pd.read_csv(source, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    table = pd.read_csv(
        source, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig", engine="python", on_bad_lines=bad
    )
    # Lines with too few fields are filled up with nothing.
    return table.fillna("")


def _unpacked(data: bytes, uri: str) -> bytes:
    try:
        with gzip.open(io.BytesIO(data)) as stream:
            unpacked = bytearray()
            while piece := stream.read(2**20):
                unpacked += piece
                check_size(len(unpacked), uri)
    except (EOFError, OSError, zlib.error) as error:
        raise UnreadableDocumentError("broken", f"{uri} is damaged: {error}.") from error
    return bytes(unpacked)


def _times(table: "pd.DataFrame", name: str, refused: list[tuple[int, str]]) -> list[datetime | None]:
    """A column of times; what is none is told as undated, since the claim is made all the same."""
    import pandas as pd

    if name not in table:
        return [None] * len(table)
    written = table[name].tolist()
    read = pd.to_datetime(table[name], errors="coerce", utc=True, format="mixed")
    known = read.notna().tolist()
    times: list[datetime | None] = [
        at.to_pydatetime() if there else None for at, there in zip(read, known, strict=True)
    ]
    for number, (at, said) in enumerate(zip(times, written, strict=True), start=1):
        if at is None and said.strip():
            refused.append((number, f"{name} {said[:40]!r} is no time; the row counts without it"))
    return times
