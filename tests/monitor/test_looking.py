"""Looking at a queue: whether what was seen is all that there is."""

from __future__ import annotations

import pytest

from djq_core.brokers.base import Queued
from djq_core.monitor.facts import Queue
from djq_core.monitor.looking import look
from tests.monitor.making import Watched, new_broker, put, site_of


class Hiding(Watched):
    """Shows nothing of what is held, but counts it."""

    def queue_size(self) -> int:
        return sum(not queued.is_held for queued in self.queue.get(self.list_key, []))

    def peek(self, count: int) -> list[Queued]:
        return [queued for queued in super().peek(100) if not queued.is_held][:count]


@pytest.mark.parametrize(("held", "depth", "is_whole"), [(0, 3, True), (0, 2, False), (1, 3, False)])
def test_a_queue_was_seen_whole_where_nothing_of_it_is_hidden(held: int, depth: int, is_whole: bool) -> None:
    own = new_broker()
    runtime = site_of(type("OwnHiding", (Hiding,), dict(vars(own))))
    for number in range(2 + held):
        put(runtime, is_held=number < held)
    found = look(runtime, runtime.broker("main"), Queue(name="main", broker=own), "", depth)
    assert (found.size, found.held, found.seen, found.is_whole) == (2, held, 2, is_whole)
