"""Tickets and records: which task a worker owns, and which it runs."""

from __future__ import annotations

import itertools
import multiprocessing
import sys
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from djq_core.cluster.tickets import Record, TicketReader, Tickets

CONTEXT = multiprocessing.get_context()


@pytest.fixture
def tickets() -> Iterator[Tickets]:
    with closing(Tickets(CONTEXT)) as made:
        yield made


@pytest.fixture
def impatient() -> Iterator[None]:
    """Let threads take turns as often as Python can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def test_a_worker_takes_tickets_in_order(tickets: Tickets) -> None:
    reader = TicketReader(tickets.reader)
    tickets.put([3, 4, 9])
    assert [reader.admits(ticket) for ticket in (3, 4, 9)] == [True] * 3
    assert tickets.take_all() == []


def test_a_task_without_a_ticket_is_not_admitted(tickets: Tickets) -> None:
    assert not TicketReader(tickets.reader).admits(1)


def test_tasks_that_were_called_back_are_passed_over(tickets: Tickets) -> None:
    reader = TicketReader(tickets.reader)
    tickets.put([1, 2, 3])
    assert reader.admits(1)
    assert tickets.take_all() == [2, 3]
    assert not reader.admits(2)
    tickets.put([4, 5])
    assert [reader.admits(ticket) for ticket in (3, 4, 5)] == [False, True, True]


def test_tasks_called_back_before_the_first_start_are_passed_over(tickets: Tickets) -> None:
    reader = TicketReader(tickets.reader)
    tickets.put([1, 2])
    assert tickets.take_all() == [1, 2]
    tickets.put([7])
    assert [reader.admits(ticket) for ticket in (1, 2, 7)] == [False, False, True]


@pytest.mark.usefixtures("impatient")
def test_each_ticket_has_one_owner_however_they_race(tickets: Tickets) -> None:
    """The sentinel calls tasks back while the worker starts them; in every second batch, before it starts the rest."""
    reader, started, called_back = TicketReader(tickets.reader), set[int](), list[int]()
    batches = [range(first, first + 20) for first in range(1, 6001, 20)]
    offered, begun, called = (threading.Semaphore(0) for _ in range(3))

    def work() -> None:
        for number, batch in enumerate(batches):
            offered.acquire()
            first, rest = batch[: number % 20], batch[number % 20 :]
            started.update(filter(reader.admits, first))
            begun.release()
            if number % 2:
                called.acquire()
            started.update(filter(reader.admits, rest))

    worker = threading.Thread(target=work)
    worker.start()
    for number, batch in enumerate(batches):
        tickets.put(batch)
        offered.release()
        begun.acquire()
        called_back += tickets.take_all()
        if number % 2:
            called.release()
    worker.join()
    called_back += tickets.take_all()
    assert started
    assert called_back
    assert len(called_back) == len(set(called_back))
    assert started.isdisjoint(called_back)
    assert started | set(called_back) == set(range(1, 6001))


def test_a_record_tells_what_runs() -> None:
    record = Record(CONTEXT)
    assert record.read() == (0, 0.0)
    record.begin(2**40, 12.5)
    assert record.read() == (2**40, 12.5)
    record.clear()
    assert record.read()[0] == 0


@pytest.mark.usefixtures("impatient")
def test_a_record_never_pairs_a_task_with_the_start_of_another() -> None:
    record, over, seen = Record(CONTEXT), threading.Event(), set[int]()

    def write() -> None:
        for seq in itertools.cycle(range(1, 30_000)):
            record.begin(seq, float(seq))
            if over.is_set():
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(seen) < 50:
            seq, started = record.read()
            assert seq in (0, int(started))
            seen.add(seq)
    finally:
        over.set()
        writer.join()
