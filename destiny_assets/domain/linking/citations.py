"""What one document says about documents: its own identifiers, and the places where it names others.

Nothing is resolved here, so that the result depends on the document alone; `catalogue` resolves.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator

from destiny_assets.domain.documents import Link, ParsedDocument, Relation
from destiny_assets.domain.linking.names import file_names
from destiny_assets.domain.linking.records import Citation, Identifier

_PUBLIC_SERIES = frozenset({"adr", "bip", "cve", "dep", "eip", "jep", "kep", "kip", "pep", "rfc", "xep"})
_TRACKERS = {"issue": "issue", "bug": "issue", "ticket": "issue", "bpo": "bpo", "gh": "issue", "pr": "pull request"}
_WORD_SERIES = frozenset({"decision", "proposal", *_TRACKERS})
_NOT_A_SERIES = frozenset(
    {"utf", "ucs", "sha", "md", "iso", "http", "ipv", "int", "ieee", "x", "base", "crc", "win", "usb"}
)
"""Capitals before a number that are a standard's or a type's own name (UTF-8, SHA-256): never a place in a series."""

_FOLDER_SERIES = {
    "adr": "adr",
    "adrs": "adr",
    "decisions": "adr",
    "rfcs": "rfc",
    "peps": "pep",
    "proposals": "proposal",
}
_SERIES_WORDS = sorted(
    {word for series in _PUBLIC_SERIES for word in (series, series.capitalize())} | _WORD_SERIES, key=len
)
_NUMBER_IN_TEXT = re.compile(r"[0-9](?<=[ \n#`<-][0-9])[0-9]{0,5}(?:-[0-9]{4,7})?(?!\w|[.,]\d)")
_SERIES_BEFORE = re.compile(
    r"(?<![\w./-])(?:(?P<series>[A-Z]{2,8}|" + "|".join(reversed(_SERIES_WORDS)) + r")(?P<plural>s)?"
    r"(?:[ \n]+\#?|-|[ \n]?\#))\Z"
)
_ROLE_BEFORE = re.compile(r":(?P<role>[a-z]{2,8}):`(?:[^`<>]*<)?\Z")
_LIST_BETWEEN = re.compile(r",? (?:and|or) |,[ \n]|[ \n]?[&/][ \n]?")
_DOCUMENT_ENDINGS = frozenset(
    {"md", "rst", "adoc", "htm", "html", "pdf", "doc", "docx", "ppt", "pptx", "xls", "xlsx", "odt", "ipynb"}
)
_ADDRESS = re.compile(r"[/.#]|[^_]$")
_NUMBERS = re.compile(r"\d+")
_FIELD_RELATIONS = {
    "replaces": Relation.SUPERSEDES,
    "supersedes": Relation.SUPERSEDES,
    "obsoletes": Relation.SUPERSEDES,
    "superseded-by": Relation.SUPERSEDED_BY,
    "replaced-by": Relation.SUPERSEDED_BY,
    "obsoleted-by": Relation.SUPERSEDED_BY,
    "requires": Relation.REQUIRES,
    "depends-on": Relation.REQUIRES,
}
_CUE_BEFORE_LINK = re.compile(
    r"\b(?:(?P<by>(?:superseded|replaced|obsoleted)(?:\s+in\s+part)?\s+(?:by|with))"
    r"|(?P<over>supersedes|replaces|obsoletes)|(?P<needs>requires|depends\s+on))"
    r"\s*:?\s*(?:[A-Z]{2,5}[ -]?)?[\[(<`*_\"]*$",
    re.IGNORECASE,
)
_NUMBERED_NAME = re.compile(r"(?:(?P<series>[A-Za-z]{2,10})[-_ ]?)?0*(?P<number>\d{1,6})(?=[-_. ]|$)(?!-\d\d-\d\d)")
_NUMBERED_TITLE = re.compile(
    r"\s*(?P<series>[A-Z]{2,8}|[Dd]ecision)[ -]?#?0*(?P<number>\d{1,6})\s*(?:[:.)\u2013\u2014]|-\s)"
)
_DECISION_HEADINGS = frozenset({"context", "decision", "consequences"})


def as_identifier(text: str, *, series: str | None = None) -> Identifier | None:
    """The identifier a whole string spells (``PEP 440``, ``adr-0005``, or ``440`` when `series` is given), else None."""
    found = re.fullmatch(r"\s*(?:(?P<series>[A-Za-z]{2,12})[ _-]*)?#?(?P<number>\d{1,6})\.?\s*", text)
    if found is None:
        return None
    named = (found["series"] or series or "").lower()
    return Identifier(named, _number(found["number"])) if named else None


def own_identifiers(uri: str, parsed: ParsedDocument) -> tuple[Identifier, ...]:
    """The identifiers under which others may name this document, the surest first.

    A header field outranks the file's name, and that the title: titles are copied from other documents and left
    unchanged.
    """
    found: dict[Identifier, None] = {}
    for name, value in parsed.fields.items():
        if name in _PUBLIC_SERIES and value.strip().isdigit():
            found[Identifier(name, _number(value.strip()))] = None
    stem = posixpath.splitext(posixpath.basename(uri))[0] if "." in posixpath.basename(uri) else posixpath.basename(uri)
    numbered = _NUMBERED_NAME.match(stem)
    if numbered:
        series = (numbered["series"] or _series_of_folder(uri) or _series_of_headings(parsed) or "").lower()
        if series:
            found[Identifier(series, _number(numbered["number"]))] = None
    if not found:
        titled = _NUMBERED_TITLE.match(parsed.title)
        if titled and titled["series"].lower() not in _NOT_A_SERIES:
            found[Identifier(titled["series"].lower(), _number(titled["number"]))] = None
    return tuple(found)


def citations(parsed: ParsedDocument, own: tuple[Identifier, ...]) -> tuple[Citation, ...]:
    """Every place where the document names another, in the order of the text; links hide identifiers and file names
    within them.
    """
    found = [*_from_fields(parsed, own), *_from_links(parsed, own)]
    covered = sorted((citation.start, citation.end) for citation in found if citation.end > citation.start)
    found.extend(_outside(covered, _from_text(parsed.text)))
    return tuple(
        sorted(set(found), key=lambda citation: (citation.start, citation.end, citation.relation, citation.target))
    )


def _number(digits: str) -> str:
    return digits.lstrip("0") or "0"


def _series_of_folder(uri: str) -> str | None:
    for folder in reversed(posixpath.dirname(uri).lower().split("/")):
        if folder in _FOLDER_SERIES:
            return _FOLDER_SERIES[folder]
    return None


def _series_of_headings(parsed: ParsedDocument) -> str | None:
    titles = {heading.title.strip().lower() for heading in parsed.headings}
    return "adr" if titles >= _DECISION_HEADINGS else None


def _from_fields(parsed: ParsedDocument, own: tuple[Identifier, ...]) -> Iterator[Citation]:
    series = own[0].series if own else None
    said = {link.relation for link in parsed.links}
    for name, value in parsed.fields.items():
        relation = _FIELD_RELATIONS.get(name.replace("_", "-"))
        if relation is None or relation in said:
            continue
        place = re.search(rf"^{re.escape(name)}[ \t]*:[ \t]*", parsed.text[:4000], re.IGNORECASE | re.MULTILINE)
        offset = place.end() if place and parsed.text.startswith(value, place.end()) else None
        for part in re.finditer(r"[^,;\n]+", value):
            identifier = as_identifier(part[0], series=series)
            if identifier:
                number = _NUMBERS.search(value, part.start())
                assert number is not None  # noqa: S101 (the identifier holds digits)
                span = (0, 0) if offset is None else (offset + part.start(), offset + part.end())
                yield Citation(str(identifier), identifier, part[0].strip(), *_trimmed(parsed.text, *span), relation)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _from_links(parsed: ParsedDocument, own: tuple[Identifier, ...]) -> Iterator[Citation]:
    series = own[0].series if own else None
    for link in parsed.links:
        plain = link.relation is Relation.LINKS_TO
        identifier = as_identifier(link.target, series=None if plain else series)
        if identifier is None and not _ADDRESS.search(link.target):
            continue
        relations = {link.relation}
        if identifier is None:
            relations |= {Relation.LINKS_TO, *_cue(parsed, link)}
        elif plain:
            relations = {Relation.MENTIONS}
        for relation in relations:
            surface = parsed.text[link.start : link.end]
            yield Citation(link.target, identifier, surface, link.start, link.end, relation)


def _cue(parsed: ParsedDocument, link: Link) -> set[Relation]:
    """The relation that the words before a link state.

    Not where the format has header fields for it: there such sentences are about others, in all seven cases in the PEPs.
    Fields that only its source knows (a commit) stand nowhere in the text.
    """
    head = parsed.text[:4000].lower() if parsed.fields else ""
    found = (
        None
        if any(f"{name}:" in head for name in parsed.fields)
        else _CUE_BEFORE_LINK.search(parsed.text, max(0, link.start - 60), link.start)
    )
    if found is None:
        return set()
    return {Relation.SUPERSEDED_BY if found["by"] else Relation.SUPERSEDES if found["over"] else Relation.REQUIRES}


def _from_text(text: str) -> Iterator[Citation]:
    listed, list_end = "", -1
    # Numbers are rare and words are not: looking backwards from each number is 6 times faster than forwards from each
    # word.
    for number in _NUMBER_IN_TEXT.finditer(text):
        start, end = number.span()
        if text[start - 1] in "`<":
            role = _ROLE_BEFORE.search(text, max(0, start - 160), start)
            close = text.find("`", end, end + 80)
            if role and close > 0:
                yield _of_identifier(role["role"], number[0], text[role.start() : close + 1], role.start(), close + 1)
            continue
        series = _SERIES_BEFORE.search(text, max(0, start - 16), start)
        if series and series["series"].lower() not in _NOT_A_SERIES:
            first = start if series["plural"] else series.start()
            yield _of_identifier(series["series"], number[0], text[first:end], first, end)
            listed, list_end = (series["series"] if series["plural"] else ""), end
        elif listed and _LIST_BETWEEN.fullmatch(text, list_end, start):
            yield _of_identifier(listed, number[0], number[0], start, end)
            list_end = end
    for start, end in file_names(text):
        if text[text.rindex(".", start, end) + 1 : end].lower() in _DOCUMENT_ENDINGS:
            yield Citation(text[start:end], None, text[start:end], start, end, Relation.MENTIONS, explicit=False)


def _of_identifier(series: str, number: str, surface: str, start: int, end: int) -> Citation:
    name = series.lower()
    identifier = Identifier(_TRACKERS.get(name, name), _number(number))
    return Citation(str(identifier), identifier, surface, start, end, Relation.MENTIONS)


def _outside(covered: list[tuple[int, int]], citations: Iterable[Citation]) -> Iterator[Citation]:
    """Those that overlap none of the sorted spans `covered`."""
    ordered = sorted(citations, key=lambda citation: citation.start)
    position = 0
    for citation in ordered:
        while position < len(covered) and covered[position][1] <= citation.start:
            position += 1
        if position == len(covered) or covered[position][0] >= citation.end:
            yield citation


def is_public_series(series: str) -> bool:
    """Whether identifiers of the series mean something even where the corpus holds none of its documents."""
    return series in _PUBLIC_SERIES or series in _WORD_SERIES
