"""What the broker makes of Disque's commands: leases, counts, delays, looks."""

from __future__ import annotations

import time
from typing import Any

import pytest

from djq_core.brokers.base import Delivery
from djq_disque.broker import DisqueBroker
from plugins.djq_disque.tests.conftest import MakeBroker
from plugins.djq_disque.tests.standin.running import DisqueCluster, DisqueNode
from tests.harness.waiting import wait_until


def receipts(deliveries: list[Delivery]) -> list[str]:
    return [str(delivery.receipt) for delivery in deliveries]


def counts(delivery: Delivery) -> tuple[int, int]:
    return delivery.count, delivery.unanswered


def shown(node: DisqueNode, id: str | None) -> dict[str, Any]:
    answer: Any = node.say("SHOW", id)
    return {name.decode(): value for name, value in zip(answer[::2], answer[1::2], strict=True)}


def ids(node: DisqueNode, broker: DisqueBroker) -> list[str]:
    answer: Any = node.say("JSCAN", "BUSYLOOP", "QUEUE", broker.list_key)
    return [id.decode() for id in answer[1]]


def test_a_job_is_the_package_with_the_lease_as_its_retry_time(make_broker: MakeBroker, node: DisqueNode) -> None:
    broker = make_broker(lease=7.2, disque_ttl=1000)
    job = shown(node, broker.enqueue("signed:text"))
    assert (job["body"], job["retry"], job["ttl"], job["repl"]) == (b"signed:text", 8, pytest.approx(1000, abs=3), 1)


def test_a_receipt_begins_with_the_id_that_was_returned(broker: DisqueBroker) -> None:
    tracking_id = broker.enqueue("a")
    assert receipts(broker.receive(1, 0))[0].startswith(f"{tracking_id}@127.0.0.1:")


def test_many_are_sent_and_taken_in_order(broker: DisqueBroker) -> None:
    texts = [f"p{number}" for number in range(1_234)]
    assert len(set(broker.enqueue_many(texts))) == len(texts)
    assert broker.queue_size() == 1_234
    assert [delivery.package for delivery in broker.receive(2_000, 0)] == texts
    broker.purge_queue()
    assert (broker.queue_size(), broker.lock_size()) == (0, 0)


def test_a_lease_begins_with_the_fetch(make_broker: MakeBroker, node: DisqueNode) -> None:
    broker = make_broker(lease=2)
    tracking_id = broker.enqueue("a")
    wait_until(lambda: shown(node, tracking_id)["next-requeue-within"] < 1000, 5, "it is due soon")
    broker.receive(1, 0)
    assert shown(node, tracking_id)["next-requeue-within"] > 1700


def test_waits_no_longer_than_asked_and_longer_than_a_call_may_take(make_broker: MakeBroker) -> None:
    broker = make_broker(disque_timeout=0.4)
    for wait in (0.05, 1.0):
        began = time.monotonic()
        assert broker.receive(1, wait) == []
        assert wait <= time.monotonic() - began < wait + 0.5


def test_a_job_of_another_lease_is_held_for_this_one(make_broker: MakeBroker, node: DisqueNode) -> None:
    """As when ``retry`` was changed while tasks waited."""
    sender, taker = make_broker(lease=1), make_broker(lease=60)
    sender.enqueue("a")
    (delivery,) = taker.receive(1, 1)
    assert counts(delivery) == (1, 1)
    (id,) = ids(node, taker)
    assert (shown(node, id)["retry"], shown(node, id)["delay"]) == (60, 60)
    assert (taker.queue_size(), taker.lock_size()) == (0, 1)
    assert taker.receive(1, 1.5) == []
    assert taker.extend(receipts([delivery]), 60) == receipts([delivery])
    taker.acknowledge(str(delivery.receipt))
    assert ids(node, taker) == []


def test_a_lease_of_another_length_lapses_as_the_same_attempt(make_broker: MakeBroker) -> None:
    broker = make_broker(lease=60)
    broker.enqueue("a")
    held = receipts(broker.receive(1, 0))
    (renewed,) = broker.extend(held, 1)
    assert renewed not in (None, *held)
    assert broker.extend(held, 60) == [None]
    (again,) = broker.receive(1, 5)
    assert counts(again) == (1, 2)
    broker.release(receipts([again]), counted=False)
    (last,) = broker.receive(1, 5)
    assert counts(last) == (1, 1)


def test_a_job_that_is_half_dead_is_sent_anew(make_broker: MakeBroker, node: DisqueNode) -> None:
    broker = make_broker(lease=60, disque_ttl=2)
    tracking_id = broker.enqueue("a")
    (held,) = receipts(broker.receive(1, 0))
    time.sleep(1.1)
    (renewed,) = broker.extend([held], 60)
    assert renewed not in (None, held)
    assert node.say("SHOW", tracking_id) is None
    assert shown(node, renewed[:40])["ttl"] > 55


def test_a_hand_back_is_nack_and_the_job_stays(broker: DisqueBroker, node: DisqueNode) -> None:
    tracking_id = broker.enqueue("a")
    for nacks in (1, 2):
        (delivery,) = broker.receive(1, 0)
        broker.release(receipts([delivery]), counted=False)
        assert counts(delivery) == (1, 1)
        assert shown(node, tracking_id)["nacks"] == nacks


def test_an_attempt_is_counted_in_a_job_of_its_own(broker: DisqueBroker, node: DisqueNode) -> None:
    tracking_id = broker.enqueue("a")
    broker.release(receipts(broker.receive(1, 0)))
    (id,) = ids(node, broker)
    assert id != tracking_id
    assert shown(node, id)["body"] == b"\x00djq 1 0\x00a"
    assert counts(broker.receive(1, 0)[0]) == (2, 1)


def test_a_release_for_later_waits_as_a_job_with_a_delay(broker: DisqueBroker, node: DisqueNode) -> None:
    broker.enqueue("a")
    broker.release(receipts(broker.receive(1, 0)), delay=0.3)
    (id,) = ids(node, broker)
    assert shown(node, id)["delay"] == 1
    assert (broker.queue_size(), broker.lock_size()) == (0, 0)
    (found,) = broker.peek(5)
    assert (found.is_held, found.attempts, found.package) == (False, 1, "a")
    (delivery,) = broker.receive(1, 5)
    assert counts(delivery) == (2, 1)
    assert (broker.queue_size(), broker.lock_size()) == (0, 1)
    (found,) = broker.peek(5)
    assert (found.is_held, found.attempts) == (True, 2)


def test_a_delay_may_be_longer_than_a_task_may_stay(make_broker: MakeBroker, node: DisqueNode) -> None:
    broker = make_broker(disque_ttl=5)
    broker.enqueue("a")
    broker.release(receipts(broker.receive(1, 0)), delay=100)
    (id,) = ids(node, broker)
    assert shown(node, id)["ttl"] > 100


def test_a_superseded_delivery_is_neither_renewed_nor_released(make_broker: MakeBroker) -> None:
    broker = make_broker(lease=1)
    broker.enqueue("a")
    old = receipts(broker.receive(1, 0))
    (new,) = broker.receive(1, 5)
    assert counts(new) == (1, 2)
    assert broker.extend(old, 1) == [None]
    broker.release(old, delay=0)
    broker.release(old, counted=False)
    assert (broker.queue_size(), broker.lock_size()) == (0, 1)
    assert broker.extend(receipts([new]), 1) == receipts([new])


def test_a_late_success_clears_the_task(make_broker: MakeBroker) -> None:
    broker = make_broker(lease=1)
    broker.enqueue("a")
    old = receipts(broker.receive(1, 0))
    broker.receive(1, 5)
    broker.acknowledge(old[0])
    assert (broker.queue_size(), broker.lock_size()) == (0, 0)


@pytest.mark.parametrize("is_fast", [False, True])
def test_both_ways_of_acknowledging_clear_a_job_at_both_nodes(
    make_broker: MakeBroker, disque_pair: DisqueCluster, is_fast: bool
) -> None:
    broker = make_broker(disque_pair, disque_fastack=is_fast)
    tracking_id = broker.enqueue("a")
    assert all(node.say("SHOW", tracking_id) for node in disque_pair.nodes)
    broker.acknowledge_many(receipts(broker.receive(1, 5)))
    wait_until(lambda: not any(node.say("SHOW", tracking_id) for node in disque_pair.nodes), 5, "it is gone")


def test_both_nodes_are_counted_purged_and_looked_at(make_broker: MakeBroker, disque_pair: DisqueCluster) -> None:
    a, b = (make_broker([node.name], disque_replicate=1) for node in disque_pair.nodes)
    both = make_broker(disque_pair)
    a.enqueue_many(["a", "b"])
    b.enqueue("c")
    assert both.queue_size() == 3
    assert [each.package for each in both.peek(2)] == ["a", "b"]
    held = both.receive(1, 1)
    assert (both.queue_size(), both.lock_size()) == (2, 1)
    assert sum(each.is_held for each in both.peek(5)) == 1
    both.purge_queue()
    assert (both.queue_size(), both.lock_size(), both.peek(5)) == (0, 0, [])
    assert both.extend(receipts(held), 60) == [None]


def test_copies_of_what_waits_are_not_counted_as_held(make_broker: MakeBroker, disque_pair: DisqueCluster) -> None:
    broker = make_broker(disque_pair)
    broker.enqueue_many([f"p{number}" for number in range(25)])
    assert (broker.queue_size(), broker.lock_size(), len(broker.peek(50))) == (25, 0, 25)


def test_what_another_program_sends_is_delivered(broker: DisqueBroker, node: DisqueNode) -> None:
    node.say("ADDJOB", broker.list_key, b"\x00djq rubbish", 0, "RETRY", 60)
    node.say("ADDJOB", broker.list_key, "once", 0, "RETRY", 0)
    first, second = broker.receive(5, 0)
    assert (first.package, second.package) == ("\x00djq rubbish", "once")
    for delivery in (first, second):
        broker.fail(str(delivery.receipt))
    assert (broker.queue_size(), broker.lock_size()) == (0, 0)
