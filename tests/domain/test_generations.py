"""Ids of rows in the other layers, and names of projects."""

import uuid

import pytest

from destiny_assets.domain.generations import Change, difference, layer_id, valid_project_name
from destiny_assets.errors import ConfigurationError


def test_a_rows_id_in_the_layers_depends_on_the_row_and_when_it_was_born() -> None:
    ids = {layer_id(row, born) for row in ("a", "b") for born in (1, 2, 11)}
    assert len(ids) == 6
    assert layer_id("a", 1) in ids
    assert all(str(uuid.UUID(id_)) == id_ for id_ in ids)


def test_a_change_counts_what_it_wrote() -> None:
    assert Change(added=2, retired=3, total=9).written == 5


def test_the_difference_is_what_to_insert_and_what_to_retire() -> None:
    assert difference({"a", "b"}, {"b", "c"}) == ({"a"}, {"c"})


@pytest.mark.parametrize("name", ["a", "0", "wiki-2_x", "a" * 63, "a--b"])
def test_a_fit_name_is_given_back(name: str) -> None:
    assert valid_project_name(name) == name


@pytest.mark.parametrize("name", ["", "A", "-a", "_a", "a" * 64, "a b", "a/b", "a.b", "ä", "a\n", "٣"])
def test_an_unfit_name_is_refused_with_the_rule(name: str) -> None:
    with pytest.raises(ConfigurationError, match="lower-case letters"):
        valid_project_name(name)
