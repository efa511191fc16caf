"""Results that wait for their store: in order, and with pauses that grow."""

from __future__ import annotations

import time

import pytest

from djq_core.cluster.aside import LONGEST_PAUSE, Aside
from djq_core.cluster.callbacks import Saved
from tests.making import package_of, result_of, runtime_of

#: The monitor looks after every connection of its process, those that other tests have opened included.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give the moment that it is, to be set."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def batch(seq: int) -> list[Saved]:
    runtime = runtime_of()
    return [Saved(seq, {}, result_of(runtime, package_of(runtime, cached=True)))]


def test_nothing_waits_at_first() -> None:
    aside = Aside()
    assert (bool(aside), aside.patience, aside.first()) == (False, None, None)


def test_batches_come_back_in_their_order_once_their_time_has_come(clock: list[float]) -> None:
    aside = Aside()
    first, second = batch(1), batch(2)
    aside.put(first)
    aside.put(second)
    assert aside.first() is None
    assert aside.patience is not None
    assert 0 < aside.patience <= 0.1
    clock[0] += 0.1
    assert (aside.patience, aside.first()) == (0.0, first)
    aside.drop()
    assert aside.first() == second
    aside.drop()
    assert not aside


def test_what_fails_again_waits_longer(clock: list[float]) -> None:
    aside = Aside()
    aside.put([*batch(1), *batch(2)])
    pauses = []
    left = batch(2)
    for _ in range(10):
        clock[0] += aside.patience or 0.0
        aside.put_off(left)
        pauses.append(aside.patience or 0.0)
    assert pauses[0] < 0.3 < LONGEST_PAUSE / 2 <= pauses[-1] <= LONGEST_PAUSE
    clock[0] += LONGEST_PAUSE
    assert aside.first() == left
    aside.drop()
    aside.put(batch(3))
    assert (aside.patience or 9.0) <= 0.1, "another outage begins anew"
