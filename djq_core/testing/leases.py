"""Capabilities: what happens to a delivery that nobody answers for."""

from __future__ import annotations

import time

from djq_core.brokers.base import Broker, Delivery
from djq_core.testing.applying import lacks, needs
from djq_core.testing.kit import Kit, MakeBroker, packages, receipts


class Leases(Kit):
    """Redelivery, renewal, fencing."""

    @needs("supports_receipts")
    def test_what_nobody_answers_for_is_delivered_again(self, make_broker: MakeBroker) -> None:
        broker = make_broker(lease=self.short_lease)
        broker.enqueue("a")
        self.take(broker)
        began = time.monotonic()
        assert packages(self.take(broker)) == [b"a"]
        assert self.short_lease / 3 < time.monotonic() - began < self.short_lease + 3

    @needs("supports_receipts")
    def test_a_lapsed_lease_makes_it_wait_again(self, make_broker: MakeBroker) -> None:
        broker = make_broker(lease=self.short_lease)
        broker.enqueue("a")
        self.take(broker)
        self.eventually(lambda: (broker.queue_size(), broker.lock_size()), (1, 0))

    @needs("counts_deliveries")
    @lacks("counts_every_delivery")
    def test_an_unanswered_delivery_is_the_same_attempt(self, make_broker: MakeBroker) -> None:
        broker = make_broker(lease=self.short_lease)
        broker.enqueue("a")
        found = [self.take(broker)[0] for _ in range(3)]
        assert [(each.count, each.unanswered) for each in found] == [(1, 1), (1, 2), (1, 3)]
        broker.release(receipts(found[-1:]))
        (last,) = self.take(broker)
        assert (last.count, last.unanswered) == (2, 1)

    @needs("supports_leases")
    def test_an_extended_lease_does_not_lapse(self, make_broker: MakeBroker) -> None:
        broker = make_broker(lease=self.short_lease)
        broker.enqueue_many(["a", "b"])
        valid = broker.extend(receipts(self.take(broker, 2)), 60)
        assert None not in valid
        self.stays_empty(broker, self.short_lease * 1.5)
        self.eventually(broker.lock_size, 2)
        broker.acknowledge_many([receipt for receipt in valid if receipt is not None])
        self.eventually(lambda: (broker.queue_size(), broker.lock_size()), (0, 0))

    @needs("supports_leases")
    def test_a_lease_can_be_extended_again_and_again(self, make_broker: MakeBroker) -> None:
        broker = make_broker(lease=self.short_lease)
        broker.enqueue("a")
        (held,) = receipts(self.take(broker))
        for _ in range(5):
            (valid,) = broker.extend([held], self.short_lease)
            assert valid is not None
            held = valid
            self.stays_empty(broker, self.short_lease / 3)

    @needs("supports_leases")
    def test_an_extended_lease_lapses_in_its_turn(self, make_broker: MakeBroker) -> None:
        broker = make_broker(lease=60)
        broker.enqueue("a")
        broker.extend(receipts(self.take(broker)), self.short_lease)
        assert packages(self.take(broker)) == [b"a"]

    @needs("supports_leases")
    @lacks("changes_receipts")
    def test_an_extended_lease_keeps_its_receipt(self, broker: Broker) -> None:
        broker.enqueue("a")
        held = receipts(self.take(broker))
        assert broker.extend(held, 30) == held

    @needs("supports_leases", "changes_receipts")
    def test_an_extended_lease_has_another_receipt(self, broker: Broker) -> None:
        broker.enqueue("a")
        held = receipts(self.take(broker))
        valid = broker.extend(held, 30)
        assert None not in valid
        assert valid != held

    @needs("supports_leases")
    def test_nothing_is_nothing_to_extend(self, make_broker: MakeBroker) -> None:
        assert make_broker().extend([], 10) == []

    @needs("supports_leases")
    def test_each_lost_lease_is_told_apart(self, make_broker: MakeBroker) -> None:
        broker = make_broker()
        broker.enqueue_many(["a", "b"])
        gone, kept = receipts(self.take(broker, 2))
        broker.acknowledge(gone)
        valid = broker.extend([gone, kept, gone], 30)
        assert [receipt is None for receipt in valid] == [True, False, True]

    # Fencing

    @needs("fences_receipts", "supports_leases")
    def test_a_lost_lease_cannot_be_extended(self, make_broker: MakeBroker) -> None:
        broker, old, new = self._superseded(make_broker)
        assert broker.extend(receipts(old), 1) == [None, None]
        assert None not in broker.extend(receipts(new), 60)

    @needs("fences_receipts", "supports_leases")
    def test_a_released_lease_is_lost(self, make_broker: MakeBroker) -> None:
        broker = make_broker()
        broker.enqueue("a")
        held = receipts(self.take(broker))
        broker.release(held)
        assert broker.extend(held, 60) == [None]
        assert packages(self.take(broker)) == [b"a"]

    @needs("fences_receipts")
    def test_a_late_answer_changes_nothing(self, make_broker: MakeBroker) -> None:
        broker, old, _ = self._superseded(make_broker)
        first, second = receipts(old)
        broker.acknowledge(first)
        broker.fail(second)
        broker.acknowledge_many([first, second])
        broker.delete(first)
        assert (broker.queue_size(), broker.lock_size()) == (0, 2)

    @needs("fences_receipts")
    def test_a_late_release_changes_nothing(self, make_broker: MakeBroker) -> None:
        broker, old, new = self._superseded(make_broker)
        broker.release(receipts(old))
        broker.release(receipts(old), counted=False)
        self.stays_empty(broker, 0.2)
        assert (broker.queue_size(), broker.lock_size()) == (0, 2)
        broker.acknowledge_many(receipts(new))
        self.eventually(lambda: (broker.queue_size(), broker.lock_size()), (0, 0))

    @needs("fences_receipts")
    def test_a_late_answer_among_others_spoils_none(self, make_broker: MakeBroker) -> None:
        broker, old, new = self._superseded(make_broker)
        broker.acknowledge_many([*receipts(old), receipts(new)[0]])
        self.eventually(lambda: (broker.queue_size(), broker.lock_size()), (0, 1))

    def _superseded(self, make_broker: MakeBroker) -> tuple[Broker, list[Delivery], list[Delivery]]:
        """Return a broker and the deliveries of two packages, each before and after its lease has lapsed."""
        hasty, keeper = make_broker(lease=self.short_lease), make_broker(lease=60)
        keeper.enqueue_many(["a", "b"])
        old = self.take(hasty, 2)
        return keeper, old, self.take(keeper, 2)
