"""One queue of SQS as a process sees it: its URL, and what its own attributes say; made where it is missing."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from djq_core.exceptions import BrokerError
from djq_sqs.client import Client
from djq_sqs.errors import is_missing, is_there
from djq_sqs.options import SqsOptions

FIFO: Final = ".fifo"
#: Seconds for which it is remembered whether unreadable packages go to a dead-letter queue.
_REMEMBERED: Final = 60.0
_FIFO_ATTRIBUTES: Final = {"FifoQueue": "true"}
#: With a group of its own for each message, which a queue serves fastest so.
_MANY_GROUPS: Final = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}


class Queue:
    """A queue by its name; methods raise what botocore does, and BrokerError where it is missing and must not be."""

    def __init__(self, client: Client, name: str, options: SqsOptions) -> None:
        self.client = client
        self._name = f"{name}{FIFO}" if options.fifo else name
        self._options = options
        self._url: str | None = None
        self._redrives: tuple[float, bool] = (0.0, False)

    def call(self, operation: str, *, creates: bool = False, **words: Any) -> Mapping[str, Any] | None:
        """Call an operation on the queue; return None where it is missing, and may be.

        A missing queue is made where ``creates`` asks for that and the options allow it.
        """
        known = self._url is not None
        while (url := self._find(creates=creates)) is not None:
            try:
                return self.client.call(operation, QueueUrl=url, **words)
            except ClientError as error:
                if not (known and is_missing(error)):
                    raise
            known, self._url = False, None  # it was deleted since
        return None

    def look(self) -> None:
        """Ask SQS for the queue, whether it is there or not."""
        self._found(self._name)

    def attributes(self, *names: str, creates: bool = False) -> Mapping[str, str] | None:
        """Return attributes of the queue, None where it is missing, and may be."""
        answer = self.call("get_queue_attributes", creates=creates, AttributeNames=list(names))
        return None if answer is None else answer.get("Attributes", {})

    def redrives(self) -> bool:
        """Does SQS itself move messages to a dead-letter queue?"""
        until, found = self._redrives
        if time.monotonic() >= until:
            found = bool((self.attributes("RedrivePolicy") or {}).get("RedrivePolicy"))
            self._redrives = (time.monotonic() + _REMEMBERED, found)
        return found

    def forget(self) -> None:
        """Look for the queue anew with the next call."""
        self._url = None

    def _find(self, *, creates: bool) -> str | None:
        if self._url is None:
            self._url = self._found(self._name)
        if self._url is None and creates and self._options.create_queue:
            self._url = self._create(self._name, {**self._options.queue_attributes, **self._redrive_policy()})
        if self._url is None and not self._options.create_queue:
            raise BrokerError(
                f"{self._options.where} has no queue {self._name!r}, or does not show it to "
                f"{self._options.credentials}: make it, or set 'create_queue' in Q_CLUSTER['sqs'] to True."
            )
        return self._url

    def _found(self, name: str) -> str | None:
        try:
            return str(self.client.call("get_queue_url", QueueName=name)["QueueUrl"])
        except ClientError as error:
            if not is_missing(error):
                raise
            return None

    def _create(self, name: str, attributes: Mapping[str, str]) -> str | None:
        if self._options.fifo:
            groups = {} if self._options.message_group_id else _MANY_GROUPS
            attributes = {**_FIFO_ATTRIBUTES, **groups, **attributes}
        try:
            return str(self.client.call("create_queue", QueueName=name, Attributes=attributes)["QueueUrl"])
        except ClientError as error:
            if not is_there(error):
                raise
            return self._found(name)  # somebody else was faster

    def _redrive_policy(self) -> Mapping[str, str]:
        if self._options.dead_letter_queue is None:
            return {}
        name = self._options.dead_letter_queue.removesuffix(FIFO) + (FIFO if self._options.fifo else "")
        url = self._found(name) or self._create(name, {"MessageRetentionPeriod": "1209600"})
        answer = self.client.call("get_queue_attributes", QueueUrl=url, AttributeNames=["QueueArn"])
        target = {
            "deadLetterTargetArn": answer["Attributes"]["QueueArn"],
            "maxReceiveCount": self._options.max_receive_count,
        }
        return {"RedrivePolicy": json.dumps(target)}
