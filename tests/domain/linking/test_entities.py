"""Which entities are recognised, where, and which are not."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from destiny_assets.domain.linking.gazetteer import Pattern
from destiny_assets.domain.linking.linker import Linker, document_entity_id
from destiny_assets.domain.linking.matcher import GazetteerMatcher
from destiny_assets.domain.linking.names import EntityKind, entity_key, identifier_shape
from destiny_assets.domain.linking.records import EntityRow
from destiny_assets.domain.linking.traces import from_json, read_document, to_json
from tests.domain.linking.conftest import Linked, link
from tests.domain.linking.documents import chunks_of, document


def names(linked: Linked, kind: EntityKind) -> set[str]:
    return {entity.name for entity in linked.linker.entities if entity.kind is kind}


def surfaces(linked: Linked) -> list[str]:
    return [row.surface for row in linked.mentions]


def matcher(*patterns: Pattern) -> GazetteerMatcher:
    return GazetteerMatcher(patterns)


def term(surface: str) -> Pattern:
    return Pattern(surface, False, False, surface, EntityKind.TERM)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (entity_key(EntityKind.TERM, "Type-Checker"), entity_key(EntityKind.TERM, "type checker")),
        (entity_key(EntityKind.PERSON, "Marc-André Lemburg"), entity_key(EntityKind.PERSON, "Marc-Andre  LEMBURG")),
        (entity_key(EntityKind.NAME, "\uff30ython"), entity_key(EntityKind.NAME, "Python")),
    ],
)
def test_spellings_of_one_thing_have_one_key(one: str, other: str) -> None:
    assert one == other


def test_identifiers_keep_their_case_and_kinds_stay_apart() -> None:
    assert entity_key(EntityKind.IDENTIFIER, "Final") != entity_key(EntityKind.IDENTIFIER, "FINAL")
    assert entity_key(EntityKind.PERSON, "May Day") != entity_key(EntityKind.TERM, "May Day")


@pytest.mark.parametrize(
    ("token", "shape"),
    [
        ("TypeVar", "camel"), ("getItem", "camel"), ("CPython", "camel"), ("snake_case", "snake"), ("MAX_SIZE", "constant"),
        ("os.path.join", "dotted"), ("__init__", "dunder"), ("setup.py", "file"), ("src/a/b.py", "path"), ("WSGI", "acronym"),
        ("UTF-8", "acronym"), ("www.example.com", None), ("Hello", None), ("word", None), ("_", None), ("e.g", None),
    ],
)  # fmt: skip
def test_the_shape_of_an_identifier(token: str, shape: str | None) -> None:
    assert identifier_shape(token) == shape


def test_authors_terms_and_identifiers_of_the_peps_are_known_and_boilerplate_is_not(peps: Linked) -> None:
    assert names(peps, EntityKind.PERSON) >= {"Guido van Rossum", "Łukasz Langa", "Marc-André Lemburg"}
    assert names(peps, EntityKind.IDENTIFIER) >= {"TypedDict", "sys.path", "__annotations__", "pyproject.toml", "WSGI"}
    terms = {name.lower() for name in names(peps, EntityKind.TERM)}
    assert terms >= {"stable abi", "build backends", "release manager"}
    assert terms.isdisjoint({"backwards compatibility", "reference implementation", "rejected ideas", "open issues"})
    assert names(peps, EntityKind.NAME) >= {"Mercurial", "Argument Clinic"}
    assert names(peps, EntityKind.NAME).isdisjoint({"Standards Track", "Python-Version", "The", "However", "Thomas"})


def test_no_two_authors_are_one_person_spelt_twice(peps: Linked) -> None:
    people = [entity for entity in peps.linker.entities if entity.kind is EntityKind.PERSON]
    assert len({entity.key for entity in people}) == len(people)
    assert any("Marc-Andre Lemburg" in entity.aliases for entity in people)


def test_a_term_of_one_document_or_of_too_many_is_not_informative() -> None:
    filler = [document(f"f{i}", "Everyone uses `CommonThing` and CommonThing.") for i in range(10)]
    rare = document("r", "Only here is RareThing, and RareThing again.")
    good = [document(f"g{i}", "Some like GoodThing.") for i in range(2)]
    known = names(link([*filler, rare, *good]), EntityKind.IDENTIFIER)
    assert "GoodThing" in known
    assert known.isdisjoint({"CommonThing", "RareThing"})


def test_an_ordinary_word_quoted_as_code_is_recognised_between_quotes_only() -> None:
    linked = link([document(f"d{i}", "Use ``gather`` to gather the results.") for i in range(2)])
    assert surfaces(linked).count("gather") == 2


def test_case_counts_for_identifiers_and_not_for_terms() -> None:
    corpus = [document(f"d{i}", "# Event Loop\n\nAn event loop; EVENT LOOPS.\nMyLoop and myloop.") for i in range(2)]
    found = surfaces(link(corpus))
    assert found.count("Event Loop") == found.count("event loop") == 2
    assert found.count("MyLoop") == 2
    assert "myloop" not in found


def test_a_person_is_an_author_in_their_own_document_and_named_in_others() -> None:
    own = document("own", "By Ada Lovelace.", authors=("Ada Lovelace <ada@analytical.example>",))
    other = document("other", "Ada Lovelace wrote it.")
    untold = document("untold", "No name here.", authors=("Ada Lovelace",))
    found = {(row.chunk_id, row.method, row.surface, row.end) for row in link([own, other, untold]).mentions}
    assert found == {
        ("own@0", "author", "Ada Lovelace", 15),
        ("other@0", "gazetteer", "Ada Lovelace", 12),
        ("untold@0", "author", "Ada Lovelace", 0),
    }


def test_a_title_names_its_document_unless_two_share_it() -> None:
    titled = document("titled", "Text.", title="ADR 5: Use of durable message queues")
    twins = [document(f"t{i}", "Text.", title="Minutes of the weekly meeting") for i in range(2)]
    reader = document("reader", "As in use of durable message queues, and minutes of the weekly meeting.")
    linked = link([titled, *twins, reader])
    assert [row.surface for row in linked.mentions if row.chunk_id == "reader@0"] == ["use of durable message queues"]


def test_mentions_never_overlap(peps: Linked) -> None:
    ends: dict[str, int] = {}
    for row in sorted(peps.mentions, key=lambda row: (row.chunk_id, row.start)):
        assert row.start >= ends.get(row.chunk_id, 0) or row.end == 0
        ends[row.chunk_id] = max(row.end, ends.get(row.chunk_id, 0))


def test_every_mention_is_of_a_known_entity(peps: Linked) -> None:
    assert {row.entity_id for row in peps.mentions} <= {entity.id for entity in peps.linker.entities}


def test_traces_survive_storage(peps: Linked) -> None:
    for traces in peps.traces[:50]:
        assert from_json(to_json(traces)) == traces


def test_a_rejected_longer_spelling_leaves_the_shorter_one_and_parts_of_words_hide_nothing() -> None:
    spellings = matcher(term("event loop"), term("event"), term("art up"), term("up"))
    found = [match.entity_id for match in spellings.matches("event looping; start up")]
    assert found == ["event", "up"]


def test_an_empty_corpus_and_an_empty_document_are_no_trouble() -> None:
    assert Linker([]).entities == ()
    linked = link([document("empty", "", authors=("Ada Lovelace",))])
    assert (linked.references, linked.mentions) == ([], [])


@given(st.text(alphabet=string.ascii_letters + " _-.İßſ\n\u00e9", max_size=60), st.integers(0, 5))
def test_what_is_matched_is_the_spelling_at_word_boundaries(text: str, place: int) -> None:
    parts = text.split(" ")
    parts.insert(min(place, len(parts)), "event loop")
    whole = " ".join(parts)
    matches = list(matcher(term("event loop")).matches(whole))
    for match in matches:
        assert whole[match.start : match.end].lower().replace("\n", " ").rstrip("s") == "event loop"
        around = whole[: match.start][-1:] + whole[match.end :][:1]
        assert not any(character.isalnum() or character == "_" for character in around)
    assert any(match.end - match.start == 10 for match in matches)


@pytest.mark.parametrize("text", ["eventloop", "preevent loop", "event looping", "event_loop", "event loops2"])
def test_parts_of_words_do_not_match(text: str) -> None:
    assert list(matcher(term("event loop")).matches(text)) == []


def test_the_longest_spelling_wins() -> None:
    found = matcher(term("event"), term("event loop"), term("event loop policy")).matches(
        "an event loop policy, an event"
    )
    assert [match.entity_id for match in found] == ["event loop policy", "event"]


def test_entity_rows_of_documents_carry_their_identifiers(peps: Linked) -> None:
    rows = {entity.name: entity for entity in peps.linker.entities if entity.kind is EntityKind.DOCUMENT}
    hints: EntityRow = rows["Type Hints"]
    assert {"PEP 484", "pep-0484.rst"} <= set(hints.aliases)
    assert document_entity_id("PEP 484") == hints.id


def test_chunks_that_overlap_both_get_the_mention() -> None:
    one = document("a", "First words. See RFC 2119 now. Last words.")
    whole = chunks_of(one)[0]
    parts = [type(whole)("x", whole.text[:30], 0), type(whole)("y", whole.text[12:], 12)]
    trace = read_document(one)
    linker = Linker([trace])
    assert [row.chunk_id for row in linker.mentions(trace, parts)] == ["x", "y"]
    assert [row.chunk_id for row in linker.references(trace, parts)] == ["x"]


def test_an_identifier_longer_than_anybody_writes_is_none() -> None:
    assert identifier_shape("a_name" * 33) == "snake"
    assert identifier_shape("a_name" * 34) is None
