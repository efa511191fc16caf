"""The contract of an error reporter: where errors of tasks and of the cluster are sent (manual 1.12)."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, ClassVar, TypeAlias

ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]


class ErrorReporter:
    """Base class of all error reporters, built with its part of ``Q_CLUSTER["error_reporter"]`` as keywords."""

    #: The key in ``Q_CLUSTER["error_reporter"]``.
    name: ClassVar[str] = ""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def report(
        self, exc_info: ExcInfo | None = None, task: Mapping[str, Any] | None = None, where: str | None = None
    ) -> None:
        """Send an error, the one being handled when ``exc_info`` is None, with its task and the process role."""
        raise NotImplementedError

    def flush(self, timeout: float = 2.0) -> None:
        """Wait at most ``timeout`` seconds until everything is sent; called before a process exits."""
