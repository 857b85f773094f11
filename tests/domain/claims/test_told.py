"""What a language model tells of a passage counts only where its words stand there."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from destiny_assets.domain.claims.records import Origin, Statement
from destiny_assets.domain.claims.told import Dropped, Passage, Told, held

TEXT = "In 2024 the board met. A small parcel costs 4 crowns since May, and Pigeon keeps letters for seven days."
PASSAGE = Passage(b"\0" * 32, "Prices of the post\nParcels\n\n", TEXT, 100)
TOLD = Told("small parcel", "Price", "4 crowns", None, None, "stated", "A small parcel costs 4 crowns since May")


def read(told: Told) -> Statement | Dropped:
    return held(told, PASSAGE, "wiki/prices.md", "Prices of the post", "model:m")


def kept(told: Told) -> Statement:
    found = read(told)
    assert isinstance(found, Statement), found
    return found


def test_a_claim_stands_at_the_words_that_say_it() -> None:
    found = kept(TOLD)
    assert found.start is not None
    assert TEXT[found.start - 100 : (found.end or 0) - 100] == TOLD.quote
    assert (found.claim.subject, found.claim.predicate, found.claim.value, found.claim.origin, found.rule) == (
        "wiki/prices.md > small parcel",
        "price",
        "4 crowns",
        Origin.STATED,
        "model:m",
    )


def test_a_name_means_the_same_elsewhere_and_the_document_is_called_as_patterns_call_it() -> None:
    assert (
        kept(replace(TOLD, subject="Pigeon", quote="Pigeon keeps letters", value="letters")).claim.subject == "Pigeon"
    )
    # Words that any document may use: a capital at the beginning of a sentence makes no name.
    for common in ("A small", "Small parcel", "A small parcel"):
        assert kept(replace(TOLD, subject=common)).claim.subject.startswith("wiki/prices.md > ")
    code = replace(PASSAGE, text="`retries` is 3. May is a month, and NightTeam is one.")
    for name in ("retries", "NightTeam"):
        found = held(replace(TOLD, subject=name, value="3", quote="`retries` is 3"), code, "a.md", "A", "model:m")
        assert isinstance(found, Statement)
        assert found.claim.subject == name
    own = kept(replace(TOLD, subject="Prices of the Post"))
    assert (own.claim.subject, own.about_itself) == ("wiki/prices.md", True)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"quote": "A small parcel costs 5 crowns"}, Dropped.NO_QUOTE),
        ({"quote": "a small  parcel costs 4 crowns"}, Dropped.NO_QUOTE),
        ({"quote": " "}, Dropped.NO_QUOTE),
        ({"subject": "large parcel"}, Dropped.NO_SUBJECT),
        ({"subject": "It"}, Dropped.NO_SUBJECT),
        ({"subject": "they"}, Dropped.NO_SUBJECT),
        ({"subject": "…"}, Dropped.NO_SUBJECT),
        ({"value": "!"}, Dropped.NO_VALUE),
        ({"value": "x" * 301}, Dropped.NO_VALUE),
        ({"valid_from": "since May"}, Dropped.NO_DATE),
        ({"valid_to": "2023-05-01"}, Dropped.NO_DATE),
    ],
)
def test_what_does_not_stand_there_is_dropped_with_its_reason(change: dict[str, str], why: Dropped) -> None:
    assert read(replace(TOLD, **change)) is why  # type: ignore[arg-type]


def test_a_value_is_stated_only_where_the_quote_holds_its_words_whatever_the_model_calls_it() -> None:
    assert kept(replace(TOLD, value="four crowns")).claim.origin is Origin.INFERRED
    assert kept(replace(TOLD, origin="inferred")).claim.origin is Origin.INFERRED
    assert kept(replace(TOLD, value="4 CROWNS")).claim.origin is Origin.STATED


def test_an_interval_is_part_of_the_slot() -> None:
    dated = kept(replace(TOLD, valid_from="2024-05-01", valid_to=""))
    assert dated.claim.valid_from is not None
    assert (dated.claim.valid_from.date().isoformat(), dated.claim.valid_to) == ("2024-05-01", None)
    assert dated.claim.slot_id != kept(TOLD).claim.slot_id


@given(*[st.text(max_size=40)] * 7, st.text(max_size=200))
def test_nothing_that_a_model_may_say_raises_or_points_elsewhere(
    subject: str, predicate: str, value: str, since: str, until: str, origin: str, quote: str, text: str
) -> None:
    told = Told(subject, predicate, value, since, until, origin, quote)
    found = held(told, replace(PASSAGE, text=text), "name", "Title", "model:m")
    if isinstance(found, Statement):
        assert found.start is not None
        assert text[found.start - 100 : (found.end or 0) - 100] == quote.strip() != ""
