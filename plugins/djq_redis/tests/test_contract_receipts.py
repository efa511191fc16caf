"""The contract of every broker, on Redis: the one with receipts."""

from __future__ import annotations

from djq_redis.receipts_broker import RedisReceiptsBroker
from plugins.djq_redis.tests.contract import RedisContract


class TestRedisReceipts(RedisContract):
    broker_class = RedisReceiptsBroker
