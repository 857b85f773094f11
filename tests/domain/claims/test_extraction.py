"""What documents are found to claim: exact spans, values in the form that is compared, and nothing that prose only resembles."""

import pytest

from destiny_assets.adapters.parsers.reader import DocumentReader
from destiny_assets.domain.claims.extraction import statements
from destiny_assets.domain.claims.records import claim_of
from destiny_assets.domain.documents import ParsedDocument

PEP = """PEP: 435
Title: Adding an Enum type
Author: Barry Warsaw <barry@python.org>,
        Eli Bendersky <eliben@gmail.com>
Status: Final
Created: 23-Feb-2013
Replaces: 354

Abstract
========

Text.
"""
ADR = """# Use a stream for letters

## Status

Superseded by [ADR 9](adr-009.md)

## Decision

Letters are appended.
"""
FRONT = """---
title: Spring report of deliveries
author:
  - Ada Brook
  - Ben Cole
date: 2024-04-01
---

# Spring report

Deliveries rose.
"""
PLANS = """# Our plans and prices

| Plan | Price | Seats |
|------|------:|-------|
| Basic | $3 | 5 |
| **Team** | $9 | - |

| Step | What |
|------|------|
| 1 | Pay |
"""


def read(text: str, uri: str) -> ParsedDocument:
    return DocumentReader().parse(text.encode(), uri=uri)


def told(text: str, uri: str = "a.md") -> set[tuple[str, str, str]]:
    return {
        (one.claim.subject, one.claim.predicate, one.claim.value) for one in statements("wiki", uri, read(text, uri))
    }


def test_header_fields_are_claims_about_the_document_by_its_number() -> None:
    assert told(PEP, "pep-0435.rst") == {
        ("PEP 435", "author", "Barry Warsaw, Eli Bendersky"),
        ("PEP 435", "status", "final"),
        ("PEP 435", "created", "2013-02-23"),
        ("PEP 435", "replaces", "PEP 354"),
    }


def test_front_matter_is_read_however_its_lists_are_written() -> None:
    assert told(FRONT) == {
        ("Spring report of deliveries", "author", "Ada Brook, Ben Cole"),
        ("Spring report of deliveries", "date", "2024-04-01"),
    }


def test_a_status_section_states_a_status() -> None:
    assert ("Use a stream for letters", "status", "superseded") in told(ADR, "adr-007.md")


def test_tables_state_a_value_for_each_thing_and_column() -> None:
    assert told(PLANS) == {
        ("Basic", "price", "$3"),
        ("Basic", "seats", "5"),
        ("Team", "price", "$9"),
        # A step is a part of this document and means nothing elsewhere.
        ("Our plans and prices > 1", "what", "Pay"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "Name   Born\n=====  ====\n",
        "=====  ====\nName   Born\n=====  ====\nAda    1815\n       1816\n=====  ====\n",
        "| a | b |\n|---|---|\n| Ada | 1 |\n| Ada | 2 |\n",
        "| a | b |\n|---|---|\n| Ada | 1 | 3 |\n",
        "**Note:** this is a remark.\n",
        "**Owner:** Ada, who wrote it\nwhile she was in Paris.\n",
        "It was written by Ada Lovelace.\n",
        "The old engine that Babbage designed was written by Ada Lovelace.\n",
        "Peter: hello\nAda: how are you?\n\nPeter: fine\n",
    ],
)
def test_what_only_looks_like_data_is_left_alone(text: str) -> None:
    assert told(f"# A page of notes\n\n{text}") == set()


def test_cells_of_ruled_tables_are_read_without_the_marks_of_their_language() -> None:
    table = (
        "Frameworks\n==========\n\n=========  ================  =========\nStatistic  `FastAPI <b_>`__  ``httpx``\n"
        "=========  ================  =========\nStars      *many*            ``12``\n=========  ================  =========\n"
    )
    assert told(table, "a.rst") == {("Stars", "fastapi", "many"), ("Stars", "httpx", "12")}


def test_other_tables_of_restructured_text_are_read_too() -> None:
    simple = "Notes on people\n===============\n\n======  ====\nPerson  Born\n======  ====\nAda     1815\nBen     1816\n======  ====\n"
    grid = "Notes on people\n===============\n\n+--------+------+\n| Person | Born |\n+========+======+\n| Ada    | 1815 |\n+--------+------+\n"
    assert told(simple, "a.rst") == {("Ada", "born", "1815"), ("Ben", "born", "1816")}
    assert told(grid, "a.rst") == {("Ada", "born", "1815")}


def test_lines_of_name_and_value_belong_to_the_section_they_stand_in() -> None:
    text = "# Billing service handbook\n\n**Owner:** Ada Brook\n\n## Storage\n\n- **Engine**: PostgreSQL 18\n"
    assert told(text) == {
        ("Billing service handbook", "owner", "Ada Brook"),
        ("Billing service handbook > Storage", "engine", "PostgreSQL 18"),
    }


def test_the_plainest_sentences_are_read() -> None:
    text = (
        "# History of the tools\n\nRequests was written by Kenneth Reitz, who left. The `retries` defaults to 3. "
        "The default of `timeout` is 10 s. Argument Clinic was introduced in 2013.\n"
    )
    assert told(text) == {
        ("Requests", "written by", "Kenneth Reitz"),
        ("retries", "default", "3"),
        ("timeout", "default", "10 s"),
        ("Argument Clinic", "introduced on", "2013"),
    }


@pytest.mark.parametrize(("text", "uri"), [(PEP, "pep.rst"), (ADR, "adr.md"), (FRONT, "f.md"), (PLANS, "p.md")])
def test_a_claim_points_at_the_words_it_rests_on(text: str, uri: str) -> None:
    document = read(text, uri)
    for one in statements("wiki", uri, document):
        statement = one.statement
        assert statement.start is not None
        assert statement.end is not None
        quoted = document.text[statement.start : statement.end]
        assert quoted == quoted.strip() != ""
        if statement.claim.origin == "stated" and statement.claim.predicate not in {"created", "replaces"}:
            assert statement.claim.value.split(",")[0].casefold() in quoted.replace("**", "").casefold()


def test_the_authors_are_the_witness_and_else_the_source() -> None:
    assert {one.witness for one in statements("wiki", "a.md", read(FRONT, "a.md"))} == {"Ada Brook, Ben Cole"}
    assert {one.witness for one in statements("wiki", "a.md", read(PLANS, "a.md"))} == {"wiki"}


def test_code_and_talk_are_not_read() -> None:
    assert told('"""A module.\n\n**Owner:** Ada\n"""\nx = 1\n', "module.py") == set()


def test_spellings_of_a_subject_share_a_slot_and_moved_documents_keep_their_claims() -> None:
    first, second = claim_of("PEP 8", "Status", "Final"), claim_of("pep-8", "status", "final")
    assert first is not None
    assert second is not None
    assert (first.slot_id, first.id == second.id) == (second.slot_id, False)
    here, there = (
        {one.claim.id for one in statements("wiki", uri, read(FRONT, uri))} for uri in ("a.md", "elsewhere/b.md")
    )
    assert here == there


@pytest.mark.parametrize(
    "text",
    [
        "|" * 40_000,
        "| a |" * 20_000 + "\n|---|---|\n",
        "A-" * 40_000 + " was written by Ada Lovelace.",
        "A " * 40_000 + " was written by Ada Lovelace.",
        "**" * 40_000,
        "= = " * 20_000,
        "== ==\nx\n" * 8_000,
        "+-" * 40_000,
        ":A" * 40_000,
        " was written by Ada" * 5_000,
        "Status: " + "final " * 10_000,
    ],
)
def test_no_text_is_long_to_read(text: str) -> None:
    """A rule that were not linear would run into the test's timeout here."""
    statements(
        "wiki", "a.txt", ParsedDocument("A title of words", text, "text/plain", "test/1", fields={"status": text[:900]})
    )
