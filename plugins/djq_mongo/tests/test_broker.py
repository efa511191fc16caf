"""What the broker does beyond the contract, on a replica set and on a single server."""

from __future__ import annotations

import gc
import multiprocessing
import subprocess
import sys
import threading
import time
from contextvars import ContextVar
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.monitoring import ConnectionPoolListener

from djq_core.brokers.base import BrokerSettings, Delivery
from djq_core.exceptions import BrokerError
from djq_mongo.broker import MongoBroker
from djq_mongo.queue import DEAD_LETTERS, LARGEST_DEAD_LETTER
from plugins.djq_mongo.tests.conftest import MakeBroker
from tests.services.mongo import MongoServer
from tests.services.ports import HOST


def receipts(deliveries: list[Delivery]) -> list[str]:
    return [str(delivery.receipt) for delivery in deliveries]


def packages(deliveries: list[Delivery]) -> list[str | bytes]:
    return [delivery.package for delivery in deliveries]


def test_a_receipt_begins_with_the_id_that_was_returned(broker: MongoBroker) -> None:
    tracking_id = broker.enqueue("a")
    assert receipts(broker.receive(1, 0))[0].startswith(f"{tracking_id}:")


def test_several_at_once_come_in_order(broker: MongoBroker) -> None:
    broker.enqueue_many([f"p{number}" for number in range(30)])
    assert packages(broker.receive(10, 0)) == [f"p{number}" for number in range(10)]
    assert packages(broker.receive(50, 0)) == [f"p{number}" for number in range(10, 30)]


def test_texts_and_bytes_stay_what_they_are(broker: MongoBroker) -> None:
    sent = ["text", b"bytes", "grün \0", b"\x00\xff", ""]
    broker.enqueue_many(sent)
    assert packages(broker.receive(5, 0)) == sent


def test_what_was_handed_back_waits_its_turn_and_starves_nobody(make_broker: MakeBroker) -> None:
    broker, hasty = make_broker(), make_broker(lease=0.05)
    broker.enqueue_many(["a", "b", "c"])
    broker.release(receipts(broker.receive(1, 0)))
    assert packages(hasty.receive(1, 0)) == ["b"]
    time.sleep(0.15)
    broker.enqueue("d")
    assert packages(broker.receive(5, 0)) == ["c", "a", "b", "d"]


def test_delete_takes_a_receipt_or_an_id(broker: MongoBroker) -> None:
    ids = broker.enqueue_many(["a", "b", "c"])
    (held,) = receipts(broker.receive(1, 0))
    broker.delete(held)
    broker.delete(str(ids[1]))
    assert packages(broker.receive(5, 0)) == ["c"]
    broker.delete(str(ids[2]))
    assert (broker.queue_size(), broker.lock_size()) == (0, 0)


@pytest.mark.parametrize("receipt", ["", "17", ":x", "x:y", "0644a1f3c9d2e5-5f0c91aa:", "0644a1f3c9d2e5-5f0c91aa"])
def test_what_is_no_receipt_is_refused(make_any_broker: MakeBroker, receipt: str) -> None:
    with pytest.raises(BrokerError, match="no receipt of the MongoDB broker"):
        make_any_broker({}).acknowledge(receipt)


def test_what_cannot_be_read_is_put_aside_and_bounded(broker: MongoBroker) -> None:
    texts = [f"p{number}" for number in range(4)]
    broker.enqueue_many(texts)
    for receipt in receipts(broker.receive(4, 0)):
        broker.fail(receipt)
        broker.fail(receipt)
    assert broker.dead_letters() == texts[::-1]
    broker.purge_queue()
    assert len(broker.dead_letters()) == 4
    broker.delete_queue()
    assert broker.dead_letters() == []


def test_only_the_newest_dead_letters_are_kept(server: MongoServer, make_any_broker: MakeBroker) -> None:
    keys = server.settings()
    broker = make_any_broker(keys)
    broker.enqueue("newest")
    older = [{"_id": str(number), "package": f"p{number}", "order": number} for number in range(DEAD_LETTERS + 2)]
    with MongoClient[Any](HOST, server.port) as client:
        client[keys["mongo_db"]]["djq_main_unreadable"].insert_many(older)
    broker.fail(receipts(broker.receive(1, 0))[0])
    letters = broker.dead_letters()
    assert (letters[0], letters[1], letters[-1]) == ("newest", f"p{DEAD_LETTERS + 1}", "p3")
    assert len(letters) == DEAD_LETTERS


def test_a_dead_letter_that_is_too_large_is_dropped(broker: MongoBroker) -> None:
    broker.enqueue_many(["x" * LARGEST_DEAD_LETTER, "y" * (LARGEST_DEAD_LETTER + 1)])
    for receipt in receipts(broker.receive(2, 0)):
        broker.fail(receipt)
    assert [letter[:1] for letter in broker.dead_letters()] == ["x"]
    assert (broker.queue_size(), broker.lock_size()) == (0, 0)


def test_queues_with_like_names_never_mix(make_broker: MakeBroker) -> None:
    names = ["a_b", "a-b", "a b", "a__b", "$ä.\0", "x" * 300, "x" * 301]
    brokers = [make_broker(list_key=name) for name in names]
    for name, broker in zip(names, brokers, strict=True):
        broker.enqueue(name)
    assert [packages(broker.receive(5, 0)) for broker in brokers] == [[name] for name in names]


def test_a_dropped_queue_has_its_index_again(server: MongoServer, make_any_broker: MakeBroker) -> None:
    keys = server.settings()
    broker = make_any_broker(keys)
    for _ in range(2):
        broker.enqueue("a")
        broker.receive(1, 0)
        with MongoClient[Any](HOST, server.port) as client:
            found = client[keys["mongo_db"]]["djq_main"].index_information().values()
        assert [("due", 1), ("unanswered", 1)] in [index["key"] for index in found]
        broker.delete_queue()


def test_what_somebody_else_wrote_holds_up_nobody(server: MongoServer, make_any_broker: MakeBroker) -> None:
    keys = server.settings()
    broker = make_any_broker(keys)
    strange: list[dict[str, Any]] = [
        {"note": "mine"},
        {"due": 1, "package": "of another id"},
        {"_id": "06614fa180d69d-2b4d80d6", "due": 2},
        {"_id": "06614fa180d69e-2b4d80d6", "due": "soon", "package": 7},
    ]
    with MongoClient[Any](HOST, server.port) as client:
        client[keys["mongo_db"]]["djq_main"].insert_many(strange)
    broker.enqueue_many(["a", "b"])
    taken = broker.receive(2, 0) + broker.receive(1, 0) + broker.receive(1, 0)
    assert packages(taken) == [b"", "a", "b"]
    assert {"a", "b"} <= {each.package for each in broker.peek(10)}
    for receipt in receipts(taken):
        broker.fail(receipt)
    assert set(broker.dead_letters()) == {b"", "a", "b"}


def test_extend_tells_each_lost_lease_apart(broker: MongoBroker) -> None:
    broker.enqueue_many(["a", "b", "c"])
    a, b, c = receipts(broker.receive(3, 0))
    broker.acknowledge(a)
    broker.release([c])
    assert broker.extend([c, b, a, f"{b}x"], 30) == [None, b, None, None]


def test_a_lapsed_lease_can_be_extended_until_another_takes_it(make_broker: MakeBroker) -> None:
    broker = make_broker(lease=0.1)
    broker.enqueue("a")
    held = receipts(broker.receive(1, 0))
    time.sleep(0.2)
    assert broker.queue_size() == 1
    assert broker.extend(held, 30) == held
    assert broker.receive(1, 0) == []


def test_a_release_wakes_who_waits(broker: MongoBroker) -> None:
    broker.enqueue("a")
    held = receipts(broker.receive(1, 0))
    timer = threading.Timer(0.3, lambda: broker.release(held))
    timer.start()
    began = time.monotonic()
    assert packages(broker.receive(1, 5)) == ["a"]
    assert time.monotonic() - began < 3
    timer.join()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_connects_for_itself(broker: MongoBroker, method: str) -> None:
    broker.enqueue("a")
    process = multiprocessing.get_context(method).Process(target=broker.enqueue, args=("b",))  # type: ignore[attr-defined]
    process.start()
    process.join(30)
    assert process.exitcode == 0
    assert packages(broker.receive(5, 0)) == ["a", "b"]


def test_it_tells_where_and_what_it_is(broker: MongoBroker, server: MongoServer) -> None:
    assert broker.info().startswith("MongoDB ")
    assert broker.info().endswith(f"at {HOST}:{server.port}/{broker.options.database}")


def test_who_asks_what_is_kept_may_fork_afterwards(broker: MongoBroker) -> None:
    assert "A task is accepted when" in (broker.durability() or "")
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("pymongo_")] == []


MARK: ContextVar[str] = ContextVar("mark", default="a context of its own")


class Closings(ConnectionPoolListener):
    """Notes in which context the connections of a client are closed."""

    def __init__(self) -> None:
        self.marks: set[str] = set()

    def connection_closed(self, event: Any) -> None:
        self.marks.add(MARK.get())

    pool_created = pool_ready = pool_cleared = pool_closed = lambda self, event: None
    connection_created = connection_ready = connection_checked_out = pool_created
    connection_check_out_started = connection_check_out_failed = connection_checked_in = pool_created


def test_the_garbage_collector_closes_in_a_context_of_its_own(secantus_server: MongoServer) -> None:
    """Else a change of the context that it interrupts is lost, or ends in an error of Python itself."""
    closings = Closings()
    options = MongoBroker.read_options(secantus_server.settings(event_listeners=[closings]))
    broker = MongoBroker(BrokerSettings(options=options))
    assert broker.ping()
    MARK.set("that of the test")
    del broker
    gc.collect()
    assert closings.marks == {"a context of its own"}


def test_a_process_that_ends_without_closing_leaves_no_warning(secantus_server: MongoServer) -> None:
    script = (
        "from django.conf import settings\n"
        "settings.configure()\n"
        "from djq_core.brokers.base import BrokerSettings\n"
        "from djq_mongo.broker import MongoBroker\n"
        f"options = MongoBroker.read_options({secantus_server.settings()!r})\n"
        "broker = MongoBroker(BrokerSettings(options=options))\n"
        "broker.enqueue('a')\n"
        "print([delivery.package for delivery in broker.receive(1, 0)], broker.receive(1, 0.1))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], check=True, timeout=60, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("['a'] []\n", "")
