"""The calls of RQ, and its workers: the usual one, which forks for each task, and the simple one."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import redis
from rq import Queue, SimpleWorker, Worker
from rq.registry import StartedJobRegistry

from bench import work
from bench.inside.asking import setting

client = redis.Redis.from_url(setting("REDIS_URL"))
queue = Queue("bench", connection=client)


def enqueue(number: int, milliseconds: float) -> None:
    """Send one task."""
    queue.enqueue(work.append, number, milliseconds, result_ttl=0)


def enqueue_many(numbers: Sequence[int], milliseconds: float) -> None:
    """Send many in one call."""
    calls = [Queue.prepare_data(work.append, args=(number, milliseconds), result_ttl=0) for number in numbers]
    queue.enqueue_many(calls)


def queued() -> int:
    """Return how many are on the queue, whoever holds them."""
    return int(queue.count) + int(StartedJobRegistry(queue=queue).count)


def stored() -> int:
    """Return nothing, for results are off."""
    return 0


def main() -> None:
    """Work until killed."""
    kind = SimpleWorker if "simple" in sys.argv else Worker
    kind([queue], connection=client).work(logging_level="WARNING")


if __name__ == "__main__":
    main()
