"""Which documents record a decision, in whichever form; what a line of a log may say; circles."""

from datetime import UTC, datetime

import pytest

from destiny_assets.adapters.parsers.reader import DocumentReader
from destiny_assets.domain.decisions import Decision, decision_of, decision_record, importance_of, in_circles, read_line
from destiny_assets.domain.documents import ParsedDocument, Relation, Status
from destiny_assets.errors import UnreadableDocumentError

AT = datetime(2026, 1, 1, tzinfo=UTC)
RFC_2616 = """


Network Working Group                                      R. Fielding
Request for Comments: 2616                                   UC Irvine
Obsoletes: 2068                                              J. Gettys
Category: Standards Track                                   Compaq/W3C
                                                        T. Berners-Lee
                                                             June 1999


                Hypertext Transfer Protocol -- HTTP/1.1

Status of this Memo

   This document specifies a protocol; see RFC 822.
"""
RFC_7231 = """Internet Engineering Task Force (IETF)                  R. Fielding, Ed.
Request for Comments: 7231                                         Adobe
Obsoletes: 2616                                          J. Reschke, Ed.
Updates: 2817                                                 greenbytes
Category: Standards Track                                      June 2014
ISSN: 2070-1721


     Hypertext Transfer Protocol (HTTP/1.1): Semantics and Content

Abstract

   The protocol.
"""
KEP = """---
title: Pods
kep-number: 1234
authors:
  - "@ann.bee"
owning-sig: sig-node
status: provisional
creation-date: 2019-01-02
see-also:
  - "/keps/sig-node/11-seen"
replaces:
  - "/keps/sig-node/12-old"
---
# KEP-1234: Pods

## Summary

Pods are good.
"""
MADR = """# Use Markdown

* Status: superseded by [ADR-0005](0005-example.md)
* Deciders: Ann Bee, Carl Dee
* Date: 2021-03-04

## Context and Problem Statement

Which?

## Decision Outcome

Chosen: "x".
"""
NYGARD = """# 2. Use x

Date: 2020-01-01

## Status

Superceded by [3. Use y](0003-use-y.md)

Amended by [4. Use z](0004-use-z.md)

## Context

Forces.

## Decision

We use x.

## Consequences

None.
"""
PEP = """PEP: 8
Title: Style
Author: Ann Bee <a@b.example>
Status: Final
Created: 05-Jul-2001
Resolution: `14-May-2013 <https://x.example>`__

Abstract
========

Spaces.
"""


def parsed(text: str, uri: str) -> ParsedDocument:
    return DocumentReader().parse(text.encode(), uri=uri)


def decision(text: str, uri: str) -> Decision:
    found = decision_of(uri, parsed(text, uri))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "uri", "key", "status", "agents", "date", "rationale"),
    [
        (
            RFC_2616,
            "rfc2616.txt",
            "RFC 2616",
            Status.FINAL,
            ("R. Fielding", "J. Gettys", "T. Berners-Lee"),
            "1999-06-01",
            "",
        ),
        (RFC_7231, "rfc7231.txt", "RFC 7231", Status.FINAL, ("R. Fielding", "J. Reschke"), "2014-06-01", ""),
        (KEP, "keps/1234/README.md", "KEP 1234", Status.DRAFT, ("ann.bee",), "2019-01-02", "Pods are good."),
        (
            MADR,
            "adr/0004-markdown.md",
            "0004-markdown",
            Status.SUPERSEDED,
            ("Ann Bee", "Carl Dee"),
            "2021-03-04",
            'Chosen: "x".',
        ),
        (NYGARD, "adr/0002-use-x.md", "0002-use-x", Status.SUPERSEDED, (), "2020-01-01", "We use x."),
        (
            "# ADR 9\n\n## Status: Accepted\n\n## Decision\n\nYes.\n",
            "adr/9/README.md",
            "9",
            Status.ACCEPTED,
            (),
            None,
            "Yes.",
        ),
        (
            PEP,
            "8.rst",
            "PEP 8",
            Status.FINAL,
            ("Ann Bee",),
            "2013-05-14",
            "Spaces.",
        ),
    ],
)
def test_records_and_proposals_are_decisions(
    text: str, uri: str, key: str, status: Status, agents: tuple[str, ...], date: str | None, rationale: str
) -> None:
    found = decision(text, uri)
    assert (found.key, found.status, found.agents, found.rationale) == (key, status, agents, rationale)
    assert (found.decided_at and found.decided_at.date().isoformat()) == date
    assert found.importance == 0.5


def test_their_relations_are_recognised() -> None:
    def said(text: str, uri: str) -> list[tuple[Relation, str]]:
        return [(link.relation, link.target) for link in parsed(text, uri).links]

    assert said(RFC_2616, "rfc2616.txt") == [(Relation.SUPERSEDES, "RFC 2068")]
    assert said(RFC_7231, "rfc7231.txt") == [(Relation.SUPERSEDES, "RFC 2616"), (Relation.LINKS_TO, "RFC 2817")]
    assert said(NYGARD, "2.md") == [(Relation.SUPERSEDED_BY, "0003-use-y.md"), (Relation.LINKS_TO, "0004-use-z.md")]
    assert (Relation.SUPERSEDES, "/keps/sig-node/12-old") in said(KEP, "README.md")
    assert (Relation.LINKS_TO, "/keps/sig-node/11-seen") in said(KEP, "README.md")


def test_a_stated_importance_counts_and_one_that_is_none_does_no_harm() -> None:
    record = "---\nstatus: accepted\nimportance: {}\n---\n# A\n\n## Decision\n\nYes.\n"
    assert decision(record.format("high"), "a.md").importance == 0.75
    assert decision(record.format("purple"), "a.md").importance == 0.5


@pytest.mark.parametrize(
    "text",
    [
        "# Release\n\n## Status\n\nCurrent\n\nWe decided much.\n",
        "# Notes\n\n## Decision\n\nWe go home.\n",
        "Zip: 12345\nStatus: active\n\nAn address.\n",
        "# A page\n\nStatus: draft\n\nA decision was made.\n",
    ],
)
def test_a_document_with_a_status_or_a_decision_alone_is_no_record(text: str) -> None:
    assert decision_of("page.md", parsed(text, "page.md")) is None


@pytest.mark.parametrize(
    ("written", "importance"),
    [
        (None, 0.5),
        (0, 0.0),
        (1, 1.0),
        (0.7, 0.7),
        ("0.7", 0.7),
        ("Low", 0.25),
        ("critical", 1.0),
        ("4/5", 0.8),
        ("5/5", 1),
    ],
)
def test_importance_is_a_share(written: object, importance: float) -> None:
    assert importance_of(written) == importance


@pytest.mark.parametrize("written", [4, -0.1, "purple", "6/5", "1/0", True, [1], {}])
def test_another_importance_is_refused(written: object) -> None:
    with pytest.raises(UnreadableDocumentError, match="importance"):
        importance_of(written)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"title": "T"}, "no id"),
        ({"id": "D"}, "no title"),
        ({"id": "D", "title": "T", "decided_at": "soon"}, "decided_at 'soon'"),
        ({"id": "D", "title": "T", "decided_at": 5}, "decided_at"),
        ({"id": "D", "title": "T", "status": "purple"}, "status 'purple'"),
        ({"id": "D", "title": "T", "supersedes": [["x"]]}, "supersedes"),
        ({"id": "D", "title": ["T"]}, "title"),
    ],
)
def test_a_wrong_line_says_which_field_is_wrong(entry: dict[str, object], problem: str) -> None:
    with pytest.raises(UnreadableDocumentError, match=problem):
        read_line(entry)


def test_a_line_becomes_a_text_and_comes_back_whole() -> None:
    line = (
        b'{"id": "D-1", "agent": ["planner", "Ann"], "title": "Use x", "rationale": "Because.\\n\\nAnd so.", "importance": "high",'
        b' "decided_at": "2026-01-01", "supersedes": ["D-0", "ADR 7"], "rests_on": "docs/a.md", "options": [{"title": "x"}, "z"],'
        b' "tags": ["a"], "area": {"team": 3}}'
    )
    media_type = "application/vnd.destiny.decision+json"
    document = DocumentReader().parse(line, uri="log.jsonl/D-1", media_type=media_type)
    assert document.text == (
        "Use x\n\nBecause.\nAnd so.\n\nOptions: x; z.\n\nAccepted by planner, Ann on 2026-01-01. Decision D-1.\n\nTags: a.\n"
        "Supersedes: D-0, ADR 7\nRests on: docs/a.md"
    )
    assert [(link.relation, link.target, document.text[link.start : link.end]) for link in document.links] == [
        ("supersedes", "D-0", "D-0"),
        ("supersedes", "ADR 7", "ADR 7"),
        ("requires", "docs/a.md", "docs/a.md"),
    ]
    assert document.fields["area"] == '{"team": 3}'
    found = decision_of("log.jsonl/D-1", document)
    assert found is not None
    assert (found.key, found.agents, found.importance, found.options) == ("D-1", ("planner", "Ann"), 0.75, ("x", "z"))
    assert (found.supersedes, found.rests_on, found.rationale) == (
        ("D-0", "ADR 7"),
        ("docs/a.md",),
        "Because.\n\nAnd so.",
    )


def test_a_line_may_rest_on_claims_and_say_how_probable_they_must_be() -> None:
    rests_on = ["Small | price", "Large | price | 9 crowns", "1f0c2d3e", "notes.md"]
    uri, line = decision_record("T", "W.", ["Ann"], AT, key="D-1", rests_on=rests_on, least_probability=0.8)
    media_type = "application/vnd.destiny.decision+json"
    document = DocumentReader().parse(line, uri=uri, media_type=media_type)
    assert [link.target for link in document.links] == ["1f0c2d3e", "notes.md"]
    found = decision_of(uri, document)
    assert found is not None
    assert (found.rests_on, found.least_probability) == (tuple(rests_on), 0.8)
    # A line that says nothing of it is the one that it always was.
    _, plain = decision_record("T", "W.", ["Ann"], AT, key="D-1")
    assert b"rests_on" not in plain
    assert b"least_probability" not in plain


@pytest.mark.parametrize("wrong", [0, 1, 1.0, "high", True, -0.5, [0.5]])
def test_a_threshold_lies_between_0_and_1(wrong: object) -> None:
    with pytest.raises(UnreadableDocumentError, match="least_probability"):
        read_line({"id": "D", "title": "T", "least_probability": wrong})


def test_a_record_names_its_claims_in_its_header() -> None:
    text = (
        "---\ntitle: Use a counter\nstatus: accepted\nrests-on:\n  - Small | price | 1,200 crowns\n  - Large | price\n"
        "least-probability: 0.7\n---\n\n# Use a counter\n\n## Decision\n\nSold at the counter.\n"
    )
    found = decision_of("adr-1.md", DocumentReader().parse(text.encode(), uri="adr-1.md", media_type=None))
    assert found is not None
    assert (found.rests_on, found.least_probability) == (("Small | price | 1,200 crowns", "Large | price"), 0.7)


def test_circles_are_found_and_chains_are_none() -> None:
    assert in_circles([(str(number + 1), str(number)) for number in range(5_000)]) == []
    assert in_circles([("b", "a"), ("a", "b"), ("c", "b"), ("a", "d")]) == ["a", "b"]
