"""Which entities are one by their names: what agrees, what contradicts, what cannot be told, and what people took back."""

import math

import pytest

from destiny_assets.domain.identity.entities import (
    THRESHOLD,
    Merge,
    Named,
    merge_id,
    merges,
    person_name,
    suspects,
)
from destiny_assets.domain.linking.names import EntityKind

KINDS = {"p": EntityKind.PERSON, "n": EntityKind.NAME, "t": EntityKind.TERM, "i": EntityKind.IDENTIFIER}


def entity(written: str) -> Named:
    """``p:Ada Brook`` is a person."""
    kind, _, name = written.partition(":")
    return Named(written, KINDS[kind], name)


def merged(*written: str, together: bool = True, undone: tuple[str, ...] = ()) -> list[Merge]:
    """The merges of these entities, named by the same documents or by different ones."""
    entities = [entity(one) for one in written]
    documents = {one: ["all"] if together else [one] for one in written}
    return merges(suspects(entities), documents, undone)


def names(found: list[Merge]) -> set[tuple[str, str]]:
    return {(merge.kept.id, merge.absorbed.id) for merge in found}


@pytest.mark.parametrize(
    ("kept", "absorbed"),
    [
        ("n:Stack Overflow", "i:StackOverflow"),
        ("p:Jelle Zijlstra", "i:JelleZijlstra"),
        ("n:Nikos Aliagas", "n:Níkos Aliágas"),
        ("p:Ada Brook", "n:Ada Brook"),
        ("p:Michael J. Sullivan", "p:Michael Sullivan"),
        ("p:William Hepburn Armstrong", "p:William H. Armstrong"),
        ("p:Guido van Rossum", "n:Guido Van  Rossum"),
    ],
)
def test_names_that_hardly_can_be_two_are_one_wherever_they_stand(kept: str, absorbed: str) -> None:
    for order in ((kept, absorbed), (absorbed, kept)):
        assert names(merged(*order, together=False)) == {(kept, absorbed)}


@pytest.mark.parametrize(
    ("kept", "absorbed"),
    [("p:Tim Delaney", "n:Timothy Delaney"), ("p:Henrik August Angell", "p:Henrik Angell")],
)
def test_names_that_may_be_two_are_one_where_the_same_documents_name_them(kept: str, absorbed: str) -> None:
    assert names(merged(kept, absorbed)) == {(kept, absorbed)}
    assert merged(kept, absorbed, together=False) == []


@pytest.mark.parametrize(
    "written",
    [
        ("p:Ada Brook", "p:Ada Brooks"),
        ("p:Ada Brook", "p:Ben Brook"),
        ("p:A. Brook", "p:Ada Brook"),
        ("p:John Smith Jr.", "p:John Smith"),
        ("p:Michael J. Sullivan", "p:Michael K. Sullivan"),
        ("p:Joseph Octave Mousseau", "p:Joseph-Alfred Mousseau"),
        ("p:Guido van Rossum", "p:Guido Rossum"),
        ("n:Steering Council", "n:Typing Council"),
        ("n:Tim Delaney", "n:Timothy Delaney"),
        ("n:Samsung Galaxy S9", "n:Samsung Galaxy S9+"),
        ("t:type alias", "i:TypeAlias"),
        ("n:Protocol", "t:protocol"),
        ("i:TypedDict", "i:Typeddict"),
        ("p:Guido", "p:Guido van Rossum"),
    ],
)
def test_what_may_well_be_two_stays_two(written: tuple[str, str]) -> None:
    assert merged(*written) == []


def test_who_may_be_either_of_two_is_neither() -> None:
    assert merged("p:Michael Sullivan", "p:Michael J. Sullivan", "p:Michael K. Sullivan") == []
    assert len(merged("p:Michael Sullivan", "p:Michael J. Sullivan")) == 1


def test_the_reasons_sum_to_the_probability() -> None:
    (merge,) = merged("p:William Hepburn Armstrong", "p:William H. Armstrong")
    assert [term.name for term in merge.reasons] == ["before", "given name", "middle name", "documents"]
    log_odds = math.log(merge.probability / (1 - merge.probability))
    assert log_odds == pytest.approx(sum(term.log_odds for term in merge.reasons))
    assert merge.probability >= THRESHOLD


def test_three_spellings_are_read_as_one_of_them_and_what_was_parted_never_comes_together_again() -> None:
    three = ("p:Ada M. Brook", "p:Ada Brook", "n:ADA BROOK")
    assert names(merged(*three)) == {("p:Ada M. Brook", "p:Ada Brook"), ("p:Ada M. Brook", "n:ADA BROOK")}
    # By way of the third neither.
    parted = merge_id("p:Ada Brook", "p:Ada M. Brook")
    assert names(merged(*three, undone=(parted,))) == {("p:Ada Brook", "n:ADA BROOK")}
    assert merge_id("a", "b") == merge_id("b", "a")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Guido van Rossum", ("guido", (), "van rossum", "")),
        ("Marc-André Lemburg", ("marc", ("andre",), "lemburg", "")),
        ("Phillip J. Eby, Jr.", ("phillip", ("j",), "eby", "jr")),
        ("Guido", None),
        ("PEP 8", None),
        ("Ada B", None),
    ],
)
def test_the_parts_of_a_name(name: str, parts: tuple[object, ...] | None) -> None:
    found = person_name(name)
    assert (found and (found.first, found.middle, found.family, found.suffix)) == parts
