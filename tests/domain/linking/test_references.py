"""Which documents refer to which: on small documents each rule, on real decision logs the whole."""

import pytest

from destiny_assets.domain.documents import Relation
from destiny_assets.domain.linking.linker import Linker, merged
from destiny_assets.domain.linking.records import LinkableDocument
from destiny_assets.domain.linking.traces import read_document
from tests.domain.linking.conftest import Linked, link
from tests.domain.linking.documents import chunks_of, document, gold


def relations(*corpus: LinkableDocument) -> set[tuple[str, str, str]]:
    return link(list(corpus)).relations()


def test_every_header_relation_of_the_peps_is_found_and_no_other(peps: Linked) -> None:
    have = {one.id for one in peps.documents}
    wanted = {row for row in gold("decisions-peps") if row[0] in have and row[2] in have}
    for relation in ("supersedes", "requires"):
        expected = {row for row in wanted if row[1] == relation}
        assert {row for row in peps.relations() if row[1] == relation} == expected
        assert len(expected) > 30


def test_every_mention_between_peps_is_found(peps: Linked) -> None:
    have = {one.id for one in peps.documents}
    expected = {row for row in gold("decisions-peps") if row[1] == "mentions" and row[0] in have and row[2] in have}
    found = {row for row in peps.relations() if row[1] == "mentions"}
    assert expected <= found
    # The gold counts only marked-up roles; the rest are plain "PEP 8" in prose, each a true mention.
    assert len(expected) / len(found) > 0.95


def test_every_relation_between_decision_records_is_found(decisions: Linked) -> None:
    found = {row for row in decisions.relations() if row[1] != "mentions"}
    assert found == gold("decisions-adr-govuk")


def test_every_span_gives_back_its_text(peps: Linked, decisions: Linked) -> None:
    for linked in (peps, decisions):
        texts = {chunk.id: chunk.text for one in linked.documents for chunk in chunks_of(one)}
        for row in linked.mentions:
            if row.end:
                assert texts[row.chunk_id][row.start : row.end] == row.surface
        placed = [row for row in linked.references if row.chunk_id]
        assert len(placed) > 0.9 * len(linked.references) > 0
        assert all(texts[row.chunk_id or ""][row.start : row.end].strip() for row in placed)


@pytest.mark.parametrize(
    "target",
    ["b.md", "./b.md#part", "/docs/b.md", "../docs/b.md", "b", "https://host.example/repo/blob/main/docs/b.md"],
)
def test_a_link_is_resolved_from_where_it_stands(target: str) -> None:
    found = relations(
        document("a", f"See [the other]({target}).", uri="docs/a.md"), document("b", "Text.", uri="docs/b.md")
    )
    assert found == {("a", "links_to", "b")}


def test_a_link_that_leads_nowhere_is_kept_unresolved() -> None:
    (row,) = link([document("a", "See [that](gone.md).")]).references
    assert (row.target_document, row.target, row.relation) == (None, "gone.md", Relation.LINKS_TO)


@pytest.mark.parametrize("target", ["#part", "", "mailto:a@b.example", "http://[broken", "%ZZ", "a.md"])
def test_no_target_makes_a_document_refer_to_itself(target: str) -> None:
    assert relations(document("a", f"See [this]({target}) there.", uri="docs/a.md")) == set()


@pytest.mark.parametrize(
    "said",
    ["PEP 440", "PEP-440", "PEP #440", "pep-0440", ":pep:`440`", ":pep:`versions <440#scheme>`", "PEPs 8, 12 and 440"],
)
def test_an_identifier_is_recognised_however_it_is_written(said: str) -> None:
    found = relations(document("a", f"As {said} says."), document("v", "PEP: 440", uri="pep-0440.rst"))
    assert found == {("a", "mentions", "v")}


@pytest.mark.parametrize("said", ["UTF-8", "SHA-256", "Section 440", "in 440 BC", "PEP 440.5", "STEP440", "XPEP 440"])
def test_a_number_after_another_word_is_no_reference(said: str) -> None:
    linked = link([document("a", f"With {said} here."), document("v", "PEP: 440", uri="pep-0440.rst")])
    assert linked.references == []


def test_an_identifier_of_a_public_series_is_kept_when_the_corpus_lacks_it() -> None:
    linked = link([document("a", "MUST as in RFC 2119, see issue #12 and CVE-2021-44228.")])
    assert {(row.target, row.target_document) for row in linked.references} == {
        ("RFC 2119", None),
        ("issue 12", None),
        ("CVE 2021-44228", None),
    }
    assert {row.surface for row in linked.mentions} >= {"RFC 2119", "issue #12", "CVE-2021-44228"}


def test_one_supersession_said_by_both_documents_is_one_row() -> None:
    old = document("old", "PEP: 1\nSuperseded-By: 2\n", fields={"pep": "1", "superseded-by": "2"}, uri="pep-0001.txt")
    new = document("new", "PEP: 2\nReplaces: 1\n", fields={"pep": "2", "replaces": "1"}, uri="pep-0002.txt")
    rows = [row for row in link([old, new]).references if row.relation is Relation.SUPERSEDES]
    assert [(row.source_document, row.target_document) for row in rows] == [("new", "old")]


def test_the_file_name_outranks_a_title_copied_from_another_record() -> None:
    """As in the gov.uk records, where 0033 still bears the title of 3."""
    copied = document("copied", "Text.", uri="adr/0033-ranges.md", title="3. Networking Outline")
    original = document("original", "Text.", uri="adr/0003-network.md", title="3. Networking Outline")
    assert relations(document("a", "See ADR 33."), copied, original) == {("a", "mentions", "copied")}


def test_a_title_that_begins_with_a_name_and_a_number_gives_no_identifier() -> None:
    paper = document("paper", "Text.", title="IL-17 promotes tumour growth", uri="paper.txt")
    assert read_document(paper).identifiers == ()


def test_an_identifier_two_folders_share_means_the_nearer_one_and_a_tie_means_neither() -> None:
    here = document("here", "Text.", uri="one/adr/0007-x.md")
    there = document("there", "Text.", uri="two/adr/0007-y.md")
    assert relations(document("a", "See ADR 7.", uri="one/adr/0001-a.md"), here, there) == {("a", "mentions", "here")}
    assert relations(document("a", "See ADR 7.", uri="a.md"), here, there) == set()


def test_a_file_name_in_prose_counts_only_when_the_corpus_holds_the_file() -> None:
    linked = link([document("a", "Read guide.md and other.md."), document("g", "Text.", uri="docs/guide.md")])
    assert [(row.target_document, row.target) for row in linked.references] == [("g", "guide.md")]


def test_the_order_of_documents_and_of_chunks_changes_nothing(decisions: Linked) -> None:
    backwards = Linker(reversed(decisions.traces))
    assert backwards.entities == decisions.linker.entities
    again = []
    for one, trace in reversed(list(zip(decisions.documents, decisions.traces, strict=True))):
        again += backwards.references(trace, chunks_of(one)[::-1])
    assert merged(again) == decisions.references


def test_ids_are_unique(peps: Linked, decisions: Linked) -> None:
    for linked in (peps, decisions):
        for rows in (linked.mentions, linked.references, linked.linker.entities):
            assert len({row.id for row in rows}) == len(rows)
