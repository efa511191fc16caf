"""What a user is told when the file cannot be used, and that the same broker goes on when it can be again."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from djq_acme.broker import AcmeBroker
from djq_core.exceptions import BrokerError


@contextmanager
def somebody_writing(file: Path) -> Iterator[None]:
    """Keep everybody else from writing to the file."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def test_a_file_that_another_writes_for_too_long_is_an_error_in_time(
    make_broker: Callable[..., AcmeBroker], file: Path
) -> None:
    broker = make_broker(timeout=0.2)
    broker.enqueue("a")
    with somebody_writing(file):
        began = time.monotonic()
        with pytest.raises(
            BrokerError, match=r"locked\. Another process wrote for longer than .*'timeout'\] \(0\.2 s\)"
        ):
            broker.enqueue("b")
        assert time.monotonic() - began < 4, "the default is 5"
        assert broker.queue_size() == 1, "who only looks does not wait"
    broker.enqueue("c")
    assert [delivery.package for delivery in broker.receive(5, 0)] == ["a", "c"]


def test_a_folder_that_is_not_there_is_told_with_the_setting(
    make_broker: Callable[..., AcmeBroker], file: Path
) -> None:
    broker = make_broker(file=file.parent / "missing" / "queue.sqlite3")
    for ask in (lambda: broker.enqueue("a"), lambda: broker.receive(1, 0), broker.queue_size):
        with pytest.raises(
            BrokerError, match=r"Is the folder of Q_CLUSTER\['acme'\]\['file'\] there, and may this user"
        ):
            ask()
    assert broker.ping() is False
    assert broker.info().endswith("missing/queue.sqlite3")
    (file.parent / "missing").mkdir()
    broker.enqueue("a")
    assert broker.ping() is True


def test_a_file_of_another_kind_is_told(make_broker: Callable[..., AcmeBroker], file: Path) -> None:
    file.write_text("Dear diary, this is not a database. " * 100)
    with pytest.raises(BrokerError, match=rf"with {file}: file is not a database\. See Q_CLUSTER\['acme'\]\['file'\]"):
        make_broker().enqueue("a")


def test_several_are_sent_all_or_none(make_broker: Callable[..., AcmeBroker]) -> None:
    broker = make_broker()
    with pytest.raises(BrokerError, match="did not do what was asked"):
        broker.enqueue_many(["a", object()])  # type: ignore[list-item]
    assert broker.queue_size() == 0


@pytest.mark.parametrize("text", ["", "17", ":5f0c", "17:", "x:5f0c"])
def test_what_is_no_receipt_is_told(make_broker: Callable[..., AcmeBroker], text: str) -> None:
    broker = make_broker()
    for ask in (
        broker.acknowledge,
        broker.fail,
        lambda text: broker.release([text]),
        lambda text: broker.extend([text], 1),
    ):
        with pytest.raises(BrokerError, match="is no receipt of the Acme broker; one looks like '<id>:<token>'"):
            ask(text)
