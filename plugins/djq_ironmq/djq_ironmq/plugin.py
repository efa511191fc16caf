"""What djq-core finds through the entry point: the broker ``ironmq``, and a check of its lease."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core import checks

from djq_core import hookimpl
from djq_ironmq.options import LEASES

if TYPE_CHECKING:
    from djq_core.brokers import Broker
    from djq_core.conf import Conf


@hookimpl
def djq_register_brokers() -> list[type[Broker]]:
    """Offer the broker."""
    from djq_ironmq.broker import IronMQBroker

    return [IronMQBroker]


@hookimpl
def djq_check(conf: Conf) -> list[checks.CheckMessage]:
    """Warn of a lease that the service does not promise to keep."""
    least, most = LEASES
    if "iron_mq" not in conf.plugin_settings or least <= conf.retry <= most:
        return []
    told = f"`retry` is {conf.retry:g} s; IronMQ promises to keep reservations of {least} to {most:,} s only."
    return [checks.Warning(told, hint=f"Set `retry` to {least} or more, and to {most} at most.", id="djq_ironmq.W001")]
