"""The contract of every broker, on a Redis cluster."""

from __future__ import annotations

import pytest

from djq_core.testing.servers import Servers
from djq_redis.list_broker import RedisBroker
from djq_redis.receipts_broker import RedisReceiptsBroker
from plugins.djq_redis.tests.contract import ClusterContract
from tests.services.topologies import ValkeyCluster

pytestmark = pytest.mark.xdist_group("redis-cluster")


class TestClusterList(ClusterContract):
    broker_class = RedisBroker


class TestClusterReceipts(ClusterContract, Servers):
    """Here with its outages, which are long, and those of the client of both brokers."""

    broker_class = RedisReceiptsBroker

    @pytest.fixture
    def server(self, valkey_cluster: ValkeyCluster) -> ValkeyCluster:
        return valkey_cluster
