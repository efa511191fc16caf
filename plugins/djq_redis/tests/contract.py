"""What both Redis brokers give the contract."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from djq_core.testing import BrokerContract
from djq_core.testing.basics import Basics
from djq_core.testing.leases import Leases
from djq_core.testing.receipts import Receipts
from djq_core.testing.servers import Servers
from djq_core.testing.undeclared import Undeclared
from tests.services.fixtures import StartValkey
from tests.services.relay import Relay, relaying
from tests.services.topologies import SentinelGroup, ValkeyCluster
from tests.services.valkey import ValkeyServer


class Relayed:
    """A server that is reached over a relay, so that its connections can be cut."""

    def __init__(self, server: ValkeyServer, relay: Relay) -> None:
        self.kill, self.start, self.pause, self.resume = server.kill, server.start, server.pause, server.resume
        self.cut = relay.cut
        self._server = server
        self._relay = relay

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return the value of ``Q_CLUSTER["redis"]``."""
        return self._server.settings(**{**more, "unix_socket_path": str(self._relay.path)})


class RedisContract(BrokerContract):
    """A server of the test's own where it is treated badly, else the one of the test run."""

    error_seconds = 1.5
    dropped = dict.fromkeys(
        ("test_the_largest_package_is_taken", "test_a_package_too_large_is_refused_or_arrives_whole"),
        "half a gigabyte is more than a machine for tests should hold; see test_outage for a server that takes less",
    )

    @pytest.fixture
    def server(self, start_valkey: StartValkey) -> Iterator[Relayed]:
        server = start_valkey(appendonly="yes")
        with relaying(server.folder, server.socket) as relay:
            yield Relayed(server, relay)

    @pytest.fixture
    def options(self, request: pytest.FixtureRequest) -> dict[str, Any]:
        name = "server" if "server" in request.fixturenames else "valkey_server"
        server: ValkeyServer | Relayed = request.getfixturevalue(name)
        return {"redis": server.settings(socket_timeout=1)}


class SecondServerContract(Basics, Receipts, Leases, Undeclared, Servers):
    """Redis 7.0, from Debian; the levels of processes and chaos are held on Valkey."""

    error_seconds = 1.5

    @pytest.fixture
    def server(self, start_valkey: StartValkey) -> ValkeyServer:
        return start_valkey(is_redis=True, appendonly="yes")

    @pytest.fixture
    def options(self, request: pytest.FixtureRequest) -> dict[str, Any]:
        name = "server" if "server" in request.fixturenames else "redis_server"
        server: ValkeyServer = request.getfixturevalue(name)
        return {"redis": server.settings(socket_timeout=1)}


class SentinelContract(Basics, Receipts, Servers):
    """A primary that Sentinel names; a sentinel that is down stands before it in the list."""

    error_seconds = 1.5

    @pytest.fixture
    def server(self, valkey_sentinel: SentinelGroup) -> SentinelGroup:
        return valkey_sentinel

    @pytest.fixture
    def options(self, valkey_sentinel: SentinelGroup) -> dict[str, Any]:
        return {"redis": valkey_sentinel.settings(socket_timeout=1)}


class ClusterContract(Basics, Receipts):
    """A cluster of three nodes; where none of them answers, each is asked for one time-out."""

    error_seconds = 2.5

    @pytest.fixture
    def options(self, valkey_cluster: ValkeyCluster) -> dict[str, Any]:
        return {"redis": valkey_cluster.settings(socket_timeout=0.5)}
