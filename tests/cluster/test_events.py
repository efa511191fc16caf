"""An event between processes over a byte in a pipe."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from djq_core.cluster.events import PipeEvent

CONTEXT = multiprocessing.get_context()


@pytest.fixture
def event() -> Iterator[PipeEvent]:
    with closing(PipeEvent(CONTEXT)) as made:
        yield made


def test_an_event_is_set_for_good(event: PipeEvent) -> None:
    assert not event.is_set()
    assert not event.wait(0.01)
    event.set()
    assert event.is_set()
    assert event.wait(0)


def test_an_event_is_urgent_for_who_insists_and_not_for_who_sets_it_again(event: PipeEvent) -> None:
    for _ in range(1000):
        event.set()
    assert not event.is_urgent()
    for _ in range(1000):
        event.insist()
    assert event.is_urgent()
    assert event.is_set()


def test_an_event_wakes_who_waits(event: PipeEvent) -> None:
    timer = threading.Timer(0.05, event.set)
    timer.start()
    assert event.wait(5)
    timer.join()


def test_an_event_that_nobody_can_set_is_orphaned(event: PipeEvent) -> None:
    assert not event.is_orphaned()
    event.set()
    assert not event.is_orphaned()
    event.writer.close()
    assert event.is_orphaned()
