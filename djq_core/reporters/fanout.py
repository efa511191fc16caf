"""All configured error reporters as one."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from djq_core.exceptions import ConfigurationError
from djq_core.reporters.base import ErrorReporter, ExcInfo
from djq_core.reporters.calls import Call
from djq_core.reporters.guarded import Guarded

logger = logging.getLogger("djq")

#: Seconds that all reporters together may take to be built, when a process starts.
BUILD_SECONDS: Final = 5.0
#: Seconds that a report may keep its caller; what takes longer goes on without him.
REPORT_SECONDS: Final = 2.0
#: Seconds that a process waits at its end for what its reporters still hold.
FLUSH_SECONDS: Final = 2.0
#: A reporter that takes just the time it is given to flush is not late.
_GRACE: Final = 0.25


class Reporters:
    """Call each reporter alone: one that raises or hangs keeps neither the others nor the caller from going on.

    Every call is made in a thread of its own, of all reporters at the same time. One that fails five times in a row is
    left out for a minute and then tried once; one that hangs is not called before it has come back.
    """

    def __init__(self, reporters: Sequence[ErrorReporter | Guarded] = ()) -> None:
        self._reporters = tuple(each if isinstance(each, Guarded) else _made(each) for each in reporters)

    def __bool__(self) -> bool:
        return bool(self._reporters)

    def __len__(self) -> int:
        return len(self._reporters)

    def build(self) -> None:
        """Make every reporter; one that cannot be made now is logged and left out for a while.

        Raises ConfigurationError where one refuses its settings.
        """
        for reporter, call in self._each(BUILD_SECONDS, lambda reporter: reporter.build()):
            if isinstance(call.error, ConfigurationError):
                raise call.error
            reporter.on_built(call)

    def report(
        self, exc_info: ExcInfo | None = None, task: Mapping[str, Any] | None = None, where: str | None = None
    ) -> None:
        """Send an error, the one being handled when ``exc_info`` is None, to every reporter (manual 1.12).

        Returns after :data:`REPORT_SECONDS` at the latest, and raises nothing.
        """
        if not self._reporters:
            return
        handled = exc_info or _being_handled()

        def send(reporter: ErrorReporter) -> None:
            reporter.report(handled, task, where)

        for reporter, call in self._each(REPORT_SECONDS, lambda reporter: reporter.report(send)):
            reporter.on_reported(call, REPORT_SECONDS)

    def flush(self, timeout: float = FLUSH_SECONDS) -> None:
        """Let the reporters send what they still hold, at most ``timeout`` seconds (and a quarter) in all."""
        for reporter, call in self._each(timeout + _GRACE, lambda reporter: reporter.flush(timeout)):
            reporter.on_flushed(call, timeout)

    def _each(self, seconds: float, begin: Callable[[Guarded], Call | None]) -> list[tuple[Guarded, Call]]:
        """Begin a call of every reporter and wait for all of them, so many seconds in all."""
        until = time.monotonic() + seconds
        calls: list[tuple[Guarded, Call]] = []
        for reporter in self._reporters:
            try:
                call = begin(reporter)
            except RuntimeError as error:  # no thread can be had: there are too many, or the interpreter is ending
                logger.error("Error reporter %s cannot be called: %s", reporter.name, error)
                continue
            if call is not None:
                calls.append((reporter, call))
        for _, call in calls:
            call.wait(until - time.monotonic())
        return calls


def _made(reporter: ErrorReporter) -> Guarded:
    return Guarded(reporter.name or type(reporter).__qualname__, lambda: reporter, reporter)


def _being_handled() -> ExcInfo | None:
    kind, error, trace = sys.exc_info()
    return (kind, error, trace) if kind is not None and error is not None else None
