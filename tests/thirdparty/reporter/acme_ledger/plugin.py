"""What djq finds through the entry point."""

from __future__ import annotations

from djq_core import hookimpl
from djq_core.reporters import ErrorReporter


@hookimpl
def djq_register_error_reporters() -> list[type[ErrorReporter]]:
    """Offer the reporter."""
    from acme_ledger.reporter import LedgerReporter

    return [LedgerReporter]
