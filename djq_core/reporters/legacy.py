"""Error reporters that were written for Django-Q: a class built with keywords, with one method ``report()``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from djq_core.reporters.base import ErrorReporter, ExcInfo


class LegacyReporter(ErrorReporter):
    """Calls a reporter of Django-Q as Django-Q did: without arguments, while the error is being handled (manual 1.12).

    ``made_by`` is the class, called with the configuration as keywords. Its ``flush(timeout)`` is called, if any.
    """

    made_by: ClassVar[Callable[..., Any]]

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._reporter = type(self).made_by(**settings)

    def report(
        self, exc_info: ExcInfo | None = None, task: Mapping[str, Any] | None = None, where: str | None = None
    ) -> None:
        """Handle the error once more and let the reporter look at ``sys.exc_info()``."""
        error = exc_info[1] if exc_info else sys.exc_info()[1]
        if error is None:
            return
        trace = exc_info[2] if exc_info else error.__traceback__
        kept = error.__traceback__
        try:
            _raise(error, dict(task or {}))
        except BaseException:
            if trace is not None:
                error.__traceback__ = trace  # without our own frames; sys.exc_info() tells what stands here
            self._reporter.report()
        finally:
            error.__traceback__ = kept

    def flush(self, timeout: float = 2.0) -> None:
        """Let what is kept be sent, where there is a way to."""
        if flush := getattr(self._reporter, "flush", None):
            flush(timeout)


def _raise(error: BaseException, task: dict[str, Any]) -> None:  # noqa: ARG001 - reporters look for it in frames
    """Raise in a frame that has the task: without a traceback of its own, the error is known by this one."""
    raise error


class DjangoQSentry(LegacyReporter):
    """Does for ``django-q-sentry`` what it cannot do here: it passes over Django-Q's logger, and flushes nothing."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        from sentry_sdk.integrations.logging import ignore_logger

        ignore_logger("djq")  # or each failure is an event twice, as an error and as a line of the log

    def flush(self, timeout: float = 2.0) -> None:
        """Let sentry-sdk send what it keeps."""
        import sentry_sdk

        sentry_sdk.flush(timeout)


class DjangoQRollbar(LegacyReporter):
    """Does for ``django-q-rollbar`` what it does not do: it flushes nothing."""

    def flush(self, timeout: float = 2.0) -> None:
        """Wait for the threads that pyrollbar sends with; the caller limits the time."""
        import rollbar

        rollbar.wait()  # type: ignore[no-untyped-call]
