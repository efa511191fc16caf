"""Capabilities: the size of a package, transactions, statistics, priority."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

import pytest

from djq_core.brokers.base import Broker
from djq_core.exceptions import DjqError
from djq_core.testing.applying import given, needs
from djq_core.testing.kit import Kit, MakeBroker, packages

Transaction = Callable[[], AbstractContextManager[Any]]


class _Undone(Exception):
    """Undoes a transaction."""


class Limits(Kit):
    """What is declared is kept."""

    @needs("max_package_bytes")
    def test_the_largest_package_is_taken(self, broker: Broker) -> None:
        package = "x" * (self.broker_class.max_package_bytes or 0)
        broker.enqueue(package)
        assert packages(self.take(broker)) == [package.encode()]

    @needs("max_package_bytes")
    def test_a_package_too_large_is_refused_or_arrives_whole(self, broker: Broker) -> None:
        package = "x" * ((self.broker_class.max_package_bytes or 0) + 1)
        try:
            broker.enqueue(package)
        except DjqError:
            assert broker.queue_size() == 0
        else:
            assert packages(self.take(broker)) == [package.encode()]

    @needs("supports_priority")
    def test_a_priority_can_be_asked_for(self) -> None:
        pytest.fail("No method of a broker takes a priority yet: leave supports_priority at False.")

    # Transactions

    @needs("supports_transactions")
    @given("transaction")
    def test_an_undone_transaction_sends_nothing(self, broker: Broker, transaction: Transaction) -> None:
        def send_and_fail() -> None:
            with transaction():
                broker.enqueue("ghost")
                broker.enqueue_many(["ghost", "ghost"])
                raise _Undone

        with pytest.raises(_Undone):
            send_and_fail()
        assert broker.queue_size() == 0
        self.stays_empty(broker, 0.2)

    @needs("supports_transactions")
    @given("transaction")
    def test_a_transaction_sends_when_it_is_committed(self, make_broker: MakeBroker, transaction: Transaction) -> None:
        broker, seen = make_broker(), []

        def look() -> None:
            other = make_broker()
            seen.append(other.queue_size())
            other.close()

        with transaction():
            broker.enqueue("a")
            thread = threading.Thread(target=look)
            thread.start()
            thread.join()
        assert seen == [0]
        assert packages(self.take(broker)) == [b"a"]

    @needs("supports_transactions")
    def test_transactions_have_a_database(self, broker: Broker) -> None:
        assert isinstance(broker.database, str)

    # Statistics

    @needs("shares_stats")
    def test_statistics_are_shared(self, make_broker: MakeBroker) -> None:
        mine, other = make_broker("mine"), make_broker("other")
        prefix = f"djq-{uuid4().hex}:"
        mine.put_stat(f"{prefix}1", "old", 30)
        mine.put_stat(f"{prefix}1", "one", 30)
        mine.put_stat(f"{prefix}2", "two", 30)
        mine.put_stat(f"djq-{uuid4().hex}:1", "another's", 2)
        self.eventually(lambda: sorted(other.get_stats(prefix)), ["one", "two"])

    @needs("shares_stats")
    def test_statistics_go_when_their_time_is_over(self, broker: Broker) -> None:
        prefix = f"djq-{uuid4().hex}:"
        broker.put_stat(f"{prefix}1", "short", 1)
        assert broker.get_stats(prefix) == ["short"]
        time.sleep(1)
        self.eventually(lambda: broker.get_stats(prefix), [])

    @needs("shares_stats")
    def test_no_statistics_are_an_empty_list(self, broker: Broker) -> None:
        assert broker.get_stats(f"djq-{uuid4().hex}:") == []

    @needs("shares_stats")
    def test_statistics_survive_the_purge_of_a_queue(self, broker: Broker) -> None:
        prefix = f"djq-{uuid4().hex}:"
        broker.put_stat(f"{prefix}1", "kept", 5)
        broker.purge_queue()
        assert broker.get_stats(prefix) == ["kept"]
