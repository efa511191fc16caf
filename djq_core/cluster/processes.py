"""The processes of a cluster: how each is started, and what it does first."""

from __future__ import annotations

import itertools
import logging
import multiprocessing
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any

from djq_core import optional
from djq_core.brokers import Broker
from djq_core.cluster.channels import Channel, Frame, Kind, Peer
from djq_core.cluster.children import Child, Closable, WorkerChild
from djq_core.cluster.control import Control
from djq_core.cluster.databases import refresh_connections
from djq_core.cluster.executor import Executor, Tools
from djq_core.cluster.faults import Faults
from djq_core.cluster.history import Recorder
from djq_core.cluster.lastwords import LastWords
from djq_core.cluster.monitor import Monitor
from djq_core.cluster.origin import Origin, begin
from djq_core.cluster.overlaps import keep
from djq_core.cluster.pusher import Pusher
from djq_core.cluster.roster import Roster
from djq_core.cluster.scheduler import Scheduler
from djq_core.cluster.status import StatStore
from djq_core.cluster.tickets import Record, TicketReader, Tickets
from djq_core.cluster.untold import BY_ERROR
from djq_core.cluster.worker import Worker
from djq_core.conf import Conf
from djq_core.entry import Entry
from djq_core.runtime import Runtime

logger = logging.getLogger("djq")

#: Seconds that a process with nothing left to do may take to end, reporters and plugins included.
LINGER = 5.0
#: Seconds that a worker which is ended has for its reports, before it is killed.
LAST_REPORTS_OF_ENDED = 0.2


class Spawner:
    """Start the children of one sentinel, each with ends of its own."""

    def __init__(self, runtime: Runtime, name: str, context: BaseContext, roster: Roster, *ends: Closable) -> None:
        self._runtime = runtime
        self._name = name
        self._context = context
        self._roster = roster
        self._ends: list[Closable] = list(ends)
        self._keys = itertools.count(1)

    def forget(self, child: Child) -> None:
        """Close the ends of a dead child and strike it off the roster."""
        self._roster.remove(child.pid)
        for end in child.ends:
            end.close()
            self._ends.remove(end)

    def worker(self, slot: int) -> WorkerChild:
        """Start a worker."""
        with self._all_or_nothing() as opened:
            data, theirs = self._pair(opened)
            tickets, record = Tickets(self._context), Record(self._context)
            opened.append(tickets)
            words = LastWords(self._context)
            opened.append(words)
            name, daemon = self._name_of(slot), self._conf.daemonize_workers
            process = self._start(run_worker, name, slot, theirs, tickets, record, words, daemon=daemon)
        self._ends += [tickets, words]
        key = next(self._keys)
        own: dict[str, Any] = {"key": key, "tickets": tickets, "record": record, "words": words}
        return WorkerChild("worker", name, slot, process, data, data, **own)

    def helper(self, role: str, slot: int) -> Child:
        """Start the pusher, the monitor or the scheduler."""
        with self._all_or_nothing() as opened:
            (data, their_data), (control, their_control) = self._pair(opened), self._pair(opened)
            name = self._name_of(slot)
            process = self._start(_HELPERS[role], name, their_data, their_control, daemon=True)
        return Child(role, name, slot, process, data, control)

    @contextmanager
    def _all_or_nothing(self) -> Iterator[list[Closable]]:
        """Close the child's ends once it is started, and everything that was opened for it when it cannot be."""
        known = len(self._ends)
        opened: list[Closable] = []
        try:
            yield opened
        except OSError:
            for end in [*self._ends[known:], *opened]:
                end.close()
            del self._ends[known:]
            raise
        for end in opened:
            if isinstance(end, socket.socket):
                end.close()

    def _pair(self, opened: list[Closable]) -> tuple[Peer, socket.socket]:
        """Return both ends of a new socket pair; the child that gets the second closes the first."""
        ours, theirs = socket.socketpair()
        peer = Peer(ours)
        self._ends.append(peer)
        opened.append(theirs)
        return peer, theirs

    def _name_of(self, slot: int) -> str:
        return f"{self._name}:{slot}"

    @property
    def _conf(self) -> Conf:
        return self._runtime.conf

    def _start(self, target: Callable[..., None], name: str, *args: Any, daemon: bool) -> BaseProcess:
        inherited = tuple(self._ends) if self._context.get_start_method() == "fork" else ()
        origin = Origin(name, os.getpid(), self._context.get_start_method(), inherited)
        entry = Entry(target, self._runtime, origin, *args)
        process: BaseProcess = self._context.Process(target=entry, name=name, daemon=daemon)  # type: ignore[attr-defined]
        process.start()
        self._roster.add(process.pid or 0)
        return process


# In the child


@contextmanager
def living(runtime: Runtime, origin: Origin, role: str, *, dies_with_parent: bool) -> Iterator[None]:
    """Be a process of a cluster: what it does first, and last; an error that ends it is reported by itself."""
    begin(runtime, origin, role, dies_with_parent=dies_with_parent)
    try:
        yield
    except BaseException as error:
        logger.critical("%s cannot go on", origin.name, exc_info=True)
        runtime.reporters.report((type(error), error, error.__traceback__), None, role)
        runtime.reporters.flush()
        logging.shutdown()
        os._exit(BY_ERROR)  # an ordinary exit would wait for what threads of the site and of reporters do
    if role != "worker":  # of a worker the sentinel sees to it
        threading.Thread(target=_end_in_time, name="end", daemon=True).start()
    runtime.reporters.flush()
    runtime.hooks.process_stopping(role, origin.name, os.getpid())


def _end_in_time() -> None:
    """End a process that a plugin, or a thread of a reporter, keeps from its end."""
    time.sleep(LINGER)
    os._exit(0)


def run_worker(
    runtime: Runtime,
    origin: Origin,
    slot: int,
    end: socket.socket,
    tickets: Tickets,
    record: Record,
    words: LastWords,
) -> None:
    """Be a worker."""
    with living(runtime, origin, "worker", dies_with_parent=True):
        tickets.writer.close()
        words.reader.close()
        conf = runtime.conf
        if conf.cpu_affinity:
            optional.set_cpu_affinity(slot, conf.cpu_affinity, origin.name)
        worker = Worker(
            origin.name,
            Executor(Tools.of(runtime, refresh_connections)),
            Channel(end),
            TicketReader(tickets.reader),
            record,
            timeout=conf.timeout,
            faults=Faults.parse(conf.faults),
            rss=optional.rss_kib if conf.max_rss else None,
        )
        worker.listen(lambda: runtime.reporters.flush(LAST_REPORTS_OF_ENDED))
        words.listen()  # after the worker's own handlers, which it calls
        worker.run()


def run_pusher(runtime: Runtime, origin: Origin, data_end: socket.socket, control_end: socket.socket) -> None:
    """Be the pusher."""
    with living(runtime, origin, "pusher", dies_with_parent=False):
        control = Channel(control_end)
        broker, second = runtime.broker(), runtime.broker()
        pusher = Pusher(origin.name, runtime, broker, Channel(data_end), control)
        thread = Control(control, second, _handlers(runtime, second, pusher), pusher.stop)
        thread.start()
        try:
            pusher.run()
        except OSError:  # the sentinel is gone
            return
        finally:
            broker.close()
        thread.join()


def _handlers(runtime: Runtime, broker: Broker, pusher: Pusher) -> dict[Kind, Callable[[Frame], None]]:
    stats = StatStore(runtime, broker)
    recorder = Recorder(broker, stats)

    def publish(stat: Mapping[str, Any]) -> None:
        stats.put(stat)
        recorder.on_snapshot(stat)

    return {
        Kind.GRANT: lambda frame: pusher.grant(frame.seq),
        Kind.STAT: lambda frame: publish(frame.header),
        Kind.RUNS: lambda frame: keep(frame.header),
        Kind.STOP: lambda _: pusher.stop(),
    }


def run_monitor(runtime: Runtime, origin: Origin, data_end: socket.socket, control_end: socket.socket) -> None:
    """Be the monitor."""
    with living(runtime, origin, "monitor", dies_with_parent=False):
        control = Channel(control_end)
        monitor = Monitor(origin.name, runtime, runtime.broker(), Channel(data_end), control)
        handlers: dict[Kind, Callable[[Frame], None]] = {
            Kind.EVENT: lambda frame: monitor.tell_death(frame.header),
            Kind.STOP: lambda _: monitor.hurry(),
        }
        Control(control, runtime.broker(), handlers, receipts=monitor.receipts).start()
        try:
            monitor.run()
        except OSError:  # the sentinel is gone
            return


def run_scheduler(runtime: Runtime, origin: Origin, data_end: socket.socket, control_end: socket.socket) -> None:
    """Be the scheduler."""
    with living(runtime, origin, "scheduler", dies_with_parent=True):
        data_end.close()
        Scheduler(origin.name, runtime, Channel(control_end)).run()


_HELPERS: dict[str, Callable[..., None]] = {
    "pusher": run_pusher,
    "monitor": run_monitor,
    "scheduler": run_scheduler,
}


def start_context(start_method: str | None) -> BaseContext:
    """Return the multiprocessing context: ``fork`` where the platform has it, unless another is asked for."""
    available = multiprocessing.get_all_start_methods()
    return multiprocessing.get_context(
        start_method or ("fork" if "fork" in available and sys.platform != "darwin" else None)
    )
