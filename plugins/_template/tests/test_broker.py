"""What this broker promises beyond the contract."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable

from djq_acme.broker import AcmeBroker
from djq_acme.connection import Connection


def test_a_package_can_be_deleted_by_its_tracking_id(make_broker: Callable[..., AcmeBroker]) -> None:
    broker = make_broker()
    waiting, held = broker.enqueue_many(["a", "b"])
    broker.delete(str(waiting))
    assert [delivery.package for delivery in broker.receive(5, 0)] == ["b"]
    broker.delete(str(held))
    assert (broker.queue_size(), broker.lock_size()) == (0, 0)


def test_text_stays_text_and_bytes_stay_bytes(make_broker: Callable[..., AcmeBroker]) -> None:
    broker = make_broker()
    broker.enqueue_many(["signed:text", b"\x00\xff"])
    assert [delivery.package for delivery in broker.receive(5, 0)] == ["signed:text", b"\x00\xff"]


def test_many_may_be_the_first_to_use_the_file(make_broker: Callable[..., AcmeBroker]) -> None:
    brokers = [make_broker() for _ in range(8)]
    together = threading.Barrier(len(brokers))
    errors: list[Exception] = []

    def send(broker: AcmeBroker) -> None:
        together.wait()
        try:
            broker.enqueue("a")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=send, args=[broker]) for broker in brokers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert brokers[0].queue_size() == len(brokers)


def test_a_fork_opens_the_file_for_itself(make_broker: Callable[..., AcmeBroker]) -> None:
    broker = make_broker()
    broker.enqueue("a")
    child = multiprocessing.get_context("fork").Process(target=send_from_a_fork, args=[broker, broker._connection])
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert [delivery.package for delivery in broker.receive(5, 0)] == ["a", "b"]


def send_from_a_fork(broker: AcmeBroker, of_parent: Connection) -> None:
    assert broker._connection is not of_parent
    broker.enqueue("b")


def test_what_is_accepted_is_on_the_disk(make_broker: Callable[..., AcmeBroker]) -> None:
    make_broker().enqueue("a")
    with make_broker()._connection.reading() as sqlite:
        told = [sqlite.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert told == ["delete", 2]
