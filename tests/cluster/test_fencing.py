"""Which deliveries are another cluster's: asked where the broker tells, and no harm done where it cannot."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from djq_core.cluster.channels import Channel, Frame, Kind
from djq_core.cluster.control import Control
from djq_core.cluster.fencing import Receipts, renewed
from tests.making import MemoryBroker

RECEIPTS = {1: "r1", 2: "r2"}


class Fencing(MemoryBroker):
    fences_receipts = True


class WithoutLeases(Fencing):
    supports_leases = False


class Changing(Fencing):
    """A broker of which only the last receipt is good; a renewal may be kept from ending."""

    changes_receipts = True

    def __init__(self) -> None:
        super().__init__()
        self.may_end = threading.Event()
        self.may_end.set()
        self.has_begun = threading.Event()

    def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
        valid = super().extend(receipts, seconds)
        self.lost.update(receipts)
        self.has_begun.set()
        assert self.may_end.wait(5)
        return valid


def test_a_lost_receipt_is_another_clusters() -> None:
    broker = Fencing()
    broker.lost.add("r2")
    assert renewed(broker, RECEIPTS) == {1: "r1+", 2: None}
    assert broker.calls("extend") == [(["r1", "r2"], broker.settings.lease)]


@pytest.mark.parametrize("broker", [MemoryBroker(), WithoutLeases()])
def test_a_broker_that_does_not_tell_is_not_asked(broker: MemoryBroker) -> None:
    assert renewed(broker, RECEIPTS) == RECEIPTS
    assert renewed(Fencing(), {}) == {}
    assert broker.log == []


def test_a_broker_that_is_away_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    broker = Fencing()
    broker.failures = 1
    assert renewed(broker, RECEIPTS) == RECEIPTS
    assert "The memory is away." in caplog.text


# The newest


def test_what_was_renewed_unasked_goes_before_what_the_sentinel_knew() -> None:
    told: list[Frame] = []
    receipts = Receipts(Changing(), told.append)
    assert receipts.superseded(RECEIPTS) == set()
    assert told == [Frame(Kind.RENEWED, header=[[1, "r1", "r1+"], [2, "r2", "r2+"]])]
    assert receipts.take({1: "r1", 2: "r2"}) == {1: "r1+", 2: "r2+"}
    assert (receipts.newest(1, "r1"), receipts.newest(3, "r3")) == ("r1+", "r3")
    assert receipts.take({1: "r1++", 2: "delivered again"}) == {1: "r1++", 2: "delivered again"}
    assert (receipts.newest(1, "r1"), receipts.newest(2, "r2")) == ("r1++", "delivered again")
    receipts.forget([1])
    assert receipts.take({1: "r1"}) == {1: "r1"}


def test_a_receipt_that_stays_is_not_told() -> None:
    class Keeping(Fencing):
        def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
            return [None if receipt == "r2" else receipt for receipt in receipts]

    told: list[Frame] = []
    receipts = Receipts(Keeping(), told.append)
    assert receipts.superseded(RECEIPTS) == {2}
    assert told == []


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    """Give the sentinel's end and that of a control thread."""
    ours, theirs = map(Channel, socket.socketpair())
    with closing(ours), closing(theirs):
        yield ours, theirs


def test_two_threads_renew_in_turn_and_each_by_the_newest(ends: tuple[Channel, Channel]) -> None:
    """Else the second would take the delivery for another cluster's: its receipt was renewed at the same time."""
    sentinel, theirs = ends
    broker = Changing()
    receipts = Receipts(broker, theirs.send)
    thread = Control(theirs, broker, {}, receipts=receipts)
    thread.start()
    late: list[set[int]] = []
    broker.may_end.clear()
    saving = threading.Thread(target=lambda: late.append(receipts.superseded({1: "r1"})))
    saving.start()
    assert broker.has_begun.wait(5)
    sentinel.send(Frame(Kind.RENEW, header=[[1, "r1"]]))
    assert sentinel.receive(timeout=0.1) is None
    broker.may_end.set()
    saving.join(5)
    assert sentinel.receive(timeout=5) == Frame(Kind.RENEWED, header=[[1, "r1", "r1+"]])
    assert sentinel.receive(timeout=5) == Frame(Kind.RENEWED, header=[[1, "r1+", "r1++"]])
    assert late == [set()]
    assert receipts.newest(1, "r1") == "r1++"
    sentinel.send(Frame(Kind.LEAVE))
    thread.join(5)
    assert not thread.is_alive()
