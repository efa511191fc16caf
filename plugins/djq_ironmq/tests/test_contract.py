"""The contract of every broker, on IronMQ."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from djq_core.testing import BrokerContract
from djq_ironmq.broker import IronMQBroker
from plugins.djq_ironmq.tests import real
from tests.services.fixtures import StartIron
from tests.services.ironmq import IronServer

_HIDDEN = "IronMQ shows neither messages that are held nor those that wait for their time; see test_looks"


class TestIronMQ(BrokerContract):
    """A stand-in of the test's own where it is treated badly, else that of the test run, or a real server."""

    broker_class = IronMQBroker
    short_lease: ClassVar[float] = 3.0 if real.settings() else 1.0
    error_seconds = 2.5
    dropped = {
        "test_a_look_shows_the_oldest_first": _HIDDEN,
        "test_a_look_shows_until_when_a_package_is_held": _HIDDEN,
        "test_a_look_shows_what_waits_for_its_time": _HIDDEN,
        "test_what_is_released_for_later_is_held_by_nobody": (
            "IronMQ counts what waits for its time with what is held; see test_releases"
        ),
    }

    @pytest.fixture
    def server(self, start_iron: StartIron) -> IronServer:
        return start_iron()

    @pytest.fixture
    def options(self, request: pytest.FixtureRequest) -> dict[str, Any]:
        if "server" in request.fixturenames:
            return {"iron_mq": request.getfixturevalue("server").settings(request_timeout=1)}
        return {"iron_mq": real.settings() or request.getfixturevalue("iron_server").settings(request_timeout=1)}
