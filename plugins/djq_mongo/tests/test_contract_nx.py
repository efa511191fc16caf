"""The contract of every broker, on a single server."""

from __future__ import annotations

import pytest

from plugins.djq_mongo.tests.contract import MongoContract, OwnServerContract
from tests.services.mongo import NX


class TestNx(MongoContract):
    shared = "nx_server"
    dropped = {"test_waiting_is_woken": "a server that is no replica set tells nobody of its changes; it is polled"}


@pytest.mark.chaos
class TestNxTreatedBadly(OwnServerContract):
    kind = NX
