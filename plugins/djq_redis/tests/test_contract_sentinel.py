"""The contract of every broker, on a primary that Sentinel names."""

from __future__ import annotations

import pytest

from djq_redis.list_broker import RedisBroker
from djq_redis.receipts_broker import RedisReceiptsBroker
from plugins.djq_redis.tests.contract import SentinelContract

pytestmark = pytest.mark.xdist_group("redis-sentinel")


class TestSentinelList(SentinelContract):
    broker_class = RedisBroker


class TestSentinelReceipts(SentinelContract):
    broker_class = RedisReceiptsBroker
