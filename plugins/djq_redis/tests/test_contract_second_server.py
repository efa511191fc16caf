"""The contract of every broker, on Redis 7.0 itself."""

from __future__ import annotations

from djq_redis.list_broker import RedisBroker
from djq_redis.receipts_broker import RedisReceiptsBroker
from plugins.djq_redis.tests.contract import SecondServerContract


class TestRedis7List(SecondServerContract):
    broker_class = RedisBroker


class TestRedis7Receipts(SecondServerContract):
    broker_class = RedisReceiptsBroker
