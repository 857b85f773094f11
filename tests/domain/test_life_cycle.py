import pytest

from destiny_assets.domain.documents import Link, Relation, Status
from destiny_assets.domain.headers import leading_fields
from destiny_assets.domain.life_cycle import field_relations, recognised_status, status_of, told_relations
from destiny_assets.domain.markdown import scan_markdown


@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("Accepted", Status.ACCEPTED),
        ("**Approved**", Status.ACCEPTED),
        ("Provisional", Status.ACCEPTED),
        ("Proposed", Status.DRAFT),
        ("in review", Status.DRAFT),
        ("Final", Status.FINAL),
        ("Active", Status.ACTIVE),
        ("Deferred", Status.DEFERRED),
        ("Rejected", Status.REJECTED),
        ("not accepted", Status.REJECTED),
        ("April Fool!", Status.REJECTED),
        ("Withdrawn", Status.WITHDRAWN),
        ("Deprecated", Status.WITHDRAWN),
        ("Partly superseded", Status.SUPERSEDED),
        ("Accepted, superseded by [7](7.md)", Status.SUPERSEDED),
        ("Accepted\n\nSupersedes [3](3.md)", Status.ACCEPTED),
        ("unaccepted", None),
        ("", None),
    ],
)
def test_status_words_are_recognised(written: str, status: Status | None) -> None:
    assert recognised_status(written) is status


def relations(text: str) -> list[tuple[str, Relation]]:
    markup = scan_markdown(text)
    links = told_relations(markup.links, leading_fields(text), markup.headings, text)
    assert all(link.label in text[link.start : link.end] for link in links)
    return [(link.target, link.relation) for link in links]


def test_a_status_section_states_status_and_relations() -> None:
    text = "# T\n\n## Status\n\nAccepted\n\nSupersedes [3](3.md) and [4](4.md)\n\nAmends [5](5.md)\n\n## Context\n\nSee [6](6.md)\n"
    assert status_of([], scan_markdown(text).headings, text) is Status.ACCEPTED
    assert relations(text) == [
        ("3.md", Relation.SUPERSEDES),
        ("4.md", Relation.SUPERSEDES),
        ("5.md", Relation.LINKS_TO),
        ("6.md", Relation.LINKS_TO),
    ]


def test_a_name_without_a_link_becomes_one_in_the_status_section() -> None:
    assert relations("# T\n\n## Status\n\nSuperseded by ADR-0005.\n") == [("ADR-0005", Relation.SUPERSEDED_BY)]


@pytest.mark.parametrize(
    ("sentence", "relation"),
    [
        ("This ADR in part supersedes [3](3.md).", Relation.SUPERSEDES),
        ("**These rules have been superseded by [3](3.md).**", Relation.SUPERSEDED_BY),
        ("Superseded by [3](3.md)", Relation.SUPERSEDED_BY),
        ("The old tool supersedes [3](3.md).", Relation.LINKS_TO),
        ("This is fine. PEP 9 was superseded by [3](3.md).", Relation.LINKS_TO),
        ("This page describes Foo, which was superseded by [3](3.md).", Relation.LINKS_TO),
        ("This page that was superseded by [3](3.md).", Relation.LINKS_TO),
        ("Foo: superseded by [3](3.md).", Relation.LINKS_TO),
        ("(see Foo) superseded by [3](3.md).", Relation.LINKS_TO),
        ("> Superseded by [3](3.md).", Relation.SUPERSEDED_BY),
        ("This function replaces [3](3.md).", Relation.LINKS_TO),
    ],
)
def test_prose_counts_only_when_it_speaks_of_this_document(sentence: str, relation: Relation) -> None:
    assert relations(f"# T\n\n## Context\n\nWords before.\n\n{sentence}\n") == [("3.md", relation)]


def test_prose_does_not_count_when_a_header_has_the_status() -> None:
    text = "Title: T\nStatus: Final\n\nThis document was superseded by [3](3.md).\n"
    assert relations(text) == [("3.md", Relation.LINKS_TO)]


def test_relation_fields_name_their_targets_with_their_series() -> None:
    text = "PEP: 435\nTitle: Enum\nReplaces: 354, 245\nRequires: none\nSuperseded-By: RFC 7, [x](0005-x.md)\n"
    assert [
        (link.target, text[link.start : link.end], link.relation)
        for link in field_relations(leading_fields(text), text)
    ] == [
        ("PEP 354", "354", Relation.SUPERSEDES),
        ("PEP 245", "245", Relation.SUPERSEDES),
        ("RFC 7", "RFC 7", Relation.SUPERSEDED_BY),
        ("0005-x.md", "[x](0005-x.md)", Relation.SUPERSEDED_BY),
    ]


def test_numbers_without_a_series_stay_as_written() -> None:
    text = "weight: 10\nrequires: 5\n"
    assert [link.target for link in field_relations(leading_fields(text), text)] == ["5"]


def test_links_that_have_a_relation_keep_it() -> None:
    link = Link("a", "a", 0, 1, Relation.REQUIRES)
    assert told_relations([link], [], [], "a") == [link]
