"""What the contract of a broker leaves open, and this one promises on every database."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from django.db import connections, transaction

from djq_core.brokers.base import Delivery
from djq_core.exceptions import BrokerError
from djq_orm.broker import OrmBroker
from djq_orm.models import OrmQ

MakeBroker = Callable[..., OrmBroker]


def receipts(deliveries: list[Delivery]) -> list[str]:
    return [str(delivery.receipt) for delivery in deliveries]


def packages(deliveries: list[Delivery]) -> list[str | bytes]:
    return [delivery.package for delivery in deliveries]


class TestSending:
    def test_the_manuals_name_is_the_same_method(self, broker: OrmBroker) -> None:
        tracking_id = broker.async_task("a")
        assert tracking_id is not None
        assert receipts(broker.receive(1, 0))[0].startswith(f"{tracking_id}:")

    def test_many_are_one_insert_with_ids_in_order(self, broker: OrmBroker) -> None:
        texts = [f"p{number}" for number in range(500)]
        ids = [int(str(pk)) for pk in broker.enqueue_many(texts)]
        assert ids == sorted(set(ids))
        assert len(ids) == 500
        assert packages(broker.receive(1000, 0)) == texts

    def test_none_are_no_statement(self, broker: OrmBroker) -> None:
        assert broker.enqueue_many([]) == []
        assert broker.extend([], 10) == []
        broker.acknowledge_many([])
        broker.release([])


class TestReceiving:
    def test_dequeue_gives_one_where_bulk_is_unset(self, alias: str, make_broker: MakeBroker) -> None:
        broker = make_broker()
        broker.enqueue_many(["a", "b", "c"])
        assert [package for _, package in broker.dequeue()] == ["a"]

    def test_dequeue_gives_at_most_bulk(self, alias: str, make_broker: MakeBroker) -> None:
        broker = make_broker(bulk=2)
        broker.enqueue_many(["a", "b", "c"])
        assert [package for _, package in broker.dequeue()] == ["a", "b"]
        assert [package for _, package in broker.dequeue()] == ["c"]
        assert broker.dequeue() == []

    def test_works_inside_a_transaction_of_the_caller(self, broker: OrmBroker) -> None:
        with transaction.atomic(using="queue"):
            broker.enqueue("a")
            (delivery,) = broker.receive(1, 0)
            broker.acknowledge(str(delivery.receipt))
        assert (broker.queue_size(), broker.lock_size()) == (0, 0)

    def test_a_damaged_row_stops_no_other(self, broker: OrmBroker) -> None:
        broker.enqueue_many(["a", "b"])
        first = OrmQ.objects.using("queue").order_by("id")[:1]
        OrmQ.objects.using("queue").filter(pk__in=[row.pk for row in first]).update(payload="base64:a")
        assert packages(broker.receive(5, 0)) == ["base64:a", "b"]


class TestLeases:
    def test_a_lapsed_lease_delivers_again_as_the_same_attempt(self, alias: str, make_broker: MakeBroker) -> None:
        broker = make_broker(lease=0.3)
        broker.enqueue("a")
        (first,) = broker.receive(1, 0)
        assert (first.count, first.unanswered) == (1, 1)
        assert broker.receive(1, 0) == []
        began = time.monotonic()
        (second,) = broker.receive(1, 3)
        assert 0.1 < time.monotonic() - began < 2.5
        assert (second.package, second.count, second.unanswered) == ("a", 1, 2)
        assert second.receipt != first.receipt

    def test_extend_tells_each_lost_lease_apart(self, alias: str, make_broker: MakeBroker) -> None:
        broker = make_broker()
        broker.enqueue_many(["a", "b", "c"])
        a, b, c = receipts(broker.receive(3, 0))
        broker.acknowledge(a)
        broker.release([c])
        assert broker.extend([c, b, a, "99:never"], 30) == [None, b, None, None]

    def test_a_lapsed_lease_that_nobody_took_is_still_good(self, alias: str, make_broker: MakeBroker) -> None:
        broker = make_broker(lease=0.05)
        broker.enqueue("a")
        held = receipts(broker.receive(1, 0))
        time.sleep(0.1)
        assert broker.extend(held, 30) == held
        assert broker.receive(1, 0) == []


class TestReleasing:
    def test_a_delay_is_kept(self, broker: OrmBroker) -> None:
        broker.enqueue("a")
        broker.release(receipts(broker.receive(1, 0)), delay=0.5)
        assert (broker.queue_size(), broker.lock_size()) == (1, 0)
        began = time.monotonic()
        assert broker.receive(1, 0) == []
        assert packages(broker.receive(1, 3)) == ["a"]
        assert 0.4 < time.monotonic() - began < 2.5


class TestAnswering:
    def test_many_are_one_statement(self, broker: OrmBroker) -> None:
        broker.enqueue_many([f"p{number}" for number in range(250)])
        held = receipts(broker.receive(200, 0))
        statements: list[str] = []

        def note(execute: Callable[..., object], sql: str, *rest: object) -> object:
            statements.append(sql)
            return execute(sql, *rest)

        with connections["queue"].execute_wrapper(note):
            broker.acknowledge_many(held)
        assert len(statements) == 1
        assert (broker.queue_size(), broker.lock_size()) == (50, 0)

    def test_delete_takes_the_id_that_enqueue_returned(self, alias: str, make_broker: MakeBroker) -> None:
        broker = make_broker()
        first, second = broker.enqueue_many(["a", "b"])
        broker.delete(str(first))
        broker.receive(1, 0)
        make_broker("other").delete(str(second))
        assert broker.lock_size() == 1
        broker.delete(str(second))
        assert broker.lock_size() == 0

    @pytest.mark.parametrize("text", ["", "17", "17:", ":abc", "x:abc", "None"])
    def test_what_is_no_receipt_is_refused(self, broker: OrmBroker, text: str) -> None:
        with pytest.raises(BrokerError, match="no receipt"):
            broker.acknowledge(text)


class TestQueue:
    def test_sizes_tell_waiting_from_held(self, alias: str, make_broker: MakeBroker) -> None:
        broker = make_broker(lease=0.3)
        broker.enqueue_many(["a", "b", "c"])
        broker.receive(2, 0)
        assert (broker.queue_size(), broker.lock_size()) == (1, 2)
        time.sleep(0.35)
        assert (broker.queue_size(), broker.lock_size()) == (3, 0)

    def test_purge_and_delete_empty_the_queue(self, broker: OrmBroker) -> None:
        for empty in (broker.purge_queue, broker.delete_queue):
            broker.enqueue_many(["a", "b"])
            broker.receive(1, 0)
            empty()
            assert (broker.queue_size(), broker.lock_size()) == (0, 0)

    def test_ping_and_info(self, broker: OrmBroker) -> None:
        assert broker.ping() is True
        assert broker.info().startswith("ORM queue (")

    def test_the_database_is_the_alias(self, broker: OrmBroker) -> None:
        assert broker.database == "queue"
