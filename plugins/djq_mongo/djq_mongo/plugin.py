"""What djq-core finds through the entry point: the broker ``mongo``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from djq_core import hookimpl

if TYPE_CHECKING:
    from djq_core.brokers import Broker


@hookimpl
def djq_register_brokers() -> list[type[Broker]]:
    """Offer the MongoDB broker."""
    from djq_mongo.broker import MongoBroker

    return [MongoBroker]
