"""A circuit opens after failures in a row, lets one caller try when its rest is over, and closes when somebody was answered."""

from dataclasses import dataclass

import pytest

from destiny_assets.domain.circuits import Circuit, CircuitState


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuit(clock: Clock) -> Circuit:
    return Circuit(3, 2.0, clock)


def fail(circuit: Circuit, times: int) -> None:
    for _ in range(times):
        circuit.note(False)


def test_failures_that_are_not_in_a_row_open_nothing(circuit: Circuit) -> None:
    for _ in range(5):
        fail(circuit, 2)
        circuit.note(True)
    assert (circuit.admits(), circuit.state) == (True, CircuitState.CLOSED)


def test_after_failures_in_a_row_nobody_asks_until_the_rest_is_over(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, 3)
    assert (circuit.admits(), circuit.state) == (False, CircuitState.OPEN)
    clock.now += 1.9
    assert not circuit.admits()


def test_then_one_caller_tries_and_the_others_wait_for_it(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, 3)
    clock.now += 2
    assert [circuit.admits() for _ in range(4)] == [True, False, False, False]
    assert circuit.state == CircuitState.HALF_OPEN
    circuit.note(True)
    assert (circuit.admits(), circuit.admits(), circuit.state) == (True, True, CircuitState.CLOSED)


def test_a_try_that_fails_opens_it_for_another_rest(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, 3)
    clock.now += 2
    assert circuit.admits()
    circuit.note(False)
    assert (circuit.admits(), circuit.state) == (False, CircuitState.OPEN)
    clock.now += 2
    assert circuit.admits()


def test_a_try_that_never_ends_is_followed_by_another(circuit: Circuit, clock: Clock) -> None:
    fail(circuit, 3)
    clock.now += 2
    assert circuit.admits()
    clock.now += 2
    assert circuit.admits()
