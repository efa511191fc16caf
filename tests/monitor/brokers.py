"""Brokers that a doctor should have something to say of."""

from __future__ import annotations

import time

from djq_core.brokers.finding import WARNING, Finding
from djq_orm.broker import OrmBroker


class Ahead(OrmBroker):
    """Its server's clock is two minutes ahead."""

    def clock(self) -> float | None:
        return time.time() + 120


class Slow(OrmBroker):
    """Its server is far away, and its disk is full."""

    def ping(self) -> bool:
        time.sleep(0.06)
        return super().ping()

    def examine(self) -> list[Finding]:
        return [Finding(level=WARNING, code="slow-disk", message="The disk is full.", remedy="Buy another.")]
