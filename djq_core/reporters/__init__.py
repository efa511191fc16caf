"""The contract of an error reporter, and all configured ones as one (manual 1.12)."""

from __future__ import annotations

from djq_core.reporters.base import ErrorReporter
from djq_core.reporters.fanout import Reporters
from djq_core.reporters.guarded import Guarded

__all__ = ["ErrorReporter", "Guarded", "Reporters"]
