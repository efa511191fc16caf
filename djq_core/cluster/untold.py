"""Errors of processes that can no longer report them: the monitor does, from what sentinel and pusher say of them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from djq_core.cluster.callbacks import Saved
from djq_core.cluster.children import how_it_ended
from djq_core.exceptions import PackageError, ProcessDied, TaskAbandoned, TimeLimitExceeded

if TYPE_CHECKING:
    from djq_core.reporters import Reporters

logger = logging.getLogger("djq")

#: The exit code of a process that was ended by an error, which it has reported itself; not 1, which code of the site
#: ends a process with, and Python one that could not even begin.
BY_ERROR: Final = 70
#: So many errors may wait for the reporters; what comes on top is told to the log alone.
MOST: Final = 200


class Teller(threading.Thread):
    """The thread that reports one error after another, beside the hooks: no result and no hook waits for a reporter."""

    def __init__(self) -> None:
        super().__init__(name="reports", daemon=True)
        self._waiting: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def later(self, call: Callable[[], None]) -> None:
        """Let something be done after what waits here; any thread may ask for it."""
        self._waiting.put(call)

    def run(self) -> None:
        """Do one thing after another; reporters raise nothing."""
        while True:
            self._waiting.get()()

    def wait(self, seconds: float) -> None:
        """Wait until all that was put here is done, or so many seconds."""
        done = threading.Event()
        self._waiting.put(done.set)
        done.wait(seconds)


class Untold:
    """Reports them by and by: ``later`` takes what is to be done, so that no save waits for a reporter."""

    def __init__(self, reporters: Reporters, queue: str, later: Callable[[Callable[[], None]], None]) -> None:
        self._reporters = reporters
        self._queue = queue
        self._later = later
        self._waiting = 0
        self._is_full = False

    def tell_tasks(self, entries: Iterable[Saved]) -> None:
        """Report the tasks whose worker could not: it was ended, or there was none that could read the package.

        Their arguments stay unread: reading them may be what has killed the worker.
        """
        for entry in entries if self._reporters else ():
            if error := error_of(entry.header):
                where = "pusher" if entry.header.get("fail") else "worker"
                self.tell(error, entry.result.package.as_dict(), where, attempt=entry.header.get("attempt"))

    def tell_death(self, event: Sequence[Any]) -> None:
        """Report a process that ended unbidden, unless its task or the process itself tells it."""
        if self._reporters and (error := death_of(*event)):
            self.tell(error, None, str(event[0]))

    def tell(self, error: BaseException, task: Mapping[str, Any] | None, where: str, **about: Any) -> None:
        """Report an error, unless too many wait: a queue full of garbage must not keep hooks waiting."""
        if not self._reporters or not self._has_room():
            return
        known = {**task, **about, "queue": task.get("cluster") or self._queue} if task else None
        handled = (type(error), error, error.__traceback__)

        def report() -> None:
            self._waiting -= 1
            self._reporters.report(handled, known, where)

        self._waiting += 1
        self._later(report)

    def _has_room(self) -> bool:
        was_full, self._is_full = self._is_full, self._waiting >= MOST
        if self._is_full and not was_full:
            logger.warning("%d errors wait for the error reporters; until they are told, more are only logged", MOST)
        return not self._is_full


def error_of(header: Mapping[str, Any]) -> BaseException | None:
    """Return the error of a task by what sentinel or pusher say of it; None for one that its worker has told.

    What comes after the first paragraph, the last stack of the worker, is a note of the error.
    """
    text = header.get("error")
    if text is None or header.get("skip"):
        return None
    said, _, note = text.partition("\n\n")
    error = _kind_of(header)(said)
    if note:
        error.add_note(note)
    return error


def _kind_of(header: Mapping[str, Any]) -> type[BaseException]:
    if header.get("fail"):
        return PackageError
    if header.get("late"):
        return TimeLimitExceeded
    return ProcessDied if header.get("crashed") else TaskAbandoned


def death_of(role: str, name: str, pid: int, exitcode: int | None, task_name: str | None = None) -> ProcessDied | None:
    """Return the error of a process that ended unbidden; None where its task, or the process itself, tells it."""
    if task_name is not None or exitcode == BY_ERROR:
        return None
    return ProcessDied(f"The {role} {name} (pid {pid}) ended {how_it_ended(exitcode or 0)}.")
