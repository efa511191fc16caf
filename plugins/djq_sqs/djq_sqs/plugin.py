"""What djq-core finds through the entry point: the broker ``sqs``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from djq_core import hookimpl

if TYPE_CHECKING:
    from django.core.checks import CheckMessage

    from djq_core.brokers import Broker
    from djq_core.conf import Conf


@hookimpl
def djq_register_brokers() -> list[type[Broker]]:
    """Offer the broker of standard queues; ``fifo`` and ``claim_check`` make it one of the others."""
    from djq_sqs.broker import SqsBroker

    return [SqsBroker]


@hookimpl
def djq_check(conf: Conf) -> Sequence[CheckMessage]:
    """Return what SQS would refuse of the settings that are not its own."""
    from djq_sqs.checks import messages

    return messages(conf)
