"""The sentinel: starts every process, keeps the table of tasks, judges time, and never waits (manual 1.14.6).

It has one thread and no connection, model or code of the site, so nothing that a site does can stop it.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from contextlib import suppress
from multiprocessing.context import BaseContext

from djq_core.cluster.channels import Frame, Kind
from djq_core.cluster.children import Child, WorkerChild, kill
from djq_core.cluster.deaths import Deaths
from djq_core.cluster.events import PipeEvent
from djq_core.cluster.processes import Spawner
from djq_core.cluster.restarts import Restarts
from djq_core.cluster.roster import Roster
from djq_core.cluster.snapshot import Snapshot
from djq_core.cluster.stopping import Stop
from djq_core.cluster.switchboard import Switchboard
from djq_core.cluster.timekeeping import Timekeeper
from djq_core.cluster.traffic import Traffic
from djq_core.conf import Conf
from djq_core.runtime import Runtime

logger = logging.getLogger("djq")

#: The longest time between two looks at what runs, in seconds.
LOOK = 0.5


class Sentinel:
    """Guard the processes of one cluster."""

    def __init__(
        self,
        runtime: Runtime,
        name: str,
        context: BaseContext,
        cluster_id: int,
        started: PipeEvent,
        stop: PipeEvent,
        roster: Roster,
    ) -> None:
        self._conf: Conf = runtime.conf
        self.name = name
        self._started = started
        self._stop_event = stop
        self._wake, self._woken = socket.socketpair()
        self._board = Switchboard()
        self._spawner = Spawner(runtime, name, context, roster, self._board, self._wake, self._woken, started, stop)
        self._snapshot = Snapshot(self._conf, cluster_id, os.getpid())
        self.traffic = Traffic(self._conf, runtime.broker_class)
        self._timekeeper = Timekeeper(self._conf, self.traffic, self._retire)
        self.workers: dict[int, WorkerChild] = {}
        self.helpers: dict[str, Child] = {}
        self._deaths = Deaths(self.traffic, self._snapshot)
        self._restarts = Restarts(name, self._conf.workers)
        self._stop: Stop | None = None
        self._guarded = float("-inf")
        self._renewed = time.monotonic()
        self._has_deaths = False

    # The loop

    def run(self) -> None:
        """Guard the cluster until it has stopped."""
        self._listen_to_signals()
        for slot in range(1, self._conf.workers + 1):
            self._start_worker(slot)
        self._start_helper("monitor")
        logger.info("%s guarding cluster at %s", self.name, os.getpid())
        self._start_helper("pusher")
        if self._conf.scheduler:
            self._start_helper("scheduler")
        while not (self._stop and self._stop.is_over):
            self._turn()

    def _listen_to_signals(self) -> None:
        for end in (self._wake, self._woken):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _only_wake)
        self._board.watch(self._woken, self._on_wake)
        self._board.watch(self._stop_event.reader, self._on_stop_event)

    def _turn(self) -> None:
        self._board.wait(self._patience())
        now = time.monotonic()
        if self._has_deaths:
            self._reap()
        self._timekeeper.look(list(self.workers.values()), now)
        self._restarts.start_due(now)
        self.traffic.hand_out(self.workers.values(), now)
        self._retire_spent()
        self.traffic.grant(self._ready_helper("pusher"), self.workers.values())
        self._inform(self._ready_helper("monitor"))
        self._listen()
        if now - self._guarded >= self._conf.guard_cycle:
            self._guard(now)
        self._renew(now)
        if self._stop:
            self._stop.go_on(now)

    def _inform(self, monitor: Child | None) -> None:
        """Send the monitor what it does not have: results, and events that plugins want to know."""
        self.traffic.forward(monitor)
        while monitor and self._deaths.events:
            monitor.control.send(Frame(Kind.EVENT, header=self._deaths.events.pop(0)))

    def _patience(self) -> float:
        now = time.monotonic()
        deadlines = (worker.deadline for worker in self.workers.values())
        moments = [deadline.at for deadline in deadlines if deadline and not deadline.is_exhausted]
        moments += self._restarts.moments
        longest = min(self._conf.guard_cycle, 0.05 if self._stop else LOOK)
        return max(0.0, min([longest, *(moment - now for moment in moments)]))

    def _listen(self) -> None:
        reads_results = not self.traffic.is_congested
        for worker in self.workers.values():
            self._board.listen(worker.data, reads=reads_results)
        for helper in self.helpers.values():
            self._board.listen(helper.data)
            self._board.listen(helper.control)

    def _on_wake(self) -> None:
        with suppress(BlockingIOError):
            while self._woken.recv(4096):
                pass
        self._has_deaths = True

    def _on_stop_event(self) -> None:
        self._board.unwatch(self._stop_event.reader)
        logger.info("%s stopping cluster processes", self.name)
        self.traffic.is_stopping = True
        self._guarded = float("-inf")
        self._stop = Stop(self, self._conf, self._stop_event)

    def _guard(self, now: float) -> None:
        self._guarded = now
        self._has_deaths = True
        self._snapshot.is_stopping = self._stop is not None
        self._publish()

    def publish_end(self) -> None:
        """Let it be known that the stop is over."""
        self._snapshot.has_stopped = True
        self._publish()

    def _publish(self) -> None:
        if pusher := self._ready_helper("pusher"):
            stat = self._snapshot.take(self.traffic, self.workers.values(), self.helpers)
            pusher.control.send(Frame(Kind.STAT, header=stat))

    def _renew(self, now: float) -> None:
        """Let leases be renewed every third of a lease, and end a monitor whose hook outlasts its time."""
        monitor = self._ready_helper("monitor")
        if self.traffic.wants_renewal or now - self._renewed >= self._conf.retry / 3:
            self._renewed = now
            pusher = self._ready_helper("pusher")
            self.traffic.renew(pusher, monitor)
            self.traffic.tell_runs(pusher)
        if self.traffic.has_hanging_hook(now) and monitor:
            kill(monitor, signal.SIGKILL)

    # Starting

    def _ready_helper(self, role: str) -> Child | None:
        helper = self.helpers.get(role)
        return helper if helper and helper.is_ready else None

    def _start_worker(self, slot: int, replaces: WorkerChild | None = None) -> None:
        if self._stop and not self._stop.needs_workers:
            return
        worker = self._spawner.worker(slot)
        worker.replaces = replaces
        self.workers[worker.key] = worker
        self._board.add(worker.data, lambda: self._read_worker(worker))

    def _start_helper(self, role: str) -> None:
        slot = self._conf.workers + 1 + ("monitor", "pusher", "scheduler").index(role)
        helper = self.helpers[role] = self._spawner.helper(role, slot)
        self._board.add(helper.data, lambda: self._read_data(helper))
        self._board.add(helper.control, lambda: self._read_control(helper))

    def _on_ready(self, child: Child) -> None:
        child.is_ready = True
        if isinstance(child, WorkerChild) and child.replaces is not None:
            self.stop_worker(child.replaces)
            child.replaces = None
        everyone = [*self.workers.values(), *self.helpers.values()]
        if not self._snapshot.is_running and all(child.is_ready for child in everyone):
            self._snapshot.is_running = True
            self._guarded = float("-inf")  # the new status is told at once, however long guard_cycle is
            self._started.set()

    # Reading

    def _read_worker(self, worker: WorkerChild, *, to_end: bool = False) -> None:
        for frame in worker.data.read(to_end=to_end):
            if frame.kind is Kind.READY:
                self._on_ready(worker)
            elif frame.kind is Kind.RESULT:
                self.traffic.on_result(worker, frame)
                self._weigh(worker, frame.header["rss"])
        self._has_deaths |= not worker.data.is_open

    def _weigh(self, worker: WorkerChild, rss: int) -> None:
        if self._conf.max_rss and rss > self._conf.max_rss:
            self.traffic.call_back(worker)
            self._retire(worker)

    def _read_data(self, helper: Child, *, to_end: bool = False) -> None:
        for frame in helper.data.read(to_end=to_end):
            self.traffic.on_package(frame)
        self._has_deaths |= not helper.data.is_open

    def _read_control(self, helper: Child, *, to_end: bool = False) -> None:
        for frame in helper.control.read(to_end=to_end):
            self._on_control(helper, frame)
        self._has_deaths |= not helper.control.is_open

    def _on_control(self, helper: Child, frame: Frame) -> None:
        match frame.kind:
            case Kind.READY:
                self._on_ready(helper)
            case Kind.SAVED | Kind.DONE:
                self.traffic.on_saved(frame)
            case Kind.HOOKING:
                self.traffic.on_hook(frame.seq, time.monotonic() if frame.header else None)
            case Kind.STORE:
                self.traffic.is_store_away = not frame.header
            case Kind.RENEWED:
                self.traffic.on_renewed(frame.header, self.workers.values())
            case Kind.RELEASED:
                self.traffic.releasing.difference_update(frame.header)
            case Kind.STOPPED if self._stop:
                self._stop.on_pusher_stopped(frame.seq)

    # Leaving

    def _retire_spent(self) -> None:
        for worker in list(self.workers.values()):
            if worker.given >= self._conf.recycle:
                self._retire(worker)

    def _retire(self, worker: WorkerChild) -> None:
        """Start a worker's successor, which takes over when it is ready; what the worker has, it may finish."""
        if not worker.is_leaving and (not self._stop or self._stop.needs_workers):
            worker.has_successor = True
            self._start_worker(worker.slot, replaces=worker)

    def stop_worker(self, worker: WorkerChild) -> None:
        """Let a worker end after what it has."""
        if not worker.is_stopping:
            worker.is_stopping = True
            worker.data.send(Frame(Kind.STOP))

    def _reap(self) -> None:
        self._has_deaths = False
        for worker in list(self.workers.values()):
            if (exitcode := worker.exitcode) is not None:
                self._bury_worker(worker, exitcode)
        for helper in list(self.helpers.values()):
            if (exitcode := helper.exitcode) is not None:
                self._bury_helper(helper, exitcode)

    def _bury_worker(self, worker: WorkerChild, exitcode: int) -> None:
        self._read_worker(worker, to_end=True)
        del self.workers[worker.key]
        is_replaced = self._deaths.of_worker(worker, exitcode, self._stop, self._ready_helper("pusher"))
        self._close(worker)
        if is_replaced:
            self._restarts.after(worker, lambda: self._start_worker(worker.slot, worker.replaces))

    def _bury_helper(self, helper: Child, exitcode: int) -> None:
        self._read_data(helper, to_end=True)
        self._read_control(helper, to_end=True)
        del self.helpers[helper.role]
        self._close(helper)
        if self._deaths.of_helper(helper, exitcode, self._stop):
            self._restarts.after(helper, lambda: self._start_helper(helper.role))

    def _close(self, child: Child) -> None:
        self._board.remove(child.data)
        self._board.remove(child.control)
        child.process.join()
        self._spawner.forget(child)


def _only_wake(number: int, frame: object) -> None:
    """Let the wake-up descriptor tell."""
