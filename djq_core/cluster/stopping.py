"""The stop procedure: pusher, workers, monitor, in the manual's order (1.14.9)."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Iterable
from enum import IntEnum, unique
from typing import TYPE_CHECKING

from djq_core.cluster.channels import Frame, Kind
from djq_core.cluster.children import Child, kill
from djq_core.cluster.events import PipeEvent
from djq_core.conf import Conf

if TYPE_CHECKING:
    from djq_core.cluster.sentinel import Sentinel

#: Seconds that each stage of a hurried stop may take.
HURRY = 1.5
#: Seconds within which a pusher must stop: longer than any fetch waits.
PUSHER_SECONDS = 6.0

logger = logging.getLogger("djq")


@unique
class Stage(IntEnum):
    """How far the stop has come."""

    PUSHER = 1
    WORKERS = 2
    MONITOR = 3
    LEAVING = 4
    OVER = 5


class Stop:
    """One stop, from the signal to the last process."""

    def __init__(self, sentinel: Sentinel, conf: Conf, event: PipeEvent) -> None:
        self._sentinel = sentinel
        self._conf = conf
        self._event = event
        self._stage = Stage.PUSHER
        self._since = time.monotonic()
        self._pushed: int | None = None
        self._told: set[tuple[int, Kind]] = set()
        self._is_hurried = False
        self.is_killing = False
        self._tell("pusher", Kind.STOP)
        self._tell("scheduler", Kind.STOP)

    @property
    def is_over(self) -> bool:
        """Is every process gone?"""
        return self._stage is Stage.OVER

    @property
    def needs_workers(self) -> bool:
        """Is a dead worker replaced, because tasks wait that cannot be handed back?"""
        return self._stage <= Stage.WORKERS and not self.is_killing and bool(self._sentinel.traffic.table.waiting)

    def expects_end_of(self, role: str) -> bool:
        """Is it in order that this helper has ended?"""
        if role != "monitor":
            return True
        is_done = self._stage is Stage.MONITOR and not self._sentinel.traffic.table.finished
        return is_done or self._stage >= Stage.LEAVING

    def on_pusher_stopped(self, pushed: int) -> None:
        """Note that nothing more is fetched; so many packages were handed over in all."""
        self._pushed = pushed

    def go_on(self, now: float) -> None:
        """Take the next step if its time has come."""
        self._hurry_if_asked()
        is_late = self._is_hurried and now - self._since > HURRY
        steps = {
            Stage.PUSHER: self._wait_for_pusher,
            Stage.WORKERS: self._wait_for_workers,
            Stage.MONITOR: self._wait_for_monitor,
            Stage.LEAVING: self._wait_for_all,
        }
        if self._stage in steps and steps[self._stage](now, is_late=is_late):
            self._stage = Stage(self._stage + 1)
            self._since = now

    def _hurry_if_asked(self) -> None:
        """A second signal, or the end of the Cluster, leaves no time for what runs."""
        if not self._is_hurried and (self._event.is_urgent() or self._event.is_orphaned()):
            self._is_hurried = True
            self._since = time.monotonic()

    # The stages: each returns whether it is done

    def _wait_for_pusher(self, now: float, *, is_late: bool) -> bool:
        pusher = self._sentinel.helpers.get("pusher")
        traffic = self._sentinel.traffic
        self._tell("pusher", Kind.STOP)
        is_late = is_late or now - self._since > PUSHER_SECONDS
        if pusher is not None and self._pushed != traffic.pushed:
            if not is_late:
                return False
            logger.error("%s does not stop pushing tasks and is ended", pusher.name)
            self._kill([pusher])
        if traffic.hands_back:
            for worker in self._sentinel.workers.values():
                traffic.call_back(worker)
        return True

    def _wait_for_workers(self, now: float, *, is_late: bool) -> bool:
        sentinel = self._sentinel
        if not self.is_killing and (self._is_hurried or self._is_over_time(now)):
            self.is_killing = True
            self._kill(sentinel.workers.values())
        self._settle_waiting()
        if not sentinel.traffic.table.waiting:
            for worker in sentinel.workers.values():
                if sentinel.traffic.is_idle(worker):
                    sentinel.stop_worker(worker)
        return not sentinel.workers and not self.needs_workers

    def _is_over_time(self, now: float) -> bool:
        limit = self._conf.stop_timeout
        return limit is not None and now - self._since >= limit

    def _settle_waiting(self) -> None:
        """Hand back what is not started; where that cannot be, record what will not be started any more."""
        traffic = self._sentinel.traffic
        if traffic.hands_back:
            traffic.release(self._sentinel.helpers.get("pusher"), traffic.table.drain_waiting())
        elif self.is_killing:
            traffic.give_up_waiting("The cluster was stopped before it started this task.")

    def _wait_for_monitor(self, now: float, *, is_late: bool) -> bool:
        is_late = is_late or self._is_over_time(now)
        monitor = self._sentinel.helpers.get("monitor")
        if monitor is None:
            return not self._sentinel.traffic.table.finished or is_late
        if monitor.is_ready and not self._is_told(monitor, Kind.STOP):
            self._tell("monitor", Kind.STOP)  # at once: it may be waiting for its broker, and read no results
            monitor.data.send(Frame(Kind.STOP))  # after the last result
        if is_late:
            self._kill([monitor])
        return is_late

    def _wait_for_all(self, now: float, *, is_late: bool) -> bool:
        sentinel = self._sentinel
        is_late = is_late or now - self._since > 2 * HURRY
        self._tell("scheduler", Kind.STOP)
        if not sentinel.traffic.releasing or is_late:
            self._dismiss_pusher()
        if is_late:
            self._kill(sentinel.helpers.values())
        return not sentinel.helpers

    def _dismiss_pusher(self) -> None:
        """Let the pusher publish the end, as the last thing it does."""
        pusher = self._sentinel.helpers.get("pusher")
        if pusher is not None and not self._is_told(pusher, Kind.LEAVE):
            self._sentinel.publish_end()
        self._tell("pusher", Kind.LEAVE)

    def _tell(self, role: str, kind: Kind) -> None:
        """Send a frame to a helper, once."""
        helper = self._sentinel.helpers.get(role)
        if helper is not None and not self._is_told(helper, kind):
            self._told.add((helper.pid, kind))
            helper.control.send(Frame(kind))

    def _is_told(self, helper: Child, kind: Kind) -> bool:
        return (helper.pid, kind) in self._told

    @staticmethod
    def _kill(children: Iterable[Child]) -> None:
        for child in list(children):
            kill(child, signal.SIGKILL)
