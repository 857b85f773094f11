"""What a document says of itself: header fields, its status, the decision it records. Each claim stands at an exact span."""

import re
from collections.abc import Iterator

from destiny_assets.domain.claims.records import Origin, Statement, claim_of
from destiny_assets.domain.decisions import DECISION_LINE
from destiny_assets.domain.documents import ParsedDocument, Relation
from destiny_assets.domain.headers import TELLING, parsed_date, people
from destiny_assets.domain.life_cycle import counts_in_series, recognised_status, status_section

# A header longer than this is none.
_HEADER_REACH = 32_768
_VALUE_REACH = 2_000
# Fields that say how a document is kept or shown, not what is so; its own number and title are its name.
_HOUSEKEEPING = frozenset(
    {
        *("title", "name", "subject", "slug", "layout", "permalink", "template", "weight", "draft", "toc", "sidebar"),
        *("content type", "mime version", "commit", "parents", "renamed from", "blame", "id", "uid", "redirect from"),
        *("version control", "last modified", "url", "canonical", "image", "css", "lang", "encoding", "rationale"),
        *("options", "nav order", "parent", "has children", "date time original", "aliases", "cssclass", "description"),
    }
)
_DATE_FIELDS = re.compile(r"(?:.* )?(?:created|updated|date|modified|published|revised|accepted|decided)(?: at| on)?")
PEOPLE_FIELDS = frozenset(
    {
        "author",
        "authors",
        "by",
        "from",
        "creator",
        "deciders",
        "decision makers",
        "owner",
        "owners",
        "maintainer",
        "maintainers",
    }
)
_NAME_BREAK = r"[\s_-]+"
_ONE_WORD = re.compile(r"\S+")
_DECISION_END = re.compile(
    r"^(?P<status>[A-Z][a-z]+)(?: by (?P<by>[^\n]+?))?(?: on (?P<on>\d{4}-\d{2}-\d{2}))?\. Decision ", re.MULTILINE
)


def own_name(source: str, uri: str, document: ParsedDocument) -> str:
    """What a document is called as a subject: its number in its series, else its title.

    A title of one word ("README", "Overview") is many documents'; such a one is called by its place. Else a document that moved
    keeps its claims.
    """
    if number := counts_in_series(document.fields):
        return number
    if document.media_type == DECISION_LINE:
        return document.fields.get("id", document.title)
    title = document.title.strip()
    return title if len(title.split()) > 1 else f"{source}/{uri}"


def field_statements(name: str, document: ParsedDocument) -> Iterator[Statement]:
    """The header fields of a document called `name`, and its status."""
    if document.media_type == DECISION_LINE:
        yield from _decision_statements(name, document)
        return
    number = counts_in_series(document.fields)
    stated_status = False
    keys = {re.sub(_NAME_BREAK, "-", field.casefold()) for field in document.fields}
    # "Ada: hello" at the top of a text looks like a header too.
    for field, value in document.fields.items() if number or keys & TELLING else ():
        key = " ".join(re.split(_NAME_BREAK, field.casefold()))
        counts = number is not None and value.strip().isdigit() and f"{number.split()[0]} {int(value)}" == number
        span = None if key in _HOUSEKEEPING or counts else _span(document.text, field, value)
        if span is None:
            continue
        said, origin = value, Origin.STATED
        if key == "status" and (status := recognised_status(value)) is not None:
            said, stated_status = str(status), True
            origin = _origin(said, document.text[slice(*span)])
        elif _DATE_FIELDS.fullmatch(key) and len(value) <= 40 and (date := parsed_date(value)) is not None:
            said = date.date().isoformat()
        elif key in PEOPLE_FIELDS and (names := people(value)):
            said = ", ".join(names)
        elif targets := _targets(document, span):
            said = ", ".join(targets)
        if claim := claim_of(name, key, said, origin):
            yield Statement(claim, "field", *span, about_itself=True)
    if not stated_status:
        yield from _status_section(name, document)


def _targets(document: ParsedDocument, span: tuple[int, int]) -> list[str]:
    """What a relation field names, with the series that a bare number counts in."""
    return [
        link.target
        for link in document.links
        if link.relation is not Relation.LINKS_TO and span[0] <= link.start and link.end <= span[1]
    ]


def _status_section(name: str, document: ParsedDocument) -> Iterator[Statement]:
    section = status_section(document.headings, document.text)
    if section is None or document.status is None:
        return
    for line in re.finditer(r"[^\n]+", document.text[slice(*section)]):
        if recognised_status(line[0]) is document.status:
            start = section[0] + line.start() + len(line[0]) - len(line[0].lstrip())
            end = section[0] + line.start() + len(line[0].rstrip())
            claim = claim_of(name, "status", str(document.status), _origin(str(document.status), line[0]))
            if claim and end - start <= _VALUE_REACH:
                yield Statement(claim, "status", start, end, about_itself=True)
            return


def _decision_statements(name: str, document: ParsedDocument) -> Iterator[Statement]:
    """A line of a log: the sentence its text ends with says status, who and when."""
    found = None
    for found in _DECISION_END.finditer(document.text):  # noqa: B007 - the last one counts
        pass
    if found is None:
        return
    for group, predicate in (("status", "status"), ("by", "decided by"), ("on", "decided on")):
        if not found[group]:
            continue
        value = str(recognised_status(found[group]) or found[group]) if group == "status" else found[group]
        if claim := claim_of(name, predicate, value):
            yield Statement(claim, "decision", found.start(group), found.end(group), about_itself=True)


def _span(text: str, field: str, value: str) -> tuple[int, int] | None:
    """Where a field's value is written: after its name at the beginning of a line near the top; None where it is nowhere."""
    words = _ONE_WORD.findall(value)
    if not words or len(value) > _VALUE_REACH:
        return None
    name = _NAME_BREAK.join(map(re.escape, re.split(_NAME_BREAK, field.strip())))
    key = re.compile(rf"^[ \t]*(?:[-*+][ \t]+)?(?:\*\*|__)?:?[\"']?{name}[\"']?[ \t]*(?:\*\*|__)?[:=]", re.I | re.M)
    for found in key.finditer(text, 0, _HEADER_REACH):
        reach = min(len(text), found.end() + 2 * len(value) + _VALUE_REACH)
        whole = re.compile(r"\s+".join(map(re.escape, words))).search(text, found.end(), reach)
        if whole is not None and not text[found.end() : whole.start()].strip(" \t\"'[*_:\n"):
            return whole.start(), whole.end()
        if span := _listed(text, [part.strip() for part in value.split(",")], found.end(), reach):
            return span
    return None


def _listed(text: str, parts: list[str], start: int, reach: int) -> tuple[int, int] | None:
    """From the first to the last item of a list that is written one a line, or of a field that is written several times."""
    if len(parts) < 2:
        return None
    at, first = start, None
    for part in parts:
        spot = text.find(part, at, reach) if part else -1
        if spot < 0 or text.count("\n", at, spot) > 1:
            return None
        first = spot if first is None else first
        at = spot + len(part)
    return (first, at) if first is not None else None


def _origin(value: str, written: str) -> Origin:
    return Origin.STATED if value.casefold() in written.casefold() else Origin.INFERRED
