"""The level of chaos: processes that are killed while they use a broker."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from multiprocessing import get_all_start_methods

import pytest

from djq_core.brokers.base import Broker
from djq_core.testing.applying import lacks, needs
from djq_core.testing.children import Child, Tell
from djq_core.testing.kit import Kit, MakeBroker, acknowledge, as_bytes

MANY = 150
BATCH = 5


class Chaos(Kit):
    """Nothing that was accepted is lost with the process that held it."""

    @needs("supports_receipts")
    @lacks("is_local")
    def test_what_a_killed_process_held_is_delivered_again(
        self, make_broker: MakeBroker, before_fork: Callable[[], object]
    ) -> None:
        self._needs_forks()
        taker = make_broker(lease=self.short_lease)
        taker.enqueue_many(["a", "b", "c"])
        self.eventually(taker.queue_size, 3)
        before_fork()
        with Child("fork", _hold, taker, 3) as child:
            assert sorted(child.wait_lines(3)) == ["a", "b", "c"]
            child.kill()
        again = self.take(taker, 3)
        assert sorted(as_bytes(each.package) for each in again) == [b"a", b"b", b"c"]
        if taker.counts_deliveries:
            attempts = 2 if taker.counts_every_delivery else 1
            assert [(each.count, each.unanswered) for each in again] == [(attempts, 2)] * 3
        acknowledge(taker, again)
        self.eventually(lambda: (taker.queue_size(), taker.lock_size()), (0, 0))

    @lacks("is_local")
    def test_killed_consumers_lose_nothing_they_held(
        self, make_broker: MakeBroker, before_fork: Callable[[], object]
    ) -> None:
        self._needs_forks()
        broker = make_broker(lease=self.short_lease)
        sent = [f"p{number}" for number in range(MANY)]
        broker.enqueue_many(sent)
        seen: Counter[str] = Counter()
        kills = 3
        for _ in range(kills):
            before_fork()
            with Child("fork", _consume, broker) as child:
                child.wait_lines(MANY // 8)
                child.kill()
                seen.update(child.lines)
        seen.update(as_bytes(each.package).decode() for each in self.take_all(broker))
        lost = set(sent) - set(seen)
        assert len(lost) <= (0 if broker.supports_receipts else kills * BATCH), f"lost: {sorted(lost)}"
        assert set(seen) <= set(sent)
        assert sum(seen.values()) <= MANY + kills * BATCH, "packages were delivered again that nobody held"

    @lacks("is_local")
    def test_a_killed_sender_leaves_what_was_accepted(self, broker: Broker, before_fork: Callable[[], object]) -> None:
        self._needs_forks()
        before_fork()
        with Child("fork", _send, broker) as child:
            child.wait_lines(30)
            child.kill()
            accepted = child.lines
        found = [as_bytes(each.package).decode() for each in self.take_all(broker)]
        assert set(accepted) <= set(found)
        assert len(found) == len(set(found)) <= len(accepted) + 1

    def _needs_forks(self) -> None:
        if "fork" not in get_all_start_methods():
            pytest.skip("what is killed is a forked child, and this system does not fork")


def _hold(tell: Tell, broker: Broker, count: int) -> None:
    while count > 0:
        for delivery in broker.receive(count, 1):
            tell(as_bytes(delivery.package).decode())
            count -= 1
    while True:
        time.sleep(60)


def _consume(tell: Tell, broker: Broker) -> None:
    while True:
        deliveries = broker.receive(BATCH, 1)
        for delivery in deliveries:
            tell(as_bytes(delivery.package).decode())
            time.sleep(0.002)
        acknowledge(broker, deliveries)


def _send(tell: Tell, broker: Broker) -> None:
    number = 0
    while True:
        broker.enqueue(f"p{number}")
        tell(f"p{number}")
        number += 1
