"""What follows once results are saved: code of plugins and of the site, in a thread of its own."""

from __future__ import annotations

import logging
import select
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from djq_core.cluster.channels import Frame, Kind
from djq_core.cluster.children import how_it_ended
from djq_core.cluster.databases import refresh_connections
from djq_core.cluster.faults import Faults
from djq_core.cluster.keeper import FINAL, Keeper, Verdict
from djq_core.envelope import TaskResult
from djq_core.exceptions import PackageError, TimeLimitExceeded
from djq_core.reporters.deaths import ProcessDied, TaskCrashed

if TYPE_CHECKING:
    from djq_core.plugins import Hooks
    from djq_core.reporters import Reporters

logger = logging.getLogger("djq")

#: The most results that are saved, and taken back from here, at once.
BATCH = 100


@dataclass(frozen=True, slots=True)
class Saved:
    """One result in the monitor: its number at the sentinel, what the pusher knew of it, and how it is answered."""

    seq: int
    header: dict[str, Any]
    result: TaskResult
    verdict: Verdict = FINAL

    @property
    def is_given_up(self) -> bool:
        """Is this the end of a task that crashed too often or could not be read?"""
        return self.verdict.is_final and bool(self.result.crashed or self.header.get("fail"))

    @property
    def error(self) -> BaseException | None:
        """The error of a task that was judged from outside, which no worker has reported; None for others."""
        if (told := self.header.get("error")) is None:
            return None
        if self.header.get("fail"):
            return PackageError(told)
        return TimeLimitExceeded(told) if self.header.get("late") else TaskCrashed(told)

    def report(self, reporters: Reporters) -> None:
        """Report an error that nobody else has."""
        if (error := self.error) is not None:
            task = {**self.result.package.as_dict(), "attempt": self.result.attempt}
            reporters.report((type(error), error, None), task, "pusher" if self.header.get("fail") else "worker")


def metrics_of(entry: Saved, queue: str) -> Iterator[tuple[str, float, dict[str, str]]]:
    """Yield the seconds of a run, and those that a first one has waited; nothing for a worker that died."""
    header = entry.header
    if "seconds" not in header:
        return
    outcome = "success" if entry.result.success else "failure"
    tags = {"queue": queue, "func": entry.result.package.func, "outcome": outcome}
    yield "task_run_seconds", header["seconds"], tags
    if header["attempt"] == 1:
        began = entry.result.stopped.timestamp() - header["seconds"]
        yield "task_wait_seconds", max(0.0, began - header["sent"]), tags


class Callbacks(threading.Thread):
    """The thread that runs the code of plugins and of the site after a save, on database connections of its own.

    The sentinel is told before and after, so that code which hangs or ends the process is not called for ever.
    """

    def __init__(
        self,
        keeper: Keeper,
        hooks: Hooks,
        reporters: Reporters,
        report: Callable[[Frame], None],
        faults: Faults,
    ) -> None:
        super().__init__(name="hooks", daemon=True)
        self._keeper = keeper
        self._hooks = hooks
        self._reporters = reporters
        self._report = report
        self._faults = faults
        self._waiting: SimpleQueue[Saved | Callable[[], None]] = SimpleQueue()
        self._called: SimpleQueue[Saved] = SimpleQueue()
        self._wake, self._woken = socket.socketpair()
        self._open = 0

    def fileno(self) -> int:
        """Return what becomes readable when a hook was called, for select."""
        return self._woken.fileno()

    def concern(self, entry: Saved) -> bool:
        """Is there code to be run for this entry?"""
        is_told = entry.is_given_up or not entry.verdict.is_final
        return self._keeper.is_followed(entry.result.package) or (is_told and self._hooks.wants_verdicts)

    @property
    def is_idle(self) -> bool:
        """Is every hook called and its entry taken?"""
        return self._open == 0

    def put(self, entries: Iterable[Saved]) -> None:
        """Let the hooks of these entries be called, in order."""
        for entry in entries:
            self._open += 1
            self._waiting.put(entry)

    def tell_death(self, event: Sequence[Any]) -> None:
        """Let plugins and reporters be told of a process that died; any thread may ask for it."""
        self._waiting.put(lambda: self._tell_death(*event))

    def _tell_death(self, role: str, name: str, pid: int, exitcode: int, task_name: str | None) -> None:
        self._hooks.process_died(role, name, pid, exitcode, task_name)
        if task_name is None:  # else it is reported as the error of the task
            died = ProcessDied(f"{role} {name} (pid {pid}) ended {how_it_ended(exitcode)}")
            self._reporters.report((ProcessDied, died, None), None, role)

    def measure(self, entries: Iterable[Saved], queue: str) -> None:
        """Let the plugins be told how long saved tasks have waited and run."""
        measured = [metric for entry in entries for metric in metrics_of(entry, queue)]
        if measured:
            self._waiting.put(lambda: self._hand_out(measured))

    def _hand_out(self, measured: Iterable[tuple[str, float, dict[str, str]]]) -> None:
        for metric in measured:
            self._hooks.metric(*metric)

    def wait(self, seconds: float) -> None:
        """Wait until all that was put here is done, or so many seconds."""
        done = threading.Event()
        self._waiting.put(done.set)
        done.wait(seconds)

    def take_called(self) -> list[Saved]:
        """Return the entries whose hook has returned or raised."""
        if not self._open or not select.select([self._woken], [], [], 0)[0]:
            return []
        count = len(self._woken.recv(BATCH))
        self._open -= count
        return [self._called.get() for _ in range(count)]

    def run(self) -> None:
        """Call one hook after another."""
        while True:
            item = self._waiting.get()
            if isinstance(item, Saved):
                self._follow(item)
            else:
                self._guarded(0, item)

    def _follow(self, entry: Saved) -> None:
        self._faults.hit("monitor.before_hook")
        self._guarded(entry.seq, lambda: self._keeper.follow(entry.result), lambda: self._tell(entry))
        self._called.put(entry)
        self._wake.send(b"!")

    def _guarded(self, seq: int, *calls: Callable[[], object]) -> None:
        """Make calls, whatever they raise, with the sentinel watching."""
        self._report(Frame(Kind.HOOKING, seq, header=True))
        refresh_connections()
        for call in calls:
            try:
                call()
            except BaseException as error:  # the border of this thread: nothing that a plugin raises may end it
                logger.exception("What follows a result failed")
                self._reporters.report((type(error), error, error.__traceback__), None, "monitor")
        refresh_connections()
        self._faults.hit("monitor.after_hook")
        self._report(Frame(Kind.HOOKING))

    def _tell(self, entry: Saved) -> None:
        """Tell the plugins what happens to a task that failed."""
        task = entry.result.package.as_dict()
        if not entry.verdict.is_final:
            self._hooks.task_retried(task, entry.result.attempt, entry.verdict.delay)
        elif entry.is_given_up:
            self._hooks.task_quarantined(task, entry.header["error"])
