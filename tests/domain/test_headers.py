from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from destiny_assets.domain.headers import header_facts, leading_fields, parsed_date, people

MAIL_LIKE = (
    "PEP: 8\nTitle: Style Guide\nAuthor: Guido <g@x.org>,\n        Barry <b@x.org>\nStatus: Active\n\nBody: no field\n"
)


def test_a_mail_like_block_ends_at_the_blank_line() -> None:
    assert [(field.name, field.value) for field in leading_fields(MAIL_LIKE)] == [
        ("pep", "8"),
        ("title", "Style Guide"),
        ("author", "Guido <g@x.org>, Barry <b@x.org>"),
        ("status", "Active"),
    ]


def test_a_field_spans_its_value_as_written() -> None:
    spans = {field.name: MAIL_LIKE[field.start : field.end] for field in leading_fields(MAIL_LIKE)}
    assert spans["title"] == "Style Guide"
    assert spans["author"] == "Guido <g@x.org>,\n        Barry <b@x.org>"


@pytest.mark.parametrize(
    "block",
    [
        "Status: Accepted\nDate: 2020-01-02",
        "* Status: Accepted\n* Date: 2020-01-02",
        "- **Status:** Accepted\n- **Date:** 2020-01-02",
        "**Status**: Accepted\n**Date**: 2020-01-02",
        ":Status: Accepted\n:Date: 2020-01-02",
        "\n\n  \nStatus: Accepted\nDate: 2020-01-02\n\nmore",
        "Status:\n  Accepted\nDate:  2020-01-02  ",
    ],
)
def test_every_way_of_writing_fields_says_the_same(block: str) -> None:
    assert header_facts(leading_fields(block)).fields == {"status": "Accepted", "date": "2020-01-02"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "Note: this is a paragraph.",
        "Some words without a field",
        "Status: Accepted\nand then prose without a field",
        "http://example.org/x: y z",
        "    indented: code\n",
    ],
)
def test_what_is_no_header_yields_no_fields(text: str) -> None:
    assert leading_fields(text) == []


def test_facts_come_from_fields_under_any_of_their_names() -> None:
    facts = header_facts(
        leading_fields("Name: N\nCreator: A; B\nCreation Date: 1 May 2020\nLast_Modified: 2020-06-01 10:30\n")
    )
    assert (facts.title, facts.authors) == ("N", ("A", "B"))
    assert facts.created_at == datetime(2020, 5, 1, tzinfo=UTC)
    assert facts.updated_at == datetime(2020, 6, 1, 10, 30, tzinfo=UTC)


def test_repeated_fields_are_joined_and_the_first_date_wins() -> None:
    facts = header_facts(leading_fields("Tag: a\nTag: b\nDate: 2020-01-01\nDate: 2021-01-01"))
    assert facts.fields == {"tag": "a, b", "date": "2020-01-01, 2021-01-01"}
    assert facts.created_at == datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("29-Sep-2014", datetime(2014, 9, 29, tzinfo=UTC)),
        ("2014-09-29", datetime(2014, 9, 29, tzinfo=UTC)),
        ("2014/9/29", datetime(2014, 9, 29, tzinfo=UTC)),
        ("29 September 2014", datetime(2014, 9, 29, tzinfo=UTC)),
        ("September 29th, 2014", datetime(2014, 9, 29, tzinfo=UTC)),
        ("29.9.2014", datetime(2014, 9, 29, tzinfo=UTC)),
        ("`29-Sep-2014 <https://example.org>`__", datetime(2014, 9, 29, tzinfo=UTC)),
        ("Mon, 29 Sep 2014 10:11:12 +0200", datetime(2014, 9, 29, 10, 11, 12, tzinfo=timezone(timedelta(hours=2)))),
        ("2014-09-29T10:11:12.5Z", datetime(2014, 9, 29, 10, 11, 12, tzinfo=UTC)),
        (
            "2014-09-29 10:11:12-05:30",
            datetime(2014, 9, 29, 10, 11, 12, tzinfo=timezone(-timedelta(hours=5, minutes=30))),
        ),
        ("2014-13-40", None),
        ("30-Feb-2014", None),
        ("9/10/2014", None),
        ("some day", None),
        ("", None),
    ],
)
def test_dates_are_read_in_the_usual_ways(written: str, expected: datetime | None) -> None:
    assert parsed_date(written) == expected


@given(st.dates(min_value=date(1000, 1, 1)))
def test_every_day_written_in_iso_is_read_back(day: date) -> None:
    found = parsed_date(f"on {day.isoformat()}.")
    assert found is not None
    assert found.date() == day


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("Ann <a@b.c>, Bob", ("Ann", "Bob")),
        ("Ann and Bob; Eve,", ("Ann", "Bob", "Eve")),
        ("a@b.c (Ann)", ("Ann",)),
        ("a@b.c", ()),
    ],
)
def test_people_are_named_without_their_addresses(written: str, names: tuple[str, ...]) -> None:
    assert people(written) == names


@given(st.text(alphabet="ab: \n-*#.<>\t", max_size=80), st.integers(0, 10))
def test_fields_lie_within_the_text(text: str, start: int) -> None:
    for field in leading_fields(text, min(start, len(text))):
        assert 0 <= field.start <= field.end <= len(text)
        assert " ".join(text[field.start : field.end].split()) == " ".join(field.value.split())
