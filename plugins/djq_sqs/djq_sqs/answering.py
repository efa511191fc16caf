"""Answering for deliveries, up to ten in one request: an entry that came too late is none that failed."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from djq_core.exceptions import BrokerError
from djq_sqs import batches, errors
from djq_sqs.options import SqsOptions
from djq_sqs.queue import Queue
from djq_sqs.receipts import Receipt

logger = logging.getLogger("djq")


def extend(queue: Queue, held: Sequence[Receipt], seconds: float) -> list[Receipt | None]:
    """Renew leases and return the receipts that are valid now, None for each lost one."""
    wanted = {place: receipt.within_limit(seconds) for place, receipt in enumerate(held) if not receipt.is_over}
    places = [place for place, allowed in wanted.items() if allowed > 0]
    outcome = _change(queue, [(held[place], wanted[place]) for place in places])
    found: list[Receipt | None] = [None] * len(held)
    for number, place in enumerate(places):
        if number in outcome.done:
            found[place] = held[place].held_for(wanted[place])
        elif number in outcome.failed and not errors.is_over(outcome.failed[number]):
            found[place] = held[place]
            logger.warning("SQS did not renew a lease: %s", outcome.failed[number].get("Message"))
    return found


def release(queue: Queue, options: SqsOptions, held: Sequence[Receipt], delay: float) -> None:
    """Let messages be delivered again after a while; raise BrokerError for those that SQS failed to."""
    changes = [(receipt, receipt.within_limit(delay)) for receipt in held if not receipt.is_over]
    _refuse(options, "ChangeMessageVisibility", "released", _change(queue, changes))


def delete(queue: Queue, options: SqsOptions, held: Sequence[Receipt]) -> list[Receipt]:
    """Delete messages and return the receipts of those that are; raise BrokerError for those that SQS failed to."""

    def call(entries: Sequence[batches.Entry]) -> batches.Entry:
        return queue.call("delete_message_batch", Entries=list(entries)) or {}

    outcome = batches.send(call, [{"ReceiptHandle": receipt.handle} for receipt in held])
    _refuse(options, "DeleteMessage", "deleted", outcome)
    return [held[place] for place in sorted(outcome.done)]


def _change(queue: Queue, changes: Sequence[tuple[Receipt, int]]) -> batches.Outcome:
    def call(entries: Sequence[batches.Entry]) -> batches.Entry:
        return queue.call("change_message_visibility_batch", Entries=list(entries)) or {}

    entries = [{"ReceiptHandle": receipt.handle, "VisibilityTimeout": seconds} for receipt, seconds in changes]
    return batches.send(call, entries)


def _refuse(options: SqsOptions, operation: str, what: str, outcome: batches.Outcome) -> None:
    failed: list[Mapping[str, Any]] = [each for each in outcome.failed.values() if not errors.is_over(each)]
    if failed:
        count = len(outcome.done) + len(outcome.failed)
        first = errors.told_of_entry(options, operation, failed[0])
        raise BrokerError(f"{len(failed)} of {count} messages were not {what}. {first}")
