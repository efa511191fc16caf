"""The contract of every broker, on a replica set."""

from __future__ import annotations

from plugins.djq_mongo.tests.contract import MongoContract
from tests.services.mongo import SECANTUS


class TestSecantus(MongoContract):
    kind = SECANTUS
    shared = "secantus_server"
