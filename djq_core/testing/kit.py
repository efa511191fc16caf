"""What all levels of the broker contract share: fixtures, the making of brokers, dropped tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Protocol
from uuid import uuid4

import pytest

from djq_core.brokers.base import Broker, BrokerSettings, Delivery, Package
from djq_core.testing.contract import Contract

STEP = 0.02


class Server(Protocol):
    """A server that a test may treat badly; the fixture leaves it as it should be after the test.

    It may have ``cut()`` too: let every open connection go silent without closing it, while new ones are served.
    """

    def kill(self) -> None:
        """End it as if the power had failed."""

    def start(self) -> None:
        """Start it again on the same data, and return when it answers."""

    def pause(self) -> None:
        """Keep it from answering, its connections open."""

    def resume(self) -> None:
        """Let it answer again."""


class MakeBroker(Protocol):
    """Makes brokers; the same ``queue`` is the same queue throughout one test, and another one in the next."""

    def __call__(self, queue: str = ..., **settings: Any) -> Broker:
        """Return a new broker; ``settings`` are those of BrokerSettings."""


class Kit(Contract):
    """The fixtures and figures that an author may set, and what the tests are written with."""

    subject_attribute: ClassVar[str] = "broker_class"
    #: The class under test.
    broker_class: ClassVar[type[Broker]]
    #: A lease that a test can wait for, in seconds; longer where the server counts in whole seconds.
    short_lease: ClassVar[float] = 0.6
    #: How long a test waits for what must happen, in seconds.
    patience: ClassVar[float] = 10.0
    #: Within how many seconds a method raises BrokerError while the server is away.
    error_seconds: ClassVar[float] = 10.0

    # What an author may give

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        """Give the keys of ``Q_CLUSTER`` for this broker."""
        return {}

    @pytest.fixture
    def server(self) -> Server:
        """Give a server that may be killed, started, paused and resumed; left out, its tests do not apply."""
        raise NotImplementedError

    @pytest.fixture
    def transaction(self) -> Callable[[], AbstractContextManager[Any]]:
        """Give what begins a transaction that ``enqueue`` joins; left out, its tests do not apply."""
        raise NotImplementedError

    @pytest.fixture
    def before_fork(self) -> Callable[[], object]:
        """Give what a program has to do before it forks."""
        return nothing

    @pytest.fixture
    def process_setup(self) -> Callable[[], object]:
        """Give what a process that was not forked has to do first; it must pickle."""
        return nothing

    # What the tests use

    @pytest.fixture
    def make_broker(self, options: dict[str, Any]) -> Iterator[MakeBroker]:
        """Give a maker of brokers whose queues are new; they are deleted at the end."""
        read = self.broker_class.read_options(options)
        keys: dict[str, str] = {}
        made: list[Broker] = []

        def make(queue: str = "main", **settings: Any) -> Broker:
            key = keys.setdefault(queue, f"djq-{queue}-{uuid4().hex[:12]}")
            made.append(self.broker_class(BrokerSettings(list_key=key, options=read, **settings)))
            return made[-1]

        yield make
        for queue in list(keys):
            make(queue).delete_queue()
        for broker in made:
            broker.close()

    @pytest.fixture
    def broker(self, make_broker: MakeBroker) -> Broker:
        """Give a broker on an empty queue."""
        return make_broker()

    def take(self, broker: Broker, count: int = 1) -> list[Delivery]:
        """Receive exactly so many deliveries, with as many calls as that takes."""
        taken: list[Delivery] = []
        until = time.monotonic() + self.patience
        while len(taken) < count and time.monotonic() < until:
            taken += broker.receive(count - len(taken), 0.5)
        assert len(taken) == count, f"{len(taken)} of {count} packages came within {self.patience} s"
        return taken

    def take_all(self, broker: Broker) -> list[Delivery]:
        """Receive and acknowledge until nothing is left, held by nobody either."""
        taken: list[Delivery] = []
        until = time.monotonic() + self.patience
        while broker.lock_size() + broker.queue_size():  # in this order: a lease that lapses between them is seen
            assert time.monotonic() < until, f"the queue is not empty after {self.patience} s"
            deliveries = broker.receive(10, 0.2)
            acknowledge(broker, deliveries)
            taken += deliveries
        return taken

    def eventually(self, look: Callable[[], object], expected: object) -> None:
        """Wait until a look finds what is expected."""
        until = time.monotonic() + self.patience
        while (found := look()) != expected:
            assert time.monotonic() < until, f"expected {expected!r} within {self.patience} s, found {found!r}"
            time.sleep(STEP)

    def stays_empty(self, broker: Broker, seconds: float) -> None:
        """Fail when something is delivered within so many seconds."""
        assert broker.receive(1, seconds) == []


def nothing() -> None:
    """Do nothing."""


def receipts(deliveries: Sequence[Delivery]) -> list[str]:
    """Return the receipts of deliveries that all have one."""
    assert all(isinstance(delivery.receipt, str) for delivery in deliveries), "a delivery without a receipt"
    return [str(delivery.receipt) for delivery in deliveries]


def acknowledge(broker: Broker, deliveries: Sequence[Delivery]) -> None:
    """Acknowledge the deliveries that have a receipt."""
    broker.acknowledge_many([delivery.receipt for delivery in deliveries if delivery.receipt is not None])


def packages(deliveries: Sequence[Delivery]) -> list[bytes]:
    """Return the packages as bytes: a broker may give a text for the bytes of one, and the other way round."""
    return [as_bytes(delivery.package) for delivery in deliveries]


def as_bytes(package: Package) -> bytes:
    """Return a package as bytes."""
    return package.encode() if isinstance(package, str) else package
