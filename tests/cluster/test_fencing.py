"""Which deliveries are another cluster's: asked where the broker tells, and no harm done where it cannot."""

from __future__ import annotations

import pytest

from djq_core.cluster.fencing import superseded
from tests.making import MemoryBroker

RECEIPTS = {1: "r1", 2: "r2"}


class Fencing(MemoryBroker):
    fences_receipts = True


class WithoutLeases(Fencing):
    supports_leases = False


def test_a_lost_receipt_is_another_clusters() -> None:
    broker = Fencing()
    broker.lost.add("r2")
    assert superseded(broker, RECEIPTS) == {2}
    assert broker.calls("extend") == [(["r1", "r2"], broker.settings.lease)]


@pytest.mark.parametrize("broker", [MemoryBroker(), WithoutLeases()])
def test_a_broker_that_does_not_tell_is_not_asked(broker: MemoryBroker) -> None:
    assert superseded(broker, RECEIPTS) == set()
    assert superseded(Fencing(), {}) == set()
    assert broker.log == []


def test_a_broker_that_is_away_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    broker = Fencing()
    broker.failures = 1
    assert superseded(broker, RECEIPTS) == set()
    assert "The memory is away." in caplog.text
