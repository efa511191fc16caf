"""No more successes and unreadable packages than is wanted: what is saved is counted, and the oldest are deleted."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from djq_core.envelope import TaskResult
from djq_core.envelope.package import UNREADABLE
from djq_core.exceptions import ResultBackendUnavailable
from djq_core.results import parts

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

logger = logging.getLogger("djq")

#: Seconds without a result after which the oldest successes beyond ``save_limit`` are deleted, however few there are,
#: and the most between two tries.
IDLE = 1.0
LONGEST_IDLE = 60.0
#: Seconds between two looks at the parts that nobody will collate, and until the first one.
SWEEP = 3600.0
FIRST_SWEEP = 300.0


class Pruning:
    """Prunes when enough has come, or when all is quiet; where that fails, ever later: no result waits for it."""

    def __init__(self, name: str, runtime: Runtime) -> None:
        """``name`` is the process's, for the log."""
        self._name = name
        self._runtime = runtime
        self._limit, self._per = runtime.conf.save_limit, runtime.conf.save_limit_per
        self._added = 0
        self._values = set[str | None]()
        self._unreadable = 0
        self._sweep_at = time.monotonic() + FIRST_SWEEP
        self._pause = IDLE
        self._try_at = 0.0

    def note(self, results: Iterable[TaskResult]) -> None:
        """Count what was added to the successes in the database, and the packages that could not be read."""
        for result in results:
            self._unreadable += result.package.func == UNREADABLE
            if self._limit > 0 and result.success and not result.package.cached:
                self._added += 1
                self._values.add(getattr(result.package, self._per) if self._per else None)

    @property
    def is_crowded(self) -> bool:
        """Have so many unreadable packages come that their number must be looked at now, however busy it is?"""
        return self._unreadable > max(10, self._runtime.conf.quarantine_limit // 10)

    @property
    def patience(self) -> float | None:
        """Seconds without a result after which to look again; None where there is nothing to prune."""
        return self._pause if self._values else None

    def look(self, *, is_idle: bool) -> None:
        """Prune where enough has come, or anything at all and it is quiet; not so soon after it has failed."""
        if time.monotonic() >= self._try_at:
            self._try(force=is_idle)

    def finish(self) -> None:
        """Prune whatever has come."""
        self._try(force=True)

    def _try(self, *, force: bool) -> None:
        try:
            self.prune(force=force)
        except Exception as error:  # housekeeping
            says_itself = isinstance(error, ResultBackendUnavailable)
            told = "%s could not prune the successful tasks, and tries again: %s"
            logger.warning(told, self._name, error, exc_info=None if says_itself else error)
            self._pause = min(2 * self._pause, LONGEST_IDLE)
            self._try_at = time.monotonic() + self._pause
        else:
            self._pause = IDLE

    def prune(self, *, force: bool = False) -> None:
        """Delete the oldest successes beyond ``save_limit`` once enough have come (manual 1.2.11), and the like.

        What could not be deleted is left to the next call; raises what the result backend raises.
        """
        if self.is_crowded or (force and self._unreadable):
            self._runtime.results.prune_unreadable(self._runtime.conf.quarantine_limit)
            self._unreadable = 0
        if self._added > (0 if force else max(10, self._limit // 10)):
            for value in list(self._values):
                self._runtime.results.prune(self._limit, **({self._per: value} if self._per else {}))
                self._values.discard(value)
            self._added = 0
        if time.monotonic() > self._sweep_at:
            self._sweep_at = time.monotonic() + SWEEP
            parts.sweep()
