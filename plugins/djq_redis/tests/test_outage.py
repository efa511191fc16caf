"""The server is killed, frozen, or refuses: one clear line, in time, and the same broker works again afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import redis

from djq_core.exceptions import BrokerError
from djq_redis.list_broker import RedisBroker
from djq_redis.receipts_broker import RedisReceiptsBroker
from plugins.djq_redis.tests.conftest import MakeBroker
from tests.services.fixtures import StartValkey
from tests.services.ports import free_port
from tests.services.valkey import ValkeyServer

KINDS = pytest.mark.parametrize("kind", [RedisBroker, RedisReceiptsBroker], ids=["list", "receipts"])
PASSWORD = "s3cr3t-p4ss"
TIME_OUT = 1.0


def refusal(call: Callable[[], object], within: float = 2 * TIME_OUT) -> str:
    """Return the one line that a call is refused with, in time and without the password."""
    began = time.monotonic()
    with pytest.raises(BrokerError) as caught:
        call()
    assert time.monotonic() - began < within
    text = str(caught.value)
    assert "\n" not in text
    assert PASSWORD not in text
    assert text.startswith("Redis at ")
    return text


def settings(server: ValkeyServer, **more: Any) -> dict[str, Any]:
    return server.settings(socket_timeout=TIME_OUT, **more)


@KINDS
def test_a_killed_server_is_told_at_once_and_found_again(
    start_valkey: StartValkey, make_broker: MakeBroker, kind: Any
) -> None:
    server = start_valkey(appendonly="yes")
    broker = make_broker(kind, redis=settings(server))
    broker.enqueue("kept")
    server.kill()
    for call in (lambda: broker.enqueue("lost"), broker.dequeue, broker.queue_size, broker.purge_queue):
        assert "cannot be reached: see Q_CLUSTER['redis']" in refusal(call)
    assert not broker.ping()
    assert server.socket in broker.info()
    server.start()
    assert broker.ping()
    broker.enqueue("new")
    assert [delivery.package for delivery in broker.receive(5, 0)] == ["kept", "new"]


@KINDS
def test_a_restart_that_nobody_noticed_costs_no_call(
    start_valkey: StartValkey, make_broker: MakeBroker, kind: Any
) -> None:
    server = start_valkey(appendonly="yes")
    broker = make_broker(kind, redis=settings(server))
    broker.enqueue("a")
    server.kill()
    server.start()
    broker.enqueue("b")
    assert [delivery.package for delivery in broker.receive(5, 0)] == ["a", "b"]


@KINDS
def test_a_frozen_server_holds_nobody_longer_than_the_time_out(
    start_valkey: StartValkey, make_broker: MakeBroker, kind: Any
) -> None:
    server = start_valkey()
    known, fresh = (make_broker(kind, redis=server.settings(socket_timeout=0.5)) for _ in range(2))
    assert known.ping()
    server.pause()
    for broker in (known, fresh):
        assert "'socket_timeout' in Q_CLUSTER['redis']" in refusal(lambda broker=broker: broker.enqueue("late"), 1.5)
        refusal(lambda broker=broker: broker.receive(1, 1.0), 1.5)
        assert not broker.ping()
        refusal(broker.durability, 1.5)
    server.resume()
    for broker in (known, fresh):
        assert broker.ping()
        broker.delete_queue()
        broker.enqueue("again")
        assert [delivery.package for delivery in broker.receive(1, 0)] == ["again"]


def test_the_default_time_out_is_five_seconds(start_valkey: StartValkey, make_broker: MakeBroker) -> None:
    server = start_valkey()
    broker = make_broker(redis=server.settings())
    server.pause()
    began = time.monotonic()
    refusal(lambda: broker.enqueue("late"), within=6.5)
    assert time.monotonic() - began >= 4.5


@KINDS
@pytest.mark.parametrize("given", [{}, {"password": f"not-{PASSWORD}"}, {"username": "u", "password": PASSWORD}])
def test_a_wrong_password_names_the_setting(
    start_valkey: StartValkey, make_broker: MakeBroker, kind: Any, given: dict[str, str]
) -> None:
    server = start_valkey(requirepass=PASSWORD)
    broker = make_broker(kind, redis=settings(server, **given))
    what = (
        "refuses the user or password in Q_CLUSTER['redis']." if given else "password, and Q_CLUSTER['redis'] has none."
    )
    assert what in refusal(lambda: broker.enqueue("a"))
    right = make_broker(kind, redis=settings(server, password=PASSWORD))
    assert (right.queue_size(), PASSWORD in right.info()) == (0, False)


@KINDS
def test_a_wrong_database_number_is_told(valkey_server: ValkeyServer, make_broker: MakeBroker, kind: Any) -> None:
    broker = make_broker(kind, redis={"unix_socket_path": valkey_server.socket, "db": 99_999})
    assert "no database of this number: see 'db' in Q_CLUSTER['redis']" in refusal(lambda: broker.enqueue("a"))


@KINDS
def test_tls_to_a_plain_port_is_told(start_valkey: StartValkey, make_broker: MakeBroker, kind: Any) -> None:
    server = start_valkey(port=free_port(), requirepass=PASSWORD)
    broker = make_broker(kind, redis=f"rediss://:{PASSWORD}@127.0.0.1:{server.port}?socket_timeout={TIME_OUT}")
    told = refusal(lambda: broker.enqueue("a"), within=4 * TIME_OUT)  # reading the system's certificates takes a while
    assert "Q_CLUSTER['redis']; is this the server's port for TLS? It said:" in told


@KINDS
def test_a_replica_is_told(start_valkey: StartValkey, make_broker: MakeBroker, kind: Any) -> None:
    server = start_valkey()
    broker = make_broker(kind, redis=settings(server))
    broker.enqueue("kept")
    with redis.Redis(unix_socket_path=server.socket) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        assert "read-only: name the primary in Q_CLUSTER['redis']" in refusal(lambda: broker.enqueue("a"))
        client.execute_command("REPLICAOF", "NO", "ONE")
    assert [delivery.package for delivery in broker.receive(5, 0)] == ["kept"]


@KINDS
def test_a_full_server_takes_nothing_and_can_be_drained(
    start_valkey: StartValkey, make_broker: MakeBroker, kind: Any
) -> None:
    server = start_valkey()
    broker = make_broker(kind, redis=settings(server))
    texts = [f"{number}-{'x' * 10_000}" for number in range(100)]
    broker.enqueue_many(texts)
    with redis.Redis(unix_socket_path=server.socket) as client:
        client.config_set("maxmemory", "1mb")
        assert "out of memory and took nothing" in refusal(lambda: broker.enqueue("a"))
        assert "out of memory" in refusal(lambda: broker.enqueue_many(["a", "b"]))
        first = broker.receive(60, 0)
        if broker.supports_receipts:
            receipts = [str(delivery.receipt) for delivery in first]
            assert broker.extend(receipts, 30) == receipts
            broker.fail(receipts[0])
            broker.release(receipts[1:2], delay=0.01)
            broker.release(receipts[2:3])
            broker.acknowledge_many(receipts[3:])
            time.sleep(0.05)
        rest = broker.receive(100, 0)
    got = [delivery.package for delivery in (*first, *rest)]
    assert set(map(str, got)) == set(texts)
    assert len(got) == len(texts) + 2 * broker.supports_receipts


@KINDS
def test_a_package_beyond_the_servers_limit_is_told(
    start_valkey: StartValkey, make_broker: MakeBroker, kind: Any
) -> None:
    server = start_valkey(proto_max_bulk_len="1mb")
    broker = make_broker(kind, redis=settings(server))
    refusal(lambda: broker.enqueue("x" * 3_000_000))
    broker.enqueue("y" * 1_000_000)
    assert [len(delivery.package) for delivery in broker.receive(5, 0)] == [1_000_000]


@KINDS
def test_a_user_without_the_right_is_told(start_valkey: StartValkey, make_broker: MakeBroker, kind: Any) -> None:
    server = start_valkey()
    with redis.Redis(unix_socket_path=server.socket) as client:
        client.execute_command("ACL", "SETUSER", "site", "on", f">{PASSWORD}", "~other*", "+@all")
    broker = make_broker(kind, redis=settings(server, username="site", password=PASSWORD))
    assert "does not let the user in Q_CLUSTER['redis'] do this" in refusal(lambda: broker.enqueue("a"))


@KINDS
def test_a_key_of_another_kind_is_told(make_broker: MakeBroker, connection: dict[str, Any], kind: Any) -> None:
    broker = make_broker(kind)
    with redis.Redis(**connection) as client:
        for part in ("list", "packages"):
            client.set(f"djq:{{main}}:{part}", "mine")
    assert "holds something else under a key of this queue" in refusal(lambda: broker.enqueue("a"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "appendonly is off: a restart"),
        ({"appendonly": "yes"}, "appendonly is on, so that the queue outlives a restart"),
        ({"maxmemory": "100mb"}, "maxmemory-policy is noeviction, which throws no task away"),
        ({"maxmemory": "100mb", "maxmemory_policy": "volatile-lru"}, "volatile-lru, which throws no task away"),
        ({"maxmemory": "100mb", "maxmemory_policy": "allkeys-lru"}, "the server throws the queue away"),
        ({"maxmemory_policy": "allkeys-lru"}, "maxmemory is not set, so that maxmemory-policy (allkeys-lru)"),
    ],
)
def test_it_says_what_the_server_keeps(
    start_valkey: StartValkey, make_broker: MakeBroker, options: dict[str, str], said: str
) -> None:
    server = start_valkey(**options)
    assert said in (make_broker(redis=settings(server)).durability() or "")
