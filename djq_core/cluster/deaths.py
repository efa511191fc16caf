"""What follows when a child has ended: what is recorded of what it held, who is told, and whether it is replaced."""

from __future__ import annotations

import logging
import math
import signal
from collections.abc import Sequence

from djq_core.cluster.assignment import Held
from djq_core.cluster.children import Child, WorkerChild, how_it_ended, last_of
from djq_core.cluster.snapshot import Snapshot
from djq_core.cluster.stopping import Stop
from djq_core.cluster.traffic import Traffic

logger = logging.getLogger("djq")


class Deaths:
    """Settles what dead children have left, once everything that they sent is read."""

    def __init__(self, traffic: Traffic, snapshot: Snapshot) -> None:
        self._traffic = traffic
        self._snapshot = snapshot
        #: What the monitor is to tell the plugins: role, name, process id, exit code and, if any, the name of the task.
        self.events: list[list[object]] = []

    def of_worker(self, worker: WorkerChild, exitcode: int, stop: Stop | None, pusher: Child | None) -> bool:
        """Take from a dead worker what it had, tell of its death, and return whether another takes its place."""
        words = worker.words.take()
        outcome = self._outcome(worker, exitcode, words, stop)
        started = self._traffic.worker_lost(worker, outcome)
        if outcome is None:
            self._traffic.release(pusher, started)
        if worker.is_stopping and not started and (exitcode == 0 or worker.lingers_until == math.inf):
            self._log_planned(worker)
            return False
        if stop and stop.is_killing:
            logger.warning("%s was ended by the stop%s", worker.name, _holding(started))
            return False
        self._tell(worker, exitcode, started)
        if words:
            logger.error("The last stack of %s\n%s", worker.name, words)
        if worker.has_successor or (stop and not stop.needs_workers):
            return False
        logger.info("reincarnated worker %s after %s", worker.name, "timeout" if worker.overdue else "death")
        return True

    def _outcome(self, worker: WorkerChild, exitcode: int, words: str, stop: Stop | None) -> dict[str, object] | None:
        """Return what is recorded of the task that a worker has started; None where it is handed back."""
        if stop and stop.is_killing:
            return None if self._traffic.hands_back else {"error": "The cluster was stopped while it ran this task."}
        if worker.overdue:
            held = self._traffic.table.running(worker.key, worker.running)
            reason = self._traffic.late(held) if held else "The task ran longer than its timeout."
            ended = f"Its worker was ended {how_it_ended(exitcode)}.{last_of(worker, words)}"
            return {"error": f"{reason} {ended}", "late": True}
        who = f"The worker {worker.name} (pid {worker.pid})"
        told = f"{who} ended {how_it_ended(exitcode)} while it ran this task.{last_of(worker, words)}"
        return {"error": told, "crashed": True}

    def _log_planned(self, worker: WorkerChild) -> None:
        if not worker.has_successor:
            return
        self._snapshot.reincarnations += 1
        if worker.overdue:
            logger.info("reincarnated worker %s after timeout", worker.name)
        else:
            logger.info("recycled worker %s", worker.name)

    def of_helper(self, helper: Child, exitcode: int, stop: Stop | None) -> bool:
        """Take over from a dead pusher or monitor, tell of its death, and return whether another takes its place."""
        if helper.role == "pusher":
            self._traffic.pusher_lost()
        elif helper.role == "monitor":
            self._traffic.monitor_lost(by_kill=exitcode == -signal.SIGKILL)
        if stop and stop.expects_end_of(helper.role):
            return False
        self._tell(helper, exitcode)
        logger.info("reincarnated %s %s after sudden death", helper.role, helper.name)
        return True

    def _tell(self, child: Child, exitcode: int, started: Sequence[Held] = ()) -> None:
        self._snapshot.reincarnations += 1
        how = how_it_ended(exitcode)
        logger.error("%s %s (pid %s) ended %s%s", child.role, child.name, child.pid, how, _holding(started))
        task_name = started[0].header["name"] if started else None
        self.events.append([child.role, child.name, child.pid, exitcode, task_name])


def _holding(started: Sequence[Held]) -> str:
    """Return what a process held, for the end of a sentence."""
    return f", holding {', '.join(map(str, started))}" if started else ""
