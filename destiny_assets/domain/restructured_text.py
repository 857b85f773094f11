"""Headings and links of reStructuredText, with exact offsets.

A line scanner instead of docutils, which runs directives, needs every role registered and keeps no offsets. It knows
section titles, hyperlink references and targets, and the roles that name documents (pep, rfc, doc).
"""

import re
from collections.abc import Iterator

from destiny_assets.domain.documents import Heading, Link
from destiny_assets.domain.markup import BARE_URL, Markup

_PUNCTUATION = r"[!-/:-@\[-`{-~]"
_TITLE = re.compile(
    rf"^(?:(?P<over>(?P<over_mark>{_PUNCTUATION})(?P=over_mark)+)[ \t]*\n[ \t]*)?(?P<title>\S[^\n]*)\n"
    rf"(?P<under>(?P<mark>{_PUNCTUATION})(?P=mark)+)[ \t]*$",
    re.MULTILINE,
)
_RULE = re.compile(rf"({_PUNCTUATION})\1*[ \t]*")
# Every alternative begins with a literal character, and no capture is the first thing in one: only then does `re` skip to
# those characters, which makes the scan four times as fast.
_INLINE = re.compile(
    r"``[^\n]{1,400}?``"
    r"|:(?P<role>[a-z]+(?:[:+.-][a-z0-9]+)*):"
    r"`(?:(?P<role_label>[^`<>]+?)\s*<(?P<role_target>[^`<>]+)>|(?P<role_name>[^`<>]+))`"
    r"|\.(?<=^\.)\.[ \t]+_(?:`(?P<quoted_name>[^`]+)`|(?P<name>[^\s:`](?:[^:\n]|:(?!\s))*)):[ \t]+(?P<place>\S+)[ \t]*$"
    r"|`(?P<label>[^`<>]*?)\s*<(?P<target>[^`<>]+)>`__?"
    r"|`(?P<phrase>[^`<>]+)`__?(?!\w)"
    rf"|{BARE_URL}",
    re.MULTILINE,
)
_WORD_END = re.compile(r"_(?<=[A-Za-z0-9]_)(?![\w`])")
_WORD = re.compile(r"(?<![\w`])[A-Za-z0-9][\w.+-]*\Z")
_WORD_REACH = 80
_MARKS = re.compile(r":[a-z:+.-]+:(?=`)|``|`(?P<label>[^`<>]+?)\s*<[^`<>]+>`_{0,2}|`_{0,2}|\*\*|(?<!\w)\*|\*(?!\w)")
_SERIES = {"pep": "PEP", "rfc": "RFC"}


def scan_restructured_text(text: str, start: int = 0) -> Markup:
    """Headings and links from `start` on; a heading starts at its overline if it has one, levels follow first use."""
    headings: list[Heading] = []
    styles: list[tuple[str, bool]] = []
    position = start
    while (match := _TITLE.search(text, position)) is not None:
        heading_start = _title_start(text, match, start)
        if heading_start is None:
            # The line taken as title may itself be the overline of the next one.
            position = match.start() + 1 + text[match.start() : match.end()].index("\n")
            continue
        style = (match["mark"], heading_start < match.start("title") and bool(match["over"]))
        if style not in styles:
            styles.append(style)
        headings.append(Heading(styles.index(style) + 1, plain_title(match["title"].strip()), heading_start))
        position = match.end()
    links = sorted(_links(text, start), key=lambda link: link.start)
    return Markup(tuple(headings), tuple(links))


def _title_start(text: str, match: re.Match[str], floor: int) -> int | None:
    """Where the heading of a match begins, or None when the lines are a table, a rule or the end of a paragraph."""
    title = match["title"].rstrip()
    if _RULE.fullmatch(title) or len(match["under"]) < min(4, len(title)):
        return None
    if match["over"]:
        if match["over_mark"] == match["mark"] and len(match["over"]) == len(match["under"]):
            return match.start()
        return None
    above = text[max(text.rfind("\n", floor, max(match.start() - 1, floor)) + 1, floor) : match.start()]
    return match.start() if not above.strip() else None


def plain_title(title: str) -> str:
    """A heading's text without emphasis, literal marks, roles and link targets."""
    return _MARKS.sub(lambda mark: mark["label"] or "", title).strip() or title


def _links(text: str, start: int) -> Iterator[Link]:
    matches = list(_INLINE.finditer(text, start))
    places: dict[str, str] = {}
    for match in matches:
        name = match["quoted_name"] or match["name"] or (match["label"] if match["target"] else None)
        if name:
            places.setdefault(_reference_key(name), (match["place"] or match["target"]).strip())
    for match in matches:
        link = _link(match, places)
        if link is not None:
            yield link
    if places:
        yield from _word_references(text, start, places, matches)


def _link(match: re.Match[str], places: dict[str, str]) -> Link | None:
    target: str | None
    if match["role"]:
        target = _role_target(match["role"], (match["role_target"] or match["role_name"]).strip())
        label = match["role_label"] or target or ""
    elif match["target"]:
        target, label = match["target"].strip(), match["label"] or match["target"]
        if target.endswith("_") and "/" not in target:
            target = places.get(_reference_key(target[:-1]))
    elif match["phrase"]:
        label = match["phrase"]
        target = places.get(_reference_key(label))
    elif match[0][0] == "h":
        target = label = match[0]
    else:
        return None
    return Link(target, " ".join(label.split()), match.start(), match.end()) if target else None


def _word_references(text: str, start: int, places: dict[str, str], taken: list[re.Match[str]]) -> Iterator[Link]:
    """References of one word (``Sphinx_``) to a target that the document names."""
    after = 0
    for end in _WORD_END.finditer(text, start):
        word = _WORD.search(text[max(start, end.start() - _WORD_REACH) : end.start()])
        target = places.get(_reference_key(word[0])) if word else None
        if word is None or target is None:
            continue
        while after < len(taken) and taken[after].end() <= end.start():
            after += 1
        if after == len(taken) or taken[after].start() > end.start():
            yield Link(target, word[0], end.start() - len(word[0]), end.end())


def _role_target(role: str, name: str) -> str | None:
    number = name.partition("#")[0].strip().lstrip("0")
    if role in _SERIES and number.isdigit():
        return f"{_SERIES[role]} {number}"
    return name if role == "doc" else None


def _reference_key(name: str) -> str:
    return " ".join(name.split()).casefold()
