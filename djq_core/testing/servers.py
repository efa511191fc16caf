"""The level of the server: killed, started again, paused, its connections cut without a word."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from djq_core.brokers.base import Broker
from djq_core.exceptions import BrokerError
from djq_core.testing.applying import given, needs
from djq_core.testing.kit import STEP, Kit, MakeBroker, Server, acknowledge, packages, receipts

T = TypeVar("T")


class Servers(Kit):
    """An outage is a BrokerError in time, and over when it is over."""

    @given("server")
    def test_a_killed_server_is_an_error_in_time(self, server: Server, broker: Broker) -> None:
        with self._outage(server, broker, "kill"):
            self._assert_raises(lambda: broker.enqueue("a"))
            self._assert_raises(lambda: broker.enqueue_many(["a", "b"]))
            self._assert_raises(broker.dequeue)
            self._assert_raises(lambda: broker.receive(1, 0))
            self._assert_raises(broker.queue_size)

    @given("server")
    def test_a_broker_that_never_connected_says_so_too(self, server: Server, make_broker: MakeBroker) -> None:
        with self._outage(server, make_broker(), "kill"):
            broker = make_broker()
            self._assert_raises(lambda: broker.enqueue("a"))
            assert broker.ping() is False

    @given("server")
    def test_ping_and_info_raise_nothing_while_the_server_is_down(self, server: Server, broker: Broker) -> None:
        with self._outage(server, broker, "kill"):
            assert broker.ping() is False
            assert isinstance(broker.info(), str)

    @given("server")
    def test_a_waiting_broker_learns_of_the_end(self, server: Server, broker: Broker) -> None:
        with self._outage(server, broker) as there:
            timer = threading.Timer(0.5, there.kill)
            timer.start()
            with pytest.raises(BrokerError):
                self._receive_for(broker, self.error_seconds)
            timer.join()

    @given("server")
    def test_the_same_broker_works_after_the_restart(self, server: Server, broker: Broker) -> None:
        with self._outage(server, broker, "kill"):
            self._assert_raises(lambda: broker.enqueue("lost"))
        self._until_it_works(lambda: broker.enqueue("after"))
        assert b"after" in packages(self.take_all(broker))
        assert broker.ping() is True

    @needs("supports_receipts")
    @given("server")
    def test_an_answer_that_cannot_be_given_is_an_error(self, server: Server, broker: Broker) -> None:
        with self._outage(server, broker):
            broker.enqueue("a")
            held = receipts(self.take(broker))
            server.kill()
            self._assert_raises(lambda: broker.acknowledge(held[0]))
            self._assert_raises(lambda: broker.acknowledge_many(held))
            self._assert_raises(lambda: broker.release(held))

    @given("server")
    def test_what_was_accepted_outlives_the_restart(self, server: Server, make_broker: MakeBroker) -> None:
        broker = make_broker(lease=60)
        with self._outage(server, broker):
            broker.enqueue_many(["a", "b"])
            held = self.take(broker)
            server.kill()
        self.eventually(lambda: (broker.queue_size(), broker.lock_size()), (1, int(broker.supports_receipts)))
        acknowledge(broker, held)
        assert packages(self.take_all(broker)) == [b"b"]

    @given("server")
    def test_a_paused_server_is_an_error_in_time(self, server: Server, broker: Broker) -> None:
        with self._outage(server, broker, "pause"):
            self._assert_raises(lambda: broker.enqueue("a"))
            self._assert_raises(lambda: broker.receive(1, 0.2))
            assert self._in_time(broker.ping) is False
            assert isinstance(self._in_time(broker.info), str)

    @given("server")
    def test_the_same_broker_works_after_a_pause(self, server: Server, broker: Broker) -> None:
        with self._outage(server, broker, "pause"):
            self._assert_raises(broker.queue_size)
        self._until_it_works(lambda: broker.enqueue("after"))
        assert b"after" in packages(self.take_all(broker))

    @given("server")
    def test_a_half_open_connection_is_an_error_in_time(self, server: Server, broker: Broker) -> None:
        if not hasattr(server, "cut"):
            pytest.skip("the server of the fixture 'server' has no cut()")
        with self._outage(server, broker, "cut"):
            self._assert_raises(lambda: broker.enqueue("lost"))
        self._in_time(lambda: broker.enqueue("after"))
        assert b"after" in packages(self.take_all(broker))

    @contextmanager
    def _outage(self, server: Server, broker: Broker, how: str | None = None) -> Iterator[Server]:
        """Let a broker connect, treat the server so (None: the test kills it), and put it right at the end."""
        broker.enqueue("before")
        assert packages(self.take_all(broker)) == [b"before"]
        if how is not None:
            getattr(server, how)()
        try:
            yield server
        finally:
            if how != "cut":
                (server.resume if how == "pause" else server.start)()
            self._until_it_works(broker.queue_size)

    def _receive_for(self, broker: Broker, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            broker.receive(1, 1)

    def _assert_raises(self, call: Callable[[], object]) -> None:
        with pytest.raises(BrokerError):
            self._in_time(call)

    def _in_time(self, call: Callable[[], T]) -> T:
        began = time.monotonic()
        try:
            return call()
        finally:
            took = time.monotonic() - began
            assert took <= self.error_seconds, f"took {took:.1f} s, error_seconds is {self.error_seconds}"

    def _until_it_works(self, call: Callable[[], object]) -> None:
        until = time.monotonic() + self.patience * 3
        while True:
            try:
                call()
            except BrokerError:
                assert time.monotonic() < until, "the broker does not work again after the outage"
                time.sleep(STEP)
            else:
                return
