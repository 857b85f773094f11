"""What of a document no database can hold, and what its source adds to it."""

from dataclasses import replace
from typing import Any

import pytest

from destiny_assets.domain.documents import (
    Heading,
    LineAuthorship,
    Link,
    ParsedDocument,
    SourceFacts,
    unstorable_part,
    with_facts,
)

WELL = ParsedDocument(title="Title 𝄞", text="text \ufffd", media_type="text/plain", parser="test/1")


def test_ordinary_text_of_any_script_can_be_stored() -> None:
    assert unstorable_part(WELL) is None


@pytest.mark.parametrize("bad", ["a\x00b", "a\ud800b", "\udc80"])
@pytest.mark.parametrize("part", ["text", "title", "authors", "fields", "headings", "links"])
def test_a_nul_or_half_a_pair_is_found_in_every_part(part: str, bad: str) -> None:
    changes: dict[str, Any] = {
        "text": bad,
        "title": bad,
        "authors": ("Ada", bad),
        "fields": {"author": bad},
        "headings": (Heading(1, bad, 0),),
        "links": (Link("target", bad, 0, 1),),
    }
    assert unstorable_part(replace(WELL, **{part: changes[part]})) == part


LINES = (LineAuthorship(1, 2, "Ada", revision="a1"), LineAuthorship(3, 3, "Ben", revision="b2"))


def parsed(text: str, **more: Any) -> ParsedDocument:
    return ParsedDocument(title="T", text=text, media_type="text/plain", parser="test/1", **more)


@pytest.mark.parametrize("text", ["one\ntwo\nthree", "one\ntwo\nthree\n"])
def test_authorship_of_lines_becomes_authorship_of_spans(text: str) -> None:
    known = with_facts(parsed(text), SourceFacts(lines=LINES))
    assert [(text[part.start : part.end].split(), part.author, part.revision) for part in known.authorship] == [
        (["one", "two"], "Ada", "a1"),
        (["three"], "Ben", "b2"),
    ]


def test_authorship_of_lines_is_left_out_where_the_text_has_other_lines() -> None:
    assert with_facts(parsed("one\ntwo"), SourceFacts(lines=LINES)).authorship == ()


def test_what_a_document_says_of_itself_goes_before_what_its_source_knows() -> None:
    facts = SourceFacts(authors=("Git",), fields={"status": "old", "commit": "c3"})
    known = with_facts(parsed("x", authors=("Ada",), fields={"status": "new"}), facts)
    assert (known.authors, known.fields) == (("Ada",), {"status": "new", "commit": "c3"})
    assert with_facts(parsed("x"), facts).authors == ("Git",)
