"""FIFO queues: groups, requests that are repeated, and what they have that a standard queue has not."""

from __future__ import annotations

from djq_sqs.broker import SqsFifoBroker
from plugins.djq_sqs.tests.conftest import MakeBroker
from tests.services.gateway import Gateway


def receipts(deliveries: list[object]) -> list[str]:
    return [str(each.receipt) for each in deliveries]  # type: ignore[attr-defined]


def test_the_queue_has_its_suffix_and_serves_many_groups(make_broker: MakeBroker, sqs_gateway: Gateway) -> None:
    broker = make_broker(SqsFifoBroker, sqs={"fifo": True})
    broker.enqueue("a")
    (made,) = sqs_gateway.asked("CreateQueue")
    assert made["QueueName"] == f"{broker.list_key}.fifo"
    assert made["Attributes"] == {
        "FifoQueue": "true",
        "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId",
        "MessageRetentionPeriod": "1209600",
    }


def test_each_package_has_a_group_of_its_own(make_broker: MakeBroker, sqs_gateway: Gateway) -> None:
    broker = make_broker(SqsFifoBroker, sqs={"fifo": True})
    broker.enqueue_many(["same", "same", "same"])
    assert len(broker.receive(2, 1)) == 2
    assert len(broker.receive(2, 1)) == 1
    (sent,) = sqs_gateway.asked("SendMessageBatch")
    assert len({entry["MessageGroupId"] for entry in sent["Entries"]}) == 3


def test_one_group_keeps_the_order_and_one_batch_in_flight(make_broker: MakeBroker, sqs_gateway: Gateway) -> None:
    broker = make_broker(SqsFifoBroker, sqs={"fifo": True, "message_group_id": "orders"})
    sent = [f"p{number}" for number in range(12)]
    broker.enqueue_many(sent)
    assert "DeduplicationScope" not in sqs_gateway.asked("CreateQueue")[0]["Attributes"]
    first = broker.receive(1, 1)
    assert broker.receive(5, 0) == []
    broker.release(receipts(first))
    taken = []
    while batch := broker.receive(5, 0):
        taken += [each.package for each in batch]
        broker.acknowledge_many(receipts(batch))
    assert taken == sent


def test_a_request_that_is_repeated_is_taken_once(make_broker: MakeBroker, sqs_gateway: Gateway) -> None:
    """botocore's own retries, where they are asked for, repeat the request as it is."""
    retries = {"config": {"read_timeout": 2, "retries": {"total_max_attempts": 2, "mode": "standard"}}}
    broker = make_broker(SqsFifoBroker, sqs={"fifo": True, **retries})
    broker.enqueue("a")

    def lose(payload: dict[str, object], serve: object) -> tuple[int, dict[str, object]]:
        serve(payload)  # type: ignore[operator]
        return 500, {"__type": "InternalFailure", "message": "lost"}

    sqs_gateway.fail("SendMessage", lose)
    broker.enqueue("b")
    once, again = sqs_gateway.asked("SendMessage")[1:]
    assert once["MessageDeduplicationId"] == again["MessageDeduplicationId"]
    assert sorted(str(each.package) for each in broker.receive(10, 1)) == ["a", "b"]
