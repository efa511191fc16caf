"""SQS is away, busy, or refuses: one clear line, in time, and the same broker works again afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from djq_core.exceptions import BrokerError, PackageTooLarge
from djq_sqs.broker import SqsBroker
from plugins.djq_sqs.tests.conftest import MakeBroker
from tests.services import gateway
from tests.services.gateway import Gateway
from tests.services.ministack import IMPATIENT

SECRET = "s3cr3t-k3y"


def refusal(call: Callable[[], object], within: float = 3.0) -> str:
    """Return the one line that a call is refused with, in time and without the secret."""
    began = time.monotonic()
    with pytest.raises(BrokerError) as caught:
        call()
    assert time.monotonic() - began < within
    text = str(caught.value)
    assert "\n" not in text
    assert SECRET not in text
    assert "SQS" in text
    return text


CALLS: dict[str, Callable[[Any], object]] = {
    "SendMessage": lambda broker: broker.enqueue("a"),
    "SendMessageBatch": lambda broker: broker.enqueue_many(["a", "b"]),
    "ReceiveMessage": lambda broker: broker.receive(1, 0),
    "GetQueueAttributes": lambda broker: broker.queue_size(),
    "PurgeQueue": lambda broker: broker.purge_queue(),
}


@pytest.mark.parametrize(
    ("code", "message", "said"),
    [
        (
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
            "refuses 'aws_access_key_id' and 'aws_secret_access_key' in Q_CLUSTER['sqs']. It said: Inval",
        ),
        ("SignatureDoesNotMatch", f"x {SECRET}\n y", "refuses 'aws_access_key_id' and 'aws_secret_access_key' in"),
        ("ExpiredToken", "The security token is expired", "refuses 'aws_access_key_id'"),
        ("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.", "has no such queue"),
        ("OverLimit", "Too many.", "has too many messages in flight"),
        ("KmsDisabled", "The key is disabled.", "It said: KmsDisabled: The key is disabled."),
        ("InternalFailure", "We failed.", "It said: InternalFailure: We failed."),
    ],
)
@pytest.mark.parametrize("operation", ["SendMessage", "ReceiveMessage"])
def test_a_refusal_names_the_setting(
    make_broker: MakeBroker, sqs_gateway: Gateway, operation: str, code: str, message: str, said: str
) -> None:
    broker = make_broker()
    broker.enqueue("kept")
    sqs_gateway.fail(operation, gateway.refusal(code, message, 403), times=2)
    assert said in refusal(lambda: CALLS[operation](broker))


@pytest.mark.parametrize("operation", CALLS)
def test_a_missing_permission_is_named(make_broker: MakeBroker, sqs_gateway: Gateway, operation: str) -> None:
    broker = make_broker()
    broker.enqueue("kept")
    denied = "User: arn:aws:iam::1:user/me is not authorized to perform this."
    sqs_gateway.fail(operation, gateway.refusal("AccessDenied", denied, 403))
    text = refusal(lambda: CALLS[operation](broker))
    assert f"allow sqs:{operation.removesuffix('Batch')} on the queue. It said: AccessDenied: {denied}" in text


@pytest.mark.parametrize("operation", CALLS)
def test_a_call_that_sqs_is_too_busy_for_is_made_again(
    make_broker: MakeBroker, sqs_gateway: Gateway, operation: str
) -> None:
    broker = make_broker()
    broker.enqueue("kept")
    asked = len(sqs_gateway.asked(operation))
    sqs_gateway.fail(operation, gateway.refusal("ThrottlingException", "Rate exceeded", 400), times=2)
    CALLS[operation](broker)
    assert len(sqs_gateway.asked(operation)) - asked == 3


def test_throttling_that_goes_on_is_told(make_broker: MakeBroker, sqs_gateway: Gateway) -> None:
    broker = make_broker()
    sqs_gateway.fail("SendMessage", gateway.refusal("RequestThrottled", "Too much.", 403), times=4)
    assert "is asked for too much at once and takes no more just now" in refusal(lambda: broker.enqueue("a"))
    broker.enqueue("b")
    assert [each.package for each in broker.receive(5, 1)] == ["b"]


def test_without_credentials_it_says_where_they_belong(make_broker: MakeBroker, sqs_gateway: Gateway) -> None:
    broker = make_broker(sqs={"aws_access_key_id": None, "aws_secret_access_key": None})
    text = refusal(lambda: broker.enqueue("a"))
    assert "needs credentials, and the credentials that boto3 has found (Q_CLUSTER['sqs'] has none)" in text
    assert not broker.ping()


def test_without_a_region_it_names_the_key(make_broker: MakeBroker) -> None:
    assert "set 'aws_region' in Q_CLUSTER['sqs']" in refusal(lambda: make_broker(sqs={"aws_region": None}).enqueue("a"))


def test_an_unknown_profile_is_named(make_broker: MakeBroker) -> None:
    keys = {"aws_access_key_id": None, "aws_secret_access_key": None, "aws_profile": "nobody"}
    assert "'aws_profile' in Q_CLUSTER['sqs'] names no profile" in refusal(make_broker(sqs=keys).queue_size)


def test_a_server_that_was_never_there_names_the_key(make_broker: MakeBroker) -> None:
    broker = make_broker(sqs={"endpoint_url": "http://127.0.0.1:9"})
    text = refusal(lambda: broker.enqueue("a"))
    assert (
        "SQS at http://127.0.0.1:9 cannot be reached: see 'endpoint_url' and 'aws_region' in Q_CLUSTER['sqs']" in text
    )
    assert not broker.ping()
    assert broker.info() == "SQS at http://127.0.0.1:9"


def test_a_server_that_does_not_answer_names_the_time_outs(make_broker: MakeBroker, sqs_gateway: Gateway) -> None:
    broker = make_broker(sqs={"config": IMPATIENT})
    broker.enqueue("a")
    sqs_gateway.pause()
    text = refusal(lambda: broker.enqueue("late"))
    assert "did not answer in time: see 'connect_timeout' and 'read_timeout' in Q_CLUSTER['sqs']['config']" in text
    sqs_gateway.resume()
    assert broker.queue_size() >= 1


def test_a_missing_queue_that_may_not_be_made_is_an_error(make_broker: MakeBroker) -> None:
    broker = make_broker(sqs={"create_queue": False})
    for call in (lambda: broker.enqueue("a"), lambda: broker.receive(1, 0), broker.queue_size, broker.examine):
        text = refusal(call)
        assert f"has no queue '{broker.list_key}'" in text
        assert "'create_queue' in Q_CLUSTER['sqs']" in text
    assert broker.ping()
    make_broker().enqueue("a")
    assert broker.queue_size() == 1


def test_a_queue_that_may_not_be_made_for_lack_of_permission_is_named(
    make_broker: MakeBroker, sqs_gateway: Gateway
) -> None:
    broker = make_broker()
    sqs_gateway.fail("CreateQueue", gateway.refusal("AccessDenied", "not authorized", 403))
    assert "allow sqs:CreateQueue on the queue" in refusal(lambda: broker.enqueue("a"))


def test_a_queue_that_vanishes_is_made_again(make_broker: MakeBroker) -> None:
    broker, other = make_broker(), make_broker()
    broker.enqueue("a")
    other.delete_queue()
    assert broker.receive(1, 0) == []
    other.delete_queue()
    assert broker.enqueue("b")
    assert [each.package for each in broker.receive(1, 1)] == ["b"]


def test_a_purge_is_taken_once_a_minute(make_broker: MakeBroker, sqs_gateway: Gateway) -> None:
    broker = make_broker()
    broker.enqueue("a")
    sqs_gateway.fail("PurgeQueue", gateway.refusal("AWS.SimpleQueueService.PurgeQueueInProgress", "Once.", 403))
    assert "purges a queue once in 60 seconds: try again in a minute" in refusal(broker.purge_queue)


def test_a_deleted_queue_comes_back_after_a_minute(make_broker: MakeBroker, sqs_gateway: Gateway) -> None:
    broker = make_broker()
    sqs_gateway.fail("CreateQueue", gateway.refusal("QueueDeletedRecently", "You must wait 60 seconds.", 400))
    assert "takes a queue's name again 60 seconds after its deletion" in refusal(lambda: broker.enqueue("a"))


def test_somebody_else_may_make_the_queue_first(make_broker: MakeBroker, sqs_gateway: Gateway) -> None:
    first, second = make_broker(), make_broker(sqs={"queue_attributes": {"DelaySeconds": "1"}})
    first.enqueue("a")
    missing = gateway.refusal("AWS.SimpleQueueService.NonExistentQueue", "no", 400)
    sqs_gateway.fail("GetQueueUrl", missing)
    assert second.enqueue("b")
    assert len(sqs_gateway.asked("CreateQueue")) == 2


def test_an_answer_that_is_lost_is_an_error_and_nothing_is_sent_twice(
    make_broker: MakeBroker, sqs_gateway: Gateway
) -> None:
    broker = make_broker()
    broker.enqueue("a")
    sqs_gateway.fail("SendMessage", gateway.lost_answer)
    refusal(lambda: broker.enqueue("b"))
    assert broker.queue_size() == 2


def test_a_package_that_is_too_large_is_refused_with_its_size(broker: SqsBroker, sqs_gateway: Gateway) -> None:
    with pytest.raises(PackageTooLarge, match=r"has 1,048,577 bytes .* takes 1,048,576.*'claim_check'"):
        broker.enqueue("x" * 1_048_577)
    with pytest.raises(PackageTooLarge, match=r"has 1,1\d\d,\d\d\d bytes"):
        broker.enqueue(b"\x00" * 850_000)
    assert sqs_gateway.asked("SendMessage") == []


def test_a_package_that_is_too_large_for_this_queue_is_told(make_broker: MakeBroker) -> None:
    broker = make_broker(sqs={"queue_attributes": {"MaximumMessageSize": "1024"}})
    with pytest.raises(PackageTooLarge, match=r"larger than this queue takes.*shorter than 1024 bytes"):
        broker.enqueue("x" * 1025)
    broker.enqueue("x" * 1024)
