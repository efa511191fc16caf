"""When a dead process is started again: at once, or after a pause where it keeps dying."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from djq_core.cluster.children import Child, WorkerChild

logger = logging.getLogger("djq")

#: A helper that dies within so many seconds died early.
EARLY = 1.0
#: The longest pause before a process that keeps dying early is started again, in seconds.
LONGEST_PAUSE = 5.0
#: Seconds until a start that the system has refused is tried again.
REFUSED_PAUSE = 1.0


class Restarts:
    """The starts that are due, each with its time on the monotonic clock."""

    def __init__(self, name: str, workers: int) -> None:
        """``name`` is who starts, for the log; so many workers may die at once before one has to pause."""
        self._name = name
        self._workers = workers
        self._starts: list[tuple[float, Callable[[], None]]] = []
        self._early_deaths: dict[str, int] = {}

    @property
    def moments(self) -> list[float]:
        """When the next starts are due."""
        return [at for at, _ in self._starts]

    def after(self, dead: Child, start: Callable[[], None]) -> None:
        """Start a successor now; after a pause where workers keep dying before they are ready, or a helper too soon."""
        is_worker, lived = isinstance(dead, WorkerChild), time.monotonic() - dead.born
        is_early = not dead.is_ready or (not is_worker and lived < EARLY)
        deaths = self._early_deaths[dead.role] = self._early_deaths.get(dead.role, 0) + 1 if is_early else 0
        excess = deaths - (self._workers if is_worker else 1)
        pause = min(LONGEST_PAUSE, 0.05 * 2 ** min(excess, 8)) if excess > 0 else 0.0
        self._starts.append((time.monotonic() + pause, start))

    def start_due(self, now: float) -> None:
        """Start what is due; what the system refuses is tried again."""
        due = [start for at, start in self._starts if at <= now]
        self._starts = [(at, start) for at, start in self._starts if at > now]
        for start in due:
            try:
                start()
            except OSError as error:  # no memory, processes or descriptors left just now
                logger.error("%s cannot start a process: %s; it tries again", self._name, error)
                self._starts.append((now + REFUSED_PAUSE, start))
