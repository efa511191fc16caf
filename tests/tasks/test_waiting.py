"""Waiting looks often at first and ever less often."""

from __future__ import annotations

import itertools
import time

from djq_core.tasks.waiting import FOREVER, wait_for


def test_it_reads_until_it_is_enough() -> None:
    numbers = itertools.count()
    assert wait_for(lambda: next(numbers), FOREVER, is_enough=lambda number: number == 5) == 5


def test_it_reads_once_without_a_wait() -> None:
    reads: list[int] = []
    wait_for(lambda: reads.append(1), 0)
    assert len(reads) == 1


def test_it_reads_ever_less_often_and_once_more_at_the_end() -> None:
    moments: list[float] = []
    wait_for(lambda: moments.append(time.monotonic()), 600)
    pauses = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert pauses[0] < 0.05
    assert len(moments) < 20
    assert moments[-1] - moments[0] >= 0.6
