"""The other side of capabilities: what is not declared is refused, or does nothing, as the base class says."""

from __future__ import annotations

import pytest

from djq_core.brokers.base import Broker
from djq_core.exceptions import NotSupported
from djq_core.testing.applying import lacks
from djq_core.testing.kit import Kit, MakeBroker, packages, receipts


class Undeclared(Kit):
    """Never silently half supported."""

    @lacks("supports_receipts")
    def test_without_receipts_there_are_none(self, broker: Broker) -> None:
        broker.enqueue_many(["a", "b"])
        assert [delivery.receipt for delivery in self.take(broker)] == [None]
        self.eventually(broker.queue_size, 1)
        assert [tracking_id for tracking_id, _ in broker.dequeue()] == [None]

    @lacks("supports_receipts")
    def test_without_receipts_answers_do_nothing(self, broker: Broker) -> None:
        broker.enqueue("a")
        broker.acknowledge("nothing")
        broker.acknowledge_many(["nothing", "at all"])
        broker.fail("nothing")
        assert packages(self.take(broker)) == [b"a"]

    @lacks("supports_receipts")
    def test_without_receipts_nothing_is_held(self, broker: Broker) -> None:
        broker.enqueue("a")
        self.take(broker)
        assert (broker.queue_size(), broker.lock_size()) == (0, 0)

    @lacks("supports_receipts")
    def test_without_receipts_nothing_is_released(self, broker: Broker) -> None:
        with pytest.raises(NotSupported):
            broker.release(["nothing"])

    @lacks("supports_receipts")
    def test_without_receipts_nothing_else_is_claimed(self) -> None:
        counts = ("counts_deliveries", "counts_every_delivery")
        flags = ("supports_leases", "supports_delay", "fences_receipts", *counts)
        assert [flag for flag in flags if getattr(self.broker_class, flag)] == []

    @lacks("supports_leases")
    def test_without_leases_nothing_is_extended(self, broker: Broker) -> None:
        with pytest.raises(NotSupported):
            broker.extend(["nothing"], 10)

    @lacks("supports_delay")
    def test_without_delay_a_release_for_later_is_refused(self, broker: Broker) -> None:
        broker.enqueue("a")
        held = [delivery.receipt or "nothing" for delivery in self.take(broker)]
        with pytest.raises(NotSupported):
            broker.release(held, delay=5)

    @lacks("counts_deliveries")
    def test_without_counts_each_delivery_is_the_first(self, broker: Broker) -> None:
        broker.enqueue("a")
        (delivery,) = self.take(broker)
        assert (delivery.count, delivery.unanswered) == (1, 1)
        if broker.supports_receipts:
            broker.release(receipts([delivery]))
            (again,) = self.take(broker)
            assert (again.count, again.unanswered) == (1, 1)

    @lacks("supports_bulk")
    def test_without_bulk_packages_come_one_by_one(self, make_broker: MakeBroker) -> None:
        broker = make_broker(bulk=5)
        broker.enqueue_many(["a", "b", "c"])
        assert len(self.take(broker)) == 1
        assert len(broker.dequeue()) <= 1

    @lacks("shares_stats")
    def test_without_statistics_they_are_refused(self, broker: Broker) -> None:
        with pytest.raises(NotSupported):
            broker.put_stat("djq:1", "text", 5)
        with pytest.raises(NotSupported):
            broker.get_stats("djq:")

    @lacks("supports_transactions")
    def test_without_transactions_there_is_no_database(self, broker: Broker) -> None:
        assert broker.database is None
