"""What the attributes of a queue mean for the tasks on it, with the remedy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from djq_core.brokers.finding import ERROR, WARNING, Finding
from djq_sqs.options import LARGEST
from djq_sqs.receipts import LONGEST

ATTRIBUTES: Final = ("MessageRetentionPeriod", "RedrivePolicy", "DelaySeconds", "MaximumMessageSize")

_DAY: Final = 86_400
#: Seconds that a queue should keep a task at least: a weekend, and a day to find out.
_LONG_ENOUGH: Final = 4 * _DAY
#: A dead-letter queue that takes a task after fewer deliveries takes many that would have succeeded.
_FEW: Final = 10


def durability(told: Mapping[str, str]) -> str:
    """Return what retention and redrive of a queue mean for it, in two sentences."""
    count, target = redrive(told)
    moved = (
        f"After {count} deliveries, failed attempts among them, SQS moves a task to {target}."
        if count
        else "It has no dead-letter queue."
    )
    return f"SQS keeps a task for {_duration(_retention(told))} and drops it then. {moved}"


def visibility(lease: float) -> Finding:
    """Tell how long a delivery is held."""
    code = "sqs-visibility"
    if lease > LONGEST:
        return Finding(
            level=ERROR,
            code=code,
            message=f"retry is {lease:g} s, and SQS holds a message for 12 hours at most.",
            remedy=f"Set retry to {LONGEST} or less.",
        )
    return Finding(
        code=code,
        message=f"A fetched task is held for {lease:g} s, whatever VisibilityTimeout the queue has, and a living "
        "cluster renews that: for 12 hours at most, then SQS delivers it again.",
    )


def retention(told: Mapping[str, str]) -> Finding:
    """Tell how long a task may wait."""
    seconds, code = _retention(told), "sqs-retention"
    message = f"MessageRetentionPeriod: SQS drops a task {_duration(seconds)} after it was sent, done or not."
    if seconds >= _LONG_ENOUGH:
        return Finding(code=code, message=message)
    return Finding(
        level=WARNING, code=code, message=message, remedy="Raise MessageRetentionPeriod; 1209600 is 14 days, the most."
    )


def dead_letters(told: Mapping[str, str], wanted: str | None) -> Finding:
    """Tell where a package goes that cannot be read, and a task that fails again and again."""
    code = "sqs-dead-letters"
    count, target = redrive(told)
    if not count:
        message = "The queue has no RedrivePolicy: what cannot be read is recorded as a failure and deleted."
        if wanted is None:
            return Finding(code=code, message=message)
        remedy = f"Give it a RedrivePolicy to {wanted!r}; djq does that for queues that it makes itself."
        return Finding(level=WARNING, code=code, message=message, remedy=remedy)
    message = (
        f"SQS moves a task to {target} after {count} deliveries. A failed attempt is a delivery, so none is tried "
        "more often, whatever max_attempts says."
    )
    if count >= _FEW:
        return Finding(code=code, message=message)
    return Finding(
        level=WARNING,
        code=code,
        message=message,
        remedy="Raise maxReceiveCount of the RedrivePolicy above max_attempts.",
    )


def delay(told: Mapping[str, str]) -> Finding:
    """Tell whether every task waits."""
    seconds, code = int(told.get("DelaySeconds", 0)), "sqs-delay"
    if not seconds:
        return Finding(code=code, message="DelaySeconds is 0: a task may start as soon as it is sent.")
    message = f"DelaySeconds is {seconds}: every task waits that long before it may start."
    return Finding(level=WARNING, code=code, message=message, remedy="Set DelaySeconds of the queue to 0.")


def size(told: Mapping[str, str]) -> Finding:
    """Tell how large a package may be."""
    most, code = int(told.get("MaximumMessageSize", LARGEST)), "sqs-size"
    message = f"MaximumMessageSize: a package may have {most:,} bytes."
    if most >= LARGEST:
        return Finding(code=code, message=message)
    remedy = f"Raise MaximumMessageSize to {LARGEST}, or set 'claim_check_over' in Q_CLUSTER['sqs'] to {most} or less."
    return Finding(level=WARNING, code=code, message=message, remedy=remedy)


def redrive(told: Mapping[str, str]) -> tuple[int, str]:
    """Return after how many deliveries SQS moves a message, and the name of the queue; 0 for never."""
    try:
        policy: Any = json.loads(told.get("RedrivePolicy") or "{}")
        return int(policy["maxReceiveCount"]), str(policy["deadLetterTargetArn"]).rpartition(":")[2]
    except (KeyError, TypeError, ValueError):
        return 0, ""


def _retention(told: Mapping[str, str]) -> int:
    return int(told.get("MessageRetentionPeriod", _LONG_ENOUGH))


def _duration(seconds: int) -> str:
    for unit, word in ((_DAY, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.3g} {word}"
    return f"{seconds} seconds"
