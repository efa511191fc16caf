"""Batches, entry by entry: what failed is sent again, and what still fails is told."""

from __future__ import annotations

import logging

import pytest

from djq_core.exceptions import BrokerError
from plugins.djq_sqs.tests.conftest import MakeBroker
from tests.services import gateway
from tests.services.gateway import Gateway

HALF = "x" * 600_000


def held(broker: object, count: int) -> list[str]:
    return [str(each.receipt) for each in broker.receive(count, 1)]  # type: ignore[attr-defined]


def test_ten_go_in_one_request(make_broker: MakeBroker, sqs_gateway: Gateway) -> None:
    broker = make_broker()
    ids = broker.enqueue_many([f"p{number}" for number in range(25)])
    assert len(set(ids)) == 25
    assert [len(each["Entries"]) for each in sqs_gateway.asked("SendMessageBatch")] == [10, 10, 5]


def test_a_request_holds_no_more_than_sqs_takes(make_broker: MakeBroker, sqs_gateway: Gateway) -> None:
    broker = make_broker()
    broker.enqueue_many(["small", HALF, "small", HALF, HALF])
    assert [len(each["Entries"]) for each in sqs_gateway.asked("SendMessageBatch")] == [3]
    assert len(sqs_gateway.asked("SendMessage")) == 2
    assert broker.queue_size() == 5


def test_a_server_that_takes_less_is_sent_halves(make_broker: MakeBroker, sqs_gateway: Gateway) -> None:
    broker = make_broker()
    refusal = gateway.refusal("BatchRequestTooLong", "Batch requests cannot be longer than 262144 bytes.")
    sqs_gateway.fail("SendMessageBatch", refusal, refusal)
    ids = broker.enqueue_many([f"p{number}" for number in range(10)])
    assert len(set(ids)) == 10
    assert [len(each["Entries"]) for each in sqs_gateway.asked("SendMessageBatch")] == [10, 5, 2, 3, 5]
    assert broker.queue_size() == 10


@pytest.mark.parametrize("code", ["InternalError", "RequestThrottled"])
def test_entries_that_failed_are_sent_again_alone(make_broker: MakeBroker, sqs_gateway: Gateway, code: str) -> None:
    broker = make_broker()
    sqs_gateway.fail("SendMessageBatch", gateway.failing(1, 3, code=code, is_ours=code == "RequestThrottled"))
    ids = broker.enqueue_many(["a", "b", "c", "d"])
    assert len(set(ids)) == 4
    bodies = [[entry["MessageBody"] for entry in each["Entries"]] for each in sqs_gateway.asked("SendMessageBatch")]
    assert bodies == [["a", "b", "c", "d"], ["b", "d"]]
    assert sorted(str(each.package) for each in broker.receive(10, 1)) == ["a", "b", "c", "d"]


def test_entries_that_go_on_failing_are_told(make_broker: MakeBroker, sqs_gateway: Gateway) -> None:
    broker = make_broker()
    sqs_gateway.fail("SendMessageBatch", gateway.failing(1, 2), gateway.failing(0, 1), *[gateway.failing(0, 1)] * 2)
    with pytest.raises(BrokerError) as caught:
        broker.enqueue_many(["a", "b", "c"])
    assert str(caught.value).startswith("2 of 3 packages were not taken. SQS at http")
    assert "InternalError" in str(caught.value)
    assert broker.queue_size() == 1


def test_an_entry_that_is_refused_is_told_at_once(make_broker: MakeBroker, sqs_gateway: Gateway) -> None:
    broker = make_broker()
    sqs_gateway.fail("SendMessageBatch", gateway.failing(0, code="InvalidMessageContents", is_ours=True))
    with pytest.raises(BrokerError, match=r"1 of 2 packages were not taken.*InvalidMessageContents"):
        broker.enqueue_many(["a", "b"])
    assert len(sqs_gateway.asked("SendMessageBatch")) == 1


@pytest.mark.parametrize(
    ("operation", "what"), [("DeleteMessageBatch", "deleted"), ("ChangeMessageVisibilityBatch", "released")]
)
def test_answers_that_fail_are_given_again_and_then_told(
    make_broker: MakeBroker, sqs_gateway: Gateway, operation: str, what: str
) -> None:
    broker = make_broker()
    broker.enqueue_many(["a", "b", "c", "d"])
    receipts = held(broker, 4)
    answer = broker.acknowledge_many if what == "deleted" else broker.release
    sqs_gateway.fail(operation, gateway.failing(0))
    answer(receipts[:2])
    assert [len(each["Entries"]) for each in sqs_gateway.asked(operation)] == [2, 1]
    sqs_gateway.fail(operation, *[gateway.failing(0)] * 4)
    with pytest.raises(BrokerError, match=f"1 of 2 messages were not {what}. SQS at .* InternalError"):
        answer(receipts[2:])
    assert broker.lock_size() == 1


def test_a_lease_that_sqs_fails_to_renew_is_kept_as_it_is(
    make_broker: MakeBroker, sqs_gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    broker = make_broker()
    broker.enqueue_many(["a", "b"])
    receipts = held(broker, 2)
    sqs_gateway.fail("ChangeMessageVisibilityBatch", gateway.failing(1), *[gateway.failing(0)] * 3)
    with caplog.at_level(logging.WARNING, "djq"):
        first, second = broker.extend(receipts, 99)
    assert first not in (None, receipts[0])
    assert second == receipts[1]
    assert "SQS did not renew a lease" in caplog.text
