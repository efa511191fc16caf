"""The contract of a broker, and the way to the configured one (manual 1.3)."""

from __future__ import annotations

from djq_core import current
from djq_core.brokers.base import Broker, BrokerSettings, Delivery, Queued
from djq_core.brokers.finding import Finding
from djq_core.brokers.leases import Lease

__all__ = ["Broker", "BrokerSettings", "Delivery", "Finding", "Lease", "Queued", "get_broker"]


def get_broker(list_key: str | None = None) -> Broker:
    """Return a new broker for a queue, the cluster's own by default; raises ConfigurationError (manual 1.3.8)."""
    return current.runtime().broker(list_key)
