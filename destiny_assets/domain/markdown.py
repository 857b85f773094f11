"""Headings and links of Markdown (CommonMark with wiki links and bare addresses), with exact offsets.

A line scanner instead of a parser: markdown-it-py keeps line numbers only, no offsets. Code, comments and images
are passed over. Front matter is data, not Markdown: callers pass where it ends.
"""

import re
from collections.abc import Iterator

from destiny_assets.domain.documents import Heading, Link
from destiny_assets.domain.markup import BARE_URL, Markup

_BLOCK = re.compile(
    r"^ {0,3}(?:"
    r"(?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)"
    r"|(?P<hashes>\#{1,6})(?=[ \t\n]|\Z)(?P<title>[^\n]*)"
    r"|(?P<rule>=+|-+)[ \t]*$"
    r"|(?P<comment><!--)"
    r")",
    re.MULTILINE,
)
_CLOSING_HASHES = re.compile(r"(?:^|[ \t]+)#+[ \t]*$")
# Lines that cannot be the text of an underlined heading.
_NO_PARAGRAPH = re.compile(r"[ \t]*$| {4}|\t| {0,3}(?:[-*+>|#<]|\d+[.)][ \t]|```|~~~)")
_LABEL = r"[^\[\]\n]*(?:\n(?!\n)[^\[\]\n]*)?(?:\[[^\[\]\n]*\][^\[\]\n]*)*"
# Every alternative begins with a literal character, and no capture is the first thing in one: only then does `re` skip to
# those characters, which makes the scan four times as fast.
_INLINE = re.compile(
    r"`(?P<ticks>`*)(?!`)[^\n]{1,400}?(?<!`)`(?P=ticks)(?!`)"
    r"|\\[\\`\[\]<!]"
    r"|!\[[^\[\]\n]*\]\([^()\n]*\)"
    r"|\[\[(?P<page>[^\[\]|\n]+)(?:\|(?P<alias>[^\[\]\n]+))?\]\]"
    r"|\[(?<=^\[)(?P<name>[^\[\]\n]+)\]:[ \t]*<?(?P<place>[^\s<>]+)>?"
    rf"|\[(?P<label>{_LABEL})\](?:\(\s*(?:<(?P<angled>[^<>\n]*)>|(?P<target>[^\s()<>]*(?:\([^\s()]*\)[^\s()]*)*))"
    r"(?:\s+(?:\"[^\"\n]*\"|'[^'\n]*'|\([^()\n]*\)))?\s*\)|\[(?P<reference>[^\[\]\n]*)\])?"
    r"|<(?P<auto>(?:https?|mailto|ftp|file):[^\s<>]+)>"
    rf"|{BARE_URL}",
    re.MULTILINE,
)
_MARKS = re.compile(
    r"!?\[(?P<label>[^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])|(?P<tick>`+)(?P<code>.+?)(?P=tick)|\*\*|__|(?<!\w)[*_]|[*_](?!\w)"
)


def scan_markdown(text: str, start: int = 0) -> Markup:
    """Headings and links from `start` on; a reference link without a definition is none."""
    headings: list[Heading] = []
    prose: list[tuple[int, int]] = []
    at = start
    position = start
    while (match := _BLOCK.search(text, position)) is not None:
        position = match.end()
        if match["fence"]:
            if match["fence"][0] == "`" and "`" in match["info"]:
                continue
            prose.append((at, match.start()))
            at = position = _fence_end(text, match)
        elif match["comment"]:
            end = text.find("-->", position)
            prose.append((at, match.start()))
            at = position = len(text) if end < 0 else end + 3
        elif match["hashes"]:
            title = _CLOSING_HASHES.sub("", match["title"].strip())
            if title:
                headings.append(Heading(len(match["hashes"]), plain_title(title), match.start()))
        elif (underlined := _underlined(text, match.start(), start)) is not None:
            line_start, title = underlined
            headings.append(Heading(1 if match["rule"][0] == "=" else 2, plain_title(title), line_start))
    prose.append((at, len(text)))
    return Markup(tuple(headings), tuple(_links(text, prose)))


def _fence_end(text: str, opening: re.Match[str]) -> int:
    mark = opening["fence"]
    closing = re.compile(rf"^ {{0,3}}{re.escape(mark[0])}{{{len(mark)},}}[ \t]*$", re.MULTILINE)
    match = closing.search(text, opening.end())
    return match.end() if match else len(text)


def _underlined(text: str, rule_start: int, floor: int) -> tuple[int, str] | None:
    """The one line of text above a rule, when it is a paragraph of its own."""
    line_end = rule_start - 1
    if line_end <= floor:
        return None
    line_start = max(text.rfind("\n", floor, line_end) + 1, floor)
    line = text[line_start:line_end]
    if _NO_PARAGRAPH.match(line):
        return None
    above = text[max(text.rfind("\n", floor, line_start - 1) + 1, floor) : line_start - 1] if line_start > floor else ""
    return None if above.strip() and not above.lstrip().startswith("#") else (line_start, line.strip())


def plain_title(title: str) -> str:
    """A heading's text without emphasis, code ticks and link targets."""
    return _MARKS.sub(lambda mark: mark["label"] or mark["code"] or "", title).strip() or title


def _links(text: str, prose: list[tuple[int, int]]) -> Iterator[Link]:
    matches = [match for span in prose for match in _INLINE.finditer(text, *span)]
    places: dict[str, str] = {}
    for match in matches:
        if match["name"]:
            places.setdefault(_reference_key(match["name"]), match["place"])
    for match in matches:
        link = _link(match, places)
        if link is not None:
            yield link


def _link(match: re.Match[str], places: dict[str, str]) -> Link | None:
    target: str | None
    if match["page"]:
        target, label = match["page"].strip(), (match["alias"] or match["page"]).strip()
    elif match["label"] is not None:
        label = match["label"]
        target = match["angled"] or match["target"]
        if target is None:
            target = places.get(_reference_key(match["reference"] or label))
    elif match["auto"] or match[0][0] == "h":
        target = label = match["auto"] or match[0]
    else:
        return None
    return Link(target, " ".join(label.split()), match.start(), match.end()) if target else None


def _reference_key(name: str) -> str:
    return " ".join(name.split()).casefold()
