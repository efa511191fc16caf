"""The contract of every broker, on a replica set."""

from __future__ import annotations

from plugins.djq_mongo.tests.contract import MongoContract, OwnServerContract
from tests.services.mongo import SECANTUS


class TestSecantus(MongoContract):
    shared = "secantus_server"


class TestSecantusTreatedBadly(OwnServerContract):
    kind = SECANTUS
