"""The monitor, run in this process: save, tell, hook, answer, in that order and whatever fails."""

from __future__ import annotations

import logging
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from djq_core import hookimpl
from djq_core.brokers import BrokerSettings
from djq_core.cluster.answering import ANSWER_TRIES, LAST_ANSWERS
from djq_core.cluster.aside import LONGEST_PAUSE
from djq_core.cluster.callbacks import BATCH
from djq_core.cluster.channels import Channel, Frame, Kind
from djq_core.cluster.monitor import Monitor
from djq_core.envelope import Place, TaskPackage, TaskResult, encode_package, new_id
from djq_core.exceptions import BrokerError, ResultBackendUnavailable
from djq_core.models import Part, Task
from djq_core.results import Stored
from djq_core.runtime import Runtime
from tests.making import MemoryBroker, Shelf, new_shelf, package_of, runtime_of

#: The monitor looks after every connection of its process, those that other tests have opened included.
pytestmark = pytest.mark.django_db(transaction=True)

HERE = __name__
LOG: list[Any] = []


def note(task: Task) -> None:
    LOG.append(("hook", task.name))


def refuse(task: Task) -> None:
    raise PermissionError("not today")


class Listener:
    @hookimpl
    def djq_post_execute(self, task: Mapping[str, Any]) -> None:
        LOG.append(("post_execute", task["name"]))

    @hookimpl
    def djq_task_retried(self, task: Mapping[str, Any], attempt: int, delay: float) -> None:
        LOG.append(("retried", task["name"], attempt))

    @hookimpl
    def djq_task_quarantined(self, task: Mapping[str, Any], reason: str) -> None:
        LOG.append(("quarantined", task["name"], reason))

    @hookimpl
    def djq_process_died(self, role: str, pid: int, task_name: str | None) -> None:
        LOG.append(("died", role, pid, task_name))


class LoggingBroker(MemoryBroker):
    def __init__(self, settings: BrokerSettings | None = None) -> None:
        super().__init__(settings, log=LOG)


class Fencing(LoggingBroker):
    fences_receipts = True


class NoReceipts(LoggingBroker):
    supports_receipts = False


class Full(Shelf):
    """A store that takes nothing, not even a failure."""

    def save_many(self, results: Sequence[TaskResult]) -> Mapping[str, Stored]:
        raise ValueError("The shelf is full.")


def roomy_pair() -> tuple[socket.socket, socket.socket]:
    """Return a pair that takes all that a monitor says in a test, where nobody reads meanwhile."""
    pair = socket.socketpair()
    for end in pair:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    return pair


class Desk:
    """A monitor with the sentinel's ends."""

    def __init__(self, stack: ExitStack, runtime: Runtime, broker: MemoryBroker) -> None:
        self.runtime = runtime
        self.broker = broker
        self.data, their_data = map(Channel, socket.socketpair())
        self.control, their_control = map(Channel, roomy_pair())
        for channel in (self.data, their_data, self.control, their_control):
            stack.callback(channel.close)
        self.monitor = Monitor("m", runtime, broker, their_data, their_control)

    def send(self, seq: int, package: TaskPackage | None = None, text: str | None = None, **header: Any) -> None:
        package = package or package_of(self.runtime, name=f"n{seq}")
        text = encode_package(package) if text is None else text
        about = {
            "id": package.id,
            "name": package.name,
            "func": package.func,
            "receipt": f"r{seq}",
            "attempt": 1,
            "unanswered": 1,
            "fetched": 0.0,
            "split": len(text),
        }
        ended = {"success": True, "serializer": "pickle", "stopped": "2026-01-01T00:00:00+00:00"}
        outcome = {} if "error" in header else ended
        frame = Frame(Kind.RESULT, seq, {**about, **outcome, **header}, text.encode())
        result = b"" if "error" in header else self.runtime.dump(8.0)
        self.data.send(frame._replace(payload=bytes(frame.payload) + result))

    def work(self) -> list[Frame]:
        """Let the monitor do what is there and return what it has told the sentinel."""
        self.data.send(Frame(Kind.STOP))
        return self.finish()

    def finish(self) -> list[Frame]:
        """Let the monitor work until it is told to stop and return what it has told the sentinel."""
        self.monitor.run()
        frames = []
        while (frame := self.control.receive(timeout=0)) is not None:
            frames.append(frame)
        return frames

    def done(self) -> list[int]:
        """Work, and return the numbers that the sentinel may forget."""
        return [seq for frame in self.work() if frame.kind is Kind.DONE for seq in frame.header]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    LOG.clear()
    with ExitStack() as made:
        yield made


def desk_of(stack: ExitStack, shelf: type[Shelf], broker: type[MemoryBroker] = LoggingBroker, **keys: Any) -> Desk:
    runtime = runtime_of(results=shelf, broker=broker, plugins=[Listener()], **keys)
    return Desk(stack, runtime, broker())


def rows(shelf: type[Shelf]) -> list[tuple[bool, Any]]:
    return [(row.success, runtime_of().load(row.serializer, row.result)) for row in shelf.rows.values()]


# In order


def test_a_batch_is_saved_told_and_acknowledged(stack: ExitStack) -> None:
    desk = desk_of(stack, new_shelf(log=LOG))
    desk.send(1)
    desk.send(2)
    frames = desk.work()
    assert [frame.seq for frame in frames if frame.kind is Kind.HOOKING] == [1, 0, 2, 0]
    assert sorted(seq for frame in frames if frame.kind is Kind.DONE for seq in frame.header) == [1, 2]
    assert LOG[0] == ("save", ["n1", "n2"])
    acknowledged = [receipt for what, receipts in LOG[1:] if what == "acknowledge" for receipt in receipts]
    assert acknowledged == ["r1", "r2"]
    assert [entry for entry in LOG if entry[0] == "post_execute"] == [("post_execute", "n1"), ("post_execute", "n2")]
    assert LOG.index(("post_execute", "n1")) < min(n for n, entry in enumerate(LOG) if entry[0] == "acknowledge")


def test_plugins_are_told_how_long_saved_runs_have_waited_and_taken(stack: ExitStack) -> None:
    class Measuring:
        @hookimpl
        def djq_metric(self, name: str, value: float, tags: Mapping[str, str]) -> None:
            LOG.append((name, round(value, 3), tags["outcome"], tags["queue"], tags["func"]))

    desk = Desk(stack, runtime_of(results=new_shelf(log=LOG), plugins=[Measuring()], name="main"), LoggingBroker())
    stopped = "2026-01-01T00:00:00+00:00"  # 1767225600
    desk.send(1, seconds=2.5, stopped=stopped, sent=1767225590.0)
    desk.send(2, seconds=0.5, stopped=stopped, sent=1767225590.0, attempt=2, success=False)
    desk.send(3, error="The worker was killed.")
    assert sorted(desk.done()) == [1, 2, 3]
    assert [entry for entry in LOG if entry[0].startswith("task_")] == [
        ("task_run_seconds", 2.5, "success", "main", "math.pow"),
        ("task_wait_seconds", 7.5, "success", "main", "math.pow"),
        ("task_run_seconds", 0.5, "failure", "main", "math.pow"),
    ]
    assert LOG[0][0] == "save"


def test_a_run_that_is_skipped_is_answered_and_leaves_no_row(stack: ExitStack) -> None:
    shelf = new_shelf(log=LOG)
    desk = desk_of(stack, shelf)
    desk.send(1, package_of(desk.runtime, name="n1", hook=f"{HERE}.note"), error="It would overlap.", skip=True)
    desk.send(2)
    assert sorted(desk.done()) == [1, 2]
    assert [row.package.name for row in shelf.rows.values()] == ["n2"]
    acknowledged = [receipt for what, receipts in LOG if what == "acknowledge" for receipt in receipts]
    assert sorted(acknowledged) == ["r1", "r2"]
    assert not [entry for entry in LOG if "n1" in entry]


def test_a_delivery_with_a_hook_is_acknowledged_after_it(stack: ExitStack) -> None:
    desk = desk_of(stack, new_shelf(log=LOG))
    desk.send(1, package_of(desk.runtime, name="n1", hook=f"{HERE}.note"))
    desk.send(2)
    frames = desk.work()
    calls = [entry for entry in LOG if entry[0] in ("save", "hook", "acknowledge")]
    assert calls[0] == ("save", ["n1", "n2"])
    answered = next(n for n, (what, receipts) in enumerate(calls) if what == "acknowledge" and "r1" in receipts)
    assert calls.index(("hook", "n1")) < answered
    assert [frame.seq for frame in frames if frame.kind is Kind.HOOKING][:2] == [1, 0]
    assert sorted(seq for frame in frames if frame.kind is Kind.DONE for seq in frame.header) == [1, 2]


def test_the_newest_receipt_is_answered(stack: ExitStack) -> None:
    desk = desk_of(stack, new_shelf(log=LOG))
    desk.send(1)
    desk.send(2)
    desk.monitor.receipts.take({2: "renewed", 3: "r3"})
    desk.work()
    acknowledged = [receipt for what, receipts in LOG if what == "acknowledge" for receipt in receipts]
    assert acknowledged == ["r1", "renewed"]


def test_an_end_answers_for_the_last_delivery_of_its_task_and_a_failure_for_its_own(stack: ExitStack) -> None:
    desk = desk_of(stack, new_shelf(), renew_leases=False)
    desk.send(1, newest="again")
    desk.send(2, newest="again too", error="It failed.")
    desk.work()
    answers = [(what, *rest) for what, *rest in LOG if what in ("acknowledge", "release")]
    assert [(what, receipts) for what, receipts, *_ in answers] == [("acknowledge", ["again"]), ("release", ["r2"])]


def test_a_hook_that_raises_is_acknowledged_too(stack: ExitStack) -> None:
    desk = desk_of(stack, new_shelf())
    desk.send(1, package_of(desk.runtime, hook=f"{HERE}.refuse"))
    assert desk.done() == [1]
    assert ("acknowledge", ["r1"]) in LOG


def test_a_hook_that_was_given_up_is_not_called(stack: ExitStack) -> None:
    desk = desk_of(stack, new_shelf())
    desk.send(1, package_of(desk.runtime, hook=f"{HERE}.note"), skips_hook=True)
    assert desk.done() == [1]
    assert [entry for entry in LOG if entry[0] == "hook"] == []


def test_more_than_a_batch_arrives(stack: ExitStack) -> None:
    shelf = new_shelf(log=LOG)
    desk = desk_of(stack, shelf)
    numbers = list(range(1, BATCH + 21))

    def send() -> None:
        for seq in numbers:
            desk.send(seq)
        desk.data.send(Frame(Kind.STOP))

    sender = threading.Thread(target=send)
    sender.start()
    frames = desk.finish()
    sender.join()
    assert sorted(seq for frame in frames if frame.kind is Kind.DONE for seq in frame.header) == numbers
    assert max(len(entry[1]) for entry in LOG if entry[0] == "save") <= BATCH
    assert len(shelf.rows) == len(numbers)


def test_a_broker_without_receipts_is_not_answered(stack: ExitStack) -> None:
    desk = desk_of(stack, new_shelf(), NoReceipts)
    desk.send(1, receipt=None)
    assert desk.done() == [1]
    assert [entry for entry in LOG if entry[0] in ("acknowledge", "release", "fail")] == []


# Failures


def test_a_failure_that_is_tried_again_is_released_with_delay(stack: ExitStack) -> None:
    desk = desk_of(stack, new_shelf(), backoff=7)
    desk.send(1, success=False, attempt=2)
    desk.send(2)
    assert desk.done() == [1, 2]
    assert ("acknowledge", ["r2"]) in LOG
    assert ("release", ["r1"], 7.0, True) in LOG
    assert ("retried", "n1", 2) in LOG


class NoDelay(LoggingBroker):
    supports_delay = False


def test_a_failure_waits_for_the_end_of_its_lease_where_the_broker_cannot_delay(stack: ExitStack) -> None:
    desk = desk_of(stack, new_shelf(), NoDelay, backoff=7)
    desk.send(1, success=False)
    desk.send(2)
    assert desk.done() == [1, 2]
    assert [entry for entry in LOG if entry[0] in ("acknowledge", "release", "fail")] == [("acknowledge", ["r2"])]


def test_a_superseded_failure_changes_nothing_and_is_told(stack: ExitStack, caplog: pytest.LogCaptureFixture) -> None:
    """Its delivery is another cluster's: no row, no hook, no answer. A late success is left to the save."""
    shelf = new_shelf()
    desk = desk_of(stack, shelf, Fencing)
    desk.broker.lost.update(["r1", "r2", "r3", "r5"])
    desk.send(1, package_of(desk.runtime, name="late", hook=f"{HERE}.note"), success=False)
    desk.send(2, package_of(desk.runtime, name="late too"), error="ended by signal 9", crashed=True)
    desk.send(3, package_of(desk.runtime, name="good"))
    desk.send(4, package_of(desk.runtime, name="bad"), success=False)
    desk.send(5, package_of(desk.runtime, name="garbage"), error="unreadable", fail=True)
    assert sorted(desk.done()) == [1, 2, 3, 4, 5]
    assert sorted(row.package.name for row in shelf.rows.values()) == ["bad", "garbage", "good"]
    assert [entry for entry in LOG if entry[0] in ("hook", "extend", "retried")] == [
        ("extend", ["r1", "r2", "r4"], 60.0),
        ("retried", "bad", 1),
    ]
    assert not [entry for entry in LOG if entry[0] == "release" and "r1" in entry[1]]
    assert "Superseded: a failure of [late]" in caplog.text
    assert "Superseded: a failure of [late too]" in caplog.text


def test_a_late_failure_counts_where_leases_are_a_fixed_timer(stack: ExitStack) -> None:
    shelf = new_shelf(log=LOG)
    desk = desk_of(stack, shelf, Fencing, renew_leases=False)
    desk.broker.lost.add("r1")
    desk.send(1, error="It failed.")
    assert desk.done() == [1]
    assert rows(shelf) == [(False, "It failed.")]


def test_the_newest_receipt_tells_whether_a_failure_counts(stack: ExitStack) -> None:
    shelf = new_shelf()
    desk = desk_of(stack, shelf, Fencing)
    desk.broker.lost.add("r1")
    desk.monitor.receipts.take({1: "newer"})
    desk.send(1, success=False)
    assert desk.done() == [1]
    assert len(shelf.rows) == 1


class Changing(Fencing):
    """A broker of which only the last receipt is good."""

    changes_receipts = True

    def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
        valid = super().extend(receipts, seconds)
        self.lost.update(receipts)
        return valid


def test_a_failure_is_answered_by_the_receipt_that_its_renewal_gave(stack: ExitStack) -> None:
    desk = desk_of(stack, new_shelf(), Changing, backoff=7)
    desk.send(1, success=False)
    desk.send(2, success=False)
    desk.monitor.receipts.take({2: "newer"})
    frames = desk.work()
    answered = [receipt for entry in LOG if entry[0] == "release" for receipt in entry[1]]
    assert answered == ["r1+", "newer+"]
    told = [frame.header for frame in frames if frame.kind is Kind.RENEWED]
    assert told == [[[1, "r1", "r1+"], [2, "newer", "newer+"]]], (
        "the sentinel asks, and the next monitor answers, by it"
    )


def test_nothing_is_renewed_while_it_is_answered(stack: ExitStack) -> None:
    is_free: list[bool] = []

    class Watched(Changing):
        def acknowledge_many(self, ids: Sequence[str]) -> None:
            lock = desk.monitor.receipts.in_turn
            is_free.append(lock.acquire(blocking=False))  # type: ignore[attr-defined]
            super().acknowledge_many(ids)

    desk = desk_of(stack, new_shelf(), Watched)
    desk.send(1)
    assert desk.done() == [1]
    assert is_free == [False]


def test_an_error_of_the_sentinel_is_the_result(stack: ExitStack) -> None:
    shelf = new_shelf()
    desk = desk_of(stack, shelf, ack_failures=True)
    desk.send(1, error="The task ran longer than its timeout of 2 s.")
    assert desk.done() == [1]
    assert rows(shelf) == [(False, "The task ran longer than its timeout of 2 s.")]
    assert ("acknowledge", ["r1"]) in LOG


def test_a_task_that_crashed_too_often_is_put_aside(stack: ExitStack) -> None:
    shelf, package = new_shelf(), package_of(runtime_of(), name="poison")
    for attempt in (1, 2):
        desk = desk_of(stack, shelf, max_crashes=2, backoff=0)
        desk.send(attempt, package, error="ended by signal 9", crashed=True, attempt=attempt)
        assert desk.done() == [attempt]
    answers = [entry for entry in LOG if entry[0] != "post_execute"]
    assert answers == [
        ("retried", "poison", 1),
        ("release", ["r1"], 0.0, True),
        ("quarantined", "poison", "ended by signal 9"),
        ("acknowledge", ["r2"]),
    ]


class Leaver(Listener):
    """A plugin that ends its thread wherever it is told of a failure."""

    @hookimpl
    def djq_task_retried(self, task: Mapping[str, Any], attempt: int, delay: float) -> None:
        sys.exit(3)


@pytest.mark.parametrize("plugin", [Leaver(), Listener()])
def test_plugins_are_told_of_a_retry_in_the_thread_of_the_hooks(
    stack: ExitStack, plugin: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    runtime = runtime_of(results=new_shelf(), broker=LoggingBroker, plugins=[plugin], backoff=0)
    desk = Desk(stack, runtime, LoggingBroker())
    desk.send(1, error="no", attempt=1)
    frames = desk.work()
    assert [(frame.seq, frame.header) for frame in frames if frame.kind is Kind.HOOKING] == [(1, True), (0, None)]
    assert [frame.header for frame in frames if frame.kind is Kind.DONE] == [[1]]
    assert ("release", ["r1"], 0.0, True) in LOG
    assert ("failed in djq_task_retried" in caplog.text) is isinstance(plugin, Leaver)


def test_plugins_are_told_of_a_dead_process_in_the_thread_of_the_hooks(stack: ExitStack) -> None:
    desk = desk_of(stack, new_shelf())
    desk.monitor.callbacks.tell_death(["worker", "Process-1:1", 77, -9, "n1"])
    desk.send(1)
    frames = desk.work()
    assert ("died", "worker", 77, "n1") in LOG
    assert [frame.seq for frame in frames if frame.kind is Kind.HOOKING] == [0, 0, 1, 0]


@pytest.mark.parametrize(("header", "answer"), [({"final": True}, "acknowledge"), ({}, "release")])
def test_a_final_failure_is_not_tried_again(stack: ExitStack, header: dict[str, Any], answer: str) -> None:
    desk = desk_of(stack, new_shelf(), backoff=0)
    desk.send(1, error="held by too many", crashed=True, **header)
    assert desk.done() == [1]
    answers = [entry for entry in LOG if entry[0] in ("acknowledge", "release", "fail")]
    assert [(entry[0], entry[1]) for entry in answers] == [(answer, ["r1"])]
    assert (("quarantined", "n1", "held by too many") in LOG) is bool(header)


def test_a_failure_is_final_where_the_broker_keeps_nothing(stack: ExitStack) -> None:
    desk = desk_of(stack, new_shelf(), NoReceipts)
    desk.send(1, receipt=None, error="ended by signal 9", crashed=True)
    assert desk.done() == [1]
    assert [entry[0] for entry in LOG if entry[0] in ("retried", "quarantined")] == ["quarantined"]


def test_what_the_pusher_could_not_read_is_failed_at_the_broker(stack: ExitStack) -> None:
    shelf = new_shelf()
    desk = desk_of(stack, shelf)
    desk.send(1, error="The package was not run: no signature", fail=True)
    assert desk.done() == [1]
    assert ("fail", "r1") in LOG
    assert rows(shelf) == [(False, "The package was not run: no signature")]
    assert [entry[0] for entry in LOG if entry[0] in ("quarantined", "acknowledge", "release")] == ["quarantined"]


def test_an_iter_does_not_wait_for_a_part_that_was_not_accepted(stack: ExitStack) -> None:
    shelf = new_shelf()
    desk = desk_of(stack, shelf)
    whole = new_id()
    parts = [package_of(desk.runtime, place=Place(whole, "iter", number, 2)) for number in range(2)]
    desk.send(1, parts[0])
    desk.send(2, parts[1], error="The package was not run: not accepted", fail=True)
    assert desk.done() == [1, 2]
    assert ("fail", "r2") in LOG
    assert not shelf.rows[whole].success
    assert not Part.objects.filter(result__isnull=False).exists(), "nothing is kept for a part that might come later"


def test_a_package_that_nobody_can_read_keeps_its_name(stack: ExitStack) -> None:
    shelf = new_shelf()
    desk = desk_of(stack, shelf)
    package = package_of(desk.runtime, name="damaged")
    desk.send(1, package, text="no package", error="unreadable", fail=True)
    assert desk.done() == [1]
    (row,) = shelf.rows.values()
    assert (row.package.id, row.package.name, row.package.func) == (package.id, "damaged", "math.pow")


# Refused rows


@pytest.mark.parametrize("count", [1, 2, 7, 16])
def test_a_refused_row_is_halved_until_it_stands_alone(
    stack: ExitStack, count: int, caplog: pytest.LogCaptureFixture
) -> None:
    refused = new_id()
    shelf = new_shelf(refuses=[refused])
    desk = desk_of(stack, shelf)
    position = count // 2
    for seq in range(count):
        desk.send(seq + 1, package_of(desk.runtime, name=f"n{seq}", id=refused if seq == position else None))
    assert sorted(desk.done()) == list(range(1, count + 1))
    assert [row.package.id for row in shelf.rows.values() if not row.success] == [refused]
    assert len(shelf.rows) == count
    reason = desk.runtime.load("pickle", shelf.rows[refused].result)
    assert reason == "The result of math.pow could not be saved: ValueError: The shelf does not take this row."
    assert f"The result of [n{position}] could not be saved" in caplog.text
    acknowledged = {receipt for entry in LOG if entry[0] == "acknowledge" for receipt in entry[1]}
    assert acknowledged == {f"r{seq}" for seq in range(1, count + 1)}


def test_what_cannot_be_saved_at_all_is_given_back(stack: ExitStack, caplog: pytest.LogCaptureFixture) -> None:
    desk = desk_of(stack, Full, retry=90)
    desk.send(1)
    assert desk.done() == [1]
    assert ("release", ["r1"], 90.0, True) in LOG
    assert [entry for entry in LOG if entry[0] == "acknowledge"] == []
    assert "The failure of [n1]" in caplog.text


# Outages


def test_a_store_that_is_away_is_waited_for(stack: ExitStack, caplog: pytest.LogCaptureFixture) -> None:
    shelf = new_shelf(log=LOG, outages=3)
    desk = desk_of(stack, shelf)
    desk.send(1)
    with caplog.at_level(logging.INFO, "djq"):
        frames = desk.work()
    assert [frame for frame in frames if frame.kind is not Kind.HOOKING] == [
        Frame(Kind.READY),
        Frame(Kind.STORE, header=False),
        Frame(Kind.STORE, header=True),
        Frame(Kind.SAVED, header=[1]),
        Frame(Kind.DONE, header=[1]),
    ]
    assert [entry[0] for entry in LOG][:3] == ["save", "post_execute", "acknowledge"]
    assert caplog.text.count("m cannot save: The shelf is away.") == 1
    assert "m saves again" in caplog.text


def test_a_cache_that_is_away_delays_cached_results_alone(stack: ExitStack, caplog: pytest.LogCaptureFixture) -> None:
    shelf = new_shelf(log=LOG)

    class Cache(new_shelf(log=LOG)):  # type: ignore[misc]
        def save_many(self, results: Sequence[TaskResult]) -> Mapping[str, Stored]:
            if len(shelf.rows) < 3:
                raise ResultBackendUnavailable("The cache is away.")
            return super().save_many(results)  # type: ignore[no-any-return]

    class Answered(LoggingBroker):
        def acknowledge_many(self, ids: Sequence[str]) -> None:
            super().acknowledge_many(ids)
            if "r2" in ids:  # some time later
                desk.send(3, package_of(runtime, name="n3", cached=True))
                desk.send(4)
                desk.send(5, success=False)
                desk.data.send(Frame(Kind.STOP))

    runtime = runtime_of(results=shelf, cache_results=Cache, broker=Answered, backoff=3)
    desk = Desk(stack, runtime, Answered())
    desk.send(1, package_of(runtime, name="n1", cached=True, hook=f"{HERE}.note"))
    desk.send(2)
    with caplog.at_level(logging.INFO, "djq"):
        frames = desk.finish()
    assert [entry[1] for entry in LOG if entry[0] == "save"] == [["n2"], ["n4", "n5"], ["n1"], ["n3"]]
    assert [seq for frame in frames if frame.kind is Kind.DONE for seq in frame.header] == [2, 4, 5, 3, 1]
    assert not [frame for frame in frames if frame.kind is Kind.STORE], "what is not saved counts as held"
    assert ("hook", "n1") in LOG
    assert caplog.text.count("m cannot save: The cache is away.") == 1
    assert caplog.text.count("m saves again") == 1


def test_a_database_that_is_away_is_waited_for_beside_a_cache_that_is(
    stack: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    shelf, cache = new_shelf(log=LOG, outages=2), new_shelf(log=LOG, outages=3)
    runtime = runtime_of(results=shelf, cache_results=cache, broker=LoggingBroker)
    desk = Desk(stack, runtime, LoggingBroker())
    desk.send(1, package_of(runtime, name="n1", cached=True))
    desk.send(2)
    frames = desk.work()
    assert [frame.header for frame in frames if frame.kind is Kind.STORE] == [False, True]
    assert [entry[1] for entry in LOG if entry[0] == "save"] == [["n2"], ["n1"]]
    assert caplog.text.count("m cannot save: The shelf is away.") == 2


def test_nothing_beyond_the_limit_is_kept_once_all_is_quiet(stack: ExitStack) -> None:
    class Telling(new_shelf(log=LOG)):  # type: ignore[misc]
        def prune(self, keep: int, **only: str | None) -> None:
            super().prune(keep, **only)
            desk.data.send(Frame(Kind.STOP))

    desk = desk_of(stack, Telling, save_limit=100)
    desk.send(1)
    desk.finish()
    assert [entry for entry in LOG if entry[0] == "prune"] == [("prune", 100)]


def test_a_monitor_ends_well_where_it_cannot_prune(stack: ExitStack, caplog: pytest.LogCaptureFixture) -> None:
    class Locked(new_shelf(log=LOG)):  # type: ignore[misc]
        def prune(self, keep: int, **only: str | None) -> None:
            raise ResultBackendUnavailable("The shelf is locked.")

    desk = desk_of(stack, Locked, save_limit=100)
    desk.send(1)
    with caplog.at_level(logging.INFO, "djq"):
        assert desk.done() == [1]
    assert "m could not prune the successful tasks, and tries again: The shelf is locked." in caplog.text
    assert "stopped monitoring" in caplog.text


def test_what_cannot_be_pruned_is_not_tried_with_every_result(
    stack: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    class Locked(new_shelf(log=LOG)):  # type: ignore[misc]
        def save_many(self, results: Any) -> Any:
            first = len(self.rows) + len(results) + 1
            for seq in range(first, first + 12) if first < 60 else ():
                desk.send(seq)
            return super().save_many(results)

        def prune(self, keep: int, **only: str | None) -> None:
            if len(self.rows) > 50:
                desk.data.send(Frame(Kind.STOP))
            raise ResultBackendUnavailable("The shelf is locked.")

    desk = desk_of(stack, Locked, save_limit=1)
    for seq in range(1, 13):
        desk.send(seq)
    desk.finish()
    assert caplog.text.count("could not prune") == 3, "the first, the one when all is quiet, and the one of the stop"


def test_a_broker_that_is_away_is_asked_again(stack: ExitStack, caplog: pytest.LogCaptureFixture) -> None:
    desk = desk_of(stack, new_shelf())
    desk.broker.failures = 2
    desk.send(1)
    assert desk.done() == [1]
    assert LOG.count(("acknowledge", ["r1"])) == 1
    assert caplog.text.count("m cannot answer the broker: The memory is away.") == 2


class Refusing(LoggingBroker):
    """A broker that is there and takes no answer."""

    def ping(self) -> bool:
        return True

    def acknowledge_many(self, ids: Sequence[str]) -> None:
        LOG.append("refused")
        raise PermissionError("Read-only.")


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let nobody sleep, as if the time had passed all the same, and give what was to be slept."""
    slept: list[float] = []
    monotonic = time.monotonic
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + sum(slept))
    return slept


def test_a_broker_that_is_there_and_refuses_is_asked_a_few_times_only(
    stack: ExitStack, naps: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    desk = desk_of(stack, new_shelf(), Refusing)
    desk.send(1)
    assert desk.done() == [1]
    assert LOG.count("refused") == ANSWER_TRIES
    assert 1 < sum(naps) < 60
    assert "m leaves 1 deliveries to the end of their lease" in caplog.text


class LongAway(LoggingBroker):
    """A broker that is away for longer than one that refuses would be asked; then it lets the monitor stop."""

    end: Channel | None = None

    def acknowledge_many(self, ids: Sequence[str]) -> None:
        super().acknowledge_many(ids)
        if self.end is not None:
            self.end.send(Frame(Kind.STOP))


def test_a_broker_that_is_away_is_asked_until_it_is_back(stack: ExitStack, naps: list[float]) -> None:
    desk = desk_of(stack, new_shelf(), LongAway)
    desk.broker.failures, desk.broker.end = 3 * ANSWER_TRIES, desk.data  # type: ignore[attr-defined]
    desk.send(1)
    assert [frame.header for frame in desk.finish() if frame.kind is Kind.DONE] == [[1]]
    assert LOG.count(("acknowledge", ["r1"])) == 1
    assert len(naps) >= 3 * ANSWER_TRIES
    assert max(naps) <= LONGEST_PAUSE


def left(caplog: pytest.LogCaptureFixture) -> int:
    """Return how many deliveries were left to the end of their lease, one after another or together."""
    return sum(int(count) for count in re.findall(r"m leaves (\d+) deliveries to the end of their lease", caplog.text))


def test_a_stop_waits_a_few_seconds_for_a_broker_that_is_away(
    stack: ExitStack, naps: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    desk = desk_of(stack, new_shelf(), LongAway)
    desk.broker.failures = 30 * ANSWER_TRIES
    desk.send(1)
    desk.send(2, success=False)
    assert desk.done() == [1, 2]
    assert LAST_ANSWERS <= sum(naps) < LAST_ANSWERS + LONGEST_PAUSE
    assert left(caplog) == 2
    assert [entry for entry in LOG if entry[0] in ("acknowledge", "release")] == []


def test_what_waits_for_its_broker_hears_of_a_stop(
    stack: ExitStack, naps: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    """It reads no results then, and the stop comes after them; what they say is saved, and no broker asked any more."""

    class Away(LoggingBroker):
        tries = 0

        def acknowledge_many(self, ids: Sequence[str]) -> None:
            self.tries += 1
            if self.tries == 3 * ANSWER_TRIES:
                for seq in (2, 3):
                    desk.send(seq)
                desk.data.send(Frame(Kind.STOP))
                desk.monitor.hurry()
            super().acknowledge_many(ids)

    shelf = new_shelf()
    desk = desk_of(stack, shelf, Away)
    desk.broker.failures = 1000
    desk.send(1)
    frames = desk.finish()
    assert [seq for frame in frames if frame.kind is Kind.DONE for seq in frame.header] == [1, 2, 3]
    assert [row.package.name for row in shelf.rows.values()] == ["n1", "n2", "n3"]
    assert left(caplog) == 3
    assert caplog.text.count("cannot answer") < 4 * ANSWER_TRIES, "once it is given up, it is not asked for the others"


def test_the_sentinel_s_end_stops_the_monitor_when_all_is_saved(stack: ExitStack) -> None:
    shelf = new_shelf()
    desk = desk_of(stack, shelf)
    desk.send(1)
    desk.data.close()
    desk.monitor.run()
    assert len(shelf.rows) == 1
    assert ("acknowledge", ["r1"]) in LOG


# Chains


def test_the_next_link_is_enqueued_on_its_own_queue(stack: ExitStack) -> None:
    desk = desk_of(stack, new_shelf())
    link = package_of(desk.runtime, name="link", cluster="other")
    desk.send(1, package_of(desk.runtime, chain=(link,)))
    assert desk.done() == [1]
    queue = desk.runtime.shared_broker("other")
    assert isinstance(queue, MemoryBroker)
    assert len(queue.queue) == 1


class NoSending(LoggingBroker):
    """A broker that takes answers and no packages."""

    def enqueue(self, package: Any) -> str | None:
        raise BrokerError("The memory is full.")


def test_a_stop_leaves_a_link_that_cannot_be_sent_to_the_next_delivery(stack: ExitStack, naps: list[float]) -> None:
    runtime = runtime_of(broker=NoSending)
    desk = Desk(stack, runtime, NoSending())
    for seq in (1, 2):
        desk.send(seq, package_of(runtime, name=f"n{seq}", chain=(package_of(runtime, name="link"),)))
    desk.send(3)
    assert sorted(desk.done()) == [1, 2, 3]
    assert set(Task.objects.values_list("name", flat=True)) == {"n1", "n2", "n3"}
    assert [entry for entry in LOG if entry[0] == "acknowledge"] == [("acknowledge", ["r3"])]
    assert LAST_ANSWERS <= sum(naps) < LAST_ANSWERS + LONGEST_PAUSE, "for all of them together"


def test_a_link_that_nobody_would_send_later_is_waited_for(stack: ExitStack, naps: list[float]) -> None:
    class BackAgain(NoSending):
        supports_receipts = False

        def enqueue(self, package: Any) -> str | None:
            return super().enqueue(package) if sum(naps) < 3 * LAST_ANSWERS else LoggingBroker.enqueue(self, package)

    runtime = runtime_of(broker=BackAgain)
    desk = Desk(stack, runtime, BackAgain())
    desk.send(1, package_of(runtime, chain=(package_of(runtime, name="link"),)), receipt=None)
    desk.monitor.hurry()
    assert desk.done() == [1]
    assert [entry for entry in LOG if entry[0] == "enqueue"] == [("enqueue",)]
