"""The ceiling on a Redis stream: read a hundred, run them, store them in PostgreSQL, then acknowledge and delete."""

from __future__ import annotations

import os
import pickle
from collections.abc import Sequence

import redis

from bench.inside import results
from bench.inside.asking import rows, setting
from bench.inside.raw_postgresql import connect

BATCH = 100
STREAM, GROUP = "raw", "workers"
client = redis.Redis.from_url(setting("REDIS_URL"))


def prepare() -> None:
    """Make the table of results."""
    results.create()


def begin() -> None:
    """Make the group that reads the stream."""
    client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)


def enqueue(number: int, milliseconds: float) -> None:
    """Send one task."""
    client.xadd(STREAM, {b"p": pickle.dumps((number, milliseconds))})


def enqueue_many(numbers: Sequence[int], milliseconds: float) -> None:
    """Send many in one round trip."""
    with client.pipeline(transaction=False) as pipeline:
        for number in numbers:
            pipeline.xadd(STREAM, {b"p": pickle.dumps((number, milliseconds))})
        pipeline.execute()


def queued() -> int:
    """Return how many are on the queue."""
    return int(client.xlen(STREAM))


def stored() -> int:
    """Return how many results there are."""
    return rows("raw_result")


def main() -> None:
    """Work until killed."""
    with connect() as link, link.cursor() as cursor:
        while True:
            for _, entries in _read():
                results.insert(cursor, [results.run(fields[b"p"]) for _, fields in entries])
                link.commit()
                _acknowledge([key for key, _ in entries])


def _read() -> list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]:
    found = client.xreadgroup(GROUP, str(os.getpid()), {STREAM: ">"}, count=BATCH, block=1000)
    return found or []  # type: ignore[return-value]


def _acknowledge(keys: list[bytes]) -> None:
    with client.pipeline(transaction=False) as pipeline:
        pipeline.xack(STREAM, GROUP, *keys)
        pipeline.xdel(STREAM, *keys)
        pipeline.execute()


if __name__ == "__main__":
    main()
