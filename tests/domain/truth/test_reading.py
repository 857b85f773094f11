"""Reading values: kinds told from values, numbers, times and dates in their many spellings, and which value is coarser than which."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from destiny_assets.domain.truth.claims import arrange, form_of
from destiny_assets.domain.truth.kinds import Kind, infer_kind, plain_text
from destiny_assets.domain.truth.quantities import coarser_date, coarser_number, date, merge_times, minutes, number


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,234", 1234), ("1 234 567", 1234567), ("$3.5 million", 3.5e6), ("12 %", 12), ("-0.5", -0.5), ("+7", 7), ("2e3", 2000), ("5 km", 5)],
)  # fmt: skip
def test_a_number_is_read_in_its_usual_spellings(text: str, value: float) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["", "none", "twelve", "1.2.3", "3-4", "1,23,4", "."])
def test_what_is_no_number_is_not_read_as_one(text: str) -> None:
    assert number(text) is None


@given(st.integers(-(10**12), 10**12))
def test_grouping_digits_changes_no_number(value: int) -> None:
    assert number(f"{value:,}") == number(str(value)) == value


@pytest.mark.parametrize(
    ("text", "value"), [("6:15 PM", 1095), ("18.15", 1095), ("12:05am", 5), ("00:00", 0), ("Dec 1 - 6:15p", 1095)]
)
def test_a_time_of_day_is_read(text: str, value: float) -> None:
    assert minutes(text) == value


@pytest.mark.parametrize("text", ["25:00", "10:75", "noon", ""])
def test_what_is_no_time_is_not_read_as_one(text: str) -> None:
    assert minutes(text) is None


def test_dates_leave_out_what_is_not_said() -> None:
    assert [date(text) for text in ("2021", "2021-03", "2021-03-09", "2021-13-01", "March")] == [
        20210000.0,
        20210300.0,
        20210309.0,
        None,
        None,
    ]


def test_a_month_is_coarser_than_its_days_and_a_year_than_both() -> None:
    year, month, day, other = 20210000.0, 20210300.0, 20210309.0, 20210400.0
    coarse, fine = np.array([year, year, month, day, month]), np.array([month, day, day, month, other])
    assert coarser_date(coarse, fine).tolist() == [True, True, True, False, False]


def test_rounded_and_near_numbers_are_coarser_others_conflict() -> None:
    coarse = np.array([3_400_000.0, 1010.0, 1011.0, 500.0, 1000.0])
    fine = np.array([3_433_441.0, 1000.0, 1000.0, 430.0, 1000.0])
    assert coarser_number(coarse, fine).tolist() == [True, True, False, False, False]


def test_times_within_ten_minutes_are_told_as_the_one_most_sources_tell() -> None:
    clocks, votes = np.array([5.0, 600.0, 608.0, 612.0, 1436.0]), np.array([3.0, 1.0, 5.0, 1.0, 1.0])
    assert merge_times(clocks, votes).tolist() == [0, 2, 2, 2, 0]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["12", "1,300", "7.5"], Kind.NUMBER),
        (["1999", "2004"], Kind.NUMBER),
        (["1999", "2004-05-01"], Kind.DATE),
        (["6:15 PM", "18:20"], Kind.TIME),
        (["Knuth, Donald", "Donald Knuth; Ann Lee", "Lee, A. & Knuth, D."], Kind.NAMES),
        (["A tale of two cities", "The sea, the sea"], Kind.TEXT),
        (["", " "], Kind.TEXT),
        (["3.1", "3.10", "2.5.3"], Kind.VERSION),
        (["3.1", "3.10"], Kind.NUMBER),
        (["v2", "3"], Kind.VERSION),
        (["24.12.2024", "1.2.2025"], Kind.TEXT),
        (["1.234.567", "2.345.678"], Kind.TEXT),
        (["2.0rc1", "2.0"], Kind.VERSION),
    ],
)
def test_the_kind_is_told_from_the_values(values: list[str], kind: Kind) -> None:
    assert infer_kind(values) is kind


def test_letters_in_mathematical_type_are_the_letters_they_show() -> None:
    assert plain_text("\U0001d6a8 \U0001d401 \u210c") == plain_text("\u03b1 b h")


@given(st.text(), st.sampled_from(Kind))
def test_any_text_has_a_form_or_none_and_having_one_is_stable(text: str, kind: Kind) -> None:
    assert form_of(kind, text) == form_of(kind, text)
    assert plain_text(plain_text(text)) == plain_text(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [("3.1", "3.1.0"), ("v2.0-rc1", "2.0rc1"), ("3", "3.0"), ("Version 4", "4"), ("1.0beta2", "1.0b2")],
)
def test_spellings_of_one_version_are_equal(one: str, other: str) -> None:
    assert form_of(Kind.VERSION, one) == form_of(Kind.VERSION, other) is not None


def test_versions_are_told_apart_part_by_part_and_fewer_parts_say_less() -> None:
    told = ["3.1", "3.10", "3.1.2", "3.1.0", "3"]
    claims = arrange(["python"] * 5, ["version"] * 5, list("abcde"), told)
    assert claims.value_text == ("3.1", "3.10", "3.1.2", "3")
    finer = {(claims.value_text[a], claims.value_text[b]) for a, b in zip(claims.coarse, claims.fine, strict=True)}
    assert finer == {("3.1", "3.1.2"), ("3", "3.1"), ("3", "3.10"), ("3", "3.1.2")}
