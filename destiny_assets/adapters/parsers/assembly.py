"""The last step of every format: text, markup and header fields become a `ParsedDocument`."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from destiny_assets.adapters.parsers.limits import check_characters
from destiny_assets.domain.documents import Heading, ParsedDocument
from destiny_assets.domain.headers import HeaderField, header_facts, leading_fields
from destiny_assets.domain.life_cycle import field_relations, status_of, told_relations
from destiny_assets.domain.markup import Markup

# What writing programs put into a title nobody gave.
_NO_TITLE = re.compile(
    r"\(?(?:untitled|anonymous|unspecified|document\s*\d*|microsoft \w+ - .*|slide \d+|.*\.\w{3,4})\)?", re.I
)
_NO_PERSON = re.compile(r"\(?(?:anonymous|unspecified|unknown|user|admin|author)\)?", re.IGNORECASE)
_RULE = re.compile(r"[ \t]*([^\w\s])\1{2,}[ \t]*")


def assemble(
    text: str,
    markup: Markup,
    fields: Sequence[HeaderField],
    *,
    uri: str,
    media_type: str,
    parser: str,
    title: str | None = None,
    encoding: str | None = None,
    page_starts: tuple[int, ...] = (),
) -> ParsedDocument:
    """A document whose title is the first there is: the `title` given, a field's, the first heading, the file's name."""
    check_characters(len(text), uri)
    facts = header_facts(fields)
    titles = (title, facts.title, markup.headings[0].title if markup.headings else None, PurePosixPath(uri).stem, uri)
    links = told_relations(markup.links, fields, markup.headings, text)
    relations = field_relations(fields, text)
    # A link inside a relation field is said once, with its relation.
    links = [link for link in links if not any(r.start <= link.start < r.end for r in relations)]
    return ParsedDocument(
        title=next(" ".join(title.split()) for title in titles if title and title.strip()),
        text=text,
        media_type=media_type,
        parser=parser,
        encoding=encoding,
        headings=markup.headings,
        links=tuple(sorted((*links, *relations), key=lambda link: (link.start, link.end))),
        authors=facts.authors,
        created_at=facts.created_at,
        updated_at=facts.updated_at,
        status=status_of(fields, markup.headings, text),
        fields=facts.fields,
        page_starts=page_starts,
    )


def fields_at_top(text: str, start: int, headings: Sequence[Heading]) -> list[HeaderField]:
    """The header fields a text begins with at `start`, or right under its title."""
    found = leading_fields(text, start)
    if not found and headings and not text[start : headings[0].start].strip():
        found = leading_fields(text, _after_title(text, headings[0].start))
    return found


def _after_title(text: str, at: int) -> int:
    """The offset after a heading's line, its underline and its overline."""
    passed_title = False
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        if not _RULE.fullmatch(text, at, end):
            if passed_title:
                break
            passed_title = True
        at = end + 1
    return min(at, len(text))


def telling_title(title: str | None) -> str | None:
    """A title from a file's properties, unless a program made it up."""
    cleaned = (title or "").replace("\x00", "").strip()
    return cleaned if cleaned and not _NO_TITLE.fullmatch(cleaned) else None


def property_fields(properties: Sequence[tuple[str, str | None]]) -> list[HeaderField]:
    """Header fields for what a file's properties say; they stand nowhere in the text, so they span nothing."""
    return [
        HeaderField(name, value.replace("\x00", "").strip(), 0, 0)
        for name, value in properties
        if value and value.replace("\x00", "").strip() and not _NO_PERSON.fullmatch(value.strip())
    ]
