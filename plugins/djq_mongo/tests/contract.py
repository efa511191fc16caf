"""What both servers give the contract; killing one is a class of its own, for it takes its time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import quote

import pytest

from djq_core.testing import BrokerContract
from djq_core.testing.servers import Servers
from djq_mongo.broker import MongoBroker
from tests.services.fixtures import StartMongo
from tests.services.mongo import MongoServer
from tests.services.ports import HOST
from tests.services.relay import Relay, relaying

#: A server that has just been started may need a second or two for its first answer.
TIME_OUT = 2.0


class Relayed:
    """A server that is reached over a relay, so that its connections can be cut."""

    def __init__(self, server: MongoServer, relay: Relay) -> None:
        self.kill, self.start, self.pause, self.resume = server.kill, server.start, server.pause, server.resume
        self.cut = relay.cut
        self._server = server
        self._relay = relay

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return the plugin's keys of ``Q_CLUSTER``."""
        host = f"mongodb://{quote(str(self._relay.path), safe='')}/"
        return self._server.settings(**{**more, "host": host, "directConnection": True})


class MongoContract(BrokerContract):
    """The server of the test run."""

    broker_class = MongoBroker
    shared: ClassVar[str]

    @pytest.fixture
    def options(self, request: pytest.FixtureRequest) -> dict[str, Any]:
        server: MongoServer = request.getfixturevalue(self.shared)
        return server.settings()


class OwnServerContract(Servers):
    """A server of the test's own, which is treated badly."""

    broker_class = MongoBroker
    kind: ClassVar[str]
    error_seconds = 2 * TIME_OUT

    @pytest.fixture
    def server(self, start_mongo: StartMongo) -> Iterator[Relayed]:
        server = start_mongo(self.kind)
        with relaying(server.folder, (HOST, server.port)) as relay:
            yield Relayed(server, relay)

    @pytest.fixture
    def options(self, server: Relayed) -> dict[str, Any]:
        return server.settings(timeoutMS=TIME_OUT * 1000)
