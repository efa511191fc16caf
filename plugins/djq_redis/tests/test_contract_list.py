"""The contract of every broker, on Redis: the manual's list."""

from __future__ import annotations

from djq_redis.list_broker import RedisBroker
from plugins.djq_redis.tests.contract import RedisContract


class TestRedisList(RedisContract):
    broker_class = RedisBroker
