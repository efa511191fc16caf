"""What djq-core finds through the entry point: the broker ``redis``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from djq_core import hookimpl

if TYPE_CHECKING:
    from djq_core.brokers import Broker


@hookimpl
def djq_register_brokers() -> list[type[Broker]]:
    """Offer the list broker; ``redis_receipts`` makes it the one with receipts."""
    from djq_redis.list_broker import RedisBroker

    return [RedisBroker]
