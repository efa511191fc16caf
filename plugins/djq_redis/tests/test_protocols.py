"""RESP2, RESP3 and the protocol that redis-py chooses, with hiredis and without it, on both brokers."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.services.valkey import ValkeyServer

PARSERS = {"hiredis": ("_HiredisParser",), "python": ("_RESP2Parser", "_RESP3Parser")}

#: What a child does with each broker; it says what came back, and which parser read it.
SCRIPT = """
import json, sys, threading
words, without_hiredis = json.loads(sys.argv[1])
if without_hiredis:
    sys.modules["hiredis"] = None
from djq_core.brokers.base import BrokerSettings
from djq_redis.list_broker import RedisBroker
from djq_redis.receipts_broker import RedisReceiptsBroker
from redis.connection import Connection

told = []
for kind in (RedisBroker, RedisReceiptsBroker):
    broker = kind(BrokerSettings(list_key="q", options=kind.read_options({"redis": words})))
    timer = threading.Timer(0.1, lambda: broker.enqueue(b"\\xff"))
    timer.start()
    (waited,) = broker.receive(2, 5)
    timer.join()
    broker.enqueue_many(["a", "b"])
    both = broker.receive(5, 1)
    if broker.supports_receipts:
        receipts = [one.receipt for one in (waited, *both)]
        assert broker.extend(receipts, 5) == receipts
        assert (broker.queue_size(), broker.lock_size()) == (0, 3)
        broker.release(receipts[2:], counted=False)
        broker.fail(receipts[1])
        broker.acknowledge(receipts[0])
        assert broker.dead_letters() == ["a"]
        assert [(one.package, one.count, one.unanswered) for one in broker.receive(5, 0)] == [("b", 1, 1)]
    broker.put_stat("a:1", "one", 10)
    told.append([
        repr(waited.package), [one.package for one in both], broker.get_stats("a"), broker.ping(),
        broker.durability().startswith("appendonly is off"), broker.info().startswith("Valkey "),
        type(broker.connected().connection_pool.get_connection()._parser).__name__,
    ])
    broker.delete_queue()
    broker.close()
print(json.dumps(told))
"""


@pytest.mark.parametrize("protocol", [None, 2, 3], ids=["default", "resp2", "resp3"])
@pytest.mark.parametrize("parser", PARSERS)
def test_both_brokers_speak_it(valkey_server: ValkeyServer, parser: str, protocol: int | None) -> None:
    words: dict[str, Any] = valkey_server.settings(protocol=protocol)
    given = json.dumps([words, parser == "python"])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, given], timeout=60, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for *answers, used in json.loads(done.stdout):
        assert answers == ["b'\\xff'", ["a", "b"], ["one"], True, True, True]
        assert used in PARSERS[parser]
