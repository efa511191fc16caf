"""One call of a reporter, in a thread of its own, so that nobody need wait for it any longer than he likes."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable

from django.db import connections


class Call:
    """A call that goes on in a thread: in the caller's context, with database connections of its own."""

    def __init__(self, function: Callable[[], object]) -> None:
        self.error: BaseException | None = None
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run, function), name="reporter", daemon=True)
        self._thread.start()

    def _run(self, function: Callable[[], object]) -> None:
        try:
            function()
        except BaseException as error:  # the border of a third party's code, sys.exit() included
            self.error = error
        finally:
            connections.close_all()

    @property
    def is_over(self) -> bool:
        """Has it ended? In a process that was forked meanwhile there is nothing left of it."""
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> bool:
        """Wait at most so many seconds and return whether it has ended."""
        self._thread.join(max(0.0, seconds))
        return self.is_over
