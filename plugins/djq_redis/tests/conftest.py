"""Brokers on a real server, each test with a database number of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from djq_core.brokers.base import BrokerSettings
from djq_redis.base import RedisBase
from djq_redis.list_broker import RedisBroker
from djq_redis.receipts_broker import RedisReceiptsBroker
from tests.services.valkey import ValkeyServer

MakeBroker = Callable[..., RedisBase]


@pytest.fixture
def connection(valkey_server: ValkeyServer) -> dict[str, Any]:
    """Give a value of ``Q_CLUSTER["redis"]``."""
    return valkey_server.settings()


@pytest.fixture
def make_broker(connection: dict[str, Any]) -> Iterator[MakeBroker]:
    """Give a maker of brokers on one database; they are closed at the end."""
    made: list[RedisBase] = []

    def make(
        kind: type[RedisBase] = RedisReceiptsBroker,
        list_key: str = "main",
        redis: object = None,
        **settings: Any,
    ) -> RedisBase:
        options = kind.read_options({"redis": connection if redis is None else redis})
        made.append(kind(BrokerSettings(list_key=list_key, options=options, **settings)))
        return made[-1]

    yield make
    for broker in made:
        broker.close()


@pytest.fixture
def broker(make_broker: MakeBroker) -> RedisBase:
    """Give a broker with receipts."""
    return make_broker()


@pytest.fixture
def list_broker(make_broker: MakeBroker) -> RedisBase:
    """Give the list broker."""
    return make_broker(RedisBroker)


@pytest.fixture(params=[RedisBroker, RedisReceiptsBroker], ids=["list", "receipts"])
def each(request: pytest.FixtureRequest, make_broker: MakeBroker) -> RedisBase:
    """Give a broker of each kind in turn."""
    return make_broker(request.param)
