"""Labelled data as files: tables (CSV) and records (JSON lines), plain or gzipped, in whatever encoding; what cannot be read is listed.

What columns and keys mean is for whoever evaluates.
"""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from destiny_assets.adapters.parsers.encodings import decode
from destiny_assets.errors import ConfigurationError, NotFoundError, UnreadableDocumentError

_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row or line that was left out: file, line (from 1) and reason."""

    file: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Rows:
    """A table as written: names of the columns, rows of as many values with the line each ends on, and what was left out."""

    file: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    lines: Sequence[int]
    skipped: Sequence[Skipped]


def read_rows(folder: Path, name: str) -> Rows:
    """`name`.csv[.gz] of a folder, separated by whichever of comma, semicolon, tab and bar its header holds most of.

    Short rows are filled up with nothing, longer ones than the header are skipped. Raises `NotFoundError` and `ConfigurationError`.
    """
    file, text = _text(folder, f"{name}.csv")
    header = text.lstrip("\n").split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=header.count)
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    reader = csv.reader(text.lstrip("\n").splitlines(keepends=True), delimiter=delimiter)
    columns = tuple(column.strip() for column in next(reader, []))
    if not columns:
        raise ConfigurationError(f"{folder / file} is empty; its first line must name the columns")
    rows, lines, skipped = [], [], []
    for row in reader:
        if not any(row):
            continue
        if len(row) > len(columns):
            skipped.append(Skipped(file, reader.line_num, f"{len(row)} values under {len(columns)} columns"))
            continue
        rows.append(row + [""] * (len(columns) - len(row)))
        lines.append(reader.line_num)
    return Rows(file, columns, rows, lines, skipped)


def read_records(folder: Path, name: str, skipped: list[Skipped]) -> Iterator[dict[str, Any]]:
    """The JSON objects of `name`.jsonl[.gz] of a folder; lines that hold none are added to `skipped`.

    Raises `NotFoundError` and `ConfigurationError`.
    """
    file, text = _text(folder, f"{name}.jsonl")
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            skipped.append(Skipped(file, number, "no JSON"))
            continue
        if isinstance(value, dict):
            yield value
        else:
            skipped.append(Skipped(file, number, "JSON, but no object"))


def _text(folder: Path, name: str) -> tuple[str, str]:
    found = next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)
    if found is None:
        raise NotFoundError(
            f"{folder} holds no {name} or {name}.gz; docs/benchmarks.md says what a labelled folder holds"
        )
    try:
        data = gzip.decompress(found.read_bytes()) if found.suffix == ".gz" else found.read_bytes()
        return found.name, decode(data).text
    except (OSError, EOFError, zlib.error, UnreadableDocumentError) as error:
        raise ConfigurationError(f"{found} cannot be read as text: {error}") from error
