"""The worker: runs one task after another and hands up what became of each.

It knows no broker, result backend or model: it is handed what it needs.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from djq_core.cluster.channels import Channel, Frame, Kind
from djq_core.cluster.deadlines import TIME_IS_UP
from djq_core.cluster.executor import Executor, Outcome
from djq_core.cluster.faults import Faults
from djq_core.cluster.tickets import Record, TicketReader
from djq_core.exceptions import TimeLimitExceeded

logger = logging.getLogger("djq")

#: A time-out signal that comes this many seconds early is still in time.
_EARLY = 0.05
#: The signals whose handlers are put back after each task, where the platform has them.
_KEPT = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGURG", "SIGALRM", "SIGCHLD", "SIGHUP", "SIGUSR1", "SIGUSR2")
    if hasattr(signal, name)
)
#: ``getsignal`` without the translation of its answer into an enum, which takes ten times as long.
_getsignal: Callable[[int], Any] = getattr(sys.modules.get("_signal"), "getsignal", signal.getsignal)


class Worker:
    """The loop of a worker process."""

    def __init__(
        self,
        name: str,
        executor: Executor,
        channel: Channel,
        tickets: TicketReader,
        record: Record,
        *,
        timeout: float | None,
        faults: Faults,
        rss: Callable[[], int] | None = None,
    ) -> None:
        self._name = name
        self._executor = executor
        self._channel = channel
        self._tickets = tickets
        self._record = record
        self._timeout = timeout
        self._faults = faults
        self._rss = rss
        self._farewell: Callable[[], None] | None = None
        self._pid = os.getpid()
        self._handlers: Mapping[int, Any] = {}
        self._limit = 0.0
        self._deadline: float | None = None

    def run(self) -> None:
        """Work until told to stop, or until the sentinel is gone; ``listen`` comes before it."""
        self._handlers = {number: _getsignal(number) for number in _KEPT}
        try:
            self._channel.send(Frame(Kind.READY))
            logger.info("%s ready for work at %s", self._name, os.getpid())
            while (frame := self._channel.receive()) is not None and frame.kind is not Kind.STOP:
                if self._tickets.admits(frame.seq):
                    self._work(frame)
        except (EOFError, OSError):
            return
        logger.info("%s stopped doing work", self._name)

    def _work(self, frame: Frame) -> None:
        started = time.monotonic()
        self._record.begin(frame.seq, started)
        self._faults.hit("worker.before_execute")
        logger.info("%s processing [%s]", self._name, frame.header["name"])
        outcome = self._limited(frame, started)
        if os.getpid() != self._pid:
            os._exit(0)  # a copy that the task has forked and let return: the channel is not its own
        self._faults.hit("worker.after_execute")
        header = {
            "success": outcome.success,
            "serializer": outcome.serializer,
            "stopped": outcome.stopped.isoformat(),
            "seconds": time.monotonic() - started,
            "rss": self._rss() if self._rss else 0,
        }
        self._record.clear()
        self._channel.send(Frame(Kind.RESULT, frame.seq, header, outcome.result))
        self._executor.report()

    def _limited(self, frame: Frame, started: float) -> Outcome:
        timeout = frame.header.get("timeout") or self._timeout
        text = frame.payload.decode("ascii")
        with self._handlers_kept():
            self._limit = timeout or 0.0
            self._deadline = started + timeout if timeout else None
            try:
                return self._executor.execute_text(text, attempt=frame.header.get("attempt", 1))
            except TimeLimitExceeded as error:
                # it struck between the end of the task and here
                return self._executor.failed(error)
            finally:
                self._deadline = None

    # Signals

    def listen(self, farewell: Callable[[], None] | None = None) -> None:
        """Take the signals of the sentinel, and leave SIGINT to the Cluster.

        ``farewell`` is called when the sentinel ends this process for its task; half a second is left then.
        """
        self._farewell = farewell
        signal.signal(signal.SIGINT, _ignore)
        signal.signal(signal.SIGTERM, self._on_terminate)
        signal.signal(TIME_IS_UP, self._on_time_is_up)

    @contextmanager
    def _handlers_kept(self) -> Iterator[None]:
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)  # first, or a late alarm would find no handler and end the process
            for number, handler in self._handlers.items():
                if _getsignal(number) is not handler:
                    signal.signal(number, handler)

    @property
    def _is_overdue(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline - _EARLY

    def _on_time_is_up(self, number: int, frame: FrameType | None) -> None:
        if self._is_overdue:
            raise TimeLimitExceeded(f"The task ran longer than its timeout of {self._limit:g} s.")

    def _on_terminate(self, number: int, frame: FrameType | None) -> None:
        """End for the sentinel when the time is up; a SIGTERM to the whole process group is the Cluster's to answer."""
        if self._is_overdue:
            if self._farewell:
                self._farewell()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Leave the signal to the Cluster."""
