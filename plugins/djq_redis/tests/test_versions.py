"""Nothing that the brokers ask of a server is newer than Redis 6.2, by Redis' own account of its commands."""

from __future__ import annotations

from typing import Any

import redis

from djq_redis.base import RedisBase
from djq_redis.list_broker import RedisBroker
from djq_redis.receipts_broker import RedisReceiptsBroker
from plugins.djq_redis.tests.conftest import MakeBroker
from tests.services.fixtures import StartValkey

OLDEST = (6, 2)
#: What redis-py says of itself when it connects, and takes a refusal of; what this test asks.
NOT_OURS = {"client|setinfo", "client|maint_notifications", "config|resetstat", "command|docs"}


def test_no_command_is_newer(start_valkey: StartValkey, make_broker: MakeBroker) -> None:
    server = start_valkey(is_redis=True)
    with redis.Redis(unix_socket_path=server.socket, protocol=2) as client:
        client.config_resetstat()
        for kind in (RedisBroker, RedisReceiptsBroker):
            _use(make_broker(kind, redis=server.settings()))
        used = {name.removeprefix("cmdstat_") for name in client.info("commandstats")} - NOT_OURS
        since = {name: _since(client, name) for name in used}
    assert {"rpush", "lpop", "blpop", "evalsha", "zpopmin", "unlink", "time"} <= used
    assert {name: version for name, version in since.items() if version > OLDEST} == {}


def _use(broker: RedisBase) -> None:
    """Call all that a broker has."""
    broker.enqueue_many(["a", "b", "c", "d", "e"])
    assert broker.receive(1, 0)[0].package == "a"
    assert len(broker.dequeue()) == 1
    if broker.supports_receipts:
        one, other, third = (str(delivery.receipt) for delivery in broker.receive(3, 0))
        broker.extend([one, other], 5)
        broker.release([one], delay=0.01)
        broker.release([other], counted=False)
        broker.fail(third)
        broker.acknowledge(str(broker.receive(1, 1)[0].receipt))
        broker.delete("1")
        assert isinstance(broker, RedisReceiptsBroker)
        broker.dead_letters()
    broker.purge_queue()
    assert broker.receive(1, 0.1) == []
    broker.put_stat("a:1", "one", 5)
    assert broker.get_stats("a") == ["one"]
    assert (broker.queue_size(), broker.lock_size(), broker.ping()) == (0, 0, True)
    assert broker.info().startswith("Redis 7.")
    assert broker.durability()
    broker.delete_queue()


def _since(client: redis.Redis, name: str) -> tuple[int, ...]:
    """Return the first version of Redis that had a command, such as ``lpop`` or ``script|load``."""
    command = name.partition("|")[0]
    told: Any = client.execute_command("COMMAND DOCS", command)
    if isinstance(told, list):
        told = dict(zip(told[::2], told[1::2], strict=True))
    facts = told.get(command) or told[command.encode()]
    if isinstance(facts, list):
        facts = dict(zip(facts[::2], facts[1::2], strict=True))
    text = facts.get(b"since") or facts["since"]
    return tuple(int(part) for part in bytes(text).decode().split(".")[:2])
