"""The calls of Dramatiq."""

from __future__ import annotations

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from bench import work
from bench.inside.asking import setting

broker = RedisBroker(url=setting("REDIS_URL"))
dramatiq.set_broker(broker)


@dramatiq.actor
def append(number: int, milliseconds: float) -> None:
    """Run the task."""
    work.append(number, milliseconds)


def enqueue(number: int, milliseconds: float) -> None:
    """Send one task."""
    append.send(number, milliseconds)


def queued() -> int:
    """Return how many are on the queue, whoever holds them."""
    return int(broker.client.hlen("dramatiq:default.msgs"))


def stored() -> int:
    """Return nothing, for results are off."""
    return 0
