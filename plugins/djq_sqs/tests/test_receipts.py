"""Receipts, leases in whole seconds, and the twelve hours of SQS."""

from __future__ import annotations

import time

import pytest

from djq_core.exceptions import BrokerError, NotSupported
from djq_sqs.receipts import LONGEST, Receipt, whole
from plugins.djq_sqs.tests.conftest import MakeBroker
from tests.services import gateway
from tests.services.gateway import Gateway


def test_a_receipt_comes_back_from_its_text() -> None:
    receipt = Receipt.new("AQEB/a:b+c==", 30, 32 * "a")
    again = Receipt.from_text(str(receipt))
    assert (again.handle, again.claim) == (receipt.handle, receipt.claim)
    assert again.until == pytest.approx(receipt.until, abs=0.001)


@pytest.mark.parametrize("text", ["", "17", "x:y", "17:x:y:z", ":::"])
def test_what_is_no_receipt_is_refused(make_broker: MakeBroker, text: str) -> None:
    with pytest.raises(BrokerError, match="is no receipt of the SQS broker"):
        make_broker().acknowledge(text)


@pytest.mark.parametrize(("seconds", "held"), [(0.2, 1), (1, 1), (1.01, 2), (60, 60), (10 * LONGEST, LONGEST)])
def test_seconds_are_whole_and_at_most_twelve_hours(seconds: float, held: int) -> None:
    assert whole(seconds) == held


def test_what_was_received_long_ago_is_held_for_what_is_left_of_twelve_hours() -> None:
    now = time.time()
    receipt = Receipt(now + 60, now - LONGEST + 100, "", "h")
    assert [receipt.within_limit(seconds) for seconds in (0, 50, 3600)] == [0, 50, pytest.approx(99, abs=1)]
    assert Receipt(now + 60, now - LONGEST - 5, "", "h").within_limit(60) == 0


def test_a_fetch_asks_for_the_lease_and_a_renewal_for_whole_seconds(
    make_broker: MakeBroker, sqs_gateway: Gateway
) -> None:
    broker = make_broker(lease=42.5)
    broker.enqueue("a")
    (delivery,) = broker.receive(1, 1)
    assert sqs_gateway.asked("ReceiveMessage")[-1]["VisibilityTimeout"] == 43
    (valid,) = broker.extend([str(delivery.receipt)], 7.2)
    assert valid is not None
    assert sqs_gateway.asked("ChangeMessageVisibilityBatch")[-1]["Entries"][0]["VisibilityTimeout"] == 8
    assert Receipt.from_text(valid).until == pytest.approx(time.time() + 8, abs=1)


def test_a_lease_that_is_over_is_lost_without_asking(make_broker: MakeBroker, sqs_gateway: Gateway) -> None:
    broker = make_broker()
    broker.enqueue("the queue is there")
    old = str(Receipt(time.time() - 1, time.time() - 60, "", "h"))
    spent = str(Receipt(time.time() + 9, time.time() - LONGEST, "", "h"))
    assert broker.extend([old, spent], 30) == [None, None]
    broker.release([old])
    assert sqs_gateway.asked("ChangeMessageVisibilityBatch") == []


def test_sqs_tells_that_a_lease_is_lost(make_broker: MakeBroker, sqs_gateway: Gateway) -> None:
    broker = make_broker()
    broker.enqueue_many(["a", "b", "c"])
    held = [str(each.receipt) for each in broker.receive(3, 1)]
    for code in ("ReceiptHandleIsInvalid", "AWS.SimpleQueueService.MessageNotInflight", "InvalidParameterValue"):
        sqs_gateway.fail("ChangeMessageVisibilityBatch", gateway.failing(1, code=code, is_ours=True))
        first, second, third = broker.extend(held, 30)
        assert second is None
        assert first is not None
        assert third is not None


def test_an_id_deletes_nothing_and_a_receipt_does(make_broker: MakeBroker) -> None:
    broker = make_broker()
    tracking_id = broker.enqueue("a")
    with pytest.raises(NotSupported, match="by the receipt of its delivery alone"):
        broker.delete(str(tracking_id))
    (delivery,) = broker.receive(1, 1)
    broker.delete(str(delivery.receipt))
    assert (broker.queue_size(), broker.lock_size()) == (0, 0)


def test_a_receipt_of_a_fifo_queue_that_has_expired_is_no_error(make_broker: MakeBroker, sqs_gateway: Gateway) -> None:
    broker = make_broker()
    broker.enqueue("a")
    (delivery,) = broker.receive(1, 1)
    sqs_gateway.fail("DeleteMessageBatch", gateway.failing(0, code="InvalidParameterValue", is_ours=True))
    broker.acknowledge(str(delivery.receipt))
