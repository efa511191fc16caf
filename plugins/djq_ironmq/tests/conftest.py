"""Brokers on a stand-in of the service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from djq_core.brokers.base import BrokerSettings
from djq_ironmq.broker import IronMQBroker
from tests.services.ironmq import IronServer

MakeBroker = Callable[..., IronMQBroker]


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
