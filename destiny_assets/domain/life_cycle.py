"""Where a document stands in its life, and what it replaces or needs, recognised from its own words.

Status words, relation fields ("Superseded-By: 446"), "Status" sections, and sentences as "This ADR supersedes [3](…)".
How fields are found is in `headers`; which document a target means is the linker's business.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from destiny_assets.domain.documents import Heading, Link, Relation, Status
from destiny_assets.domain.headers import HeaderField

_STATUS_WORDS = {
    Status.ACCEPTED: ("accepted", "approved", "agreed", "adopted", "decided", "provisional", "implementable"),
    Status.FINAL: ("final", "implemented", "done", "completed", "standards track"),
    Status.ACTIVE: (
        *("active", "living", "current", "published", "stable", "in force"),
        *("informational", "best current practice"),
    ),
    Status.DRAFT: (
        "draft",
        "proposed",
        "pending",
        "proposal",
        "in review",
        "under review",
        "wip",
        "work in progress",
        "open",
        "experimental",
        "implementing",
    ),
    Status.DEFERRED: ("deferred", "postponed", "on hold", "stagnant"),
    # A joke proposal never meant to hold ("April Fool!") reads as rejected.
    Status.REJECTED: ("rejected", "declined", "not accepted", "not approved", "april fool"),
    # Deprecated: no longer advised, but nothing is named in its place.
    Status.WITHDRAWN: (
        "withdrawn",
        "abandoned",
        "retired",
        "deprecated",
        "archived",
        "cancelled",
        "canceled",
        "historic",
    ),
    # Partly superseded too: what no longer holds must not be preferred.
    Status.SUPERSEDED: ("superseded", "superceded", "replaced", "obsolete", "obsoleted"),
}
_STATUS_OF = {word: status for status, words in _STATUS_WORDS.items() for word in words}
_STATUS_WORD = re.compile(r"\b(" + "|".join(sorted(_STATUS_OF, key=len, reverse=True)) + r")\b", re.IGNORECASE)
_SUPERSEDED = re.compile(r"\b(?:super[sc]eded|replaced by|obsoleted by)\b", re.IGNORECASE)
_STATUS_REACH = 400
"""Characters of a status value or section in which its word is looked for."""
_STATUS_HEADING = re.compile(
    r"(?:decision |adr |\d+[.)] )?status(?:\s*[:\u2013\u2014-]\s*(?P<value>.*))?", re.IGNORECASE
)
# A proposal of Kubernetes is provisional before it is accepted, one of Python after.
_PROVISIONAL_FIRST = frozenset({"kep-number", "owning-sig"})

_RELATION_FIELDS = {
    "requires": Relation.REQUIRES,
    "depends-on": Relation.REQUIRES,
    "replaces": Relation.SUPERSEDES,
    "supersedes": Relation.SUPERSEDES,
    "supercedes": Relation.SUPERSEDES,
    "obsoletes": Relation.SUPERSEDES,
    "superseded-by": Relation.SUPERSEDED_BY,
    "superceded-by": Relation.SUPERSEDED_BY,
    "replaced-by": Relation.SUPERSEDED_BY,
    "obsoleted-by": Relation.SUPERSEDED_BY,
    # What is amended still holds.
    "updates": Relation.LINKS_TO,
    "updated-by": Relation.LINKS_TO,
    "amends": Relation.LINKS_TO,
    "amended-by": Relation.LINKS_TO,
    "see-also": Relation.LINKS_TO,
}
# Numbered enhancement and improvement proposals (PEP, JEP, KEP, EIP…), requests for comments, decision records.
_SERIES = re.compile(r"(?!(?:zip|vip|ship|trip|clip|step|prep|grep)$)(?:[a-z]{1,3}(?:ep|ip)|[a-z]{0,3}(?:rfc|adr))")
_SERIES_FIELDS = {"request-for-comments": "rfc", "kep-number": "kep"}
_REFERENCE = re.compile(
    r"\[(?P<label>[^\[\]]*)\]\((?P<target>[^()\s]+)\)"
    r"|:(?P<role>[a-z]+):`(?P<number>\d+)`"
    r"|`(?P<text>[^`<>]*)<(?P<url>[^<>`]+)>`_{1,2}"
    r"|(?P<plain>[^\s,;`\[\]()](?:[^,;`\[\]()]*[^\s,;`\[\]()])?)"
)
_NOTHING = frozenset({"none", "n/a", "na", "nothing", "-", "and", "tbd", "null", "no", "~"})
_WORDS = (
    (
        re.compile(r"\b(?:super[sc]eded|replaced|obsoleted)\s+(?:in\s+part\s+)?by\b", re.IGNORECASE),
        Relation.SUPERSEDED_BY,
    ),
    (re.compile(r"\b(?:super[sc]edes|replaces|obsoletes)\b", re.IGNORECASE), Relation.SUPERSEDES),
    (re.compile(r"\b(?:requires|depends\s+on)\b", re.IGNORECASE), Relation.REQUIRES),
)
_ANY_WORD = re.compile(r"super[sc]ed|replace|obsolete|requires|depends", re.IGNORECASE)
# In running prose only a sentence about this very document counts: "Foo supersedes [Bar]" speaks of others, and so does
# "This page describes Foo, which was superseded by [Bar]".
_PROSE = (
    (
        re.compile(
            r"\A(?:(?:this|these)(?:\s+(?!that\b|which\b|what\b)[\w-]+){0,4}\s+(?:is|are|was|were|has|have)(?:\s+[\w-]+){0,3}\s+)?"
            r"super[sc]eded\s+(?:in\s+part\s+)?by\b",
            re.IGNORECASE,
        ),
        Relation.SUPERSEDED_BY,
    ),
    (
        re.compile(
            r"\Athis\s+(?:adr|decision|document|guide|page|policy|proposal|record|rfc|spec\w*|version)"
            r"(?:\s+(?!that\b|which\b|what\b)[\w-]+){0,3}\s+super[sc]edes\b",
            re.IGNORECASE,
        ),
        Relation.SUPERSEDES,
    ),
)
_SENTENCE_REACH = 160
_SENTENCE_START = re.compile(r"[.!?]\s|\n\s*\n")
_NAMED = re.compile(
    r"\s+(?:\[(?P<label>[^\[\]]*)\]\((?P<target>[^()\s]+)\)"
    r"|(?P<name>[A-Z][A-Za-z]{1,9}[- #]{0,2}\d{1,6}|\d{3,5}|[\w./-]+\.(?:md|rst|txt|adoc)))"
)
_AND = re.compile(r"\s*(?:,|&|,?\s*and)\s*")


def recognised_status(value: str) -> Status | None:
    """The status a value names, or None; "Accepted, superseded by 7" is superseded."""
    near = value[:_STATUS_REACH]
    if _SUPERSEDED.search(near):
        return Status.SUPERSEDED
    match = _STATUS_WORD.search(near)
    return _STATUS_OF[match[1].lower()] if match else None


def status_of(fields: Iterable[HeaderField], headings: Sequence[Heading], text: str) -> Status | None:
    """The status a header field states, else the document's "Status" section."""
    if (stated := _stated_status(list(fields))) is not None:
        return stated
    for heading in headings:
        named = _STATUS_HEADING.fullmatch(heading.title.strip())
        if named and named["value"] and (status := recognised_status(named["value"])) is not None:
            return status
    span = status_section(headings, text)
    return recognised_status(text[slice(*span)]) if span else None


def _stated_status(fields: Sequence[HeaderField]) -> Status | None:
    values = {field.key: field.value for field in reversed(fields)}
    for field in fields:
        if field.key == "status" and (status := recognised_status(field.value)) is not None:
            proposed = not _PROVISIONAL_FIRST.isdisjoint(values) and "provisional" in field.value.lower()
            return Status.DRAFT if proposed else status
    if "intended-status" in values:
        return Status.DRAFT
    # An RFC has no status: what it is called says how far it holds.
    return recognised_status(values.get("category", "")) if "request-for-comments" in values else None


def counts_in_series(fields: Mapping[str, str]) -> str | None:
    """The number under which a document's header counts it in a series of proposals ("PEP 8"), or None."""
    for name, value in fields.items():
        key = re.sub(r"[\s_]+", "-", name)
        series = _SERIES_FIELDS.get(key) or (key if _SERIES.fullmatch(key) else None)
        if series and value.strip().isdigit():
            return f"{series.upper()} {int(value)}"
    return None


def status_section(headings: Sequence[Heading], text: str) -> tuple[int, int] | None:
    """Start and end of what stands under the first heading "Status", without the heading."""
    for place, heading in enumerate(headings):
        if _STATUS_HEADING.fullmatch(heading.title.strip()):
            end = headings[place + 1].start if place + 1 < len(headings) else len(text)
            line_end = text.find("\n", heading.start, end)
            return (end if line_end < 0 else line_end + 1), end
    return None


def field_relations(fields: Sequence[HeaderField], text: str) -> list[Link]:
    """Links for relation fields, one a reference.

    A bare number is completed with the series its document counts in, known from the first field: under ``PEP: 435``,
    ``Replaces: 354`` names "PEP 354". Other targets are as written.
    """
    series = None
    for field in fields:
        name = _SERIES_FIELDS.get(field.key)
        if field.value.isdigit() and (name or (field is fields[0] and _SERIES.fullmatch(field.name))):
            series = (name or field.name).upper()
    links = []
    for field in fields:
        relation = _RELATION_FIELDS.get(field.key)
        if relation is None:
            continue
        for match in _REFERENCE.finditer(text, field.start, field.end):
            target = _target(match, series)
            if target is not None:
                links.append(Link(target, _label(match), match.start(), match.end(), relation))
    return links


def _target(match: re.Match[str], series: str | None) -> str | None:
    if match["number"]:
        return f"{match['role'].upper()} {match['number']}"
    if match["plain"] is None:
        return match["target"] or match["url"]
    plain = match["plain"].strip("\"' *")
    if not plain or plain.lower() in _NOTHING:
        return None
    return f"{series} {plain}" if series and plain.isdigit() else plain


def _label(match: re.Match[str]) -> str:
    return (match["label"] or match["text"] or match[0]).strip()


def told_relations(
    links: Sequence[Link], fields: Iterable[HeaderField], headings: Sequence[Heading], text: str
) -> list[Link]:
    """`links` again, with the relation that the words before each state.

    Where the status stands (a "Status" section or header field) any phrase counts ("Superseded by [7](…)"), and a name
    without a link becomes one. Elsewhere only a sentence about this document does, and only when no header field has the
    status: a document with such a header keeps its relations there.
    """
    if not _ANY_WORD.search(text):
        return list(links)
    spans = [(field.start, field.end) for field in fields if field.key == "status" and field.start < field.end]
    words_elsewhere = () if spans else _PROSE
    section = status_section(headings, text)
    spans += [section] if section else []
    told: list[Link] = []
    ended = 0
    for link in links:
        if link.relation is Relation.LINKS_TO:
            stated = any(start <= link.start < end for start, end in spans)
            before = _sentence_before(text, link.start, ended)
            words = _WORDS if stated else words_elsewhere
            relation = next((relation for pattern, relation in words if pattern.search(before)), link.relation)
            if told and ended and _AND.fullmatch(text, ended, link.start):
                relation = told[-1].relation
            told.append(replace(link, relation=relation) if relation is not link.relation else link)
        else:
            told.append(link)
        ended = link.end
    return told + [link for span in spans for link in _unlinked(told, span, text)]


def _sentence_before(text: str, end: int, floor: int) -> str:
    near = text[max(floor, end - _SENTENCE_REACH) : end]
    starts = [mark.end() for mark in _SENTENCE_START.finditer(near)]
    rest = near[starts[-1] :] if starts else near
    return rest.lstrip(" \t\n*_>#")


def _unlinked(links: Sequence[Link], span: tuple[int, int], text: str) -> list[Link]:
    found = []
    for pattern, relation in _WORDS:
        for phrase in pattern.finditer(text, *span):
            named = _NAMED.match(text, phrase.end(), span[1])
            if named is None:
                continue
            start, end = named.end() - len(named[0].lstrip()), named.end()
            if not any(link.start < end and start < link.end for link in links):
                target = named["name"] or named["target"]
                found.append(Link(target, named["label"] or target, start, end, relation))
    return found
