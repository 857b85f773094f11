"""Lists of names: every shape booksellers and catalogues use comes to the same set of family names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from destiny_assets.domain.truth.names import read_alone, read_slot

FAMILIES = frozenset({"okonkwo", "lindqvist"})
SHAPES = [
    "Okonkwo, Ada; Lindqvist, Per",
    "Ada Okonkwo and Per Lindqvist",
    "Ada Okonkwo, Per Lindqvist",
    "OKONKWO, ADA LINDQVIST, PER",
    "Per Lindqvist (Editor) Ada Okonkwo (Author)",
    "Okonkwo, A. & Lindqvist, P.",
    "Okonkwo/Lindqvist",
    "Ad\u00e1 Okonkwo, Ph.D.; Lindqvist, Per, Jr.",
]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_the_same_set_beside_a_clear_one(shape: str) -> None:
    assert read_slot([SHAPES[0], shape]) == [FAMILIES, FAMILIES]


def test_all_shapes_together_are_one_value() -> None:
    assert set(read_slot(SHAPES)) == {FAMILIES}


def test_a_partial_list_is_a_smaller_set_and_nobody_none() -> None:
    assert read_slot([SHAPES[0], "Okonkwo, Ada", "Not Available", ""]) == [
        FAMILIES,
        frozenset({"okonkwo"}),
        frozenset(),
        frozenset(),
    ]


def test_cut_off_and_glued_words_are_found_by_the_names_of_the_others() -> None:
    clear = [SHAPES[0]] * 3
    assert read_slot([*clear, "Okonkwo, Ada; Lindqv"])[-1] == FAMILIES
    assert read_slot([*clear, "adaOkonkwo; Lindqvist, Per"])[-1] == FAMILIES


def test_entities_that_lost_their_ampersand_are_read() -> None:
    assert read_slot(["O andapos;Leary, Tim", "O'Leary, Tim"]) == [frozenset({"oleary"})] * 2


@pytest.mark.parametrize(
    ("text", "families"),
    [
        ("o'leary, timothy j.; o'leary, linda i.", {"oleary"}),
        ("ada okonkwo; per lindqvist", FAMILIES),
        ("Ada Okonkwo, Per Lindqvist", FAMILIES),
        ("john c strassner", {"strassner"}),
        ("", set()),
    ],
)
def test_a_truth_is_read_by_its_form_alone(text: str, families: set[str]) -> None:
    assert read_alone(text) == families


@given(st.lists(st.text(max_size=60), max_size=6))
def test_any_texts_are_read_one_set_each_whatever_their_order(values: list[str]) -> None:
    read = read_slot(values)
    assert len(read) == len(values)
    assert read_slot(values[::-1]) == read[::-1]
