"""The sentinel's judgement of time: who runs too long, and who does not go."""

from __future__ import annotations

import logging
import math
import signal
from collections.abc import Callable, Iterable

from djq_core.cluster.children import WorkerChild, kill
from djq_core.cluster.deadlines import TIME_IS_UP, Deadline, Step
from djq_core.cluster.processes import LINGER
from djq_core.cluster.traffic import Traffic
from djq_core.conf import Conf

logger = logging.getLogger("djq")


class Timekeeper:
    """Looks at what each worker runs, by the monotonic clock, and takes the steps of a time-out."""

    def __init__(self, conf: Conf, traffic: Traffic, retire: Callable[[WorkerChild], None]) -> None:
        self._conf = conf
        self._traffic = traffic
        self._retire = retire

    def look(self, workers: Iterable[WorkerChild], now: float) -> None:
        """See what each worker runs, and take the next step with one that runs too long."""
        for worker in workers:
            ticket, since = worker.record.read()
            if ticket != worker.running:
                worker.running, worker.since = ticket, since
                worker.deadline = self._deadline(worker, ticket, since)
            step = worker.deadline.due(now) if worker.deadline else None
            if step is not None:
                self._enforce(worker, step)
            if worker.is_stopping and self._traffic.is_idle(worker):
                self._hurry_out(worker, now)

    def _hurry_out(self, worker: WorkerChild, now: float) -> None:
        """End a worker that has nothing left to do and does not go: a thread of a task keeps it."""
        if worker.lingers_until is None:
            worker.lingers_until = now + LINGER
        elif now >= worker.lingers_until:
            worker.lingers_until = math.inf
            logger.warning("%s is kept by a thread that a task has left behind; it is ended", worker.name)
            kill(worker, signal.SIGKILL)

    def _deadline(self, worker: WorkerChild, ticket: int, since: float) -> Deadline | None:
        held = self._traffic.table.running(worker.key, ticket) if ticket else None
        timeout = (held.header["timeout"] or self._conf.timeout) if held else None
        return Deadline(ticket, since + timeout, self._conf.timeout_grace) if timeout else None

    def _enforce(self, worker: WorkerChild, step: Step) -> None:
        if step is Step.RAISE:
            held = self._traffic.table.running(worker.key, worker.running)
            logger.warning("%s exceeded its timeout with %s", worker.name, held)
            worker.overdue = worker.running
            self._traffic.call_back(worker)
            self._retire(worker)
        elif step is Step.TERMINATE:
            worker.words.take()  # what it writes from now on is where it hangs
        number = {Step.RAISE: TIME_IS_UP, Step.TERMINATE: signal.SIGTERM, Step.KILL: signal.SIGKILL}[step]
        if worker.record.read()[0] == worker.running:
            kill(worker, number)
