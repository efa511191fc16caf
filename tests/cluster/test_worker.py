"""The loop of a worker, run in this process: order, tickets, time and signals."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from djq_core.cluster.channels import Channel, Frame, Kind, Peer
from djq_core.cluster.deadlines import TIME_IS_UP
from djq_core.cluster.executor import Executor, Tools
from djq_core.cluster.faults import Faults
from djq_core.cluster.tickets import Record, TicketReader, Tickets
from djq_core.cluster.worker import Worker
from djq_core.envelope import encode_package
from tests.harness.waiting import wait_until
from tests.making import package_of, runtime_of

HERE = __name__
CONTEXT = multiprocessing.get_context()
SIGNALS = (signal.SIGINT, signal.SIGTERM, TIME_IS_UP, signal.SIGALRM, signal.SIGCHLD, signal.SIGHUP, signal.SIGUSR1)
STOP = Frame(Kind.STOP)


# Tasks


def signal_self(number: int, after: float = 0.0) -> str:
    """Be sent a signal in the middle of the task."""
    time.sleep(after)
    os.kill(os.getpid(), number)
    return "lived"


def catch_everything(after: float) -> str:
    try:
        return signal_self(TIME_IS_UP, after)
    except Exception:
        return "caught"


def spoil_handlers() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 30)


def handlers() -> list[bool]:
    """Tell which handlers are not the platform's own, and whether a timer runs."""
    return [callable(signal.getsignal(number)) for number in SIGNALS[:3]] + [
        signal.getitimer(signal.ITIMER_REAL)[0] > 0
    ]


# The test's side


class Desk:
    """A worker with the sentinel's ends of everything it has."""

    def __init__(self, stack: ExitStack) -> None:
        self.runtime = runtime_of()
        ours, theirs = socket.socketpair()
        self.peer, self.channel = Peer(ours), Channel(theirs)
        self.tickets = stack.enter_context(closing(Tickets(CONTEXT)))
        self.record = Record(CONTEXT)
        stack.callback(self.channel.close)
        stack.callback(self.peer.close)

    def send(self, ticket: int, func: str = "math.sqrt", *args: Any, timeout: float | None = None) -> None:
        text = encode_package(package_of(self.runtime, func, args))
        self.peer.send(
            Frame(Kind.TASK, ticket, {"name": f"n{ticket}", "timeout": timeout, "attempt": 1}, text.encode())
        )

    def work(self, *, timeout: float | None = None, rss: Callable[[], int] | None = None) -> list[Frame]:
        """Let the worker do what is there and return what it has sent."""
        executor = Executor(Tools.of(self.runtime, lambda: None))
        reader = TicketReader(self.tickets.reader)
        own: dict[str, Any] = {"timeout": timeout, "faults": Faults(), "rss": rss}
        worker = Worker("w", executor, self.channel, reader, self.record, **own)
        worker.listen()
        worker.run()
        return self.peer.read()

    def run_one(
        self, func: str, *args: Any, own: float | None = None, timeout: float | None = None
    ) -> tuple[bool, Any]:
        """Run one task and return its success and value."""
        self.tickets.put([1])
        self.send(1, func, *args, timeout=own)
        self.peer.send(STOP)
        _, frame = self.work(timeout=timeout)
        return frame.header["success"], self.runtime.load("pickle", bytes(frame.payload))


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Give a worker's surroundings, and this process its own signal handlers back."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    with ExitStack() as stack:
        yield Desk(stack)
    for number, handler in before.items():
        signal.signal(number, handler)


# Order


def test_each_result_is_handed_up_with_what_the_sentinel_wants_to_know(desk: Desk) -> None:
    desk.tickets.put([1, 2])
    desk.send(1, "math.sqrt", 4)
    desk.send(2, "math.sqrt", -1)
    desk.peer.send(STOP)
    ready, first, second = desk.work(rss=lambda: 4096)
    assert ready == Frame(Kind.READY)
    assert [(frame.kind, frame.seq, frame.header["success"]) for frame in (first, second)] == [
        (Kind.RESULT, 1, True),
        (Kind.RESULT, 2, False),
    ]
    assert desk.runtime.load(first.header["serializer"], bytes(first.payload)) == 2.0
    assert 0 <= first.header["seconds"] < 1
    assert first.header["rss"] == 4096
    assert first.header["stopped"].endswith("+00:00")


def test_each_result_is_written_before_the_next_task_starts(desk: Desk) -> None:
    desk.tickets.put([1, 2])
    desk.send(1, "math.sqrt", 4)
    desk.send(2, f"{HERE}.signal_self", int(signal.SIGUSR1))
    desk.peer.send(STOP)
    seen: list[list[int]] = []
    signal.signal(signal.SIGUSR1, lambda *_: seen.append([frame.seq for frame in desk.peer.read()]))
    desk.work()
    assert seen == [[0, 1]]


def test_the_record_tells_what_runs_and_nothing_afterwards(desk: Desk) -> None:
    seen: list[tuple[int, float]] = []
    signal.signal(signal.SIGUSR1, lambda *_: seen.append(desk.record.read()))
    desk.tickets.put([41])
    desk.send(41, f"{HERE}.signal_self", int(signal.SIGUSR1))
    desk.peer.send(STOP)
    begun = time.monotonic()
    desk.work()
    assert desk.record.read()[0] == 0
    ((ticket, started),) = seen
    assert ticket == 41
    assert begun <= started <= time.monotonic()


def test_tasks_that_were_called_back_are_not_run(desk: Desk) -> None:
    desk.tickets.put([1, 2])
    assert desk.tickets.take_all() == [1, 2]
    desk.tickets.put([3])
    for ticket in (1, 2, 3):
        desk.send(ticket, "math.sqrt", 4)
    desk.peer.send(STOP)
    assert [frame.seq for frame in desk.work()] == [0, 3]


def test_a_worker_ends_when_the_sentinel_is_gone_before_it_begins(desk: Desk) -> None:
    desk.peer.close()
    assert desk.work() == []


def test_a_worker_ends_when_the_sentinel_goes_during_a_task(desk: Desk) -> None:
    signal.signal(signal.SIGUSR1, lambda *_: desk.peer.close())
    desk.tickets.put([1, 2])
    for ticket in (1, 2):
        desk.send(ticket, f"{HERE}.signal_self", int(signal.SIGUSR1))
    assert desk.work() == []
    assert desk.tickets.take_all() == [2]


# Time


def test_a_task_that_runs_too_long_is_told_so(desk: Desk) -> None:
    success, text = desk.run_one(f"{HERE}.signal_self", int(TIME_IS_UP), 0.15, timeout=0.1)
    assert not success
    assert text.startswith("TimeLimitExceeded: The task ran longer than its timeout of 0.1 s.")
    assert "in signal_self" in text
    assert "djq_core" not in text.partition("File")[2].partition("signal_self")[0]


def test_a_task_that_catches_exceptions_does_not_catch_this_one(desk: Desk) -> None:
    success, text = desk.run_one(f"{HERE}.catch_everything", 0.15, timeout=0.1)
    assert not success
    assert text.startswith("TimeLimitExceeded")


def test_the_task_s_own_timeout_comes_first(desk: Desk) -> None:
    assert desk.run_one(f"{HERE}.signal_self", int(TIME_IS_UP), 0.15, own=30.0, timeout=0.1) == (True, "lived")


@pytest.mark.parametrize("number", [TIME_IS_UP, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("timeout", [None, 30.0])
def test_a_signal_in_time_changes_nothing(desk: Desk, number: int, timeout: float | None) -> None:
    assert desk.run_one(f"{HERE}.signal_self", int(number), timeout=timeout) == (True, "lived")


def test_a_worker_that_is_ended_in_its_task_says_farewell(desk: Desk) -> None:
    heard, said = CONTEXT.Pipe(duplex=False)

    def be_ended() -> None:
        executor, reader = Executor(Tools.of(desk.runtime, lambda: None)), TicketReader(desk.tickets.reader)
        worker = Worker("w", executor, desk.channel, reader, desk.record, timeout=0.1, faults=Faults())
        worker.listen(lambda: said.send("farewell"))
        worker.run()

    desk.tickets.put([1])
    desk.send(1, f"{HERE}.signal_self", int(signal.SIGTERM), 0.2)
    child = multiprocessing.get_context("fork").Process(target=be_ended)
    child.start()
    child.join(10)
    assert child.exitcode == -signal.SIGTERM
    assert heard.poll()
    assert heard.recv() == "farewell"
    heard.close()
    said.close()


def test_a_signal_between_two_tasks_changes_nothing(desk: Desk) -> None:
    def send() -> None:
        """Signal once the worker listens, and stop it only then: without its handlers a signal would end the tests."""
        wait_until(lambda: all(callable(signal.getsignal(number)) for number in (TIME_IS_UP, signal.SIGTERM)), 10, "it")
        for number in SIGNALS[:3]:
            os.kill(os.getpid(), number)
        time.sleep(0.1)
        desk.peer.send(STOP)

    sender = threading.Thread(target=send)
    sender.start()
    assert desk.work(timeout=0.01) == [Frame(Kind.READY)]
    sender.join()


def test_handlers_that_a_task_changed_are_put_back(desk: Desk) -> None:
    desk.tickets.put([1, 2])
    desk.send(1, f"{HERE}.spoil_handlers")
    desk.send(2, f"{HERE}.handlers")
    desk.peer.send(STOP)
    _, first, second = desk.work()
    assert (first.header["success"], second.header["success"]) == (True, True)
    assert desk.runtime.load("pickle", bytes(second.payload)) == [True, True, True, False]
