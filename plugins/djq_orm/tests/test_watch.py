"""When to look."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from djq_orm.watch import Watch


class ScriptedBell:
    """Rings as it is told, and notes what is asked of it."""

    interval = 5.0

    def __init__(self, rings: Sequence[float | None] = ()) -> None:
        self.rings = list(rings)
        self.waits: list[float] = []
        self.closed = 0

    def arm(self) -> None:
        pass

    def wait(self, seconds: float) -> float | None:
        self.waits.append(seconds)
        return self.rings.pop(0) if self.rings else None

    def close(self) -> None:
        self.closed += 1


def test_the_first_look_is_at_once() -> None:
    watch = Watch(ScriptedBell())
    assert watch.is_hot
    assert watch.is_time


def test_an_empty_queue_rests_for_the_interval() -> None:
    bell = ScriptedBell()
    watch = Watch(bell)
    watch.rest(None)
    assert not watch.is_time
    watch.wait(60)
    assert 4.9 < bell.waits[0] <= 5.0


def test_a_row_that_comes_due_is_looked_for_in_time() -> None:
    bell = ScriptedBell()
    watch = Watch(bell)
    watch.rest(0.05)
    assert not watch.is_time
    watch.wait(60)
    assert bell.waits[0] <= 0.05
    time.sleep(0.06)
    assert watch.is_time
    assert not watch.is_hot


def test_a_row_that_another_locks_is_not_asked_for_without_pause() -> None:
    watch = Watch(ScriptedBell())
    watch.rest(-3.0)
    assert not watch.is_time


def test_a_ring_is_reason_to_look() -> None:
    watch = Watch(ScriptedBell([0.0]))
    watch.rest(None)
    watch.wait(1)
    assert watch.is_hot


def test_a_ring_for_later_moves_the_look() -> None:
    bell = ScriptedBell([2.0, None])
    watch = Watch(bell)
    watch.rest(None)
    watch.wait(60)
    assert not watch.is_time
    watch.wait(60)
    assert bell.waits[1] <= 2.0


def test_a_ring_for_later_than_the_next_look_changes_nothing() -> None:
    bell = ScriptedBell([60.0, None])
    watch = Watch(bell)
    watch.rest(1.0)
    watch.wait(60)
    watch.wait(60)
    assert bell.waits[1] <= 1.0


def test_a_row_that_nothing_announced_hangs_the_bell_anew() -> None:
    bell = ScriptedBell()
    watch = Watch(bell)
    watch.rest(None)
    watch.surprised()
    assert bell.closed == 1


def test_a_row_that_was_expected_does_not() -> None:
    bell = ScriptedBell()
    watch = Watch(bell)
    watch.rest(0.5)
    watch.surprised()
    assert bell.closed == 0


def test_a_watch_belongs_to_its_process() -> None:
    watch = Watch(ScriptedBell())
    assert watch.is_mine
    if (pid := os.fork()) == 0:
        os._exit(int(watch.is_mine))
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
