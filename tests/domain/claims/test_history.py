"""What commits and tags state, read from the very documents that the git source writes; and who takes back what."""

from collections.abc import Iterable
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from destiny_assets.adapters.git.records import Change, Commit, Tag, commit_document, tag_document
from destiny_assets.domain.claims.currency import retracted
from destiny_assets.domain.claims.extraction import Witnessed, statements
from destiny_assets.domain.documents import Authorship, ParsedDocument, SourceContent

WHEN = datetime(2024, 5, 1, 12, tzinfo=UTC)
ID, OTHER = "a" * 40, "b" * 40


def parsed(content: SourceContent) -> ParsedDocument:
    text, facts = content.data.decode(), content.facts
    return ParsedDocument(
        title=facts.title or "",
        text=text,
        media_type="text/plain",
        parser="test/1",
        authors=facts.authors,
        created_at=facts.created_at,
        fields=dict(facts.fields),
        authorship=tuple(Authorship(0, len(text), line.author, line.written_at, line.revision) for line in facts.lines),
    )


def committed(message: str, changes: Iterable[Change] = ()) -> list[Witnessed]:
    commit = Commit(
        id=ID,
        parents=(OTHER,),
        author="Ada Brook",
        authored_at=WHEN,
        committer="Ben Cole",
        committed_at=WHEN,
        message=message,
        changes=tuple(changes),
    )
    document = parsed(commit_document(commit, ["v1"], parents_missing=False))
    found = statements("code", f"commits/{ID}", document)
    for one in found:
        assert document.text[one.statement.start : one.statement.end].strip()
    return found


def said(found: list[Witnessed]) -> set[tuple[str, str, str]]:
    return {(one.claim.subject, one.claim.predicate, one.claim.value) for one in found}


def test_a_commit_states_its_author_day_and_paths_and_its_author_is_the_witness() -> None:
    found = committed(
        "Dearer stamps\n\nReviewed-by: Cy Dunn <cy@example.org>\nTested-by: A\nTested-by: B",
        [Change("A", "new.md"), Change("M", "prices/stamps.md"), Change("R", "b.md", "a.md")],
    )
    name = f"commit {ID[:12]}"
    assert said(found) >= {
        (name, "author", "Ada Brook"),
        (name, "date", "2024-05-01"),
        (name, "reviewed by", "Cy Dunn"),
        ("code/new.md", "change", f"added in {name}"),
        ("code/prices/stamps.md", "change", f"changed in {name}"),
        ("code/b.md", "change", f"renamed in {name}"),
        ("code/a.md", "change", f"renamed to b.md in {name}"),
    }
    assert not {predicate for _, predicate, _ in said(found)} & {"tested by", "reverts"}
    assert {one.witness for one in found} == {"Ada Brook"}
    assert {one.statement.observed_at for one in found} == {WHEN}
    changes = [one.claim for one in found if one.claim.predicate == "change"]
    assert {claim.valid_from for claim in changes} == {WHEN}


def test_a_revert_names_what_it_takes_back_and_a_quoted_commit_is_none() -> None:
    found = committed(f'Revert "Dearer stamps"\n\nThis reverts commit {OTHER}.\n\nCommit {OTHER} by Eve on 2020-01-01.')
    assert (f"commit {ID[:12]}", "reverts", f"commit {OTHER[:12]}") in said(found)
    assert "Eve" not in {one.claim.value for one in found}
    assert not any(predicate == "reverts" for _, predicate, _ in said(committed("This reverts commit abc.")))


def test_a_tag_states_what_it_names_and_a_page_that_speaks_of_commits_states_nothing() -> None:
    tag = Tag("v1.0", "c" * 40, ID, "Ben Cole", WHEN, "First release")
    (one,) = [one for one in statements("code", "tags/v1.0", parsed(tag_document(tag))) if one.statement.rule == "tag"]
    assert (one.claim.subject, one.claim.predicate, one.claim.value) == ("code tag v1.0", "commit", f"commit {ID[:12]}")
    assert (one.witness, one.statement.observed_at) == ("Ben Cole", WHEN)
    page = ParsedDocument("Notes", f"Commit {ID} by Eve on 2020-01-01.\n", "text/plain", "test/1")
    assert statements("code", "notes.md", page) == []


def test_a_line_of_a_file_is_dated_by_who_wrote_it_and_not_by_the_newest_change_of_the_file() -> None:
    text = "# Prices of stamps\n\n**Inland:** 3 crowns\n**Abroad:** 9 crowns\n"
    edge = text.index("**Abroad")
    old, new = datetime(2020, 1, 1, tzinfo=UTC), WHEN
    document = ParsedDocument(
        "Prices of stamps", text, "text/markdown", "test/1", authors=("Ada", "Ben"), updated_at=new,
        authorship=(Authorship(0, edge, "Ada", old), Authorship(edge, len(text), "Ben", new)),
    )  # fmt: skip
    found = {
        one.claim.predicate: (one.witness, one.statement.observed_at) for one in statements("code", "p.md", document)
    }
    assert found == {"inland": ("Ada", old), "abroad": ("Ben", new)}


def test_who_takes_back_a_taking_back_lets_the_first_stand_again() -> None:
    assert retracted([("b", "a")]) == {"a": "b"}
    assert retracted([("b", "a"), ("c", "b")]) == {"b": "c"}
    assert retracted([("b", "a"), ("c", "b"), ("d", "c")]) == {"a": "b", "c": "d"}
    assert retracted([("b", "a"), ("c", "b"), ("d", "a")]) == {"a": "d", "b": "c"}
    assert retracted([("a", "a")]) == {}


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")), max_size=12))
def test_no_document_is_taken_back_by_one_that_is_itself_or_takes_nothing_back(pairs: list[tuple[str, str]]) -> None:
    found = retracted(pairs)
    assert all((by, taken) in pairs and by not in found for taken, by in found.items())
    assert found == retracted(pairs[::-1])
    # Without circles: whoever takes back and stands is obeyed.
    upward = [(by, taken) for by, taken in pairs if by > taken]
    settled = retracted(upward)
    assert all(taken in settled or by in settled for by, taken in upward)
