"""The scheduler: twice a minute it reads which schedules are due until it reads again (manual 1.14.8)."""

from __future__ import annotations

import heapq
import logging
import os
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.db import connections

from djq_core.cluster.channels import Channel, Frame, Kind
from djq_core.cluster.declarations import reconcile
from djq_core.cluster.slots import PART, Slots
from djq_core.schedules.times import moment_of

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

logger = logging.getLogger("djq")

#: Seconds between two readings of the table.
READING: Final = 30.0
#: Seconds after which it is tried again when the database or the broker does not answer.
AGAIN: Final = 1.0
#: A naive ``next_run`` may be so far from what the clocks show.
_NAIVE: Final = timedelta(days=1)


def _utcnow() -> datetime:
    return datetime.now(UTC)


class Scheduler:
    """The loop of the scheduler process; ``now`` is the wall clock, aware."""

    def __init__(self, name: str, runtime: Runtime, control: Channel, *, now: Callable[[], datetime] = _utcnow) -> None:
        self._name = name
        self._runtime = runtime
        self._control = control
        self._now = now
        self._slots = Slots(name, runtime)
        self._read_at = float("-inf")
        self._known: list[tuple[datetime, int]] = []
        self._due: deque[int] = deque()
        self._part = PART
        self._is_reconciled = False
        self._failed_with: type[Exception] | None = None

    def run(self) -> None:
        """Look until told to stop, or until the sentinel is gone."""
        self._control.send(Frame(Kind.READY))
        logger.info("%s scheduling at %s", self._name, os.getpid())
        try:
            while (frame := self._control.receive(self.look())) is None or frame.kind is not Kind.STOP:
                continue
        except EOFError:
            return
        logger.info("%s stopped scheduling", self._name)

    def look(self) -> float:
        """Enqueue a part of what is due and return the seconds until the next look."""
        try:
            self._read()
            self._run_part()
        except Exception as error:  # the border of this process: the database or the broker may be away
            self._tell(error)
            for connection in connections.all(initialized_only=True):
                connection.close_if_unusable_or_obsolete()
            return AGAIN
        if self._failed_with:
            logger.info("%s runs the schedules again", self._name)
        self._failed_with = None
        return self._patience()

    def _tell(self, error: Exception) -> None:
        """Log and report an outage once, for it is tried again each second."""
        if self._failed_with is not type(error):
            logger.error("%s cannot run the schedules: %s", self._name, error, exc_info=error)
        if not self._failed_with:
            self._runtime.reporters.report((type(error), error, error.__traceback__), None, "scheduler")
        self._failed_with = type(error)

    def _patience(self) -> float:
        if self._due:
            return 0.0
        reading = self._read_at + READING - time.monotonic()
        slot = (self._known[0][0] - self._now()).total_seconds() if self._known else reading
        return max(0.0, min(reading, slot))

    # Reading

    def _read(self) -> None:
        """Read which rows are due until the next reading, when it is time."""
        if time.monotonic() < self._read_at + READING:
            return
        if not self._is_reconciled:
            reconcile(self._runtime, self._now())
            self._is_reconciled = True
        until = self._now() + timedelta(seconds=READING + AGAIN)
        self._known = [(moment, pk) for moment, pk in self._moments(until) if moment <= until]
        heapq.heapify(self._known)
        self._due.clear()
        self._read_at = time.monotonic()

    def _moments(self, until: datetime) -> list[tuple[datetime, int]]:
        conf = self._runtime.conf
        latest = until if conf.use_tz else until.replace(tzinfo=None) + _NAIVE
        found = self._slots.mine().filter(next_run__lte=latest).values_list("next_run", "slot", "pk")
        return [(moment_of(next_run, slot, conf), pk) for next_run, slot, pk in found if next_run is not None]

    # Running

    def _run_part(self) -> None:
        """Run a part of what is due; what fails as a whole is tried in smaller parts, after what else is due."""
        now = self._now()
        while self._known and self._known[0][0] <= now:
            self._due.append(heapq.heappop(self._known)[1])
        part = [self._due.popleft() for _ in range(min(self._part, len(self._due)))]
        if not part:
            return
        try:
            following = self._slots.run(part, now)
        except Exception:
            self._part = max(1, len(part) // 2)
            self._due.extend(part)
            raise
        self._part = min(PART, 2 * self._part)
        self._await(following, now)

    def _await(self, following: dict[int, datetime], now: datetime) -> None:
        for pk, moment in following.items():
            if moment <= now:
                self._due.append(pk)
            elif moment <= now + timedelta(seconds=READING):
                heapq.heappush(self._known, (moment, pk))
