"""A dead-letter queue: made with the queue, and what cannot be read goes there."""

from __future__ import annotations

import json
from typing import Any

from djq_core.brokers.finding import OK, WARNING
from djq_sqs.base import SqsBase
from djq_sqs.broker import SqsFifoBroker
from plugins.djq_sqs.tests.conftest import MakeBroker
from tests.services.gateway import Gateway


def with_dead_letters(make_broker: MakeBroker, *, count: int = 2, **more: Any) -> tuple[SqsBase, SqsBase]:
    """Return a broker and one of its dead-letter queue."""
    plain = make_broker(**more)
    dead = f"{plain.list_key}-dead"
    sqs = {**more.pop("sqs", {}), "dead_letter_queue": dead, "max_receive_count": count}
    return make_broker(sqs=sqs, **more), make_broker(list_key=dead, **more)


def test_what_cannot_be_read_goes_to_the_dead_letters(make_broker: MakeBroker) -> None:
    broker, dead = with_dead_letters(make_broker)
    broker.enqueue("garbage")
    for _ in range(2):
        (delivery,) = broker.receive(1, 1)
        broker.fail(str(delivery.receipt))
    assert broker.receive(1, 0) == []
    assert [each.package for each in dead.receive(1, 1)] == ["garbage"]
    assert (broker.queue_size(), broker.lock_size()) == (0, 0)


def test_without_one_it_is_deleted(make_broker: MakeBroker) -> None:
    broker = make_broker()
    broker.enqueue("garbage")
    (delivery,) = broker.receive(1, 1)
    broker.fail(str(delivery.receipt))
    assert (broker.queue_size(), broker.lock_size()) == (0, 0)


def test_a_policy_that_the_queue_has_from_elsewhere_counts(make_broker: MakeBroker, sqs_gateway: Gateway) -> None:
    dead = make_broker(list_key="elsewhere-dead")
    dead.enqueue("x")
    policy = json.dumps({"deadLetterTargetArn": dead._told()["QueueArn"], "maxReceiveCount": "7"})
    broker = make_broker(sqs={"queue_attributes": {"RedrivePolicy": policy}})
    broker.enqueue("garbage")
    (delivery,) = broker.receive(1, 1)
    broker.fail(str(delivery.receipt))
    assert broker.queue_size() == 1
    (again,) = broker.receive(1, 1)
    asked = len(sqs_gateway.asked("GetQueueAttributes"))
    broker.fail(str(again.receipt))
    assert len(sqs_gateway.asked("GetQueueAttributes")) == asked, "what is known for a minute was asked for again"
    dead.delete_queue()


def test_that_of_a_fifo_queue_is_one_too(make_broker: MakeBroker, sqs_gateway: Gateway) -> None:
    broker, dead = with_dead_letters(make_broker, kind=SqsFifoBroker, sqs={"fifo": True}, count=5)
    broker.enqueue("a")
    names = [each["QueueName"] for each in sqs_gateway.asked("CreateQueue")]
    assert names == [f"{dead.list_key}.fifo", f"{broker.list_key}.fifo"]


def test_the_start_line_and_the_doctor_tell_of_it(make_broker: MakeBroker) -> None:
    broker, dead = with_dead_letters(make_broker, count=20)
    assert broker.durability() == (
        "SQS keeps a task for 14 days and drops it then. After 20 deliveries, failed attempts among them, SQS moves a "
        f"task to {dead.list_key}."
    )
    found = {each.code: each for each in broker.examine()}
    assert found["sqs-dead-letters"].level == OK
    assert {each.level for each in found.values()} == {OK}


def test_an_older_queue_without_the_policy_is_told(make_broker: MakeBroker) -> None:
    plain = make_broker(sqs={"queue_attributes": {"MessageRetentionPeriod": "3600", "DelaySeconds": "0"}})
    plain.enqueue("a")
    broker, _ = with_dead_letters(make_broker)
    assert broker.durability() == "SQS keeps a task for 60 minutes and drops it then. It has no dead-letter queue."
    found = {each.code: each for each in broker.examine()}
    assert found["sqs-dead-letters"].level == found["sqs-retention"].level == WARNING
