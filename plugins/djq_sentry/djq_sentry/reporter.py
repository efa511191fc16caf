"""The error reporter ``sentry``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, ClassVar

from djq_core.reporters import ErrorReporter
from djq_core.reporters.base import ExcInfo


class SentryReporter(ErrorReporter):
    """Sends errors to Sentry; built with keywords of ``sentry_sdk.init``, which an SDK that is set up already outdoes.

    Raises TypeError for a keyword that the SDK does not know, and ValueError for what is no DSN.
    """

    name: ClassVar[str] = "sentry"

    def __init__(self, **settings: Any) -> None:
        from djq_sentry import sdk

        sdk.check(settings)
        super().__init__(**settings)

    def report(
        self, exc_info: ExcInfo | None = None, task: Mapping[str, Any] | None = None, where: str | None = None
    ) -> None:
        """Hand an error to the SDK, which sends it in a thread of its own."""
        from djq_sentry import runs
        from djq_sentry.sdk import SDK

        handled = exc_info or _being_handled()
        if handled is not None:
            SDK.begin(self.settings)
            runs.report(handled, task or {}, where or "worker")

    def flush(self, timeout: float = 2.0) -> None:
        """Wait at most ``timeout`` seconds until the SDK has sent everything."""
        from djq_sentry.sdk import SDK

        SDK.flush(timeout)


def _being_handled() -> ExcInfo | None:
    kind, error, trace = sys.exc_info()
    return (kind, error, trace) if kind is not None and error is not None else None
