"""Brokers on real servers, each test with a database of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from djq_core.brokers.base import BrokerSettings
from djq_mongo.broker import MongoBroker
from tests.chaos.conftest import pytest_runtest_makereport, pytest_runtest_setup, rng
from tests.harness.fixtures import make_site, sqlite_databases
from tests.services.mongo import MongoServer

__all__ = ["make_site", "pytest_runtest_makereport", "pytest_runtest_setup", "rng", "sqlite_databases"]

MakeBroker = Callable[..., MongoBroker]


@pytest.fixture(params=["secantus_server", "nx_server"], ids=["secantus", "nx"])
def server(request: pytest.FixtureRequest) -> MongoServer:
    """Give each kind of server in turn."""
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


@pytest.fixture
def keys(server: MongoServer) -> dict[str, Any]:
    """Give the plugin's keys of ``Q_CLUSTER``."""
    return server.settings()


@pytest.fixture
def make_any_broker() -> Iterator[MakeBroker]:
    """Give a maker of brokers with keys of the test's own; they are closed at the end."""
    made: list[MongoBroker] = []

    def make(keys: dict[str, Any], list_key: str = "main", **settings: Any) -> MongoBroker:
        options = MongoBroker.read_options(keys)
        made.append(MongoBroker(BrokerSettings(list_key=list_key, options=options, **settings)))
        return made[-1]

    yield make
    for broker in made:
        broker.close()


@pytest.fixture
def make_broker(make_any_broker: MakeBroker, keys: dict[str, Any]) -> MakeBroker:
    """Give a maker of brokers on one database."""
    return lambda **settings: make_any_broker(keys, **settings)


@pytest.fixture
def broker(make_broker: MakeBroker) -> MongoBroker:
    """Give a broker."""
    return make_broker()
