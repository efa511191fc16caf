"""The pusher, run in this process: fetches no more than it may, hands over what it can read and what it cannot."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from djq_core.brokers import Delivery
from djq_core.cluster.channels import Channel, Frame, Kind
from djq_core.cluster.overlaps import SCHEDULE
from djq_core.cluster.pusher import FETCH_MOST, Pusher
from djq_core.envelope import STAT, TASK, decode_package, encode_package
from djq_core.models import Schedule
from djq_core.runtime import Runtime
from tests.making import MemoryBroker, Reporter, new_reporter, package_of, runtime_of, wait_until


class Desk:
    """A pusher in a thread of this process, with the sentinel's ends."""

    def __init__(self, runtime: Runtime, broker: MemoryBroker) -> None:
        self.runtime = runtime
        self.broker = broker
        self.data, self._their_data = map(Channel, socket.socketpair())
        self.control, self._their_control = map(Channel, socket.socketpair())
        self.pusher = Pusher("p", runtime, broker, self._their_data, self._their_control)
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.pusher.run()
        for connection in connections.all(initialized_only=True):
            BaseDatabaseWrapper.close(connection)  # that of a database in memory leaves itself open

    def close(self) -> None:
        self.pusher.stop()
        if self.thread.is_alive():
            self.thread.join(5)
        for channel in (self.data, self._their_data, self.control, self._their_control):
            channel.close()

    def put(self, *texts: str) -> None:
        self.broker.queue.extend(texts)

    def signed(self, **fields: Any) -> str:
        return self.runtime.signer.sign(TASK, encode_package(package_of(self.runtime, **fields)))

    def push(self, count: int) -> list[Frame]:
        """Let the pusher hand over so many packages, stop it, and return what it sent."""
        self.thread.start()
        self.pusher.grant(count)
        frames = [self.data.receive(timeout=5) for _ in range(count)]
        self.pusher.stop()
        self.thread.join(5)
        return [frame for frame in frames if frame]


@pytest.fixture
def reporter() -> type[Reporter]:
    return new_reporter()


@pytest.fixture
def desk(reporter: type[Reporter]) -> Iterator[Desk]:
    with closing(Desk(runtime_of(reporter=reporter), MemoryBroker())) as made:
        yield made


def test_a_package_is_handed_over_verified_and_unread(desk: Desk) -> None:
    package = package_of(desk.runtime, timeout=2.5, parts={"args": b"no pickle", "kwargs": b""})
    desk.put(desk.runtime.signer.sign(TASK, encode_package(package)))
    (frame,) = desk.push(1)
    assert frame.kind is Kind.TASK
    assert decode_package(frame.payload.decode(), max_bytes=1000) == package
    told = {name: frame.header[name] for name in ("id", "name", "func", "timeout", "receipt", "attempt", "unanswered")}
    assert told == {
        "id": package.id,
        "name": package.name,
        "func": "math.pow",
        "timeout": 2.5,
        "receipt": "receipt-1",
        "attempt": 1,
        "unanswered": 1,
    }


def test_it_says_that_it_is_ready_and_how_much_it_has_handed_over(desk: Desk) -> None:
    desk.put(*(desk.signed() for _ in range(3)))
    desk.push(3)
    assert desk.control.receive(timeout=1) == Frame(Kind.READY)
    assert desk.control.receive(timeout=1) == Frame(Kind.STOPPED, 3)


def test_nothing_is_fetched_without_credit_and_no_more_than_granted(desk: Desk) -> None:
    desk.put(*(desk.signed() for _ in range(10)))
    desk.thread.start()
    assert desk.control.receive(timeout=5) == Frame(Kind.READY)
    assert desk.data.receive(timeout=0.05) is None
    desk.pusher.grant(4)
    desk.pusher.grant(2)
    assert all(desk.data.receive(timeout=5) for _ in range(4))
    assert desk.data.receive(timeout=0.05) is None
    assert (len(desk.broker.queue), desk.broker.calls("receive")) == (6, [(4,)])


class Narrow(MemoryBroker):
    max_bulk = 3


@pytest.mark.parametrize(
    ("broker", "keys", "most"), [(MemoryBroker, {}, FETCH_MOST), (MemoryBroker, {"bulk": 7}, 7), (Narrow, {}, 3)]
)
def test_one_fetch_is_no_larger_than_setting_and_broker_allow(
    broker: type[MemoryBroker], keys: dict[str, Any], most: int
) -> None:
    with closing(Desk(runtime_of(**keys), broker())) as desk:
        desk.put(*(desk.signed() for _ in range(120)))
        desk.push(120)
        assert max(count for (count,) in desk.broker.calls("receive")) == most


@pytest.mark.parametrize("kind", ["foreign key", "foreign cluster", "foreign purpose", "changed", "bytes", "no header"])
def test_what_cannot_be_read_is_recorded_with_its_reason(desk: Desk, kind: str) -> None:
    text = encode_package(package_of(desk.runtime))
    signer = desk.runtime.signer
    texts: dict[str, Any] = {
        "foreign key": runtime_of(name="other").signer.named(signer.name).sign(TASK, text) + "x",
        "foreign cluster": signer.named("other").sign(TASK, text),
        "foreign purpose": signer.sign(STAT, text),
        "changed": signer.sign(TASK, text).replace("e", "f", 1),
        "bytes": b"\xff\x00",
        "no header": signer.sign(TASK, "e30=.e30="),
    }
    desk.put(texts[kind])
    (frame,) = desk.push(1)
    assert frame.kind is Kind.RESULT
    assert frame.header["error"].startswith("The package was not run: ")
    assert (frame.header["fail"], frame.header["receipt"], len(frame.header["id"])) == (True, "receipt-1", 32)
    stand_in = decode_package(frame.payload.decode(), max_bytes=1000)
    assert (stand_in.id, stand_in.name) == (frame.header["id"], frame.header["name"])


def test_little_is_told_of_what_is_damaged_at_great_length(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    text = encode_package(package_of(desk.runtime, timeout="x" * 100_000))
    desk.put(desk.runtime.signer.sign(TASK, text))
    (frame,) = desk.push(1)
    assert frame.header["error"].startswith("The package was not run: The package is damaged: its timeout is 'xxx")
    assert len(frame.header["error"]) == 1000
    assert len(caplog.text) < 1500


def test_the_same_unreadable_text_is_the_same_row(desk: Desk) -> None:
    desk.put("unsigned", "unsigned", "unsigned too")
    first, second, third = desk.push(3)
    assert first.header["id"] == second.header["id"] != third.header["id"]


def test_an_unreadable_package_between_others_stops_nobody(desk: Desk) -> None:
    desk.put(desk.signed(), "unsigned", desk.signed())
    assert [frame.kind for frame in desk.push(3)] == [Kind.TASK, Kind.RESULT, Kind.TASK]


def test_a_broker_that_is_away_is_told_once_and_asked_again(
    desk: Desk, reporter: type[Reporter], caplog: pytest.LogCaptureFixture
) -> None:
    desk.broker.failures = 3
    desk.put(desk.signed())
    assert len(desk.push(1)) == 1
    assert caplog.text.count("p cannot fetch from the broker: The memory is away.") == 1
    assert "Traceback" not in caplog.text
    assert [where for _, _, where in reporter.reports] == ["pusher"]


def test_a_stop_ends_the_pause_of_an_outage(desk: Desk) -> None:
    desk.broker.failures = 10_000
    desk.thread.start()
    desk.pusher.grant(1)
    wait_until(lambda: desk.broker.failures < 9_997)
    desk.pusher.stop()
    desk.thread.join(0.5)
    assert not desk.thread.is_alive()


class Counting(MemoryBroker):
    def receive(self, count: int, wait: float) -> list[Delivery]:
        return [Delivery(each.receipt, each.package, 4, 3) for each in super().receive(count, wait)]


def test_attempts_and_unanswered_deliveries_are_told() -> None:
    with closing(Desk(runtime_of(), Counting())) as desk:
        desk.put(desk.signed())
        (frame,) = desk.push(1)
    assert (frame.header["attempt"], frame.header["unanswered"]) == (4, 3)


class CountingAll(Counting):
    counts_every_delivery = True


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("most", "unanswered"), [(3, 3), (2, 4)])
def test_where_all_are_counted_those_beyond_the_limit_are_looked_up(most: int, unanswered: int) -> None:
    with closing(Desk(runtime_of(max_deliveries=most), CountingAll())) as desk:
        desk.put(desk.signed())
        (frame,) = desk.push(1)
    assert (frame.header["attempt"], frame.header["unanswered"]) == (4, unanswered)


def _schedule(**fields: Any) -> Schedule:
    values = {"func": "math.pow", "overlap_policy": "skip", "is_running": True, "seen": int(time.time()), **fields}
    return Schedule.objects.create(**values)


@pytest.mark.django_db(transaction=True)
def test_a_run_of_a_schedule_is_taken_into_hand_and_one_that_would_overlap_is_only_answered(desk: Desk) -> None:
    free, taken = _schedule(), _schedule(holder="another")
    desk.put(*(desk.signed(headers={SCHEDULE: str(each.pk)}) for each in (free, taken)))
    first, second = desk.push(2)
    assert (first.kind, first.header["schedule"]) == (Kind.TASK, free.pk)
    assert (second.kind, second.header["skip"], second.header["receipt"]) == (Kind.RESULT, True, "receipt-2")
    assert set(Schedule.objects.values_list("holder", flat=True)) == {first.header["id"], "another"}


# Serializers


def test_a_package_of_a_serializer_that_is_not_accepted_is_a_failure_of_its_task_and_stays_unread() -> None:
    runtime = runtime_of(serializer="json")
    foreign = package_of(runtime_of(), hook="a.b", parts={"args": b"never read", "kwargs": b"nor this"})
    with closing(Desk(runtime, MemoryBroker())) as desk:
        desk.put(runtime.signer.sign(TASK, encode_package(foreign)), desk.signed())
        refused, taken = desk.push(2)
    assert taken.kind is Kind.TASK
    assert (refused.kind, refused.header["fail"]) == (Kind.RESULT, True)
    assert refused.header["error"] == (
        "The package was not run: The serializer 'pickle' is not accepted here; accept_serializers: json."
    )
    told = {name: refused.header[name] for name in ("id", "name", "func", "hook", "receipt")}
    assert told == {"id": foreign.id, "name": foreign.name, "func": "math.pow", "hook": "a.b", "receipt": "receipt-1"}
    assert decode_package(refused.payload.decode(), max_bytes=1000) == foreign
