"""Header fields a document begins with, and the facts they state: who wrote it, when, what it is called.

Reads blocks such as mail headers (Python's PEPs), reStructuredText field lists and the "Status: …" lists of decision
records. Where a block may stand is the format's business; what a status or relation means is in `life_cycle`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?P<month>" + "|".join(_MONTHS) + r")[a-z]*\.?"
_TIME = (
    r"(?:[T ,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
_DATES = tuple(
    re.compile(pattern + _TIME, re.IGNORECASE)
    for pattern in (
        r"(?<!\d)(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})(?!\d)",
        r"(?<!\d)(?P<day>\d{1,2})(?:st|nd|rd|th)?[-\s.]+" + _MONTH + r",?[-\s]+(?P<year>\d{4})",
        r"\b" + _MONTH + r"\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})",
        r"(?<!\d)(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})(?!\d)",
    )
)
_FIELD = re.compile(
    r"(?:[-*+][ \t]+)?(?:\*\*|__)?:?(?P<name>[A-Za-z][\w /.-]{0,39}?)[ \t]*"
    r"(?:(?:\*\*|__):|:(?:\*\*|__)?)(?:[ \t]+(?P<value>\S.*?))?[ \t]*"
)
_CONTINUATION = re.compile(r"[ \t]+(?P<value>\S.*?)[ \t]*")
_MAX_LINES = 300

# Two columns with nothing but space between them: fields on the left; authors, their employers and the month on the right.
_MEMO = re.compile(
    r"^(?:request for comments:[ \t]*\d+|internet-draft\b|intended status:)", re.IGNORECASE | re.MULTILINE
)
_MEMO_REACH = 2_000
_COLUMNS = re.compile(r"(?P<left>\S(?:.*?\S)?)?(?:[ \t]{3,}(?P<right>\S.*?))?[ \t]*")
_MEMO_FIELD = re.compile(r"(?P<name>[A-Z][\w ]*?):[ \t]*(?P<value>\S.*)")
_MEMO_AUTHOR = re.compile(
    r"(?P<name>(?:[A-Z]\.(?:-[A-Z]\.)?[ ]?)+(?:[a-z]+ )*[A-Z][\w'-]+(?: [A-Z][\w'-]+)*)(?:, Ed\.)?"
)
_MEMO_MONTH = re.compile(rf"(?:(?P<day>\d{{1,2}}) )?{_MONTH} (?P<year>\d{{4}})", re.IGNORECASE)

_TITLES = ("title", "name", "subject")
_AUTHORS = ("author", "authors", "by", "from", "creator", "deciders", "decision-makers")
_CREATED = ("created", "created-at", "date", "published", "pubdate", "creation-date")
_UPDATED = ("updated", "updated-at", "last-modified", "modified", "last-updated", "lastmod", "revised")
TELLING = frozenset((*_TITLES, *_AUTHORS, *_CREATED, *_UPDATED, "status", "version", "tags"))
"""Names that headers use: a block without any of them may be talk or a list."""

_ADDRESS = re.compile(r"\s*<[^<>]*>|\s*\[[^\[\]]*@[^\[\]]*\]")
_NAMED_ADDRESS = re.compile(r"^\S+@\S+\s+\((?P<name>[^()]+)\)$")


@dataclass(frozen=True, slots=True)
class HeaderField:
    """One field: `name` in lower case, `value` on one line, ``text[start:end]`` where the value is written."""

    name: str
    value: str
    start: int
    end: int

    @property
    def key(self) -> str:
        """The name with one spelling: ``Superseded By``, ``superseded_by`` and ``superseded-by`` are the same."""
        return re.sub(r"[\s_]+", "-", self.name)


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """What header fields say about a document; `fields` keeps them all as written, repeated ones joined by a comma."""

    title: str | None
    authors: tuple[str, ...]
    created_at: datetime | None
    updated_at: datetime | None
    fields: Mapping[str, str]


def leading_fields(text: str, start: int = 0) -> list[HeaderField]:
    """The block of header fields at `start` (blank lines before it are skipped), or nothing when there is none.

    Every line of the block must be a field or an indented continuation, and a single field counts only under a name
    that headers use, so that a paragraph "Note: …" is none.
    """
    found: list[HeaderField] = []
    at = start
    for _ in range(_MAX_LINES):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end]
        if not line.strip():
            if found or end >= len(text):
                break
        elif (field := _FIELD.fullmatch(line)) is not None:
            begin = at + (field.start("value") if field["value"] else len(line))
            found.append(HeaderField(field["name"].strip().lower(), field["value"] or "", begin, begin))
            found[-1] = _ending(found[-1], begin + len(field["value"] or ""))
        elif found and (more := _CONTINUATION.fullmatch(line)) is not None:
            found[-1] = _continued(found[-1], more["value"], at + more.start("value"))
        else:
            return []
        at = end + 1
        if at > len(text):
            break
    if len(found) == 1 and found[0].key not in TELLING:
        return []
    return found


def memo_fields(text: str) -> list[HeaderField]:
    """The header of an RFC or Internet-Draft, which stands in two columns, or nothing when the text begins with none.

    Authors become ``author`` fields, the month of publication ``date`` (its first day), the line under the header ``title``.
    """
    start = len(text) - len(text.lstrip())
    end = text.find("\n\n", start)
    if end < 0 or not _MEMO.search(text, start, min(end, start + _MEMO_REACH)):
        return []
    found: list[HeaderField] = []
    at = start
    for line in text[start:end].split("\n"):
        columns = _COLUMNS.fullmatch(line)
        left, right = (columns["left"], columns["right"]) if columns else (line.strip(), None)
        if left and columns and (field := _MEMO_FIELD.fullmatch(left)):
            begin = at + columns.start("left") + field.start("value")
            found.append(HeaderField(field["name"].lower(), field["value"], begin, begin + len(field["value"])))
        if right and columns:
            begin = at + columns.start("right")
            found += _of_right_column(right, begin)
        at += len(line) + 1
    title = text[end:].lstrip()
    begin = len(text) - len(title)
    title = title[: title.find("\n\n")] if "\n\n" in title else ""
    if title and len(title) < _MEMO_REACH:
        found.append(HeaderField("title", " ".join(title.split()), begin, begin + len(title)))
    return found


def _of_right_column(written: str, begin: int) -> list[HeaderField]:
    if author := _MEMO_AUTHOR.fullmatch(written):
        return [HeaderField("author", author["name"], begin, begin + len(author["name"]))]
    if month := _MEMO_MONTH.fullmatch(written):
        number = _MONTHS.index(month["month"].lower()[:3]) + 1
        date = f"{month['year']}-{number:02}-{int(month['day'] or 1):02}"
        return [HeaderField("date", date, begin, begin + len(written))]
    return []


def _ending(field: HeaderField, end: int) -> HeaderField:
    return HeaderField(field.name, field.value, field.start, end)


def _continued(field: HeaderField, more: str, start: int) -> HeaderField:
    if not field.value:
        return HeaderField(field.name, more, start, start + len(more))
    return HeaderField(field.name, f"{field.value} {more}", field.start, start + len(more))


def header_facts(fields: Iterable[HeaderField]) -> HeaderFacts:
    """The facts among `fields`; of fields that say the same thing the first wins."""
    by_key: dict[str, list[str]] = {}
    written: dict[str, str] = {}
    for field in fields:
        by_key.setdefault(field.key, []).append(field.value)
        written[field.name] = f"{written[field.name]}, {field.value}" if written.get(field.name) else field.value
    return HeaderFacts(
        title=next((value for key in _TITLES for value in by_key.get(key, ()) if value), None),
        authors=tuple(
            dict.fromkeys(name for key in _AUTHORS for value in by_key.get(key, ()) for name in people(value))
        ),
        created_at=_first_date(by_key, _CREATED),
        updated_at=_first_date(by_key, _UPDATED),
        fields=written,
    )


def _first_date(by_key: Mapping[str, list[str]], keys: tuple[str, ...]) -> datetime | None:
    return next(
        (date for key in keys for value in by_key.get(key, ()) if (date := parsed_date(value)) is not None), None
    )


def people(value: str) -> tuple[str, ...]:
    """Names in a list of authors, without mail addresses; commas, semicolons and "and" part them."""
    names = []
    for part in re.split(r"\s*[,;]\s*|\s+and\s+", _ADDRESS.sub("", value)):
        named = _NAMED_ADDRESS.match(part)
        name = (named["name"] if named else part).strip(" .\"'*").removeprefix("@")
        if name and "@" not in name:
            names.append(name)
    return tuple(names)


def parsed_date(value: str) -> datetime | None:
    """The first date in `value` (2014-09-29, 29-Sep-2014, September 29th, 2014, 29.9.2014), with its time when given.

    A date without a zone is taken as UTC. Day and month in figures with slashes are ambiguous and not read.
    """
    for pattern in _DATES:
        match = pattern.search(value)
        if match is None:
            continue
        month = match["month"].lower()
        try:
            return datetime(
                int(match["year"]),
                int(month) if month.isdigit() else _MONTHS.index(month[:3]) + 1,
                int(match["day"]),
                int(match["hour"] or 0),
                int(match["minute"] or 0),
                int(match["second"] or 0),
                tzinfo=_zone(match["zone"]),
            )
        except ValueError:
            continue
    return None


def _zone(written: str | None) -> timezone:
    if written is None or written[0] not in "+-":
        return UTC
    offset = timedelta(hours=int(written[1:3]), minutes=int(written[-2:]))
    return timezone(offset if written[0] == "+" else -offset)
