"""The error reporter ``rollbar``."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from typing import Any

from djq_core.reporters import ErrorReporter
from djq_core.reporters.base import ExcInfo


class RollbarReporter(ErrorReporter):
    """Sends errors to Rollbar, with the task that they come from.

    Its settings are the keywords of ``rollbar.init``. Where the site has initialised rollbar before, that stays as it
    is and the settings are not looked at; without an ``access_token`` the site's setting ``ROLLBAR`` is taken too.
    """

    name = "rollbar"

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        from djq_rollbar import client, context

        self._client, self._context = client, context
        client.initialise(settings)

    def report(
        self, exc_info: ExcInfo | None = None, task: Mapping[str, Any] | None = None, where: str | None = None
    ) -> None:
        """Send an error, the one being handled when ``exc_info`` is None; nothing where there is none."""
        kind, error, trace = exc_info or sys.exc_info()
        if kind is None or error is None:
            return
        extra, payload = self._context.custom_data(task, where, error), self._context.payload_data(task)
        self._client.send((kind, error, trace), extra, payload)

    def flush(self, timeout: float = 2.0) -> None:
        """Wait at most ``timeout`` seconds for the threads that rollbar sends with."""
        waiting = threading.Thread(target=self._client.wait, name="rollbar-flush", daemon=True)
        waiting.start()
        waiting.join(timeout)
