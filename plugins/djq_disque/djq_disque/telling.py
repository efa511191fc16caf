"""What the nodes tell of themselves: version, clock, what they keep."""

from __future__ import annotations

from typing import Any

import redis

from djq_disque.copies import count
from djq_disque.examination import Told


def version(server: redis.Redis) -> str:
    """Return name and version, such as ``Disque 1.0-rc1``."""
    return f"Disque {server.info('server').get('disque_version', '')}".strip()


def clock(server: redis.Redis) -> float:
    """Return the time of a node in seconds since 1970."""
    answer: Any = server.execute_command("TIME")  # type: ignore[no-untyped-call]
    seconds, micro = answer
    return int(seconds) + int(micro) / 1_000_000


def told(server: redis.Redis, node: str, queue: str) -> Told:
    """Return what a node tells of its persistence, its cluster, and of a queue."""
    known, there = count(server)
    stat: Any = server.execute_command("QSTAT", queue)  # type: ignore[no-untyped-call]
    return Told(
        node=node,
        has_aof=bool(server.info("persistence").get("aof_enabled")),
        known=known,
        there=there,
        pause=bytes(stat[-1]).decode() if stat else "none",
    )
