"""The queue of the raw clients in a database: what is the same on PostgreSQL and on SQLite."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

from django.db import connection

from bench.inside.asking import rows


def enqueue(number: int, milliseconds: float) -> None:
    """Send one task."""
    enqueue_many([number], milliseconds)


def enqueue_many(numbers: Sequence[int], milliseconds: float) -> None:
    """Send many with one statement."""
    values = ", ".join(["(%s)"] * len(numbers))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO raw_queue (payload) VALUES {values}",
            [pickle.dumps((number, milliseconds)) for number in numbers],
        )


def queued() -> int:
    """Return how many are on the queue."""
    return rows("raw_queue")


def stored() -> int:
    """Return how many results there are."""
    return rows("raw_result")
