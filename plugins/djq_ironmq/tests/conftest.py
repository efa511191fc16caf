"""Brokers and sites on a stand-in of the service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from djq_core.brokers.base import BrokerSettings
from djq_ironmq.broker import IronMQBroker
from tests.chaos.conftest import pytest_runtest_makereport, pytest_runtest_setup, rng
from tests.harness.fixtures import MakeSite, make_site, sqlite_databases
from tests.harness.sites import Site
from tests.services.ironmq import IronServer

__all__ = ["make_site", "pytest_runtest_makereport", "pytest_runtest_setup", "rng", "sqlite_databases"]

MakeBroker = Callable[..., IronMQBroker]


def site_on(server: IronServer, make_site: MakeSite, time_out: float = 5.0, **q_cluster: Any) -> Site:
    """Make a site whose queue is on a server, and nowhere else."""
    broker = {"iron_mq": server.settings(request_timeout=time_out)}
    return make_site(broker=broker, q_cluster={"name": f"site-{uuid4().hex}", **q_cluster})


@pytest.fixture(autouse=True)
def _without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def make_broker(request: pytest.FixtureRequest) -> Iterator[MakeBroker]:
    """Give a maker of brokers on one new queue, of ``server`` or of the one of the test run."""
    made: list[IronMQBroker] = []
    key = f"q-{uuid4().hex}"

    def make(server: IronServer | None = None, list_key: str = key, lease: float = 60, **iron_mq: Any) -> IronMQBroker:
        server = server or request.getfixturevalue("iron_server")
        options = IronMQBroker.read_options({"iron_mq": server.settings(**iron_mq)})
        made.append(IronMQBroker(BrokerSettings(list_key=list_key, lease=lease, options=options)))
        return made[-1]

    yield make
    for broker in made:
        broker.close()


@pytest.fixture
def broker(make_broker: MakeBroker) -> IronMQBroker:
    """Give a broker on an empty queue."""
    return make_broker()
