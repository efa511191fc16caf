"""What the broker gives the contract: nodes of the test's own where they are treated badly, else those of the run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from djq_core.testing import BrokerContract
from djq_disque.broker import DisqueBroker
from plugins.djq_disque.tests.standin.running import DisqueCluster, running

#: What a test waits for at least, in seconds: Disque counts in whole ones.
SECOND = 1.0
#: Nodes of a real Disque, separated by commas, on which the tests run in place of the stand-in.
NODES = "DJQ_TEST_DISQUE_NODES"


class DisqueContract(BrokerContract):
    """Disque; ``nodes`` is how many of them there are."""

    broker_class = DisqueBroker
    short_lease = SECOND
    error_seconds = 1.5
    nodes = 1
    dropped = {
        "test_what_was_accepted_outlives_the_restart": (
            "a restarted node holds every job back until its retry time is over, those that waited too, so that all "
            "count as held; test_outage shows that none is lost"
        ),
    }

    @pytest.fixture
    def server(self) -> Iterator[DisqueCluster]:
        with running(self.nodes, appendonly="yes", cluster_node_timeout="1000") as cluster:
            yield cluster

    @pytest.fixture
    def options(self, request: pytest.FixtureRequest) -> dict[str, Any]:
        if "server" in request.fixturenames:
            return {"disque_nodes": request.getfixturevalue("server").names, "disque_timeout": 1}
        if given := os.environ.get(NODES):
            return {"disque_nodes": given.split(",")}
        name = "disque_node" if self.nodes == 1 else "disque_pair"
        return {"disque_nodes": request.getfixturevalue(name).names}
