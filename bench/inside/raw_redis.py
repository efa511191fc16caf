"""The ceiling on a Redis list: pop a hundred, run them, forget them."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

import redis

from bench.inside import results
from bench.inside.asking import setting

BATCH = 100
LIST = "raw"
client = redis.Redis.from_url(setting("REDIS_URL"))


def enqueue(number: int, milliseconds: float) -> None:
    """Send one task."""
    client.rpush(LIST, pickle.dumps((number, milliseconds)))


def enqueue_many(numbers: Sequence[int], milliseconds: float) -> None:
    """Send many in one call."""
    client.rpush(LIST, *[pickle.dumps((number, milliseconds)) for number in numbers])


def queued() -> int:
    """Return how many are on the queue."""
    return int(client.llen(LIST))


def stored() -> int:
    """Return nothing, for results are off."""
    return 0


def main() -> None:
    """Work until killed."""
    while True:
        found: Any = client.blmpop(1, 1, LIST, direction="LEFT", count=BATCH)
        for payload in found[1] if found else ():
            results.run(payload)


if __name__ == "__main__":
    main()
