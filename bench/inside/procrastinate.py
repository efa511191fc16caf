"""The calls of Procrastinate."""

from __future__ import annotations

from collections.abc import Sequence

from procrastinate.contrib.django import app

from bench import work
from bench.inside.asking import rows

_TABLE = "procrastinate_jobs"


@app.task
def append(number: int, milliseconds: float) -> None:
    """Run the task."""
    work.append(number, milliseconds)


def enqueue(number: int, milliseconds: float) -> None:
    """Send one task."""
    append.defer(number=number, milliseconds=milliseconds)


def enqueue_many(numbers: Sequence[int], milliseconds: float) -> None:
    """Send many in one call."""
    append.batch_defer(*({"number": number, "milliseconds": milliseconds} for number in numbers))


def queued() -> int:
    """Return how many are on the queue, whoever holds them."""
    return rows(_TABLE, "status IN ('todo', 'doing')")


def stored() -> int:
    """Return how many finished jobs there are."""
    return rows(_TABLE, "status = 'succeeded'")
