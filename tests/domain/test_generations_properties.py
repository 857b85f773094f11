"""Whatever is desired and whatever is alive, the difference turns one into the other and does no more."""

from hypothesis import given
from hypothesis import strategies as st

from destiny_assets.domain.generations import difference

IDS = st.sets(st.integers(0, 20))


@given(IDS, IDS)
def test_applying_the_difference_gives_what_is_desired(desired: set[int], alive: set[int]) -> None:
    insert, retire = difference(desired, alive)
    assert (alive - retire) | insert == desired
    assert not insert & alive
    assert retire <= alive


@given(IDS)
def test_nothing_is_done_where_all_is_as_desired(ids: set[int]) -> None:
    assert difference(ids, set(ids)) == (set(), set())
