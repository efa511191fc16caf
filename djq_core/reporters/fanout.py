"""All configured error reporters as one."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from djq_core.reporters.base import ErrorReporter, ExcInfo

logger = logging.getLogger("djq")


class Reporters:
    """Call each reporter alone: one that raises is logged and keeps neither the others nor the caller from going on."""

    def __init__(self, reporters: Sequence[ErrorReporter] = ()) -> None:
        self._reporters = tuple(reporters)

    def __bool__(self) -> bool:
        return bool(self._reporters)

    def __len__(self) -> int:
        return len(self._reporters)

    def report(
        self, exc_info: ExcInfo | None = None, task: Mapping[str, Any] | None = None, where: str | None = None
    ) -> None:
        """Send an error, the one being handled when ``exc_info`` is None, to every reporter (manual 1.12)."""
        if self._reporters:
            handled = exc_info or _being_handled()
            self._each("report", lambda reporter: reporter.report(handled, task, where))

    def flush(self, timeout: float = 2.0) -> None:
        """Let every reporter send what it still holds, at most ``timeout`` seconds each."""
        self._each("flush", lambda reporter: reporter.flush(timeout))

    def _each(self, action: str, call: Callable[[ErrorReporter], None]) -> None:
        for reporter in self._reporters:
            try:
                call(reporter)
            except Exception:
                name = reporter.name or type(reporter).__qualname__
                logger.exception("Error reporter %s failed to %s", name, action)


def _being_handled() -> ExcInfo | None:
    kind, error, trace = sys.exc_info()
    return (kind, error, trace) if kind is not None and error is not None else None
