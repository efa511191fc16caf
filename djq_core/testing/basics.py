"""The first level: what goes in comes out, once, on its own queue."""

from __future__ import annotations

import os
import pickle
import sys
import time
from multiprocessing import get_all_start_methods

import pytest

from djq_core.brokers.base import Broker
from djq_core.brokers.finding import ERROR, OK, WARNING
from djq_core.testing.applying import needs
from djq_core.testing.children import run_in_child
from djq_core.testing.kit import Kit, MakeBroker, acknowledge, as_bytes, packages

LARGE = 1_000_000
#: How far the clocks of this host and of a server may be apart, in seconds.
APART = 5.0
OUTSIDE = ("socket.", "sqlite3.connect", "subprocess.", "os.fork", "os.posix_spawn")


class Basics(Kit):
    """Sending, receiving and the queue itself."""

    def test_a_package_comes_out_as_it_went_in(self, broker: Broker) -> None:
        broker.enqueue("signed:text")
        deliveries = self.take(broker)
        assert packages(deliveries) == [b"signed:text"]
        acknowledge(broker, deliveries)
        self.eventually(lambda: broker.queue_size() + broker.lock_size(), 0)

    @pytest.mark.parametrize(
        "package",
        ["grün · 任务 · \U0001f680", b"\x00\xff\xfe binary \r\n\x00", b"plain bytes", ' "quoted" \\ \n\t '],
        ids=["unicode", "binary", "bytes", "quoted"],
    )
    def test_every_package_arrives_whole(self, broker: Broker, package: str | bytes) -> None:
        broker.enqueue(package)
        assert packages(self.take(broker)) == [as_bytes(package)]

    def test_a_large_package_arrives_whole(self, broker: Broker) -> None:
        package = os.urandom(LARGE // 2).hex()[: broker.max_package_bytes or LARGE]
        broker.enqueue(package)
        assert packages(self.take(broker)) == [package.encode()]

    @needs("keeps_order")
    def test_packages_come_out_in_order(self, broker: Broker) -> None:
        sent = [f"p{number}" for number in range(20)]
        for package in sent:
            broker.enqueue(package)
        assert packages(self.take(broker, 20)) == [package.encode() for package in sent]

    def test_many_are_sent_at_once_and_in_order(self, broker: Broker) -> None:
        sent = [f"p{number}" for number in range(50)]
        ids = broker.enqueue_many(sent)
        assert len(ids) == 50
        taken = packages(self.take(broker, 50))
        assert sorted(taken) == sorted(package.encode() for package in sent)
        assert taken == [package.encode() for package in sent] or not broker.keeps_order

    def test_no_packages_are_nothing_to_send(self, broker: Broker) -> None:
        assert broker.enqueue_many([]) == []
        assert broker.queue_size() == 0

    def test_the_manuals_name_sends_too(self, broker: Broker) -> None:
        broker.async_task("by the manual's name")
        assert packages(self.take(broker)) == [b"by the manual's name"]

    def test_tracking_ids_differ(self, broker: Broker) -> None:
        ids = [broker.enqueue("a"), broker.enqueue("a"), *broker.enqueue_many(["a", "a"])]
        told = [tracking_id for tracking_id in ids if tracking_id is not None]
        assert len(set(told)) == len(told)

    def test_an_empty_queue_gives_an_empty_list(self, broker: Broker) -> None:
        assert broker.dequeue() == []
        assert broker.receive(5, 0) == []

    def test_dequeue_gives_pairs(self, broker: Broker) -> None:
        broker.enqueue("a")
        found: list[tuple[str | None, str | bytes]] = []
        until = time.monotonic() + self.patience
        while not found and time.monotonic() < until:
            found = list(broker.dequeue())
        assert [as_bytes(package) for _, package in found] == [b"a"]

    def test_an_empty_queue_is_waited_for_as_long_as_asked(self, broker: Broker) -> None:
        broker.receive(1, 0)
        began = time.monotonic()
        assert broker.receive(1, 1.0) == []
        assert 0.9 <= time.monotonic() - began < 3.0

    def test_a_package_is_delivered_once(self, broker: Broker) -> None:
        broker.enqueue_many(["a", "b"])
        assert sorted(packages(self.take(broker, 2))) == [b"a", b"b"]
        self.stays_empty(broker, 0.2)

    def test_two_brokers_share_a_queue(self, make_broker: MakeBroker) -> None:
        sender, taker = make_broker(), make_broker()
        sender.enqueue_many(["a", "b"])
        self.eventually(taker.queue_size, 2)
        assert sorted(packages(self.take(taker, 2))) == [b"a", b"b"]

    def test_two_queues_never_mix(self, make_broker: MakeBroker) -> None:
        mine, other = make_broker("mine"), make_broker("other")
        mine.enqueue("a")
        other.enqueue_many(["b", "c"])
        self.eventually(lambda: (mine.queue_size(), other.queue_size()), (1, 2))
        assert packages(self.take(mine)) == [b"a"]
        self.stays_empty(mine, 0.2)
        mine.purge_queue()
        assert sorted(packages(self.take(other, 2))) == [b"b", b"c"]

    def test_deleting_a_queue_spares_the_others(self, make_broker: MakeBroker) -> None:
        mine, other = make_broker("mine"), make_broker("other")
        mine.enqueue("a")
        other.enqueue("b")
        mine.delete_queue()
        assert packages(self.take(other)) == [b"b"]

    def test_the_queue_is_counted(self, broker: Broker) -> None:
        assert (broker.queue_size(), broker.lock_size()) == (0, 0)
        broker.enqueue_many(["a", "b", "c"])
        self.eventually(broker.queue_size, 3)
        deliveries = self.take(broker, 2)
        held = 2 if broker.supports_receipts else 0
        self.eventually(lambda: (broker.queue_size(), broker.lock_size()), (1, held))
        acknowledge(broker, deliveries)
        self.eventually(lambda: (broker.queue_size(), broker.lock_size()), (1, 0))

    def test_a_purged_queue_is_empty_and_goes_on(self, broker: Broker) -> None:
        broker.enqueue_many(["a", "b", "c"])
        broker.purge_queue()
        self.eventually(broker.queue_size, 0)
        self.stays_empty(broker, 0.2)
        broker.enqueue("d")
        assert packages(self.take(broker)) == [b"d"]

    def test_a_deleted_queue_leaves_nothing_and_can_be_used_again(self, make_broker: MakeBroker) -> None:
        broker = make_broker(lease=self.short_lease)
        broker.enqueue_many(["a", "b"])
        self.take(broker)
        broker.delete_queue()
        self.eventually(lambda: (broker.queue_size(), broker.lock_size()), (0, 0))
        self.stays_empty(broker, self.short_lease * 1.5)
        broker.enqueue("c")
        assert packages(self.take(broker)) == [b"c"]

    def test_deleting_and_purging_nothing_is_no_error(self, broker: Broker) -> None:
        broker.purge_queue()
        broker.delete_queue()
        broker.delete_queue()
        assert broker.queue_size() == 0

    def test_the_server_is_there_and_has_a_name(self, broker: Broker) -> None:
        assert broker.ping() is True
        assert isinstance(broker.info(), str)
        assert broker.info().strip()

    def test_the_clock_of_the_server_counts_seconds(self, broker: Broker) -> None:
        told = broker.clock()
        assert told is None or abs(told - time.time()) < APART

    def test_an_examination_tells_what_is_so(self, broker: Broker) -> None:
        for finding in broker.examine():
            assert finding.level in (OK, WARNING, ERROR)
            assert finding.code
            assert finding.message
            assert finding.remedy or finding.level == OK

    def test_a_closed_broker_connects_anew(self, broker: Broker) -> None:
        broker.enqueue("a")
        broker.close()
        broker.close()
        assert packages(self.take(broker)) == [b"a"]

    def test_pickling_keeps_settings_only(self, make_broker: MakeBroker) -> None:
        broker = make_broker(lease=17.0, bulk=3, poll=0.5)
        broker.enqueue("a")
        assert broker.receive(1, 1)
        again = pickle.loads(pickle.dumps(broker))
        settings = again.settings
        assert type(again) is type(broker)
        assert (settings.list_key, settings.lease, settings.bulk, settings.poll) == (broker.list_key, 17.0, 3, 0.5)
        if not broker.is_local:
            again.enqueue("b")
            assert packages(self.take(broker)) == [b"b"]
            again.close()

    def test_building_one_does_no_input_or_output(self, broker: Broker) -> None:
        if "fork" not in get_all_start_methods():
            pytest.skip("what a broker does is watched in a forked child, and this system does not fork")
        assert run_in_child("fork", _events_of_building, self.broker_class, broker.settings).lines == []


def _events_of_building(tell: object, broker_class: type[Broker], settings: object) -> None:
    events: list[str] = []
    sys.addaudithook(lambda event, _: events.append(event) if event.startswith(OUTSIDE) else None)
    broker_class(settings)  # type: ignore[arg-type]
    found = list(events)
    for event in found:
        tell(event)  # type: ignore[operator]
