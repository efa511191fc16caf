"""The control thread answers at once and survives whatever broker and cache raise."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing

import pytest

from djq_core.cluster.channels import Channel, Frame, Kind
from djq_core.cluster.control import RELEASE_TRIES, Control
from djq_core.cluster.fencing import Receipts
from tests.making import MemoryBroker

ITEMS = [[1, "r1"], [2, "r2"]]


class Noting(Receipts):
    """Receipts that write down what they are given."""

    def __init__(self, broker: MemoryBroker) -> None:
        super().__init__(broker)
        self.given: list[Mapping[int, str]] = []

    def take(self, receipts: Mapping[int, str]) -> dict[int, str]:
        self.given.append(receipts)
        return super().take(receipts)


class Line:
    """A control thread and the sentinel's end."""

    def __init__(
        self,
        channel: Channel,
        thread: Control,
        broker: MemoryBroker,
        frames: list[Frame],
        receipts: Noting,
    ) -> None:
        self.channel = channel
        self.thread = thread
        self.broker = broker
        self.frames = frames
        self.receipts = receipts

    def ask(self, frame: Frame) -> Frame | None:
        self.channel.send(frame)
        return self.channel.receive(timeout=5)


@pytest.fixture
def line() -> Iterator[Line]:
    ours, theirs = map(Channel, socket.socketpair())
    broker, frames = MemoryBroker(), list[Frame]()
    handlers: dict[Kind, Callable[[Frame], None]] = {
        Kind.GRANT: frames.append,
        Kind.STAT: lambda _: broker.purge_queue(),
        Kind.RUNS: unreachable,
        Kind.STORE: lambda _: broker.purge_queue(),
    }
    receipts = Noting(broker)
    thread = Control(theirs, broker, handlers, receipts=receipts)
    thread.start()
    with closing(ours), closing(theirs):
        yield Line(ours, thread, broker, frames, receipts)
        if thread.is_alive():
            ours.send(Frame(Kind.LEAVE))
        thread.join(5)
        assert not thread.is_alive()


def unreachable(frame: Frame) -> None:
    raise ConnectionRefusedError("the cache is away")


def test_leases_are_renewed_and_the_new_receipts_told(line: Line) -> None:
    line.broker.lost = {"r2"}
    answer = line.ask(Frame(Kind.RENEW, header=ITEMS))
    assert answer == Frame(Kind.RENEWED, header=[[1, "r1", "r1+"], [2, "r2", None]])
    assert line.broker.log == [("extend", ["r1", "r2"], 60.0)]
    assert line.receipts.given == [{1: "r1", 2: "r2"}, {1: "r1+", 2: "r2"}]


def test_a_broker_that_is_away_loses_no_lease(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    line.broker.failures = 1
    assert line.ask(Frame(Kind.RENEW, header=ITEMS)) == Frame(Kind.RENEWED, header=[[1, None, None], [2, None, None]])
    answer = line.ask(Frame(Kind.RENEW, header=ITEMS[:1]))
    assert answer == Frame(Kind.RENEWED, header=[[1, "r1", "r1+"]])
    assert line.receipts.given == [{1: "r1", 2: "r2"}, {1: "r1"}, {1: "r1+"}]
    assert "2 leases could not be renewed: The memory is away." in caplog.text


def test_packages_are_handed_back_without_counting(line: Line) -> None:
    assert line.ask(Frame(Kind.RELEASE, header=ITEMS)) == Frame(Kind.RELEASED, header=[1, 2])
    assert line.broker.log == [("release", ["r1", "r2"], 0.0, False)]


def test_what_is_another_clusters_is_not_handed_back(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    line.broker.fences_receipts = True  # type: ignore[misc]
    line.broker.lost.add("r1")
    assert line.ask(Frame(Kind.RELEASE, header=ITEMS)) == Frame(Kind.RELEASED, header=[1, 2])
    assert line.broker.calls("release") == [(["r2+"], 0.0, False)], "by the receipt that is valid now"
    assert "Superseded: 1 packages are not handed back" in caplog.text


def test_handing_back_is_tried_again(line: Line) -> None:
    line.broker.failures = 1
    assert line.ask(Frame(Kind.RELEASE, header=ITEMS)) == Frame(Kind.RELEASED, header=[1, 2])
    assert len(line.broker.calls("release")) == 1


def test_what_cannot_be_handed_back_is_left_to_its_lease(line: Line) -> None:
    line.broker.failures = RELEASE_TRIES
    assert line.ask(Frame(Kind.RELEASE, header=ITEMS)) == Frame(Kind.RELEASED, header=[1, 2])
    assert line.broker.log == []


def test_other_frames_go_to_their_handler(line: Line) -> None:
    line.channel.send(Frame(Kind.GRANT, 5))
    line.ask(Frame(Kind.RENEW, header=ITEMS))
    assert line.frames == [Frame(Kind.GRANT, 5)]


@pytest.mark.parametrize("kind", [Kind.RUNS, Kind.READY])
def test_the_thread_outlives_a_frame_that_cannot_be_answered(
    line: Line, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        line.channel.send(Frame(kind))
    assert line.ask(Frame(Kind.RENEW, header=ITEMS)) is not None
    (record,) = caplog.records
    assert f"A control frame could not be answered: {kind.name}" in record.getMessage()
    assert record.exc_info is not None


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (Kind.STAT, "The cluster's status cannot be published"),
        (Kind.STORE, "A control frame could not be answered: STORE"),
    ],
)
def test_what_the_broker_refuses_is_told_in_a_line_and_once(
    line: Line, kind: Kind, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "djq")
    for failures in (2, 0, 1):
        line.broker.failures = failures
        for _ in range(failures or 1):
            line.channel.send(Frame(kind))
        assert line.ask(Frame(Kind.RENEW, header=ITEMS)) is not None
    told = [(record.getMessage(), record.exc_info) for record in caplog.records]
    away = (f"{sentence}: The memory is away.", None)
    assert told == [away, (f"{sentence}: that is over", None), away]


def test_the_thread_leaves_when_it_is_told_to(line: Line) -> None:
    line.channel.send(Frame(Kind.LEAVE))
    line.thread.join(5)
    assert not line.thread.is_alive()
