"""What the attributes of a queue mean for the tasks on it."""

from __future__ import annotations

import json

import pytest

from djq_core.brokers.finding import ERROR, OK, WARNING
from djq_sqs import examination

ARN = "arn:aws:sqs:eu-central-1:123456789012:dead"


def policy(count: object) -> dict[str, str]:
    return {"RedrivePolicy": json.dumps({"deadLetterTargetArn": ARN, "maxReceiveCount": count})}


@pytest.mark.parametrize(("lease", "level"), [(60, OK), (43_200, OK), (43_201, ERROR)])
def test_a_lease_is_within_twelve_hours(lease: float, level: str) -> None:
    assert examination.visibility(lease).level == level


@pytest.mark.parametrize(
    ("seconds", "level", "said"),
    [
        (1_209_600, OK, "14 days"),
        (345_600, OK, "4 days"),
        (345_599, WARNING, "4 days"),
        (7_200, WARNING, "2 hours"),
        (60, WARNING, "60 seconds"),
    ],
)
def test_a_task_should_outlive_a_weekend(seconds: int, level: str, said: str) -> None:
    found = examination.retention({"MessageRetentionPeriod": str(seconds)})
    assert found.level == level
    assert said in found.message


@pytest.mark.parametrize(
    ("told", "wanted", "level", "said"),
    [
        ({}, None, OK, "recorded as a failure and deleted"),
        ({}, "dead", WARNING, "recorded as a failure and deleted"),
        ({"RedrivePolicy": "garbage"}, None, OK, "no RedrivePolicy"),
        (policy("20"), None, OK, "to dead after 20 deliveries"),
        (policy(3), "dead", WARNING, "to dead after 3 deliveries"),
    ],
)
def test_a_dead_letter_queue_takes_tasks_that_fail(
    told: dict[str, str], wanted: str | None, level: str, said: str
) -> None:
    found = examination.dead_letters(told, wanted)
    assert found.level == level
    assert said in found.message


@pytest.mark.parametrize(("seconds", "level"), [("0", OK), ("30", WARNING)])
def test_no_task_should_have_to_wait(seconds: str, level: str) -> None:
    assert examination.delay({"DelaySeconds": seconds}).level == level


@pytest.mark.parametrize(("most", "level"), [("1048576", OK), ("262144", WARNING)])
def test_a_message_may_be_as_large_as_sqs_allows(most: str, level: str) -> None:
    found = examination.size({"MaximumMessageSize": most})
    assert found.level == level
    assert f"{int(most):,} bytes" in found.message
