"""Deliveries that are no longer this cluster's: it stood still for longer than a lease, and another one has them."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from djq_core.brokers import Broker

logger = logging.getLogger("djq")


def superseded(broker: Broker, receipts: Mapping[int, str]) -> set[int]:
    """Return the numbers of the deliveries that are another cluster's now; those that are not are renewed.

    None where the broker does not tell, or cannot now: it ignores a superseded answer all the same.
    """
    if not receipts or not (broker.fences_receipts and broker.supports_leases):
        return set()
    try:
        valid = broker.extend(list(receipts.values()), broker.settings.lease)
    except Exception as error:  # whatever the broker's client raises
        logger.warning("Nobody can tell whether %d deliveries are superseded: %s", len(receipts), error)
        return set()
    return {seq for seq, receipt in zip(receipts, valid, strict=True) if receipt is None}
