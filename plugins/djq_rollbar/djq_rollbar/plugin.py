"""The entry point of djq-rollbar; Rollbar's library is imported when a reporter is built."""

from __future__ import annotations

from djq_core import hookimpl
from djq_core.reporters import ErrorReporter


@hookimpl
def djq_register_error_reporters() -> list[type[ErrorReporter]]:
    """Offer ``rollbar``."""
    from djq_rollbar.reporter import RollbarReporter

    return [RollbarReporter]
