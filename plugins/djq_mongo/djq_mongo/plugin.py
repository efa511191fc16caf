"""What djq-core finds through the entry point: the broker ``mongo``."""

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
    """Offer the MongoDB broker."""
    from djq_mongo.broker import MongoBroker

    return [MongoBroker]


@hookimpl
def djq_check(conf: Conf) -> Sequence[CheckMessage]:
    """Return what makes less of the broker's promise, or has no effect."""
    from djq_mongo.checks import messages

    return messages(conf)
