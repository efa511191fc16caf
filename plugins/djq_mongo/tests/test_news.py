"""Waiting: a replica set tells its news, a single server is polled, and so is one that refuses."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import pytest
from pymongo import MongoClient

from djq_core.exceptions import BrokerError
from djq_mongo.broker import MongoBroker
from plugins.djq_mongo.tests.conftest import MakeBroker
from tests.harness.waiting import wait_until
from tests.services.fixtures import StartMongo
from tests.services.mongo import SECANTUS, MongoServer
from tests.services.ports import HOST


@pytest.fixture
def broker(secantus_server: MongoServer, make_any_broker: MakeBroker) -> MongoBroker:
    """Give a broker on a replica set."""
    return make_any_broker(secantus_server.settings())


def test_a_claim_and_its_renewal_are_no_news(broker: MongoBroker) -> None:
    broker.enqueue("a")
    (held,) = broker.receive(1, 0)
    assert broker.receive(1, 0.05) == []
    stream = broker.connected().stream
    broker.extend([str(held.receipt)], 50)
    assert not stream.wait(0.2)
    broker.release([str(held.receipt)])
    assert stream.wait(5)


def test_news_that_has_piled_up_is_dropped(broker: MongoBroker) -> None:
    assert broker.receive(1, 0.05) == []
    broker.enqueue_many([str(number) for number in range(120)])
    taken = broker.receive(120, 0)
    assert len(taken) == 120
    assert not broker.connected().stream.is_open
    broker.acknowledge_many([str(delivery.receipt) for delivery in taken])
    assert broker.receive(1, 0.05) == []
    assert broker.connected().stream.is_open


def test_a_dropped_queue_is_listened_to_again(broker: MongoBroker) -> None:
    assert broker.receive(1, 0.05) == []
    broker.enqueue("a")
    broker.delete_queue()
    timer = threading.Timer(0.5, lambda: broker.enqueue("b"))
    timer.start()
    assert [delivery.package for delivery in broker.receive(1, 5)] == ["b"]
    timer.join()


def test_a_lapsed_lease_ends_the_wait(secantus_server: MongoServer, make_any_broker: MakeBroker) -> None:
    keys = secantus_server.settings()
    hasty, patient = make_any_broker(keys, lease=0.4), make_any_broker(keys)
    hasty.enqueue("a")
    hasty.receive(1, 0)
    began = time.monotonic()
    assert [delivery.unanswered for delivery in patient.receive(1, 5)] == [2]
    assert 0.2 < time.monotonic() - began < 3


def test_an_interval_that_is_set_is_kept(secantus_server: MongoServer, make_any_broker: MakeBroker) -> None:
    broker = make_any_broker(secantus_server.settings(), poll=0.1)
    assert broker.receive(1, 0.3) == []
    assert not broker.connected().stream.is_open


def test_a_single_server_is_polled(nx_server: MongoServer, make_any_broker: MakeBroker) -> None:
    broker = make_any_broker(nx_server.settings())
    assert broker.receive(1, 0.1) == []
    assert not broker.connected().tells_news


@pytest.mark.parametrize("command", ["aggregate", "getMore"])
def test_a_server_that_refuses_is_polled_and_that_is_told(
    command: str, start_mongo: StartMongo, make_any_broker: MakeBroker, caplog: pytest.LogCaptureFixture
) -> None:
    server = start_mongo(SECANTUS, "--enable-test-commands")
    broker = make_any_broker({**server.settings(), "mongo_db": "site"})
    refusing = {"failCommands": [command], "errorCode": 13}
    with MongoClient[Any](HOST, server.port) as client:
        client.admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=refusing)
    with caplog.at_level(logging.WARNING, logger="djq"):
        wait_until(lambda: broker.receive(1, 0.1) or broker.connected().stream.is_refused, 20, "it is refused")
        broker.enqueue("a")
        assert [delivery.package for delivery in broker.receive(1, 1)] == ["a"]
    (record,) = caplog.records
    assert record.getMessage().startswith("MongoDB tells no news of site.djq_main, it is polled: ")


def test_a_restart_in_the_middle_of_a_wait_is_an_outage_and_no_more(
    start_mongo: StartMongo, make_any_broker: MakeBroker
) -> None:
    server = start_mongo()
    keys = {**server.settings(timeoutMS=1000), "mongo_db": "site"}
    broker, sender = make_any_broker(keys), make_any_broker(keys)
    assert broker.receive(1, 0.05) == []
    timer = threading.Timer(0.2, server.kill)
    timer.start()
    with pytest.raises(BrokerError):
        list(iter(lambda: broker.receive(1, 1), None))
    timer.join()
    server.start()
    sender.enqueue("after")
    assert [delivery.package for delivery in broker.receive(1, 5)] == ["after"]
    assert broker.receive(1, 0.05) == []
    assert broker.connected().stream.is_open
