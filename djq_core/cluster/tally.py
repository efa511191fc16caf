"""How many tasks a cluster has run, and how long they waited and took: counts that cost next to nothing."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

#: The upper bounds of the classes of durations, in seconds; a last class holds what is longer.
BOUNDS: Final[tuple[float, ...]] = tuple(step * 10**power for power in range(-3, 4) for step in (1, 2, 5))


def no_durations() -> list[int]:
    """Return a count of 0 for each class of :data:`BOUNDS` and the one beyond."""
    return [0] * (len(BOUNDS) + 1)


@dataclass(slots=True)
class Tally:
    """What a cluster has counted since its start.

    ``processed`` are the runs that ended, ``failed`` those of them that failed. ``waits`` and ``runs`` count durations
    by the classes of :data:`BOUNDS`: from the call of ``async_task`` to the first start, and from a start to its end.
    ``waited`` and ``ran`` are the sums of these durations, in seconds.
    """

    processed: int = 0
    failed: int = 0
    waits: list[int] = field(default_factory=no_durations)
    runs: list[int] = field(default_factory=no_durations)
    waited: float = 0.0
    ran: float = 0.0

    def ended(self, *, success: bool) -> None:
        """Count a run that ended."""
        self.processed += 1
        self.failed += not success

    def took(self, wait: float | None, run: float) -> None:
        """Count the seconds of a run and, of a first one, those that it waited."""
        self.runs[bisect_left(BOUNDS, run)] += 1
        self.ran += max(0.0, run)
        if wait is not None:
            self.waits[bisect_left(BOUNDS, wait)] += 1
            self.waited += max(0.0, wait)


def quantile(counts: Sequence[int], share: float) -> float | None:
    """Return the duration in seconds that the given share (0 to 1) of the counted ones does not exceed.

    Within a class they are taken to lie evenly; one beyond all bounds counts as the last bound. None for no durations.
    """
    left = share * sum(counts)
    if not any(counts):
        return None
    lower = 0.0
    for upper, count in zip(BOUNDS, counts, strict=False):
        if count and left <= count:
            return lower + (upper - lower) * left / count
        left -= count
        lower = upper
    return BOUNDS[-1]
