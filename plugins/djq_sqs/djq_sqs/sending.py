"""Sending messages: what SQS takes, what it refuses, and what becomes of a package that lies in a storage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from djq_core.exceptions import BrokerError
from djq_sqs import batches, bodies, errors
from djq_sqs.options import SqsOptions
from djq_sqs.queue import Queue

if TYPE_CHECKING:
    from djq_sqs.claims import Claims


def send(
    queue: Queue, options: SqsOptions, messages: Sequence[Mapping[str, str]], claims: Claims | None
) -> list[str | None]:
    """Send messages, given as arguments of SendMessage, and return their ids; raise BrokerError for those not taken."""

    def call(entries: Sequence[batches.Entry]) -> batches.Entry:
        if len(entries) > 1:
            return _taken(options, queue.call("send_message_batch", creates=True, Entries=list(entries)))
        (entry,) = entries
        words = {name: value for name, value in entry.items() if name != "Id"}
        answer = _taken(options, queue.call("send_message", creates=True, **words))
        return {"Successful": [{**answer, "Id": entry["Id"]}]}

    outcome = batches.Outcome()
    try:
        batches.send(call, messages, [bodies.size(message["MessageBody"]) for message in messages], outcome)
    except Exception as error:
        if errors.is_unsent(error):
            _take_back(claims, [each for place, each in enumerate(messages) if place not in outcome.done])
        raise
    if outcome.failed:
        _take_back(claims, [messages[place] for place in outcome.failed])
        raise BrokerError(_told(options, len(messages), outcome.failed))
    return [outcome.done[place]["MessageId"] for place in range(len(messages))]


def _taken(options: SqsOptions, answer: batches.Entry | None) -> batches.Entry:
    if answer is None:
        raise BrokerError(f"{options.where} has just made the queue and does not know it yet. Send again in a moment.")
    return answer


def _take_back(claims: Claims | None, messages: Sequence[Mapping[str, str]]) -> None:
    """Delete what lies in a storage for messages that were refused."""
    for message in messages:
        token = bodies.claimed(message["MessageBody"])
        if claims is not None and token is not None:
            claims.drop(token)


def _told(options: SqsOptions, count: int, failed: Mapping[int, Mapping[str, Any]]) -> str:
    first = errors.told_of_entry(options, "SendMessage", next(iter(failed.values())))
    return f"{len(failed)} of {count} packages were not taken. {first}"
