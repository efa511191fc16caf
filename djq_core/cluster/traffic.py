"""The way of a task through the sentinel: credit, packages for the workers, results for the monitor, leases."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from djq_core.brokers import Broker
from djq_core.cluster.assignment import Assignment, Held
from djq_core.cluster.channels import Frame, Kind
from djq_core.cluster.children import Child, WorkerChild
from djq_core.cluster.leases import Leases, Renewal
from djq_core.cluster.tally import Tally
from djq_core.conf import Conf

logger = logging.getLogger("djq")

#: So many results, or bytes, wait for the monitor before no more are read from the workers.
MOST_RESULTS = 2_000
MOST_BYTES = 64 * 2**20
#: Behind a task that has run so many seconds, and behind so many seconds of work, nobody waits while a worker is idle.
PATIENCE = 0.02
#: How often the monitor may die over one hook before the hook is given up.
HOOK_CALLS = 2


class Traffic:
    """The table of tasks and the frames that move them."""

    def __init__(self, conf: Conf, broker: type[Broker]) -> None:
        self._conf = conf
        self._broker = broker
        self.table = Assignment()
        self.tally = Tally()
        self.is_store_away = False
        self.is_stopping = False
        self.pushed = 0
        self._granted = 0
        self._hook: tuple[Held | None, float] | None = None
        self.releasing: set[int] = set()
        self.wants_renewal = False
        self._leases = Leases(broker, self.table)

    # State

    @property
    def hands_back(self) -> bool:
        """Does a stop hand back what is not started, instead of finishing it?"""
        return self._broker.supports_receipts

    @property
    def renews_leases(self) -> bool:
        """Are leases renewed? Otherwise a package is delivered and run again when its time is over (manual 1.2.9)."""
        return self._broker.supports_leases and self._conf.renew_leases

    @property
    def is_congested(self) -> bool:
        """Has the monitor so much to do that no more results are read?"""
        return len(self.table.finished) >= MOST_RESULTS or self.table.finished_bytes >= MOST_BYTES

    def unstarted(self, workers: Iterable[WorkerChild]) -> int:
        """Return the number of tasks that are fetched and not started: the TQ of the monitor page (manual 1.10.1)."""
        return self.table.unstarted({worker.key: worker.running for worker in workers})

    # From the broker

    def on_package(self, frame: Frame) -> None:
        """Take in what the pusher hands over: a package, or the record of one that nobody can read."""
        self.pushed += 1
        header, unanswered = frame.header, frame.header["unanswered"]
        held = self.table.of_task(header["id"]) if unanswered > 1 and self.renews_leases else None
        if unanswered > 1 and not self.renews_leases:
            self.table.outdate(header["id"], header["receipt"])
        if held is not None and not self._may_be_released(held):
            self._delivered_again(held, header["receipt"])
        elif frame.kind is Kind.RESULT:
            self.table.add_finished(header, frame.payload, {"error": header["error"]})
        elif unanswered > self._conf.max_deliveries:
            reason = f"The task was not run again: {unanswered - 1} clusters in a row ended while they held it."
            self.table.add_finished(header, frame.payload, {"error": reason, "crashed": True, "final": True})
        else:
            self.table.add(header, frame.payload)

    def _may_be_released(self, held: Held) -> bool:
        """May this be the next delivery of a failure that the monitor has just released, and not told of yet?"""
        return self._broker.counts_every_delivery and held.outcome is not None and not held.outcome.get("success")

    def _delivered_again(self, held: Held, receipt: str) -> None:
        """Go on under a new lease with a task whose old one lapsed, instead of running it twice.

        So it goes when the broker, or this cluster, stood still for longer than a lease.
        """
        logger.warning("The lease of %s lapsed and it was delivered again to this cluster, which still has it", held)
        held.receipt = receipt
        self.wants_renewal = True

    def grant(self, pusher: Child | None, workers: Iterable[WorkerChild]) -> None:
        """Let the pusher fetch what there is room for."""
        if pusher is None or self.is_stopping or self.is_store_away or self.is_congested:
            return
        total = self.pushed + max(0, self._room(workers))
        if total > self._granted:
            self._granted = total
            pusher.control.send(Frame(Kind.GRANT, total))

    def _room(self, workers: Iterable[WorkerChild]) -> int:
        """Return ``queue_limit`` less what is fetched and not started, and keep what a kill can cost within bounds.

        Where each delivery counts as an attempt, nothing is fetched that would have to wait, or be handed back.
        """
        room = min(self._conf.queue_limit - self.unstarted(workers), self._conf.most_held - self.table.unsaved)
        if not self._broker.counts_every_delivery:
            return room
        idle = sum(worker.is_ready and not worker.is_leaving and self.is_idle(worker) for worker in workers)
        return min(room, idle - len(self.table.waiting))

    def pusher_lost(self) -> None:
        """Count from zero for the next pusher."""
        self.pushed = self._granted = 0
        self.releasing.clear()
        self._leases.renewing.clear()

    # To and from the workers

    def hand_out(self, workers: Collection[WorkerChild], now: float) -> None:
        """Give waiting tasks to the workers; while one is idle, call back what others will not start soon."""
        able = [worker for worker in workers if worker.is_ready and not worker.is_leaving]
        quick = [worker for worker in able if not self._is_held_up(worker, now)]
        self._give(quick)
        if not self.table.waiting and any(self.is_idle(worker) for worker in quick):
            for worker in workers:
                if self._is_held_up(worker, now) or self.table.in_hand(worker.key) > PATIENCE:
                    self.call_back(worker)
            self._give(quick)

    def _give(self, workers: Iterable[WorkerChild]) -> None:
        if not self.table.waiting:
            return
        able = {worker.key: worker for worker in workers}
        room = {key: self._conf.recycle - worker.given for key, worker in able.items()}
        for key, tasks in self.table.hand_out(room).items():
            worker = able[key]
            worker.given += len(tasks)
            worker.tickets.put([held.ticket for held in tasks])
            for held in tasks:
                header = {name: held.header[name] for name in ("name", "timeout", "attempt")}
                worker.data.put(Frame(Kind.TASK, held.ticket, header, held.package))
            worker.data.flush()

    def _is_held_up(self, worker: WorkerChild, now: float) -> bool:
        """Does the worker run one task for so long that none should wait behind it?"""
        return bool(worker.running) and now - worker.since > PATIENCE and not self.is_idle(worker)

    def call_back(self, worker: WorkerChild) -> list[Held]:
        """Take back what a worker has not started."""
        returned = self.table.call_back(worker.key, worker.tickets.take_all())
        worker.given -= len(returned)
        return returned

    def is_idle(self, worker: WorkerChild) -> bool:
        """Has the worker nothing to do?"""
        return not self.table.at_worker.get(worker.key)

    def on_result(self, worker: WorkerChild, frame: Frame) -> Held | None:
        """Take in a worker's result; one that came after the timeout is a failure."""
        held = self.table.running(worker.key, frame.seq)
        if held is None:
            return None
        outcome = {name: frame.header[name] for name in ("success", "serializer", "stopped", "seconds")}
        timeout = held.header["timeout"] or self._conf.timeout
        is_late = worker.overdue == frame.seq and frame.header["seconds"] >= timeout
        if is_late and outcome["success"]:
            outcome, result = {"error": self.late(held), "late": True}, bytearray()
        else:
            result = bytearray(frame.payload)
        seconds = frame.header["seconds"]
        self.table.measured(held.func, seconds)
        self.tally.took(time.time() - held.header["sent"] - seconds if held.header["attempt"] == 1 else None, seconds)
        self.tally.ended(success=bool(outcome.get("success")))
        return self.table.finish(worker.key, frame.seq, outcome, result)

    def late(self, held: Held) -> str:
        """Return the error text of a task that ran too long."""
        timeout = held.header["timeout"] or self._conf.timeout
        return f"The task ran longer than its timeout of {timeout:g} s."

    def worker_lost(self, worker: WorkerChild, outcome: Mapping[str, Any] | None) -> list[Held]:
        """Take everything from a dead worker and return what it had started; with an outcome that is recorded."""
        started = self.table.lose(worker.key, worker.tickets.take_all())
        if outcome is not None:
            for held in started:
                self.tally.ended(success=False)
                self.table.end(held, outcome)
        return started

    # To and from the monitor

    def forward(self, monitor: Child | None) -> None:
        """Send the monitor every result that it does not have.

        One whose lease the pusher renews waits for its new receipt: by the old one nobody could answer for it.
        """
        if monitor is None:
            return
        unsent = list(self.table.unsent(self._leases.renewing))
        for held in unsent:
            held.is_sent = True
            monitor.data.put(Frame(Kind.RESULT, held.seq, held.account(), held.package), held.result)
        if unsent:
            monitor.data.flush()

    def on_saved(self, frame: Frame) -> None:
        """Note which results are saved; those that are done are answered too, and forgotten."""
        if frame.kind is Kind.DONE:
            self.table.answered(frame.header)
        else:
            self.table.saved.update(frame.header)

    def on_hook(self, seq: int, now: float | None) -> None:
        """Note that the hook of a result is called now (0: one that concerns none), or (None) that it has returned."""
        held = self.table.finished.get(seq)
        self._hook = None if now is None else (held, now)
        if held and now is not None:
            held.hook_calls += 1

    def has_hanging_hook(self, now: float) -> bool:
        """Has a hook outlasted ``hook_timeout``? It is given up then."""
        limit = self._conf.hook_timeout
        if self._hook is None or not limit or now - self._hook[1] < limit:
            return False
        self._give_up_hook(self._hook[0], f"outlasted hook_timeout ({limit:g} s)")
        return True

    def monitor_lost(self, *, by_kill: bool) -> None:
        """Give everything that is not done to the next monitor; a hook that ended this one is not called again."""
        if self._hook is not None and not (by_kill and self._may_be_repeated(self._hook[0])):
            self._give_up_hook(self._hook[0], "ended the monitor")
        self._hook = None
        self.is_store_away = False
        self.table.resend_all()

    @staticmethod
    def _may_be_repeated(held: Held | None) -> bool:
        return held is not None and held.hook_calls < HOOK_CALLS

    @staticmethod
    def _give_up_hook(held: Held | None, reason: str) -> None:
        if held is None:
            logger.error("A plugin's hook %s and is not called again", reason)
        elif not held.skips_hook:
            held.skips_hook = True
            what = f"The hook {held.header['hook']}" if held.header["hook"] else "A plugin's hook"
            logger.error("%s of %s %s and is not called again", what, held, reason)

    # Leases

    def renew(self, pusher: Child | None, monitor: Child | None) -> None:
        """Let the leases of what is held be renewed, where they are."""
        self.wants_renewal = False
        if self.renews_leases:
            self._leases.renew(pusher, monitor)

    def lease_age(self, now: float) -> float | None:
        """Return the seconds since leases were renewed last, or taken; None where nothing is held under a lease."""
        return self._leases.age(now) if self.renews_leases else None

    def tell_runs(self, pusher: Child | None) -> None:
        """Let the pusher note which runs of schedules that must not overlap are in hand, on whatever broker."""
        runs = [[pk, held.header["id"]] for held in self.table.by_seq.values() if (pk := held.header.get("schedule"))]
        if pusher is not None and runs:
            pusher.control.send(Frame(Kind.RUNS, header=runs))

    def on_renewed(self, items: Iterable[Renewal], workers: Collection[WorkerChild]) -> None:
        """Keep the newest receipts; an unstarted task whose lease was lost is dropped, a running one may end."""
        for held in self._leases.on_renewed(items):
            for worker in workers:
                if held in self.table.at_worker.get(worker.key, ()):
                    self.call_back(worker)
            if self.table.drop_waiting(held.seq):
                logger.warning("The lease of %s was lost before it was started; another cluster has it", held)

    def give_up_waiting(self, reason: str) -> None:
        """Record every waiting task as one that will not be started."""
        for held in self.table.drain_waiting():
            self.table.by_seq[held.seq] = held
            self.table.end(held, {"error": reason})

    def release(self, pusher: Child | None, tasks: Collection[Held]) -> None:
        """Hand packages back without counting an attempt."""
        held_by_receipt = [held for held in tasks if held.receipt]
        self.table.forget(tasks)
        if pusher is not None and held_by_receipt:
            self.releasing.update(held.seq for held in held_by_receipt)
            items = [[held.seq, held.receipt] for held in held_by_receipt]
            pusher.control.send(Frame(Kind.RELEASE, header=items))
