"""The cluster as its owner sees it: start, stop, status (manual 1.9.4)."""

from __future__ import annotations

import gc
import itertools
import logging
import os
import select
import signal
import socket
import time
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

from djq_core import current
from djq_core.brokers import Broker
from djq_core.cluster import logs
from djq_core.cluster.children import how_it_ended
from djq_core.cluster.control import ORPHAN_SECONDS
from djq_core.cluster.events import PipeEvent
from djq_core.cluster.origin import Origin
from djq_core.cluster.preflight import prepare, promise, tell_durability, tell_unlisted
from djq_core.cluster.processes import start_context
from djq_core.cluster.roster import Roster, Survivors
from djq_core.cluster.sentinel import Sentinel
from djq_core.cluster.status import Stat
from djq_core.cluster.untold import BY_ERROR, death_of
from djq_core.conf import Conf
from djq_core.entry import Entry
from djq_core.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from djq_core.runtime import Runtime

logger = logging.getLogger("djq")

_numbers = itertools.count(1)
#: A second signal within so many seconds is the first one again: some process managers send it to the group too.
SAME_SIGNAL = 0.3
#: How often a sentinel may die before it is ready until the cluster gives up.
EARLY_DEATHS = 3
#: Seconds after which the children of a dead sentinel are ended, a little more than they give themselves.
SURVIVAL = ORPHAN_SECONDS + 0.5


class Cluster:
    """A pool of workers with everything around it; its id is the id of the process that owns it."""

    def __init__(self, broker: Broker | None = None, runtime: Runtime | None = None) -> None:
        """``broker`` is accepted as in the manual; each process of the cluster makes its own connection."""
        self._runtime = runtime or current.runtime()
        self._name = f"Process-{next(_numbers)}"
        self._context = start_context(self._runtime.conf.start_method)
        self.sentinel: BaseProcess | None = None
        self.start_event: PipeEvent | None = None
        self.stop_event: PipeEvent | None = None
        self._roster: Roster | None = None
        self._survivors = Survivors(SURVIVAL)
        self._has_run = False
        self._asked_to_stop = 0.0

    # What it is

    @property
    def pid(self) -> int:
        """The cluster's process id, which is its cluster id too."""
        return os.getpid()

    @property
    def host(self) -> str:
        """The name of this host."""
        return socket.gethostname()

    @property
    def timeout(self) -> float | None:
        """The setting ``timeout`` in seconds, None for no limit."""
        return self._runtime.conf.timeout

    @property
    def is_starting(self) -> bool:
        """Is the cluster busy starting?"""
        return self.start_event is not None and not self.start_event.is_set()

    @property
    def is_running(self) -> bool:
        """Is the cluster up, and not told to stop?"""
        has_started = self.start_event is not None and self.start_event.is_set()
        return has_started and not self.is_stopping

    @property
    def is_stopping(self) -> bool:
        """Has the stop procedure begun, and not ended?"""
        return self.stop_event is not None and self.stop_event.is_set()

    @property
    def has_stopped(self) -> bool:
        """Has the cluster run and finished its stop procedure?"""
        return self._has_run and self.sentinel is None

    def stat(self) -> Stat:
        """Return the status that the sentinel published last; before and after, what is known here."""
        stat = Stat.get(self.pid)
        return (
            stat
            if stat.sentinel and self.sentinel
            else Stat(cluster_id=self.pid, host=self.host, status=self._status())
        )

    def _status(self) -> str:
        if self.is_stopping:
            return Conf.STOPPING
        if self.is_starting:
            return Conf.STARTING
        return Conf.IDLE if self.is_running else Conf.STOPPED

    # What it does

    def start(self) -> int:
        """Start all processes, wait until they are ready, and return the cluster's id; raises ConfigurationError."""
        self._launch()
        while self.is_starting and self.sentinel and self.sentinel.exitcode is None:
            select.select([self.start_event.reader] if self.start_event else [], [], [], 0.1)
        if not self.is_running and not self.is_stopping:
            self.sentinel = None
            self._close_events()
            raise ConfigurationError("The cluster could not start: its sentinel ended at once, see the log above.")
        self._tell_running()
        return self.pid

    def stop(self) -> bool:
        """Go through the stop procedure and wait for its end; False when there was nothing to stop."""
        if self.sentinel is None:
            return False
        self._begin_stop()
        self.sentinel.join()
        self._end()
        return True

    def run(self) -> int:
        """Start, guard the sentinel and obey SIGTERM and SIGINT until stopped; return the exit code of the process."""
        with self._signals() as woken:
            self._launch()
            exitcode = self._guard(woken)
        self._end()
        return exitcode

    def _guard(self, woken: socket.socket) -> int:
        is_told, early_deaths = False, 0
        while self.sentinel is not None and self.start_event is not None:
            sources = [woken.fileno()] if is_told else [woken.fileno(), self.start_event.reader.fileno()]
            readable, _, _ = select.select(sources, [], [], 1.0)
            self._survivors.look()
            for number in woken.recv(64) if woken.fileno() in readable else b"":
                self._obey(number)
            if not is_told and self.start_event.is_set():
                is_told, early_deaths = True, 0
                if not self.is_stopping:
                    self._tell_running()
            if self.sentinel.exitcode is None:
                continue
            if self.is_stopping:
                return int(self.sentinel.exitcode != 0)
            early_deaths += not is_told
            if early_deaths >= EARLY_DEATHS:
                logger.critical(
                    "Q Cluster-%s gives up: its sentinel ended %d times before it was ready", self.pid, early_deaths
                )
                return 1
            is_told = False
            self._replace_sentinel()
        return 1

    def _obey(self, number: int) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            if not self.is_stopping:
                self._asked_to_stop = time.monotonic()
                self._begin_stop()
            elif self.stop_event and time.monotonic() - self._asked_to_stop > SAME_SIGNAL:
                logger.info("Q Cluster-%s stops at once.", self.pid)
                self.stop_event.insist()

    @contextmanager
    def _signals(self) -> Iterator[socket.socket]:
        """Let signals write a byte each, which the returned socket yields, and put everything back at the end."""
        wake, woken = socket.socketpair()
        wake.setblocking(False)
        before = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
        handlers = {number: signal.signal(number, _only_wake) for number in numbers}
        try:
            yield woken
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(before)
            wake.close()
            woken.close()

    def _launch(self) -> None:
        if self.sentinel is not None:
            raise ConfigurationError("The cluster is running already.")
        prepare(self._runtime)
        logger.info("Q Cluster-%s starting.", self.pid)
        logger.info("Q Cluster-%s: %s", self.pid, promise(self._runtime))
        tell_unlisted(self._runtime.conf, self.pid)
        tell_durability(self._runtime, self.pid)
        self._runtime.hooks.cluster_starting(self._runtime.conf.name, self.pid)
        self._start_sentinel()

    def _start_sentinel(self) -> None:
        self.start_event, self.stop_event = PipeEvent(self._context), PipeEvent(self._context)
        self._roster = Roster(self._context, 4 * self._runtime.conf.workers + 16)
        origin = Origin(self._name, os.getpid(), self._context.get_start_method())
        events = self.start_event, self.stop_event
        entry = Entry(run_sentinel, self._runtime, origin, self.pid, *events, self._roster)
        self.sentinel = self._context.Process(target=entry, name=self._name, daemon=False)  # type: ignore[attr-defined]
        self.sentinel.start()
        self._has_run = True

    def _replace_sentinel(self) -> None:
        if self.sentinel is not None:
            how = how_it_ended(self.sentinel.exitcode or 0)
            logger.critical("sentinel %s (pid %s) ended %s", self._name, self.sentinel.pid, how)
            self._runtime.hooks.process_died("sentinel", self._name, self.sentinel.pid or 0, self.sentinel.exitcode)
        self._close_events()
        logger.info("reincarnated sentinel %s after sudden death", self._name)
        orphans = self._orphans()
        dead, exitcode = self.sentinel, self.sentinel.exitcode if self.sentinel else None
        self._start_sentinel()
        self._survivors.adopt(orphans)
        if dead and (error := death_of("sentinel", self._name, dead.pid or 0, exitcode)):
            self._runtime.reporters.report((type(error), error, None), None, "sentinel")
            self._runtime.reporters.flush()  # a reporter's thread would be in the way of the next fork

    def _orphans(self) -> list[int]:
        """Return the children that the sentinel has left behind, once it is dead."""
        return self._roster.pids() if self._roster else []

    def _tell_running(self) -> None:
        logger.info("Q Cluster-%s running.", self.pid)
        self._runtime.hooks.cluster_started(self._runtime.conf.name, self.pid)

    def _begin_stop(self) -> None:
        logger.info("Q Cluster-%s stopping.", self.pid)
        self._runtime.hooks.cluster_stopping(self._runtime.conf.name, self.pid)
        if self.stop_event:
            self.stop_event.set()

    def _end(self) -> None:
        self.sentinel = None
        self._survivors.adopt(self._orphans())
        self._survivors.wait()
        self._close_events()
        self._runtime.hooks.cluster_stopped(self._runtime.conf.name, self.pid)
        logger.info("Q Cluster-%s has stopped.", self.pid)

    def _close_events(self) -> None:
        for event in (self.start_event, self.stop_event):
            if event is not None:
                event.close()
        self.start_event = self.stop_event = None


def run_sentinel(
    runtime: Runtime, origin: Origin, cluster_id: int, start_event: PipeEvent, stop_event: PipeEvent, roster: Roster
) -> None:
    """Be the sentinel."""
    stop_event.writer.close()
    logs.configure(runtime.conf.log_level)
    gc.freeze()  # or the first full collection of each child writes on all that it shares with this process
    context = start_context(runtime.conf.start_method)
    try:
        Sentinel(runtime, origin.name, context, cluster_id, start_event, stop_event, roster).run()
    except BaseException as error:
        logger.critical("%s cannot go on", origin.name, exc_info=True)
        runtime.reporters.report((type(error), error, error.__traceback__), None, "sentinel")
        runtime.reporters.flush()
        logging.shutdown()
        os._exit(BY_ERROR)  # an ordinary exit would wait for children that wait for this process


def _only_wake(number: int, frame: object) -> None:
    """Let the wake-up descriptor tell."""
