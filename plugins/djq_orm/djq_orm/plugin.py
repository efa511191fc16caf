"""What djq-core finds through the entry point: the broker ``orm``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from djq_core import hookimpl

if TYPE_CHECKING:
    from djq_core.brokers import Broker


@hookimpl
def djq_register_brokers() -> list[type[Broker]]:
    """Offer the ORM broker."""
    from djq_orm.broker import OrmBroker

    return [OrmBroker]
