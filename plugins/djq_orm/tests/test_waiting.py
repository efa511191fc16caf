"""A waiting broker: how soon it wakes, and what its waiting costs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

import pytest
from django.db import connections, transaction

from djq_orm.broker import OrmBroker
from djq_orm.stores.postgresql import channel

MakeBroker = Callable[..., OrmBroker]

#: Where something tells that the queue has changed; MariaDB is asked at an interval.
with_a_bell = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@contextmanager
def elsewhere(act: Callable[[], object], after: float = 0.2) -> Iterator[list[float]]:
    """Act from another thread, over its own connection; the list gets the time at which that was done."""
    done: list[float] = []

    def run() -> None:
        time.sleep(after)
        act()
        done.append(time.monotonic())
        connections["queue"].close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield done
    finally:
        thread.join()


@contextmanager
def counted() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(execute: Callable[..., object], sql: str, *rest: object) -> object:
        statements.append(sql)
        return execute(sql, *rest)

    with connections["queue"].execute_wrapper(note):
        yield statements


def latency(broker: OrmBroker, sender: OrmBroker) -> float:
    """Return the seconds between the end of an enqueue and the end of the receive that it woke."""
    assert broker.receive(1, 0.05) == []
    with elsewhere(lambda: sender.enqueue("x")) as done:
        (delivery,) = broker.receive(1, 3)
        arrived = time.monotonic()
    broker.acknowledge(str(delivery.receipt))
    return arrived - done[0]


@with_a_bell
def test_a_new_package_wakes_in_a_tenth_of_a_second(alias: str, make_broker: MakeBroker) -> None:
    broker, sender = make_broker(), make_broker()
    assert median(latency(broker, sender) for _ in range(7)) < 0.1


@with_a_bell
@pytest.mark.slow
def test_idle_costs_one_query_per_five_seconds(broker: OrmBroker) -> None:
    assert broker.receive(10, 0.1) == []
    seconds = 10.5
    began, spent = time.monotonic(), time.process_time()
    with counted() as statements:
        while time.monotonic() - began < seconds:
            assert broker.receive(10, 1.0) == []
    assert len(statements) <= seconds / 5
    assert statements, "the fallback look is missing"
    assert (time.process_time() - spent) / seconds < 0.02


def test_a_commit_wakes_not_the_statement(postgres_alias: str, make_broker: MakeBroker) -> None:
    broker, sender = make_broker(), make_broker()

    def send_slowly() -> None:
        with transaction.atomic(using="queue"):
            sender.enqueue("x")
            time.sleep(0.4)

    assert broker.receive(1, 0.05) == []
    with elsewhere(send_slowly, after=0.0) as done:
        (delivery,) = broker.receive(1, 3)
        arrived = time.monotonic()
    assert delivery.package == "x"
    assert abs(arrived - done[0]) < 0.1


def test_a_release_for_later_is_noticed_by_others(alias: str, make_broker: MakeBroker) -> None:
    broker, holder = make_broker(), make_broker()
    holder.enqueue("x")
    (held,) = holder.receive(1, 0)
    assert broker.receive(1, 0.05) == []
    with elsewhere(lambda: holder.release([str(held.receipt)], delay=0.5)) as done:
        (delivery,) = broker.receive(1, 3)
        arrived = time.monotonic()
    assert delivery.package == "x"
    assert 0.4 < arrived - done[0] < 0.7


@with_a_bell
def test_a_release_wakes_others(alias: str, make_broker: MakeBroker) -> None:
    broker, holder = make_broker(), make_broker()
    holder.enqueue("x")
    (held,) = holder.receive(1, 0)
    assert broker.receive(1, 0.05) == []
    with elsewhere(lambda: holder.release([str(held.receipt)])) as done:
        assert len(broker.receive(1, 3)) == 1
        arrived = time.monotonic()
    assert arrived - done[0] < 0.1


def test_another_queue_does_not_wake(postgres_alias: str, make_broker: MakeBroker) -> None:
    broker, other = make_broker(), make_broker("other")
    assert broker.receive(1, 0.1) == []
    with elsewhere(lambda: other.enqueue("x"), after=0.1), counted() as statements:
        assert broker.receive(1, 0.6) == []
    assert statements == []


@with_a_bell
def test_what_the_same_connection_sends_is_noticed(alias: str, make_broker: MakeBroker) -> None:
    broker, sender = make_broker(), make_broker()
    assert broker.receive(1, 0.05) == []
    sender.enqueue("x")
    began = time.monotonic()
    assert len(broker.receive(1, 2)) == 1
    assert time.monotonic() - began < 1.5


def test_poll_is_the_interval_where_it_is_set(alias: str, make_broker: MakeBroker) -> None:
    broker, sender = make_broker(poll=0.6), make_broker()
    assert broker.receive(1, 0.05) == []
    with elsewhere(lambda: sender.enqueue("x"), after=0.0), counted() as statements:
        began = time.monotonic()
        assert len(broker.receive(1, 3)) == 1
    assert 0.4 < time.monotonic() - began < 2.5
    assert len(statements) <= 5  # one look, then BEGIN, SELECT, UPDATE, COMMIT


def test_a_lost_listening_connection_is_made_again(postgres_alias: str, make_broker: MakeBroker) -> None:
    broker, sender = make_broker(), make_broker()
    assert broker.receive(1, 0.05) == []
    end_listeners()
    assert broker.receive(1, 0.3) == []
    assert latency(broker, sender) < 1.5


def test_a_deaf_bell_costs_one_interval_at_most(postgres_alias: str, make_broker: MakeBroker) -> None:
    broker = make_broker()
    assert broker.receive(1, 0.05) == []
    with connections["queue"].cursor() as cursor:
        cursor.execute(
            'INSERT INTO djq_orm_ormq ("key", payload, due, deliveries, unanswered) '
            "VALUES ('main', 'silent', 0, 0, 0)"
        )
    began = time.monotonic()
    assert broker.receive(1, 8)[0].package == "silent"
    assert time.monotonic() - began < 7
    assert latency(broker, make_broker()) < 1.5


def test_notifications_in_a_burst_are_one_wake_up(postgres_alias: str, make_broker: MakeBroker) -> None:
    broker, sender = make_broker(), make_broker()
    assert broker.receive(1, 0.05) == []
    for number in range(50):
        sender.enqueue(f"p{number}")
    time.sleep(0.1)
    with counted() as statements:
        assert len(broker.receive(100, 1)) == 50
        assert broker.receive(100, 0.1) == []
    assert len(statements) == 3


def test_a_channel_is_a_short_name_of_its_queue() -> None:
    assert channel("a") != channel("b")
    assert len(channel("ü" * 100)) < 64


def end_listeners() -> None:
    with connections["queue"].cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
        assert len(cursor.fetchall()) == 1
