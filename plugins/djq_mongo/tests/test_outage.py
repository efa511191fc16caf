"""The server is killed, frozen, or refuses: one clear line, in time, and the same broker works again afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from pymongo import MongoClient

from djq_core.exceptions import BrokerError
from djq_mongo.broker import MongoBroker
from plugins.djq_mongo.tests.conftest import MakeBroker
from tests.services.fixtures import StartMongo
from tests.services.mongo import MongoServer
from tests.services.ports import HOST, free_port

PASSWORD = "s3cr3t-p4ss"
TIME_OUT = 1.5


def refusal(call: Callable[[], object], within: float = TIME_OUT + 2.0) -> str:
    """Return the one line that a call is refused with, in time and without the password."""
    began = time.monotonic()
    with pytest.raises(BrokerError) as caught:
        call()
    assert time.monotonic() - began < within
    text = str(caught.value)
    assert "\n" not in text
    assert PASSWORD not in text
    assert text.startswith("MongoDB at ")
    return text


def packages(broker: MongoBroker, count: int) -> list[str | bytes]:
    return [delivery.package for delivery in broker.receive(count, 0)]


def test_nobody_there_is_told(make_any_broker: MakeBroker) -> None:
    port = free_port()
    broker = make_any_broker({"mongo": {"host": HOST, "port": port, "timeoutMS": TIME_OUT * 1000}})
    where = f"MongoDB at {HOST}:{port}/django-q"
    told = f"{where} cannot be reached: see Q_CLUSTER['mongo']. It said: {HOST}:{port}: [Errno 111] Connection refused"
    assert refusal(lambda: broker.enqueue("lost")) == told
    assert refusal(broker.durability) == told
    assert broker.info() == where
    assert not broker.ping()


def test_a_frozen_server_holds_nobody_longer_than_the_time_out(
    start_mongo: StartMongo, make_any_broker: MakeBroker
) -> None:
    server = start_mongo()
    known, waiting, fresh = (make_any_broker(server.settings(timeoutMS=TIME_OUT * 1000)) for _ in range(3))
    assert known.ping()
    assert waiting.receive(1, 0.05) == []
    timer = threading.Timer(0.2, server.pause)
    timer.start()
    assert "'timeoutMS' in Q_CLUSTER['mongo']" in refusal(lambda: list(iter(lambda: waiting.receive(1, 0.2), None)))
    timer.join()
    assert "'timeoutMS' in Q_CLUSTER['mongo']" in refusal(lambda: known.enqueue("late"))
    assert "cannot be reached" in refusal(lambda: fresh.enqueue("late"))
    server.resume()
    assert fresh.ping()


def test_tls_to_a_plain_port_is_told(secantus_server: MongoServer, make_any_broker: MakeBroker) -> None:
    broker = make_any_broker(secantus_server.settings(tls=True, timeoutMS=TIME_OUT * 1000))
    assert "is this the server's port for TLS?" in refusal(lambda: broker.enqueue("a"))


def test_what_a_single_server_cannot_know_is_told(nx_server: MongoServer, make_any_broker: MakeBroker) -> None:
    broker = make_any_broker(nx_server.settings(replicaSet="rs0", timeoutMS=TIME_OUT * 1000))
    assert "cannot be reached: see Q_CLUSTER['mongo']" in refusal(lambda: broker.enqueue("a"))


# Users


@pytest.fixture(scope="module")
def guarded(request: pytest.FixtureRequest) -> Any:
    """Give a server that knows a user of its own database and one who may only read."""
    from tests.services import children, mongo, unavailable

    try:
        with mongo.running() as server:
            with MongoClient[Any](HOST, server.port) as client:
                for name, role in (("site", "readWrite"), ("reader", "read")):
                    client["queues"].command("createUser", name, pwd=PASSWORD, roles=[{"role": role, "db": "queues"}])
            children.stop(server.process)
            server.flags = ("--auth",)
            server.start()
            yield server
    except mongo.Missing as error:
        unavailable(str(error))


def of_user(server: MongoServer, **more: Any) -> dict[str, Any]:
    return {"mongo": {"host": HOST, "port": server.port, "authSource": "queues", **more}, "mongo_db": "queues"}


def test_a_user_of_the_queues_database_needs_no_other_right(guarded: MongoServer, make_any_broker: MakeBroker) -> None:
    broker = make_any_broker(of_user(guarded, username="site", password=PASSWORD), list_key="right")
    broker.enqueue_many(["a", "b"])
    assert packages(broker, 1) == ["a"]
    assert broker.receive(1, 0.1) != []
    assert broker.receive(1, 0.3) == []
    assert broker.durability()
    assert [finding.level for finding in broker.examine()] == ["ok"] * 3
    broker.delete_queue()


@pytest.mark.parametrize("name", ["site", "nobody"])
def test_a_wrong_password_names_the_setting(guarded: MongoServer, make_any_broker: MakeBroker, name: str) -> None:
    broker = make_any_broker(of_user(guarded, username=name, password=f"not-{PASSWORD}"))
    for call in (lambda: broker.enqueue("a"), broker.queue_size, broker.durability):
        assert "refuses the user or password in Q_CLUSTER['mongo']" in refusal(call)
    assert not broker.ping()


def test_no_password_where_one_is_wanted_is_told(guarded: MongoServer, make_any_broker: MakeBroker) -> None:
    broker = make_any_broker(of_user(guarded))
    assert "wants a user and a password, and Q_CLUSTER['mongo'] has none" in refusal(lambda: broker.enqueue("a"))


def test_a_user_without_the_right_is_told(guarded: MongoServer, make_any_broker: MakeBroker) -> None:
    broker = make_any_broker(of_user(guarded, username="reader", password=PASSWORD))
    assert "does not let the user in Q_CLUSTER['mongo'] do this" in refusal(lambda: broker.enqueue("a"))
    assert broker.ping()
    assert broker.queue_size() == 0


# What cannot be sent


def test_one_package_too_many_bytes_keeps_all_from_being_sent(broker: MongoBroker) -> None:
    large = "x" * (MongoBroker.max_package_bytes or 0)
    with pytest.raises(BrokerError, match="has 16,776,193 bytes; a document of MongoDB takes one of 16,776,192"):
        broker.enqueue_many(["a", large + "x"])
    assert broker.queue_size() == 0


def test_a_refused_write_quotes_no_package(secantus_server: MongoServer, make_any_broker: MakeBroker) -> None:
    keys = secantus_server.settings()
    broker = make_any_broker(keys)
    with MongoClient[Any](HOST, secantus_server.port) as client:
        client[keys["mongo_db"]].create_collection("djq_main", validator={"package": {"$ne": "forbidden"}})
    told = refusal(lambda: broker.enqueue_many(["allowed", "forbidden"]))
    assert "refused what was asked (see Q_CLUSTER['mongo'])" in told
    assert "forbidden" not in told
