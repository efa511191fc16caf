"""What the SQS brokers give the contract."""

from __future__ import annotations

from typing import Any

import pytest

from djq_core.testing.kit import Kit
from tests.services.gateway import Gateway
from tests.services.ministack import IMPATIENT, MiniStack

#: Of SQS itself, and of the server that stands in for it.
DROPPED = {
    "test_what_is_released_for_later_is_held_by_nobody": "SQS counts what waits for its time among what is in flight",
    "test_a_released_lease_is_lost": "MiniStack changes the visibility of a message that is not in flight; SQS refuses",
}


class SqsKit(Kit):
    """A gateway of the test's own where SQS is to be away, else the server of the test run."""

    short_lease = 1.0
    error_seconds = 3.5
    more: dict[str, Any] = {}

    @pytest.fixture
    def server(self, sqs_gateway: Gateway) -> Gateway:
        return sqs_gateway

    @pytest.fixture
    def options(self, request: pytest.FixtureRequest) -> dict[str, Any]:
        if "server" in request.fixturenames:
            gateway: Gateway = request.getfixturevalue("sqs_gateway")
            return {"sqs": gateway.settings(config=IMPATIENT, **self.more)}
        server: MiniStack = request.getfixturevalue("sqs_server")
        return {"sqs": server.settings(**self.more)}
