"""Brokers on nodes that are started for the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Protocol
from uuid import uuid4

import pytest
import redis

from djq_core.brokers.base import BrokerSettings
from djq_disque.broker import DisqueBroker
from plugins.djq_disque.tests.standin.running import DisqueCluster, DisqueNode, running
from plugins.djq_disque.tests.standin.wire import Wire, wired
from tests.chaos.conftest import pytest_runtest_makereport, pytest_runtest_setup, rng
from tests.harness.fixtures import make_site, sqlite_databases

__all__ = ["make_site", "pytest_runtest_makereport", "pytest_runtest_setup", "rng", "sqlite_databases"]

MakeBroker = Callable[..., DisqueBroker]


class StartDisque(Protocol):
    """Starts nodes that one test has for itself."""

    def __call__(self, count: int = ..., **options: str) -> DisqueCluster:
        """Return running nodes that know each other, with these lines of configuration."""


@pytest.fixture(scope="session")
def disque_node() -> Iterator[DisqueCluster]:
    """Give a single node that this test process has for itself; each test takes another queue."""
    with running() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def disque_pair() -> Iterator[DisqueCluster]:
    """Give two nodes that this test process has for itself; each test takes another queue."""
    with running(2) as cluster:
        yield cluster


@pytest.fixture
def start_disque() -> Iterator[StartDisque]:
    """Start nodes that the test may kill and freeze."""
    with ExitStack() as stack:

        def start(count: int = 1, **options: str) -> DisqueCluster:
            return stack.enter_context(running(count, **options))

        yield start


@pytest.fixture
def make_broker(request: pytest.FixtureRequest) -> Iterator[MakeBroker]:
    """Give a maker of brokers, on the single node of the run unless told otherwise; they are closed at the end."""
    made: list[DisqueBroker] = []
    key = f"djq-{uuid4().hex[:12]}"

    def make(nodes: DisqueCluster | list[str] | None = None, queue: str = "", **given: Any) -> DisqueBroker:
        names = nodes or request.getfixturevalue("disque_node")
        keys = {"disque_nodes": names if isinstance(names, list) else names.names}
        keys |= {name: given.pop(name) for name in list(given) if name.startswith("disque_")}
        options = DisqueBroker.read_options(keys)
        made.append(DisqueBroker(BrokerSettings(list_key=f"{key}{queue}", options=options, **given)))
        return made[-1]

    yield make
    for broker in made:
        broker.close()


@pytest.fixture
def broker(make_broker: MakeBroker) -> DisqueBroker:
    """Give a broker on an empty queue."""
    return make_broker()


# The stand-in itself


@pytest.fixture
def node(disque_node: DisqueCluster) -> DisqueNode:
    """Give the single node of the run."""
    return disque_node.nodes[0]


@pytest.fixture
def queue() -> str:
    """Give the name of a queue that nobody else has."""
    return f"q-{uuid4().hex[:10]}"


@pytest.fixture
def wire(node: DisqueNode) -> Iterator[Wire]:
    """Give a connection to the node with nothing between."""
    with wired(node) as wire:
        yield wire


@pytest.fixture
def other(node: DisqueNode) -> Iterator[Wire]:
    """Give another one."""
    with wired(node) as wire:
        yield wire


@pytest.fixture
def client(node: DisqueNode) -> Iterator[redis.Redis]:
    """Give a client of redis-py."""
    with node.client() as client:
        yield client
