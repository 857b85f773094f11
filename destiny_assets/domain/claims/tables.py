"""Tables and lines of name and value in the body of a document. Only what is laid out as data counts; prose is not read here.

A table states claims when its first column names things, each once, and its other columns are attributes of them.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from destiny_assets.domain import markdown, restructured_text
from destiny_assets.domain.claims.records import Statement, claim_of
from destiny_assets.domain.documents import ParsedDocument
from destiny_assets.domain.truth.kinds import plain_text

_ANY_RULE = re.compile(r"^(?:[ ]{0,3}\|?[ \t]*:?--|=+ +=|\+-)", re.MULTILINE)
# Rules that make a table of the lines around them; each is one line.
_PIPE_RULE = re.compile(r"[ ]{0,3}\|?[ \t]*+:?-{2,}+:?[ \t]*+(?:\|[ \t]*+:?-{2,}+:?[ \t]*+)++\|?[ \t]*+")
_SIMPLE_RULE = re.compile(r"=++(?: ++=++)++[ \t]*+")
_GRID_RULE = re.compile(r"\+(?:-++\+){2,}+[ \t]*+")
_GRID_HEAD_RULE = re.compile(r"\+(?:=++\+){2,}+[ \t]*+")
_CELL_BREAK = re.compile(r"(?<!\\)\|")
# Rows of such tables are parts of what the document is about, and mean nothing outside it.
_PARTS = frozenset(
    {
        *(
            "",
            "no",
            "nr",
            "id",
            "step",
            "name",
            "parameter",
            "param",
            "argument",
            "arg",
            "option",
            "flag",
            "field",
            "key",
        ),
        *("column", "property", "attribute", "variable", "setting", "type", "value", "date", "time", "year", "version"),
        *("command", "method", "function", "code", "error", "status", "symbol", "operator", "feature", "case", "item"),
    }
)
_EMPTY = frozenset({"", "-", "--", "n/a", "none", "?", "…", "...", "tbd"})
_MOST_COLUMNS, _MOST_ROWS = 12, 2_000
# "**Owner:** Ada", "- **Owner**: Ada", ":Owner: Ada"; a name of at most four words.
_LINE = re.compile(
    r"^[ \t]*(?:[-*+][ \t]+)?(?:(?P<bold>\*\*|__)(?P<name>[^\W\d_][\w /.-]{0,39}?)(?::(?P=bold)|(?P=bold):)"
    r"|:(?P<field>[A-Z][\w -]{0,39}?):)[ \t]+(?P<value>\S[^\n]{0,200})$",
    re.MULTILINE,
)
_SENTENCE = re.compile(r"[.!?]\s+\S")
_MOST_WORDS, _LONGEST_NAME = 10, 4
# What begins a remark, not a value.
_REMARKS = frozenset(
    {"note", "notes", "warning", "example", "examples", "tip", "caution", "important", "discussion", "see also"}
)


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    start: int
    end: int


def table_statements(name: str, document: ParsedDocument) -> Iterator[Statement]:
    """Each cell of the tables of a document called `name`, as the value of its column for its row."""
    text, at = document.text, 0
    if not _ANY_RULE.search(text):
        return
    lines = [(found.start(), found.end()) for found in re.finditer(r"[^\n]*\n?", document.text)]
    while at < len(lines):
        line = text[slice(*lines[at])].rstrip("\n")
        head, rows, end = None, [], at + 1
        if "-|" in line.replace(" ", "") and at and _PIPE_RULE.fullmatch(line):
            end = next((n for n in range(at + 1, len(lines)) if "|" not in text[slice(*lines[n])]), len(lines))
            head, rows = _pipe_cells(text, *lines[at - 1]), [_pipe_cells(text, *lines[n]) for n in range(at + 1, end)]
        elif line.startswith("=") and _SIMPLE_RULE.fullmatch(line):
            head, rows, end = _simple_table(text, lines, at)
        elif line.startswith("+-") and _GRID_RULE.fullmatch(line):
            end = next(
                (n for n in range(at + 1, len(lines)) if text[lines[n][0] : lines[n][0] + 1] not in ("|", "+")),
                len(lines),
            )
            if end > at + 4 and _GRID_HEAD_RULE.fullmatch(text[slice(*lines[at + 2])].rstrip("\n")):
                head = _pipe_cells(text, *lines[at + 1])
                # A row of several lines would be two rows here: such a table is left to people.
                rows = [_pipe_cells(text, *lines[n]) for n in range(at + 3, end) if text[lines[n][0]] == "|"]
                rows = rows if 2 * len(rows) == end - at - 3 else []
        if head is not None:
            # Bars alone are Markdown, ruled tables reStructuredText.
            yield from _of_table(
                name, head, rows, markdown.plain_title if "|" in line else restructured_text.plain_title
            )
        at = end


def _simple_table(
    text: str, lines: list[tuple[int, int]], at: int
) -> tuple[list["_Cell"] | None, list[list["_Cell"]], int]:
    rules = [
        n
        for n in range(at, min(len(lines), at + _MOST_ROWS))
        if _SIMPLE_RULE.fullmatch(text[slice(*lines[n])].rstrip("\n"))
    ][:3]
    if len(rules) < 3 or rules[1] != at + 2:
        return None, [], rules[1] if len(rules) > 1 else at + 1
    columns = [found.span() for found in re.finditer("=+", text[slice(*lines[at])])]
    rows = [_column_cells(text, columns, *lines[n]) for n in range(at + 3, rules[2]) if text[slice(*lines[n])].strip()]
    # A row without a first cell goes on with the one above: such a table is left to people.
    return _column_cells(text, columns, *lines[at + 1]), rows if all(r[0].text for r in rows) else [], rules[2] + 1


def line_statements(name: str, document: ParsedDocument, start: int) -> Iterator[Statement]:
    """Lines of name and value from `start` on: of the document before its second heading, of the section's heading after it.

    A name that is given twice in one place names no attribute, and what goes on in the next line is prose.
    """
    inner = [heading for heading in document.headings if heading.level > 1 or heading is not document.headings[0]]
    starts = [heading.start for heading in inner]
    found: dict[tuple[str, str], list[Statement]] = {}
    for line in _LINE.finditer(document.text, start):
        value, predicate = markdown.plain_title(line["value"].strip()), (line["name"] or line["field"]).casefold()
        below = document.text[line.end() + 1 : max(document.text.find("\n", line.end() + 1), line.end() + 2)]
        if _SENTENCE.search(value) or predicate in _REMARKS or len(value.split()) > _MOST_WORDS:
            continue
        if below.strip() and not _LINE.match(document.text, line.end() + 1) and below[:1] not in "-*+#":
            continue
        place = bisect_right(starts, line.start())
        subject = f"{name} > {inner[place - 1].title}" if place else name
        if claim := claim_of(subject, predicate, value):
            end = line.start("value") + len(line["value"].rstrip())
            statement = Statement(claim, "line", line.start("value"), end, about_itself=not place)
            found.setdefault((claim.subject, claim.predicate), []).append(statement)
    yield from (several[0] for several in found.values() if len(several) == 1)


def _of_table(
    name: str, head: list[_Cell], rows: list[list[_Cell]], plain: Callable[[str], str]
) -> Iterator[Statement]:
    attributes = [plain(cell.text) for cell in head]
    if not 2 <= len(attributes) <= _MOST_COLUMNS or not 1 <= len(rows) <= _MOST_ROWS:
        return
    if any(not attribute for attribute in attributes[1:]) or len(set(attributes)) < len(attributes):
        return
    full = [row for row in rows if len(row) == len(head)]
    things = [plain_text(row[0].text) for row in full]
    if len(full) < len(rows) or not all(things) or len(set(things)) < len(things):
        return
    for row in full:
        thing = plain(row[0].text)
        # Elsewhere a name in a table means what it means there, when it is one; a common word means something here alone.
        named = plain_text(attributes[0]) not in _PARTS and thing[:1].isupper() and len(thing.split()) <= _LONGEST_NAME
        subject = thing if named else f"{name} > {thing}"
        for attribute, cell in zip(attributes[1:], row[1:], strict=True):
            value = plain(cell.text)
            if value.casefold() in _EMPTY or _SENTENCE.search(value):
                continue
            if claim := claim_of(subject, attribute, value):
                yield Statement(claim, "table", cell.start, cell.end)


def _pipe_cells(text: str, start: int, end: int) -> list[_Cell]:
    end -= text[end - 1 : end] == "\n"
    edges = [start - 1, *(start + found.start() for found in _CELL_BREAK.finditer(text[start:end])), end]
    cells = [_cell(text, left + 1, right) for left, right in pairwise(edges)]
    if cells and not cells[0].text and text[start:end].lstrip().startswith("|"):
        cells = cells[1:]
    return cells[:-1] if cells and not cells[-1].text and text[start:end].rstrip().endswith("|") else cells


def _column_cells(text: str, columns: list[tuple[int, int]], start: int, end: int) -> list[_Cell]:
    end -= text[end - 1 : end] == "\n"
    cells = []
    for number, (left, right) in enumerate(columns):
        stop = end if number + 1 == len(columns) else min(start + right, end)
        cells.append(_cell(text, min(start + left, end), max(stop, min(start + left, end))))
    return cells


def _cell(text: str, start: int, end: int) -> _Cell:
    inside = text[start:end]
    start += len(inside) - len(inside.lstrip())
    return _Cell(inside.strip(), start, start + len(inside.strip()))
