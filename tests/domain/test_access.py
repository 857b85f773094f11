"""Roles, keys as text, token buckets and the audit chain, as values."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from destiny_assets.domain.access import RIGHTS, Caller, Right, Role, grants_of
from destiny_assets.domain.api_keys import key_print, write_key
from destiny_assets.domain.audit import FIRST, AuditEvent, event_digest, verify_chain
from destiny_assets.domain.rates import TokenBucket
from destiny_assets.errors import ConfigurationError

AT = datetime(2026, 11, 25, tzinfo=UTC)


def test_each_role_may_what_those_before_it_may_and_something_more() -> None:
    ladder = [Role.CLIENT, Role.READER, Role.CONTRIBUTOR, Role.CURATOR, Role.ADMIN]
    assert set(ladder) == set(Role)
    for lower, higher in pairwise(ladder):
        assert RIGHTS[lower] < RIGHTS[higher]
    assert (RIGHTS[Role.CLIENT], RIGHTS[Role.ADMIN]) == ({Right.READ}, set(Right))


def test_a_grant_counts_in_its_project_and_a_general_one_in_all() -> None:
    caller = Caller("key:1", "Ada", grants_of(["notes=curator", "*=client"]))
    assert caller.may(Right.CURATE, "notes")
    assert not caller.may(Right.CURATE, "other")
    assert caller.may(Right.READ, "other")
    assert not Caller("key:2", "Nobody", {}).may(Right.READ, "notes")


@pytest.mark.parametrize("written", ["notes", "notes=", "notes=god", "=reader", "No Tes=reader", "**=reader", ""])
def test_what_is_no_grant_is_refused(written: str) -> None:
    with pytest.raises(ConfigurationError):
        grants_of([written])


@given(st.binary(min_size=8, max_size=8), st.binary(min_size=32, max_size=32))
def test_a_key_is_known_again_and_no_part_of_its_secret_is_kept(id_: bytes, secret: bytes) -> None:
    key = write_key(id_, secret)
    printed = key_print(key)
    assert printed is not None
    assert printed.id == id_.hex()
    assert (len(printed.digest), printed.digest == key_print(key).digest) == (32, True)  # type: ignore[union-attr]


@given(st.integers(0, 200), st.characters(codec="ascii"))
def test_a_slip_of_the_keyboard_is_no_key(place: int, letter: str) -> None:
    key = write_key(b"\x01" * 8, b"\x02" * 32)
    place %= len(key)
    slipped = key[:place] + letter + key[place + 1 :]
    assert (key_print(slipped) is None) == (slipped != key)
    assert key_print(key[:-1]) is None
    assert key_print(key + "\n") is None


def test_a_bucket_lets_through_its_burst_then_its_rate() -> None:
    bucket = TokenBucket(rate=2, burst=4, now=0.0)
    assert [bucket.take(0.0) for _ in range(5)] == [0.0, 0.0, 0.0, 0.0, 0.5]
    assert [bucket.take(0.5), bucket.take(0.5)] == [0.0, 0.5]
    assert [bucket.take(100.0) for _ in range(5)] == [0.0, 0.0, 0.0, 0.0, 0.5]


@given(st.floats(0.1, 50), st.lists(st.floats(0, 1), max_size=200))
def test_no_order_of_requests_gets_more_than_burst_and_rate(rate: float, pauses: list[float]) -> None:
    bucket, now, taken = TokenBucket(rate, 3.0, 0.0), 0.0, 0
    for pause in pauses:
        now += pause
        taken += bucket.take(now) == 0.0
    assert taken <= 3 + rate * now + 1e-6


def chain(count: int) -> list[AuditEvent]:
    events, head = [], FIRST
    for number in range(1, count + 1):
        head = event_digest(head, AT, "key:1", "document.push", "notes", {"number": number})
        events.append(AuditEvent(number, AT, "key:1", "document.push", "notes", {"number": number}, head))
    return events


def test_a_chain_is_whole_until_anything_in_it_changes() -> None:
    events = chain(5)
    proof = verify_chain(events)
    assert (proof.ok, proof.events, proof.head, proof.broken) == (True, 5, events[-1].digest.hex(), None)
    assert verify_chain([]).head == FIRST.hex()
    changes = {"actor": "key:2", "action": "x", "project": None, "detail": {"number": 33}, "at": AT.replace(year=2025)}
    for name, value in changes.items():
        forged = [*events[:2], replace(events[2], **{name: value}), *events[3:]]
        assert verify_chain(forged).broken == 3
    assert verify_chain([*events[:2], *events[3:]]).broken == 4
    assert verify_chain([events[1], events[0]]).broken == 2
