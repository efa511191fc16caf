"""When a dead process is started again."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from djq_core.cluster.restarts import EARLY, LONGEST_PAUSE, REFUSED_PAUSE, Restarts

if TYPE_CHECKING:
    from djq_core.cluster.children import Child
    from tests.cluster.stand_ins import Bench

WORKERS = 4


def pause_after(restarts: Restarts, dead: Child, start: Callable[[], None] = lambda: None) -> float:
    """Return the seconds until the successor is due."""
    restarts.after(dead, start)
    return round(restarts.moments[-1] - time.monotonic(), 2)


def test_the_successor_of_a_worker_that_was_ready_is_started_at_once(bench: Bench) -> None:
    restarts = Restarts("test", WORKERS)
    worker = bench.worker(is_ready=True)
    assert all(pause_after(restarts, worker) <= 0 for _ in range(50))


def test_workers_that_never_get_ready_have_to_pause_for_longer_and_longer(bench: Bench) -> None:
    restarts = Restarts("test", WORKERS)
    worker = bench.worker(is_ready=False)
    pauses = [pause_after(restarts, worker) for _ in range(WORKERS + 12)]
    assert all(pause <= 0 for pause in pauses[:WORKERS])
    assert pauses[WORKERS] > 0
    assert pauses[WORKERS:] == sorted(pauses[WORKERS:])
    assert LONGEST_PAUSE - 1 < pauses[-1] <= LONGEST_PAUSE


def test_one_that_gets_ready_ends_the_pauses(bench: Bench) -> None:
    restarts = Restarts("test", WORKERS)
    for _ in range(WORKERS + 5):
        pause_after(restarts, bench.worker(is_ready=False))
    assert pause_after(restarts, bench.worker(is_ready=True)) <= 0
    assert pause_after(restarts, bench.worker(is_ready=False)) <= 0


def test_a_helper_that_dies_soon_after_it_was_ready_has_to_pause_the_second_time(bench: Bench) -> None:
    restarts = Restarts("test", WORKERS)
    monitor = bench.helper("monitor")
    monitor.is_ready = True
    assert pause_after(restarts, monitor) <= 0
    assert pause_after(restarts, monitor) > 0
    monitor.born -= EARLY
    assert pause_after(restarts, monitor) <= 0


def test_what_is_due_is_started_once(bench: Bench) -> None:
    restarts, started = Restarts("test", WORKERS), []
    monitor, now = bench.helper("monitor"), time.monotonic()
    restarts.after(monitor, lambda: started.append("first"))
    restarts.after(monitor, lambda: started.append("second"))
    restarts.start_due(now + 0.01)
    restarts.start_due(now + 0.02)
    assert started == ["first"]
    restarts.start_due(now + LONGEST_PAUSE)
    restarts.start_due(now + LONGEST_PAUSE)
    assert started == ["first", "second"]
    assert restarts.moments == []


def test_a_start_that_the_system_refuses_is_tried_again(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    restarts, tries = Restarts("test", WORKERS), []

    def start() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise OSError(errno.EMFILE, "Too many open files")

    now = time.monotonic()
    restarts.after(bench.worker(is_ready=True), start)
    restarts.start_due(now + 0.1)
    assert restarts.moments == [now + 0.1 + REFUSED_PAUSE]
    assert "test cannot start a process: [Errno 24] Too many open files; it tries again" in caplog.text
    restarts.start_due(now + 0.2 + REFUSED_PAUSE)
    assert len(tries) == 2
    assert restarts.moments == []
