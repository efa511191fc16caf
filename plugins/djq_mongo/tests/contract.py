"""What both servers give the contract."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import quote

import pytest

from djq_core.testing import BrokerContract
from djq_mongo.broker import MongoBroker
from tests.services.fixtures import StartMongo
from tests.services.mongo import MongoServer
from tests.services.ports import HOST
from tests.services.relay import Relay, relaying

TIME_OUT = 1.0


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
    """A server of the test's own where it is treated badly, else the one of the test run."""

    broker_class = MongoBroker
    kind: ClassVar[str]
    shared: ClassVar[str]
    error_seconds = 2 * TIME_OUT

    @pytest.fixture
    def server(self, start_mongo: StartMongo) -> Iterator[Relayed]:
        server = start_mongo(self.kind)
        with relaying(server.folder, (HOST, server.port)) as relay:
            yield Relayed(server, relay)

    @pytest.fixture
    def options(self, request: pytest.FixtureRequest) -> dict[str, Any]:
        is_treated_badly = "server" in request.fixturenames
        server: MongoServer | Relayed = request.getfixturevalue("server" if is_treated_badly else self.shared)
        return server.settings(timeoutMS=TIME_OUT * 1000) if is_treated_badly else server.settings()
