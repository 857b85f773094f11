"""How a command answers: one JSON document, or tables and sentences; progress goes to standard error."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime
from threading import Lock
from typing import Annotated, Any

import typer

_LINE_SECONDS = 0.3

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Project = Annotated[str, typer.Argument(help="The project's name.")]


def print_json(document: Any) -> None:
    """One JSON document on standard output, at once: whoever reads a pipe may wait for it."""
    print(json.dumps(document, default=_plain, ensure_ascii=False, indent=2), flush=True)


def say(text: str) -> None:
    """One line on standard output, markup as it stands."""
    from rich.console import Console

    Console(highlight=False, soft_wrap=True).print(text, markup=False)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table on standard output; numbers are set to the right."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold")
    for number, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[number], int | float) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(_shown(value)) for value in row))
    console = Console()
    # A pipe has no width; 80 columns would fold every table.
    Console(width=None if console.is_terminal else 140).print(table)


class TerminalProgress:
    """One bar a stage on standard error; stages may report from several threads."""

    def __init__(self, bars: Any) -> None:
        self._bars = bars
        self._tasks: dict[str, Any] = {}
        self._lock = Lock()

    def advance(self, stage: str, done: int, total: int) -> None:
        """Move a stage's bar, making it when it is new; `total` 0 shows a bar without an end."""
        with self._lock:
            if stage not in self._tasks:
                self._tasks[stage] = self._bars.add_task(stage, total=total or None)
            self._bars.update(self._tasks[stage], completed=done, total=total or None)


@contextmanager
def progress_bars() -> Iterator[TerminalProgress]:
    """Progress bars while the block runs; nothing but the end where standard error is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:>12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars:
        yield TerminalProgress(bars)


class LineProgress:
    """A JSON line on standard error whenever a stage has moved, at most a few a second; stages may report from several threads."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}
        self._lock = Lock()

    def advance(self, stage: str, done: int, total: int) -> None:
        """Tell of a stage: ``{"stage": …, "done": …, "total": …}``; `total` 0 means not known yet."""
        now = time.monotonic()
        with self._lock:
            if done != total and now - self._told.get(stage, 0.0) < _LINE_SECONDS:
                return
            self._told[stage] = now
            print(json.dumps({"stage": stage, "done": done, "total": total}), file=sys.stderr, flush=True)


@contextmanager
def progress_lines_or_bars(lines: bool) -> Iterator["LineProgress | TerminalProgress"]:
    """Progress for a program, or for a person."""
    if lines:
        yield LineProgress()
        return
    with progress_bars() as bars:
        yield bars


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return "" if value is None else str(value)
