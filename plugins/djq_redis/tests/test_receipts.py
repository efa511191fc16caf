"""The broker with receipts: leases, counts, releases, dead letters."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import redis

from djq_core.brokers.base import Delivery
from djq_core.exceptions import BrokerError
from djq_redis.receipts_broker import DEAD_LETTERS, LARGEST_DEAD_LETTER, RedisReceiptsBroker
from plugins.djq_redis.tests.conftest import MakeBroker


def receipts(deliveries: list[Delivery]) -> list[str]:
    return [str(delivery.receipt) for delivery in deliveries]


def packages(deliveries: list[Delivery]) -> list[str | bytes]:
    return [delivery.package for delivery in deliveries]


def counts(delivery: Delivery) -> tuple[int, int]:
    return delivery.count, delivery.unanswered


def test_a_receipt_begins_with_the_id_that_was_returned(broker: RedisReceiptsBroker) -> None:
    tracking_id = broker.enqueue("a")
    assert receipts(broker.receive(1, 0))[0].startswith(f"{tracking_id}:")


def test_what_is_acknowledged_is_gone(broker: RedisReceiptsBroker) -> None:
    broker.enqueue_many(["a", "b", "c"])
    ((tracking_id, _),) = broker.dequeue()
    assert (broker.queue_size(), broker.lock_size()) == (2, 1)
    broker.acknowledge(str(tracking_id))
    broker.acknowledge(str(tracking_id))
    broker.acknowledge_many(receipts(broker.receive(5, 0)))
    assert (broker.queue_size(), broker.lock_size()) == (0, 0)


def test_hundreds_are_acknowledged_in_one_call(broker: RedisReceiptsBroker, connection: dict[str, Any]) -> None:
    broker.enqueue_many(["x"] * 1_200)
    broker.acknowledge_many(receipts(broker.receive(1_199, 0)))
    assert (broker.queue_size(), broker.lock_size()) == (1, 0)
    with redis.Redis(**connection) as client:
        assert [client.hlen(f"djq:{{main}}:{part}") for part in ("packages", "marks")] == [1, 0]


def test_a_lapsed_lease_delivers_again_as_the_same_attempt(make_broker: MakeBroker) -> None:
    broker = make_broker(lease=0.3)
    broker.enqueue("a")
    (first,) = broker.receive(1, 0)
    assert counts(first) == (1, 1)
    assert broker.receive(1, 0) == []
    began = time.monotonic()
    (second,) = broker.receive(1, 3)
    assert 0.1 < time.monotonic() - began < 2.5
    assert (second.package, counts(second)) == ("a", (1, 2))
    assert second.receipt != first.receipt


def test_a_lapsed_lease_counts_as_waiting(make_broker: MakeBroker) -> None:
    broker = make_broker(lease=0.1)
    broker.enqueue("a")
    broker.receive(1, 0)
    assert (broker.queue_size(), broker.lock_size()) == (0, 1)
    time.sleep(0.15)
    assert (broker.queue_size(), broker.lock_size()) == (1, 0)


def test_an_extended_lease_does_not_lapse(make_broker: MakeBroker) -> None:
    broker = make_broker(lease=0.3)
    broker.enqueue("a")
    held = receipts(broker.receive(1, 0))
    assert broker.extend(held, 30) == held
    assert broker.receive(1, 0.6) == []
    assert broker.lock_size() == 1


def test_a_lapsed_lease_can_be_extended_until_another_takes_it(make_broker: MakeBroker) -> None:
    broker = make_broker(lease=0.1)
    broker.enqueue_many(["a", "b", "c"])
    held = receipts(broker.receive(2, 0))
    time.sleep(0.15)
    assert packages(broker.receive(1, 0)) == ["c"]
    assert broker.extend(held, 30) == held
    assert broker.receive(5, 0) == []


def test_extend_tells_each_lost_lease_apart(broker: RedisReceiptsBroker) -> None:
    broker.enqueue_many(["a", "b", "c"])
    a, b, c = receipts(broker.receive(3, 0))
    broker.acknowledge(a)
    broker.release([c])
    assert broker.extend([c, b, a, "99:never"], 30) == [None, b, None, None]
    assert broker.extend([], 10) == []


def test_a_superseded_delivery_changes_nothing(make_broker: MakeBroker) -> None:
    broker, keeper = make_broker(lease=0.05), make_broker(lease=60)
    broker.enqueue_many(["a", "b"])
    old = receipts(broker.receive(2, 0))
    time.sleep(0.1)
    new = receipts(keeper.receive(2, 1))
    assert len(new) == 2
    assert broker.extend(old, 1) == [None, None]
    broker.release(old)
    broker.release(old, counted=False)
    broker.acknowledge(old[0])
    broker.fail(old[0])
    broker.delete(old[0])
    broker.acknowledge_many(old)
    assert (broker.queue_size(), broker.lock_size()) == (0, 2)
    assert broker.extend(new, 60) == new


def test_releases_count_as_they_say(broker: RedisReceiptsBroker) -> None:
    broker.enqueue("a")
    seen = []
    for counted in (True, False, True, True):
        (delivery,) = broker.receive(1, 0)
        seen.append(counts(delivery))
        broker.release(receipts([delivery]), counted=counted)
    (delivery,) = broker.receive(1, 0)
    assert [*seen, counts(delivery)] == [(1, 1), (2, 1), (2, 1), (3, 1), (4, 1)]


def test_unanswered_deliveries_add_up_until_one_is_released(make_broker: MakeBroker) -> None:
    broker = make_broker(lease=0.02)
    broker.enqueue("a")
    seen = []
    for _ in range(3):
        (delivery,) = broker.receive(1, 2)
        seen.append(counts(delivery))
    broker.release(receipts([delivery]))
    (delivery,) = broker.receive(1, 2)
    assert [*seen, counts(delivery)] == [(1, 1), (1, 2), (1, 3), (2, 1)]


def test_a_release_for_later_waits_and_is_counted(broker: RedisReceiptsBroker) -> None:
    broker.enqueue("a")
    broker.release(receipts(broker.receive(1, 0)), delay=0.3)
    assert (broker.queue_size(), broker.lock_size()) == (1, 0)
    assert broker.receive(1, 0) == []
    began = time.monotonic()
    assert packages(broker.receive(1, 5)) == ["a"]
    assert 0.15 < time.monotonic() - began < 3


def test_a_release_wakes_who_waits(broker: RedisReceiptsBroker) -> None:
    broker.enqueue("a")
    held = receipts(broker.receive(1, 0))
    timer = threading.Timer(0.2, lambda: broker.release(held))
    timer.start()
    began = time.monotonic()
    assert packages(broker.receive(1, 5)) == ["a"]
    assert time.monotonic() - began < 3
    timer.join()


def test_what_comes_due_queues_up_behind_what_waits(broker: RedisReceiptsBroker) -> None:
    broker.enqueue_many(["a", "b"])
    first, second = receipts(broker.receive(2, 0))
    broker.release([first], delay=0.2)
    broker.release([second], delay=0.1)
    broker.enqueue("c")
    time.sleep(0.3)
    assert packages(broker.receive(5, 0)) == ["c", "b", "a"]


def test_what_cannot_be_read_is_put_aside_and_bounded(broker: RedisReceiptsBroker) -> None:
    texts = [f"p{number}" for number in range(DEAD_LETTERS + 5)]
    broker.enqueue_many(texts)
    for receipt in receipts(broker.receive(200, 0)):
        broker.fail(receipt)
    assert (broker.queue_size(), broker.lock_size()) == (0, 0)
    assert broker.dead_letters() == texts[:4:-1]
    broker.purge_queue()
    assert len(broker.dead_letters()) == DEAD_LETTERS
    broker.delete_queue()
    assert broker.dead_letters() == []


def test_a_dead_letter_that_is_too_large_is_dropped(broker: RedisReceiptsBroker) -> None:
    broker.enqueue_many(["x" * LARGEST_DEAD_LETTER, "y" * (LARGEST_DEAD_LETTER + 1)])
    for receipt in receipts(broker.receive(2, 0)):
        broker.fail(receipt)
    assert [letter[:1] for letter in broker.dead_letters()] == ["x"]
    assert (broker.queue_size(), broker.lock_size()) == (0, 0)


def test_delete_takes_a_receipt_or_an_id(broker: RedisReceiptsBroker) -> None:
    ids = broker.enqueue_many(["a", "b", "c"])
    (held,) = receipts(broker.receive(1, 0))
    broker.delete(held)
    broker.delete(str(ids[1]))
    assert packages(broker.receive(5, 0)) == ["c"]
    broker.delete(str(ids[2]))
    assert (broker.queue_size(), broker.lock_size()) == (0, 0)


def test_a_purge_takes_what_is_held_too(broker: RedisReceiptsBroker) -> None:
    broker.enqueue_many(["a", "b"])
    held = receipts(broker.receive(1, 0))
    broker.purge_queue()
    assert (broker.queue_size(), broker.lock_size()) == (0, 0)
    assert broker.extend(held, 5) == [None]
    broker.release(held)
    assert broker.queue_size() == 0


@pytest.mark.parametrize("receipt", ["", "17", ":x", "x:y", "17:"])
def test_what_is_no_receipt_is_refused(broker: RedisReceiptsBroker, receipt: str) -> None:
    with pytest.raises(BrokerError, match="no receipt of the Redis broker"):
        broker.acknowledge(receipt)


def test_scripts_that_the_server_forgot_are_sent_again(broker: RedisReceiptsBroker, connection: dict[str, Any]) -> None:
    broker.enqueue("a")
    with redis.Redis(**connection) as client:
        client.script_flush()
    assert packages(broker.receive(1, 0)) == ["a"]


@pytest.mark.parametrize("mark", ["", "garbage", "x|y|z", "1|2"])
def test_a_mark_that_is_not_ours_loses_no_package(
    broker: RedisReceiptsBroker, connection: dict[str, Any], mark: str
) -> None:
    broker.enqueue_many(["a", "b"])
    with redis.Redis(**connection) as client:
        client.hset("djq:{main}:marks", "1", mark)
    (a, b) = broker.receive(5, 0)
    assert [(each.package, counts(each)) for each in (a, b)] == [("a", (1, 1)), ("b", (1, 1))]


def test_consumers_never_share_a_package(make_broker: MakeBroker) -> None:
    texts = [f"p{number}" for number in range(2_000)]
    make_broker().enqueue_many(texts)
    got: list[str | bytes] = []

    def drain(broker: Any) -> None:
        while found := broker.receive(7, 0):
            got.extend(packages(found))
            broker.acknowledge_many(receipts(found))

    threads = [threading.Thread(target=drain, args=(make_broker(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, got)) == sorted(texts)
    assert make_broker().lock_size() == 0


def test_a_queue_ten_times_as_long_costs_no_more(make_broker: MakeBroker, connection: dict[str, Any]) -> None:
    """Commands inside the scripts, as the server counts them."""
    with redis.Redis(**connection) as client:

        def commands() -> int:
            stats: dict[str, Any] = client.info("commandstats")
            return sum(one["calls"] for name, one in stats.items() if name != "cmdstat_info")

        def cost(broker: Any) -> int:
            before = commands()
            (held,) = receipts(broker.receive(1, 0))
            broker.extend([held], 5)
            broker.release([held], delay=5)
            broker.queue_size()
            return commands() - before

        small, large = make_broker(list_key="small"), make_broker(list_key="large")
        small.enqueue_many(["x"] * 100)
        large.enqueue_many(["x"] * 1_000)
        cost(small)
        assert cost(small) == cost(large)
