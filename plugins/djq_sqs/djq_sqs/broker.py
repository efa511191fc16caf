"""The SQS brokers: standard and FIFO queues, each with and without packages in a storage."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, ClassVar

from djq_core.brokers.base import Broker, Package
from djq_sqs.base import SqsBase


class SqsBroker(SqsBase):
    """A standard queue: any number of tasks at once, about in order, now and then one twice."""

    @classmethod
    def for_keys(cls, keys: Mapping[str, Any]) -> type[Broker]:
        """Return the class that works with these keys: ``fifo`` and ``claim_check`` in ``sqs`` have their own."""
        if cls is not SqsBroker:
            return cls
        options = cls.read_options(keys)
        if options.fifo:
            return SqsFifoBroker if options.claim_check is None else SqsFifoClaimsBroker
        return SqsBroker if options.claim_check is None else SqsClaimsBroker


class SqsFifoBroker(SqsBroker):
    """A FIFO queue: each message is taken in once, however often a request is repeated, and in order in its group.

    While a message of a group is in flight SQS hands out no other of that group.
    """

    def _message(self, package: Package) -> dict[str, str]:
        """Return the arguments of SendMessage: the group, and an id by which SQS knows a repeated request."""
        id = secrets.token_hex(16)
        group = self.options.message_group_id or id
        return {**super()._message(package), "MessageGroupId": group, "MessageDeduplicationId": id}


class SqsClaimsBroker(SqsBroker):
    """A standard queue whose large packages lie in a storage."""

    max_package_bytes: ClassVar[int | None] = None


class SqsFifoClaimsBroker(SqsFifoBroker):
    """A FIFO queue whose large packages lie in a storage."""

    max_package_bytes: ClassVar[int | None] = None
