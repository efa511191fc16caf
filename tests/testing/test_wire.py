"""The contract of a broker with a server of its own, half-open connections included; and its faults."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, ClassVar

import pytest

from djq_core.brokers.base import Broker, Delivery, Package
from djq_core.exceptions import BrokerError
from djq_core.testing import BrokerContract
from tests.testing.test_mutants import ALONE
from tests.testing.wire import HOST, WireBroker, WireServer, serving


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WireServer]:
    with serving(tmp_path_factory.mktemp("wire")) as server:
        yield server


class TestWireBroker(BrokerContract):
    broker_class = WireBroker
    dropped = {"test_what_was_accepted_outlives_the_restart": "this server keeps its queues in memory"}

    @pytest.fixture
    def options(self, wire: WireServer) -> dict[str, Any]:
        return {"wire": wire.port}

    @pytest.fixture
    def server(self, wire: WireServer) -> WireServer:
        return wire


# Faults that show with a server only


class RaisesItsOwnErrors(WireBroker):
    def enqueue(self, package: Package) -> str | None:
        try:
            return super().enqueue(package)
        except BrokerError as error:
            raise ConnectionError("as the client library says it") from error


class WaitsForEver(WireBroker):
    timeout: ClassVar[float | None] = 4.0


class PingsAloud(WireBroker):
    def ping(self) -> bool:
        return bool(self.ask("ping"))


class TakesAnswersForGiven(WireBroker):
    def acknowledge(self, id: str) -> None:
        with suppress(BrokerError):
            super().acknowledge(id)


class AlwaysThere(WireBroker):
    def ping(self) -> bool:
        return True


class TellsNothing(WireBroker):
    def info(self) -> str:
        return f"wire {self.ask('info')}"


class GivesUpForGood(WireBroker):
    is_broken = False

    def ask(self, method: str, *args: Any, wait: float = 0.0, **kwargs: Any) -> Any:
        if self.is_broken and method == "enqueue_many":
            raise BrokerError("this broker has seen the server go")
        try:
            return super().ask(method, *args, wait=wait, **kwargs)
        except BrokerError:
            self.is_broken = True
            raise


class KeepsADeadConnection(WireBroker):
    is_asking = False

    def ask(self, method: str, *args: Any, wait: float = 0.0, **kwargs: Any) -> Any:
        self.is_asking = True
        try:
            return super().ask(method, *args, wait=wait, **kwargs)
        finally:
            self.is_asking = False

    def close(self) -> None:
        if not self.is_asking:
            super().close()


class FindsNothingInstead(WireBroker):
    def receive(self, count: int, wait: float) -> list[Delivery]:
        try:
            return super().receive(count, wait)
        except BrokerError:
            time.sleep(wait)
            return []


class SharesItsSocket(WireBroker):
    def connection(self) -> socket.socket:
        if not self._connections:
            self._connections[0] = socket.create_connection((HOST, self.settings.options), self.timeout)
        return self._connections[0]


class NeedsItsParent(WireBroker):
    def __reduce__(self) -> Any:
        return WireBroker, ()


class TakesItForDone(WireBroker):
    def receive(self, count: int, wait: float) -> list[Delivery]:
        deliveries = super().receive(count, wait)
        self.acknowledge_many([str(delivery.receipt) for delivery in deliveries])
        return deliveries


class SendsLater(WireBroker):
    def enqueue_many(self, packages: Sequence[Package]) -> list[str | None]:
        self._later = [*getattr(self, "_later", []), *packages]
        if len(self._later) < 1_000_000:
            return [None for _ in packages]
        sent, self._later = super().enqueue_many(self._later), []
        return sent[-len(packages) :]


FOUND_BY: dict[type[Broker], str] = {
    RaisesItsOwnErrors: "test_a_killed_server_is_an_error_in_time",
    WaitsForEver: "test_a_paused_server_is_an_error_in_time",
    PingsAloud: "test_ping_and_info_raise_nothing_while_the_server_is_down",
    AlwaysThere: "test_a_broker_that_never_connected_says_so_too",
    TakesAnswersForGiven: "test_an_answer_that_cannot_be_given_is_an_error",
    WireBroker: "test_what_was_accepted_outlives_the_restart",  # its server forgets
    TellsNothing: "test_ping_and_info_raise_nothing_while_the_server_is_down",
    GivesUpForGood: "test_the_same_broker_works_after_the_restart",
    KeepsADeadConnection: "test_a_half_open_connection_is_an_error_in_time",
    FindsNothingInstead: "test_a_waiting_broker_learns_of_the_end",
    SharesItsSocket: "test_a_forked_child_shares_no_socket_with_its_parent",
    NeedsItsParent: "test_another_process_uses_it",
    TakesItForDone: "test_what_a_killed_process_held_is_delivered_again",
    SendsLater: "test_a_killed_sender_leaves_what_was_accepted",
}
CONTRACT = """
import pytest
from djq_core.testing import BrokerContract
from {module} import {name}, serving

class TestIt(BrokerContract):
    broker_class = {name}
    patience = 2.0
    error_seconds = 2.0

    @pytest.fixture
    def server(self, tmp_path):
        with serving(tmp_path) as server:
            yield server

    @pytest.fixture
    def options(self, server):
        return {{"wire": server.port}}
"""


@pytest.mark.parametrize("faulty", FOUND_BY, ids=lambda faulty: faulty.__name__)
def test_each_fault_is_found(pytester: pytest.Pytester, faulty: type[Broker]) -> None:
    test = FOUND_BY[faulty]
    pytester.makepyfile(test_it=CONTRACT.format(module=faulty.__module__, name=faulty.__name__))
    done = pytester.inline_run(*ALONE, f"test_it.py::TestIt::{test}")
    failed = [report.nodeid.rpartition("::")[2] for report in done.listoutcomes()[2] if report.when == "call"]
    assert {name.partition("[")[0] for name in failed} == {test}
