"""What both brokers do."""

from __future__ import annotations

import multiprocessing
import pickle
import threading
import time
from typing import Any

import pytest
import redis

from djq_core.exceptions import NotSupported
from djq_redis.base import RedisBase
from djq_redis.list_broker import RedisBroker
from djq_redis.receipts_broker import RedisReceiptsBroker
from plugins.djq_redis.tests.conftest import MakeBroker
from tests.services.valkey import ValkeyServer

KINDS = pytest.mark.parametrize("kind", [RedisBroker, RedisReceiptsBroker], ids=["list", "receipts"])


def packages(broker: RedisBase, count: int, wait: float = 0) -> list[str | bytes]:
    return [delivery.package for delivery in broker.receive(count, wait)]


def test_packages_come_out_in_the_order_they_went_in(each: RedisBase) -> None:
    each.enqueue("a")
    each.enqueue_many(["b", "c", "d"])
    each.async_task("e")
    assert packages(each, 3) == ["a", "b", "c"]
    assert packages(each, 3) == ["d", "e"]
    assert packages(each, 3) == []


def test_many_keep_their_order(each: RedisBase) -> None:
    texts = [f"p{number}" for number in range(1_234)]
    assert len(each.enqueue_many(texts)) == len(texts)
    assert packages(each, 2_000) == texts


def test_none_are_nothing(each: RedisBase) -> None:
    assert each.enqueue_many([]) == []
    assert each.queue_size() == 0


@pytest.mark.parametrize("package", [b"\x00\xff binary", bytes(range(256)) * 4096, "x" * 1_000_000, "", "a\r\nb"])
def test_packages_arrive_whole(each: RedisBase, package: str | bytes) -> None:
    each.enqueue(package)
    assert packages(each, 1) == [package]


def test_dequeue_gives_one_or_at_most_bulk(make_broker: MakeBroker) -> None:
    for kind in (RedisBroker, RedisReceiptsBroker):
        one, several = make_broker(kind, kind.__name__), make_broker(kind, kind.__name__, bulk=2)
        one.enqueue_many(["a", "b", "c", "d"])
        assert [package for _, package in one.dequeue()] == ["a"]
        assert [package for _, package in several.dequeue()] == ["b", "c"]
        assert [package for _, package in several.dequeue()] == ["d"]
        assert several.dequeue() == []


def test_waits_no_longer_than_asked(each: RedisBase) -> None:
    began = time.monotonic()
    assert packages(each, 1, 0.3) == []
    assert 0.3 <= time.monotonic() - began < 2.5


@KINDS
def test_waits_longer_than_the_time_out(make_broker: MakeBroker, connection: dict[str, Any], kind: Any) -> None:
    broker = make_broker(kind, redis={**connection, "socket_timeout": 0.2})
    began = time.monotonic()
    assert packages(broker, 1, 1.0) == []
    assert 1.0 <= time.monotonic() - began < 3


def test_a_waiting_consumer_is_woken_at_once(each: RedisBase) -> None:
    timer = threading.Timer(0.3, lambda: each.enqueue("a"))
    began = time.monotonic()
    timer.start()
    assert packages(each, 1, 5.0) == ["a"]
    assert 0.3 <= time.monotonic() - began < 3
    timer.join()


def test_several_waiting_consumers_are_all_woken(each: RedisBase) -> None:
    got: list[str | bytes] = []
    threads = [threading.Thread(target=lambda: got.extend(packages(each, 1, 5.0))) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    began = time.monotonic()
    each.enqueue_many(["a", "b", "c", "d"])
    for thread in threads:
        thread.join()
    assert sorted(map(str, got)) == ["a", "b", "c", "d"]
    assert time.monotonic() - began < 3


@KINDS
def test_queues_never_mix(make_broker: MakeBroker, kind: Any) -> None:
    mine, other = make_broker(kind, "mine"), make_broker(kind, "mine:other {}")
    mine.enqueue("a")
    other.enqueue("b")
    mine.purge_queue()
    assert (mine.queue_size(), other.queue_size()) == (0, 1)
    other.delete_queue()
    assert packages(other, 1) == []


def test_an_emptied_queue_takes_packages_again(each: RedisBase) -> None:
    for empty in (each.purge_queue, each.delete_queue):
        each.enqueue_many(["a", "b"])
        empty()
        assert (each.queue_size(), each.lock_size(), packages(each, 1)) == (0, 0, [])


@KINDS
def test_a_queue_leaves_no_key_behind_and_all_lie_in_one_slot(
    make_broker: MakeBroker, connection: dict[str, Any], kind: Any
) -> None:
    broker = make_broker(kind, "a}b{c")
    broker.enqueue_many(["a", "b"])
    broker.receive(1, 0)
    with redis.Redis(**connection) as client:
        keys = [key.decode() for key in client.scan_iter()]
        assert {key[key.index("{") : key.index("}") + 1] for key in keys} == {"{a%7Db%7Bc}"}
        broker.delete_queue()
        assert client.dbsize() == 0


def test_it_pickles_without_its_connection(each: RedisBase) -> None:
    each.enqueue("a")
    copy = pickle.loads(pickle.dumps(each))
    assert type(copy) is type(each)
    assert packages(copy, 1) == ["a"]
    copy.close()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_connects_for_itself(each: RedisBase, method: str) -> None:
    each.enqueue("a")
    process = multiprocessing.get_context(method).Process(target=each.enqueue, args=("b",))  # type: ignore[attr-defined]
    process.start()
    process.join(30)
    assert process.exitcode == 0
    assert packages(each, 5) == ["a", "b"]


def test_threads_share_a_broker(each: RedisBase) -> None:
    threads = [threading.Thread(target=lambda: [each.enqueue("x") for _ in range(50)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert each.queue_size() == 400
    assert len(packages(each, 1_000)) == 400


def test_it_tells_where_and_what_it_is(each: RedisBase, valkey_server: ValkeyServer) -> None:
    assert each.ping()
    assert valkey_server.socket in each.info()
    assert any(name in each.info() for name in ("Valkey ", "Redis "))


# Statistics


def test_statistics_are_kept_by_key_and_vanish(each: RedisBase) -> None:
    each.put_stat("djq:stat:site:host:1", "old", 10)
    each.put_stat("djq:stat:site:host:1", "one", 10)
    each.put_stat("djq:stat:site:host:2", "two", 0.1)
    each.put_stat("djq:stat:other:host:1", "three", 10)
    assert sorted(each.get_stats("djq:stat:site")) == ["one", "two"]
    time.sleep(0.25)
    assert each.get_stats("djq:stat:site") == ["one"]
    assert each.get_stats("djq:stat:nobody") == []


def test_statistics_of_the_dead_are_forgotten(each: RedisBase, connection: dict[str, Any]) -> None:
    each.put_stat("a:1", "one", 0.05)
    time.sleep(0.2)
    each.put_stat("a:2", "two", 0.05)
    with redis.Redis(**connection) as client:
        assert client.zrange("djq:{stats}", 0, -1) == [b"a:2"]


# The list


def test_the_list_refuses_what_it_cannot_do(list_broker: RedisBase) -> None:
    list_broker.enqueue("a")
    with pytest.raises(NotSupported):
        list_broker.extend(["1"], 5)
    with pytest.raises(NotSupported):
        list_broker.release(["1"])
    with pytest.raises(NotSupported):
        list_broker.delete("1")
    list_broker.acknowledge("1")
    list_broker.fail("1")
    assert (list_broker.queue_size(), list_broker.lock_size()) == (1, 0)


def test_what_the_list_hands_out_has_no_receipt_and_is_gone(list_broker: RedisBase) -> None:
    assert list_broker.enqueue("a") is None
    assert list_broker.dequeue() == [(None, "a")]
    assert (list_broker.queue_size(), list_broker.lock_size()) == (0, 0)
