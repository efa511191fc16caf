"""Sentinel and clusters: what is told when something is wrong, and what goes on when a server is gone."""

from __future__ import annotations

import time
from typing import Any

import pytest
import redis

from djq_core.exceptions import BrokerError
from djq_redis.list_broker import RedisBroker
from djq_redis.receipts_broker import RedisReceiptsBroker
from plugins.djq_redis.tests.conftest import MakeBroker
from plugins.djq_redis.tests.test_outage import refusal
from tests.harness.waiting import wait_until
from tests.services.fixtures import StartValkey
from tests.services.ports import free_port
from tests.services.topologies import SERVICE, SentinelGroup, ValkeyCluster

KINDS = pytest.mark.parametrize("kind", [RedisBroker, RedisReceiptsBroker], ids=["list", "receipts"])
PROTOCOLS = pytest.mark.parametrize("words", [{}, {"protocol": 2}, {"protocol": 3}], ids=["default", "resp2", "resp3"])
PASSWORD = "s3cr3t-p4ss"
#: The tests of one cluster in one process, so that it is started once.
on_cluster = pytest.mark.xdist_group("redis-cluster")
on_sentinel = pytest.mark.xdist_group("redis-sentinel")


def replicate(group: SentinelGroup) -> None:
    """Wait until the replica has what the primary has."""

    def is_there() -> bool:
        told = client.info("replication")
        return told["slave0"]["state"] == "online" and told["slave0"]["offset"] == told["master_repl_offset"]

    with redis.Redis(unix_socket_path=group.primary.socket) as client:
        wait_until(is_there, 10, "the replica has all")


def works(broker: Any, package: str) -> bool:
    try:
        broker.enqueue(package)
    except BrokerError:
        return False
    return True


@KINDS
@PROTOCOLS
@on_sentinel
def test_sentinel_names_the_server(
    valkey_sentinel: SentinelGroup, make_broker: MakeBroker, kind: Any, words: dict[str, Any]
) -> None:
    broker = make_broker(kind, redis=valkey_sentinel.settings(**words))
    broker.enqueue_many(["a", b"\xff"])
    assert [delivery.package for delivery in broker.receive(2, 1)] == ["a", b"\xff"]
    broker.put_stat("a:1", "one", 10)
    assert broker.get_stats("a") == ["one"]
    assert f"at {SERVICE}/" in broker.info()
    assert "appendonly is on" in (broker.durability() or "")
    assert "A fail-over loses what" in (broker.durability() or "")


@KINDS
@PROTOCOLS
@on_cluster
def test_a_cluster_has_the_queue_on_one_of_its_nodes(
    valkey_cluster: ValkeyCluster, make_broker: MakeBroker, kind: Any, words: dict[str, Any]
) -> None:
    uri = "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in valkey_cluster.nodes)
    for name in ("one", "two", "three", "four"):
        broker = make_broker(kind, name, redis=f"{uri}?protocol={words['protocol']}" if words else uri)
        broker.delete_queue()
        broker.enqueue_many(["a", b"\xff"])
        assert [delivery.package for delivery in broker.receive(2, 1)] == ["a", b"\xff"]
        broker.put_stat(f"{name}:1", name, 10)
        assert broker.get_stats(name) == [name]
        assert "at the cluster of 127.0.0.1:" in broker.info()
        assert "A fail-over loses what" in (broker.durability() or "")
        broker.delete_queue()


@KINDS
@pytest.mark.parametrize("how", ["kill", "pause"])
def test_a_fail_over_is_followed(valkey_pair: SentinelGroup, make_broker: MakeBroker, kind: Any, how: str) -> None:
    broker = make_broker(kind, redis=valkey_pair.settings(socket_timeout=1))
    broker.enqueue("before")
    replicate(valkey_pair)
    getattr(valkey_pair, how)()
    refusal(lambda: broker.enqueue("lost"))
    wait_until(lambda: works(broker, "after"), 20, "the new primary is found")
    assert [delivery.package for delivery in broker.receive(5, 0)] == ["before", "after"]


@KINDS
@on_sentinel
def test_a_wrong_name_and_dead_sentinels_are_told_in_time(
    valkey_sentinel: SentinelGroup, make_broker: MakeBroker, kind: Any
) -> None:
    named = make_broker(kind, redis=valkey_sentinel.settings(service_name="nobody", socket_timeout=1))
    assert "No master found for 'nobody'" in refusal(lambda: named.enqueue("a"))
    nodes = [("127.0.0.1", free_port()) for _ in range(3)]
    dead = make_broker(kind, redis=valkey_sentinel.settings(sentinels=nodes, socket_timeout=1, password=PASSWORD))
    assert "no sentinel in Q_CLUSTER['redis'] answers and has a primary of this name" in refusal(
        lambda: dead.enqueue("a")
    )
    assert not dead.ping()


def test_sentinels_that_do_not_answer_share_one_time_out(start_valkey: StartValkey, make_broker: MakeBroker) -> None:
    servers = [start_valkey(port=free_port()) for _ in range(3)]
    for server in servers:
        server.pause()
    nodes = [("127.0.0.1", server.port) for server in servers]
    broker = make_broker(redis={"sentinels": nodes, "service_name": SERVICE, "socket_timeout": 1})
    refusal(lambda: broker.enqueue("a"), within=2.5)


@KINDS
def test_a_wrong_password_for_the_sentinel_is_told(
    valkey_pair: SentinelGroup, make_broker: MakeBroker, kind: Any
) -> None:
    words = {"sentinel_kwargs": {"password": f"not-{PASSWORD}"}, "socket_timeout": 1}
    broker = make_broker(kind, redis=valkey_pair.settings(**words))
    told = refusal(lambda: broker.enqueue("a"))
    assert "a sentinel refuses the user or password that Q_CLUSTER['redis'] has for it" in told


@KINDS
@on_cluster
def test_a_node_of_a_cluster_is_told(valkey_cluster: ValkeyCluster, make_broker: MakeBroker, kind: Any) -> None:
    told = [
        refusal(lambda broker=broker: broker.queue_size())
        for node in valkey_cluster.nodes
        for broker in (make_broker(kind, redis={"port": node.port}),)
        if node.port != _owner(valkey_cluster, "djq:{main}:list")
    ]
    assert len(told) == 2
    assert all("node of a cluster: write Q_CLUSTER['redis'] as one, 'redis+cluster://host:port'" in one for one in told)


@KINDS
def test_a_single_server_is_no_cluster(start_valkey: StartValkey, make_broker: MakeBroker, kind: Any) -> None:
    server = start_valkey(port=free_port())
    broker = make_broker(kind, redis=f"redis+cluster://127.0.0.1:{server.port}")
    assert "is no cluster: name a single server in Q_CLUSTER['redis']" in refusal(lambda: broker.enqueue("a"))
    locked = start_valkey(port=free_port(), requirepass=PASSWORD)
    wrong = make_broker(kind, redis=f"redis+cluster://:not-{PASSWORD}@127.0.0.1:{locked.port}")
    assert "refuses the user or password in Q_CLUSTER['redis']" in refusal(lambda: wrong.enqueue("a"))


@KINDS
@on_cluster
def test_a_queue_lives_while_another_node_is_dead(
    valkey_cluster: ValkeyCluster, make_broker: MakeBroker, kind: Any
) -> None:
    owner = _owner(valkey_cluster, "djq:{main}:list")
    other = next(node for node in valkey_cluster.nodes if node.port != owner)
    broker = make_broker(kind, redis=valkey_cluster.settings(socket_timeout=4))
    broker.enqueue("before")
    valkey_cluster.forget_scripts()
    other.pause()
    try:
        began = time.monotonic()
        broker.enqueue("meanwhile")
        assert [delivery.package for delivery in broker.receive(5, 0)] == ["before", "meanwhile"]
        assert time.monotonic() - began < 3
    finally:
        other.resume()
        valkey_cluster.wait()
        broker.delete_queue()


def _owner(cluster: ValkeyCluster, key: str) -> int:
    """Return the port of the node that has a key."""
    with redis.RedisCluster(host="127.0.0.1", port=cluster.nodes[0].port) as client:
        return int(client.get_node_from_key(key).port)  # type: ignore[no-untyped-call, union-attr]
