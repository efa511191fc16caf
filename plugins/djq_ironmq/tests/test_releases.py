"""Leases that get new receipts, packages that are handed back, and what an interruption leaves."""

from __future__ import annotations

import time

import pytest

from djq_core.brokers.base import Delivery
from djq_core.exceptions import BrokerError, PackageTooLarge
from djq_ironmq.broker import IronMQBroker
from plugins.djq_ironmq.tests.conftest import MakeBroker
from tests.services.fixtures import StartIron


def receipts(deliveries: list[Delivery]) -> list[str]:
    return [str(delivery.receipt) for delivery in deliveries]


def told(deliveries: list[Delivery]) -> list[tuple[str | bytes, int, int]]:
    return sorted((each.package, each.count, each.unanswered) for each in deliveries)  # type: ignore[type-var]


def test_an_older_receipt_of_the_same_delivery_answers_too(make_broker: MakeBroker) -> None:
    broker, other = make_broker(), make_broker()
    broker.enqueue_many(["a", "b", "c"])
    held = receipts(broker.receive(3, 0))
    valid = broker.extend(held, 60)
    assert not set(valid) & set(held)
    assert other.extend(held[:1], 60) != valid[:1]
    other.acknowledge(held[0])
    other.release(held[1:2])
    broker.fail(held[2])
    assert (broker.queue_size(), broker.lock_size()) == (1, 0)


def test_a_release_for_later_comes_later_with_its_attempts(broker: IronMQBroker) -> None:
    broker.enqueue_many(["a", b"\xff"])
    first = broker.receive(2, 0)
    broker.release(receipts(first)[:1], delay=0.2)
    broker.release(receipts(first)[1:], delay=0.2, counted=False)
    began = time.monotonic()
    assert broker.receive(2, 0) == []
    assert (broker.queue_size(), broker.lock_size()) == (0, 2)
    found = [*broker.receive(1, 3), *broker.receive(1, 1)]
    assert time.monotonic() - began >= 0.9
    assert {(each.package, each.count, each.unanswered) for each in found} == {("a", 2, 1), (b"\xff", 1, 1)}


def test_many_are_handed_back_in_few_calls(broker: IronMQBroker) -> None:
    broker.enqueue_many([f"p{number}" for number in range(130)])
    held = receipts([*broker.receive(100, 0), *broker.receive(100, 0)])
    assert len(held) == 130
    broker.release(held)
    assert {(each.count, each.unanswered) for each in broker.receive(100, 0)} == {(2, 1)}


@pytest.mark.parametrize("trouble", ["DELETE", "POST"])
def test_a_release_that_was_interrupted_goes_on_where_it_ended(
    start_iron: StartIron, make_broker: MakeBroker, trouble: str
) -> None:
    server = start_iron()
    broker = make_broker(server)
    broker.enqueue_many(["a", "b"])
    held = receipts(broker.receive(2, 0))
    only = f"{trouble} /3/projects/53f6a2c9d1e0/queues/{broker.queue_name}/messages"
    if trouble == "POST":
        server.fault(only=only, times=len(held))  # each is touched first
    server.fault(is_dropped=True, only=only)
    with pytest.raises(BrokerError):
        broker.release(held)
    broker.release(held)
    assert (broker.queue_size(), broker.lock_size()) == (2, 0)
    assert told(broker.receive(5, 0)) == [("a", 2, 1), ("b", 2, 1)]


def test_what_was_posted_before_an_interruption_is_not_posted_again(
    start_iron: StartIron, make_broker: MakeBroker
) -> None:
    server = start_iron()
    broker = make_broker(server)
    broker.enqueue_many([f"{number}{'x' * 200_000}" for number in range(8)])  # too much for one call
    held = receipts(broker.receive(8, 0))
    posting = f"POST /3/projects/53f6a2c9d1e0/queues/{broker.queue_name}/messages"
    server.fault(only=posting, times=9)  # eight touches and the first post go well
    server.fault(only=posting, is_dropped=True)
    with pytest.raises(BrokerError):
        broker.release(held)
    broker.release(held)
    assert sorted(str(each.package)[0] for each in broker.receive(20, 0)) == list("01234567")


def test_what_is_renewed_is_known_although_others_are_not(start_iron: StartIron, make_broker: MakeBroker) -> None:
    server = start_iron()
    broker = make_broker(server)
    broker.enqueue_many(["a", "b"])
    held = receipts(broker.receive(2, 0))
    server.fault(is_dropped=True, only="/touch")
    valid = broker.extend([*held, held[0]], 60)
    assert valid[0] == valid[2]
    assert len([receipt for receipt, old in zip(valid, held, strict=False) if receipt == old]) == 1
    broker.acknowledge_many([str(receipt) for receipt in valid])
    assert (broker.queue_size(), broker.lock_size()) == (0, 0)
    broker.enqueue("c")
    held = receipts(broker.receive(1, 0))
    server.fault(is_dropped=True, only="/touch")
    with pytest.raises(BrokerError):
        broker.extend(held, 60)


def test_a_hundred_and_fifty_answers_with_late_ones_among_them(make_broker: MakeBroker) -> None:
    broker = make_broker()
    broker.enqueue_many([f"p{number}" for number in range(150)])
    held = receipts([*broker.receive(100, 0), *broker.receive(100, 0)])
    for late in (held[3], held[77], held[149]):
        broker.acknowledge(late)
    broker.acknowledge_many([*held, held[5]])
    assert (broker.queue_size(), broker.lock_size()) == (0, 0)


def test_what_is_held_is_deleted_by_its_holder_alone(broker: IronMQBroker) -> None:
    (free, id) = broker.enqueue_many(["free", "held"])
    broker.delete(str(free))
    held = receipts(broker.receive(1, 0))
    with pytest.raises(BrokerError, match="is held: IronMQ lets its holder alone delete it"):
        broker.delete(str(id))
    broker.delete(held[0])
    broker.delete(str(id))
    assert (broker.queue_size(), broker.lock_size()) == (0, 0)


@pytest.mark.parametrize("receipt", ["", "17", ":x", "17:"])
def test_what_is_no_receipt_is_refused(broker: IronMQBroker, receipt: str) -> None:
    with pytest.raises(BrokerError, match="no receipt of the IronMQ broker"):
        broker.acknowledge(receipt)


# Sizes


def test_a_message_beyond_the_plan_is_refused_with_its_size(make_broker: MakeBroker) -> None:
    broker = make_broker(max_message_bytes=1_000)
    broker.enqueue("x" * 990)
    for package in ("x" * 999, "ü" * 500, b"\xff" * 800):
        with pytest.raises(
            PackageTooLarge, match=r"The message has 1,0\d\d bytes; IronMQ takes 1,000 \('max_message_by"
        ):
            broker.enqueue_many(["small", package])
    assert broker.queue_size() == 1


def test_large_messages_are_sent_in_several_calls(broker: IronMQBroker) -> None:
    sent = [f"{number}{'x' * 200_000}" for number in range(12)]
    ids = broker.enqueue_many(sent)
    assert len(set(ids)) == 12
    assert [delivery.package for delivery in broker.receive(20, 0)] == sent
