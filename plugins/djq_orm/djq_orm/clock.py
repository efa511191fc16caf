"""Time as the queue's table keeps it."""

from __future__ import annotations

import time

MICROSECONDS = 1_000_000


def now_in_microseconds() -> int:
    """Return this host's time in microseconds since 1970."""
    return time.time_ns() // 1000
