"""Capabilities: receipts, several at once, waiting, delay, counts."""

from __future__ import annotations

import threading
import time

from djq_core.brokers.base import Broker
from djq_core.testing.applying import lacks, needs
from djq_core.testing.kit import Kit, MakeBroker, packages, receipts

#: A package that is sent while a broker waits in the server arrives within so many seconds, in the best of three.
WAKES_WITHIN = 0.1
#: Polling every 0.2 s, a package sent this long after the beginning waits for 0.15 s.
BETWEEN_LOOKS = 0.45


class Receipts(Kit):
    """What is declared is kept."""

    @needs("supports_receipts")
    def test_what_is_acknowledged_never_comes_back(self, make_broker: MakeBroker) -> None:
        broker = make_broker(lease=self.short_lease)
        broker.enqueue_many(["a", "b", "c"])
        first, *others = receipts(self.take(broker, 3))
        broker.acknowledge(first)
        broker.acknowledge_many(others)
        self.eventually(lambda: (broker.queue_size(), broker.lock_size()), (0, 0))
        self.stays_empty(broker, self.short_lease * 1.5)

    @needs("supports_receipts")
    def test_acknowledging_one_leaves_the_others(self, broker: Broker) -> None:
        broker.enqueue_many(["a", "b", "c"])
        held = receipts(self.take(broker, 3))
        broker.acknowledge_many(held[1:])
        self.eventually(lambda: (broker.queue_size(), broker.lock_size()), (0, 1))

    @needs("supports_receipts")
    def test_another_broker_may_acknowledge(self, make_broker: MakeBroker) -> None:
        taker, other = make_broker(), make_broker()
        taker.enqueue("a")
        other.acknowledge(receipts(self.take(taker))[0])
        self.eventually(lambda: (taker.queue_size(), taker.lock_size()), (0, 0))

    @needs("supports_receipts")
    def test_the_id_of_dequeue_acknowledges(self, broker: Broker) -> None:
        broker.enqueue("a")
        self.eventually(broker.queue_size, 1)
        ((tracking_id, _),) = broker.dequeue()
        assert isinstance(tracking_id, str)
        self.eventually(broker.lock_size, 1)
        broker.acknowledge(tracking_id)
        self.eventually(lambda: (broker.queue_size(), broker.lock_size()), (0, 0))

    @needs("supports_receipts")
    def test_an_unreadable_package_is_gone(self, make_broker: MakeBroker) -> None:
        broker = make_broker(lease=self.short_lease)
        broker.enqueue("nonsense")
        broker.fail(receipts(self.take(broker))[0])
        self.stays_empty(broker, self.short_lease * 1.5)

    @needs("supports_receipts")
    def test_a_held_package_can_be_deleted(self, make_broker: MakeBroker) -> None:
        broker = make_broker(lease=self.short_lease)
        broker.enqueue("a")
        broker.delete(receipts(self.take(broker))[0])
        self.stays_empty(broker, self.short_lease * 1.5)
        assert broker.queue_size() == 0

    @needs("supports_receipts")
    def test_answering_for_nothing_is_no_error(self, broker: Broker) -> None:
        broker.enqueue("a")
        broker.acknowledge_many([])
        broker.release([])
        (receipt,) = receipts(self.take(broker))
        broker.acknowledge(receipt)
        broker.acknowledge(receipt)
        broker.fail(receipt)
        self.eventually(lambda: (broker.queue_size(), broker.lock_size()), (0, 0))

    # Releasing

    @needs("supports_receipts")
    def test_a_released_package_comes_back_at_once(self, broker: Broker) -> None:
        broker.enqueue_many(["a", "b"])
        broker.release(receipts(self.take(broker, 2)))
        self.eventually(lambda: (broker.queue_size(), broker.lock_size()), (2, 0))
        assert sorted(packages(self.take(broker, 2))) == [b"a", b"b"]

    @needs("supports_delay")
    def test_a_release_may_be_for_later(self, broker: Broker) -> None:
        broker.enqueue("a")
        held = receipts(self.take(broker))
        began = time.monotonic()
        broker.release(held, delay=self.short_lease * 2)
        self.stays_empty(broker, 0)
        assert packages(self.take(broker)) == [b"a"]
        assert time.monotonic() - began >= self.short_lease * 1.5

    @needs("supports_delay")
    def test_what_is_released_for_later_is_held_by_nobody(self, broker: Broker) -> None:
        broker.enqueue("a")
        broker.release(receipts(self.take(broker)), delay=60)
        self.eventually(broker.lock_size, 0)

    @needs("counts_deliveries")
    def test_a_release_counts_the_attempt(self, broker: Broker) -> None:
        broker.enqueue("a")
        for count in (1, 2, 3):
            (delivery,) = self.take(broker)
            assert (delivery.count, delivery.unanswered) == (count, count if broker.counts_every_delivery else 1)
            broker.release(receipts([delivery]))

    @needs("counts_every_delivery")
    def test_every_delivery_is_counted_however_it_ended(self, make_broker: MakeBroker) -> None:
        broker = make_broker(lease=self.short_lease)
        broker.enqueue("a")
        found = [self.take(broker)[0] for _ in range(2)]
        broker.release(receipts(found[-1:]), counted=False)
        found += self.take(broker)
        assert [(each.count, each.unanswered) for each in found] == [(1, 1), (2, 2), (3, 3)]

    @needs("counts_deliveries")
    @lacks("counts_every_delivery")
    def test_an_uncounted_release_takes_the_attempt_back(self, broker: Broker) -> None:
        broker.enqueue("a")
        broker.release(receipts(self.take(broker)))
        for _ in range(3):
            (delivery,) = self.take(broker)
            assert (delivery.count, delivery.unanswered) == (2, 1)
            broker.release(receipts([delivery]), counted=False)

    @needs("counts_deliveries")
    def test_each_package_has_its_own_count(self, broker: Broker) -> None:
        broker.enqueue("a")
        broker.release(receipts(self.take(broker)))
        broker.enqueue("b")
        found = sorted((delivery.package, delivery.count) for delivery in self.take(broker, 2))
        assert [count for _, count in found] == [2, 1]

    # Several at once

    def test_never_more_than_asked(self, make_broker: MakeBroker) -> None:
        broker = make_broker()
        broker.enqueue_many([f"p{number}" for number in range(12)])
        assert len(broker.receive(1, 1)) == 1
        assert 1 <= len(broker.receive(3, 1)) <= 3
        assert len(broker.dequeue()) == 1

    @needs("supports_bulk")
    def test_several_are_taken_at_once(self, make_broker: MakeBroker) -> None:
        most = min(5, self.broker_class.max_bulk or 5)
        broker = make_broker(bulk=most)
        broker.enqueue_many([f"p{number}" for number in range(40)])
        self.eventually(broker.queue_size, 40)
        assert any(len(broker.receive(most, 1)) > 1 for _ in range(3)), "no call gave more than one package"
        assert max(len(broker.dequeue()) for _ in range(3)) in range(2, most + 1)

    @needs("max_bulk")
    def test_no_call_gives_more_than_the_most(self, make_broker: MakeBroker) -> None:
        most = self.broker_class.max_bulk or 0
        broker = make_broker()
        broker.enqueue_many([f"p{number}" for number in range(most + 5)])
        self.eventually(broker.queue_size, most + 5)
        assert 1 <= len(broker.receive(most, 1)) <= most

    # Waiting

    def test_waiting_ends_with_the_package(self, make_broker: MakeBroker) -> None:
        assert self._latency(make_broker) < 1.0

    @needs("supports_blocking_dequeue")
    def test_waiting_is_woken(self, make_broker: MakeBroker) -> None:
        assert min(self._latency(make_broker) for _ in range(3)) < WAKES_WITHIN

    def test_waiting_costs_no_processor_time(self, broker: Broker) -> None:
        broker.receive(1, 0)
        began = time.process_time()
        broker.receive(1, 1.0)
        assert time.process_time() - began < 0.2

    def _latency(self, make_broker: MakeBroker) -> float:
        """Return the seconds from the end of an enqueue to the end of the call that was waiting for it."""
        sender, taker = make_broker(), make_broker()
        sent: list[float] = []

        def send() -> None:
            sender.enqueue("wake")
            sent.append(time.monotonic())
            sender.close()

        taker.receive(1, 0)
        timer = threading.Timer(BETWEEN_LOOKS, send)
        timer.start()
        deliveries = taker.receive(1, self.patience)
        arrived = time.monotonic()
        timer.join()
        assert packages(deliveries) == [b"wake"]
        if taker.supports_receipts:
            taker.acknowledge_many(receipts(deliveries))
        taker.close()
        return arrived - sent[0]
