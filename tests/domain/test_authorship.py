"""Who wrote a part of a text."""

from datetime import UTC, datetime

import pytest

from destiny_assets.domain.authorship import Written, written
from destiny_assets.domain.documents import (
    Authorship,
    LineAuthorship,
    ParsedDocument,
    SourceFacts,
    facts_digest,
    with_facts,
)

OLD, NEW = datetime(2020, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)
PARTS = (
    Authorship(0, 10, "Ada", OLD, "r1"),
    Authorship(10, 12, "Ben", NEW, "r2"),
    Authorship(20, 30, "Cleo", None, "r3"),
    Authorship(30, 40, "Ada", OLD, "r4"),
)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 10, Written(("Ada",), OLD, "r1")),
        (5, 11, Written(("Ada", "Ben"), NEW, "r2")),
        (9, 12, Written(("Ben", "Ada"), NEW, "r2")),
        (12, 20, Written()),
        (15, 25, Written(("Cleo",), None, "r3")),
        (20, 40, Written(("Cleo", "Ada"), OLD, "r4")),
        (40, 50, Written()),
    ],
)
def test_a_part_is_by_those_whose_spans_it_meets(start: int, end: int, expected: Written) -> None:
    assert written(PARTS, start, end) == expected


def document(text: str) -> ParsedDocument:
    return ParsedDocument(title="a", text=text, media_type="text/plain", parser="test")


@pytest.mark.parametrize("text", ["one\ntwo\nthree\n", "one\ntwo\nthree"])
def test_lines_become_spans_and_lines_of_nobody_none(text: str) -> None:
    lines = (LineAuthorship(1, 1, "Ada", OLD, "r1"), LineAuthorship(2, 2, ""), LineAuthorship(3, 3, "Ben", NEW, "r2"))
    found = with_facts(document(text), SourceFacts(title="told", lines=lines))
    assert found.title == "told"
    assert [text[part.start : part.end].strip() for part in found.authorship] == ["one", "three"]


def test_lines_of_a_text_that_was_converted_are_left_out() -> None:
    assert with_facts(document("one\n"), SourceFacts(lines=(LineAuthorship(1, 3, "Ada"),))).authorship == ()


def test_facts_are_marked_by_all_they_say() -> None:
    facts = SourceFacts(fields={"a": "1", "b": "2"}, lines=(LineAuthorship(1, 2, "Ada", OLD),))
    assert facts_digest(SourceFacts()) == ""
    assert facts_digest(facts) == facts_digest(SourceFacts(fields={"b": "2", "a": "1"}, lines=facts.lines))
    assert facts_digest(facts) != facts_digest(
        SourceFacts(fields=facts.fields, lines=(LineAuthorship(1, 2, "Ada", NEW),))
    )
