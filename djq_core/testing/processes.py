"""The level of processes: brokers that are forked, pickled, and used by several threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from multiprocessing import get_all_start_methods
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

from djq_core.brokers.base import Broker
from djq_core.exceptions import BrokerError
from djq_core.testing.applying import lacks, needs
from djq_core.testing.children import Child, Tell, run_in_child
from djq_core.testing.kit import Kit, MakeBroker, acknowledge, as_bytes, packages

METHODS = ("fork", "spawn", "forkserver")
DESCRIPTORS = Path("/proc/self/fd")
MANY = 40
PATIENCE = 30.0


class Processes(Kit):
    """One queue, several processes and threads."""

    @pytest.mark.parametrize("method", METHODS)
    @lacks("is_local")
    def test_another_process_uses_it(
        self,
        method: str,
        broker: Broker,
        before_fork: Callable[[], object],
        process_setup: Callable[[], object],
    ) -> None:
        self._needs_processes(method)
        broker.enqueue("from the parent")
        self.eventually(broker.queue_size, 1)
        before_fork()
        told = run_in_child(method, _answer, broker, setup=process_setup).lines
        assert told == ["from the parent"]
        assert packages(self.take(broker)) == [b"from the child"]

    @lacks("is_local")
    def test_a_forked_child_shares_no_socket_with_its_parent(
        self, broker: Broker, before_fork: Callable[[], object]
    ) -> None:
        self._needs_processes("fork")
        if not DESCRIPTORS.is_dir():
            pytest.skip("sockets are told apart through /proc/self/fd, which this system does not have")
        before = sockets()
        _use(broker)
        opened = sockets() - before
        before_fork()
        (told,) = run_in_child("fork", _count_new_sockets, broker).lines
        assert int(told) >= len(opened), f"the parent opened {len(opened)} sockets, its child {told}"

    @lacks("is_local")
    def test_parent_and_child_use_it_at_once(self, broker: Broker, before_fork: Callable[[], object]) -> None:
        self._needs_processes("fork")
        _use(broker)
        before_fork()
        with Child("fork", _send_many, broker, "child") as child:
            _send_many(_hush, broker, "parent")
            child.join()
        sent = {f"{who}-{number}".encode() for who in ("child", "parent") for number in range(MANY)}
        assert sorted(packages(self.take_all(broker))) == sorted(sent)

    @needs("is_local")
    def test_a_queue_of_one_process_refuses_others(self, broker: Broker) -> None:
        if "fork" not in get_all_start_methods():
            pytest.skip("this system does not fork")
        assert run_in_child("fork", _be_refused, broker).lines == ["refused"] * 3

    def test_threads_send_through_one_broker(self, broker: Broker) -> None:
        errors: list[Exception] = []

        def send(name: str) -> None:
            try:
                _send_many(_hush, broker, name)
            except Exception as error:
                errors.append(error)
            finally:
                close_databases()

        in_threads(send, ["one", "two", "three"])
        assert errors == []
        sent = [f"{name}-{number}".encode() for name in ("one", "two", "three") for number in range(MANY)]
        assert sorted(packages(self.take_all(broker))) == sorted(sent)

    def test_threads_take_each_package_once(self, make_broker: MakeBroker) -> None:
        sender = make_broker()
        sender.enqueue_many([f"p{number}" for number in range(120)])
        self.eventually(sender.queue_size, 120)
        taken: list[bytes] = []
        errors: list[Exception] = []

        def take(_: str) -> None:
            broker = make_broker()
            try:
                while deliveries := broker.receive(3, 0.3):
                    taken.extend(packages(deliveries))
                    acknowledge(broker, deliveries)
            except Exception as error:
                errors.append(error)
            finally:
                broker.close()

        in_threads(take, ["one", "two", "three"])
        assert errors == []
        assert sorted(taken) == sorted(f"p{number}".encode() for number in range(120))
        self.eventually(lambda: (sender.queue_size(), sender.lock_size()), (0, 0))

    def _needs_processes(self, method: str) -> None:
        if method not in get_all_start_methods():
            pytest.skip(f"this system does not know the start method {method}")


def in_threads(function: Callable[[str], None], names: list[str]) -> None:
    """Call a function in several threads at once."""
    threads = [threading.Thread(target=function, args=[name]) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def close_databases() -> None:
    """Close this thread's connections of Django, which a broker may have used."""
    if settings.configured:
        connections.close_all()


def sockets() -> set[str]:
    """Return the inodes of the sockets that this process has open."""
    found = (_target(name) for name in os.listdir(DESCRIPTORS))
    return {target for target in found if target.startswith("socket:")}


def _target(name: str) -> str:
    try:
        return str((DESCRIPTORS / name).readlink())
    except OSError:
        return ""


def _use(broker: Broker) -> None:
    broker.enqueue("x")
    until = PATIENCE
    while until > 0 and not (deliveries := broker.receive(1, 0.5)):
        until -= 0.5
    acknowledge(broker, deliveries)


def _answer(tell: Tell, broker: Broker) -> None:
    deliveries = broker.receive(1, PATIENCE)
    for delivery in deliveries:
        tell(as_bytes(delivery.package).decode())
    acknowledge(broker, deliveries)
    broker.enqueue("from the child")
    broker.close()


def _count_new_sockets(tell: Tell, broker: Broker) -> None:
    inherited = sockets()
    _use(broker)
    tell(str(len(sockets() - inherited)))


def _send_many(tell: Callable[[str], None], broker: Broker, name: str) -> None:
    for number in range(MANY):
        broker.enqueue(f"{name}-{number}")
    tell("sent")


def _be_refused(tell: Tell, broker: Broker) -> None:
    for call in (lambda: broker.enqueue("lost"), lambda: broker.receive(1, 0), broker.queue_size):
        try:
            call()
        except BrokerError:
            tell("refused")


def _hush(line: str) -> None:
    """Tell nobody."""
