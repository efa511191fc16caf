"""Capabilities: looking at what lies on the queue."""

from __future__ import annotations

import time

import pytest

from djq_core.brokers.base import Broker
from djq_core.exceptions import NotSupported
from djq_core.testing.applying import lacks, needs
from djq_core.testing.basics import APART
from djq_core.testing.kit import Kit, MakeBroker, acknowledge, as_bytes, packages, receipts


class Peeking(Kit):
    """A look shows what is there and changes nothing."""

    @needs("supports_peek")
    def test_a_look_shows_what_waits_and_takes_nothing(self, broker: Broker) -> None:
        ids = broker.enqueue_many(["a", b"\x00\xff", "c"])
        for _ in range(2):
            found = broker.peek(10)
            assert sorted(as_bytes(each.package) for each in found) == [b"\x00\xff", b"a", b"c"]
            assert [(each.due, each.is_held, each.attempts) for each in found] == [(None, False, 0)] * 3
            assert {each.tracking_id for each in found} <= {*ids, None}
        assert (broker.queue_size(), broker.lock_size()) == (3, 0)
        assert [delivery.count for delivery in self.take(broker, 3)] == [1, 1, 1]

    @needs("supports_peek")
    def test_no_look_shows_more_than_asked(self, broker: Broker) -> None:
        broker.enqueue_many([f"p{number}" for number in range(5)])
        assert [len(broker.peek(count)) for count in (0, 1, 3, 5, 6)] == [0, 1, 3, 5, 5]

    @needs("supports_peek", "keeps_order")
    def test_a_look_shows_the_oldest_first(self, broker: Broker) -> None:
        broker.enqueue_many([f"p{number}" for number in range(12)])
        assert [as_bytes(each.package) for each in broker.peek(3)] == [b"p0", b"p1", b"p2"]
        if broker.supports_receipts:
            self.take(broker, 2)
            shown = [(as_bytes(each.package), each.is_held) for each in broker.peek(3)]
            assert shown == [(b"p0", True), (b"p1", True), (b"p2", False)]

    @needs("supports_peek")
    def test_a_look_is_at_one_queue(self, make_broker: MakeBroker) -> None:
        mine, other = make_broker("mine"), make_broker("other")
        other.enqueue("b")
        assert mine.peek(10) == []
        mine.enqueue("a")
        assert [as_bytes(each.package) for each in mine.peek(10)] == [b"a"]

    @needs("supports_peek", "supports_receipts")
    def test_a_look_shows_until_when_a_package_is_held(self, make_broker: MakeBroker) -> None:
        broker = make_broker(lease=1000)
        broker.enqueue("a")
        held = self.take(broker)
        (found,) = broker.peek(10)
        assert found.is_held
        assert found.due == pytest.approx(time.time() + 1000, abs=APART)
        assert found.attempts == 1 or not broker.counts_deliveries
        acknowledge(broker, held)
        self.eventually(lambda: broker.peek(10), [])

    @needs("supports_peek", "supports_receipts")
    def test_a_look_shows_that_a_lease_was_not_answered_in_time(self, make_broker: MakeBroker) -> None:
        broker = make_broker(lease=self.short_lease)
        broker.enqueue("a")
        self.take(broker)
        self.eventually(broker.lock_size, 0)
        (found,) = broker.peek(10)
        assert found.is_held
        assert found.due == pytest.approx(time.time(), abs=APART)
        assert packages(self.take(broker)) == [b"a"]

    @needs("supports_peek", "supports_delay")
    def test_a_look_shows_what_waits_for_its_time(self, broker: Broker) -> None:
        broker.enqueue("a")
        broker.release(receipts(self.take(broker)), delay=1000)
        (found,) = broker.peek(10)
        assert not found.is_held
        assert found.due == pytest.approx(time.time() + 1000, abs=APART)
        assert found.attempts == 1 or not broker.counts_deliveries

    @needs("supports_peek", "supports_receipts")
    def test_a_look_shows_what_was_handed_back_as_waiting(self, broker: Broker) -> None:
        broker.enqueue("a")
        broker.release(receipts(self.take(broker)))
        (found,) = broker.peek(10)
        assert (found.due, found.is_held) == (None, False)

    @lacks("supports_peek")
    def test_without_looks_they_are_refused(self, broker: Broker) -> None:
        with pytest.raises(NotSupported):
            broker.peek(1)
