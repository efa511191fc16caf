"""One error reporter, kept from hurting anybody: bounded in time, and left out while it does not work."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from typing import Final

from djq_core.reporters.base import ErrorReporter
from djq_core.reporters.calls import Call

logger = logging.getLogger("djq")

#: A reporter that failed this many times in a row is left out …
STRIKES: Final = 5
#: … for this many seconds. Then it is tried once.
PAUSE: Final = 60.0


class Guarded:
    """A reporter and what has become of it; ``make`` makes it, and is tried again where that came to nothing.

    ``mask`` hides in a text what its settings hold.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], ErrorReporter],
        made: ErrorReporter | None = None,
        *,
        mask: Callable[[str], str] = str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._mask = mask
        self._make = make
        self._clock = clock
        self._reporter = made
        self._late: list[Call] = []
        self._strikes = 0
        self._paused_until: float | None = None

    def build(self) -> Call:
        """Begin to make the reporter, where there is none."""
        return Call(self._built)

    def report(self, send: Callable[[ErrorReporter], object]) -> Call | None:
        """Begin to report; None while the reporter is left out, or hangs in an earlier call."""
        return None if self._hangs or self._is_paused else Call(lambda: send(self._built()))

    def flush(self, seconds: float) -> Call | None:
        """Begin to send what is kept, after whatever is late; None where there is no reporter yet."""
        if self._reporter is None:
            return None
        reporter, until = self._reporter, self._clock() + seconds
        late = [call for call in self._late if not call.is_over]

        def flush() -> None:
            for call in late:
                call.wait(until - self._clock())
            reporter.flush(max(0.0, until - self._clock()))

        return Call(flush)

    def on_built(self, call: Call) -> None:
        """Leave it out for a while when it could not be made."""
        if call.is_over and call.error is None:
            return
        if not call.is_over:
            self._late.append(call)
        why = call.error if call.is_over else "it hangs"
        logger.error("Error reporter %s is left out for now, it cannot be built: %s", self.name, why)
        self._leave_out()

    def on_reported(self, call: Call, seconds: float) -> None:
        """Conclude from a report that was waited for so many seconds."""
        if not call.is_over:
            self._late.append(call)
            self._fail(None, f"takes longer than {seconds:g} s to report")
        elif call.error is not None:
            self._fail(call.error, "failed to report")
        else:
            self._succeed()

    def on_flushed(self, call: Call, seconds: float) -> None:
        """Say what has become of a flush."""
        if not call.is_over:
            logger.error("Error reporter %s takes longer than %g s to flush", self.name, seconds)
        elif call.error is not None:
            self._log(call.error, "failed to flush")

    def _built(self) -> ErrorReporter:
        if self._reporter is None:
            self._reporter = self._make()
        return self._reporter

    @property
    def _hangs(self) -> bool:
        self._late = [call for call in self._late if not call.is_over]
        return bool(self._late)

    @property
    def _is_paused(self) -> bool:
        return self._paused_until is not None and self._clock() < self._paused_until

    def _fail(self, error: BaseException | None, told: str) -> None:
        if self._paused_until is not None:  # it was said, and it has not worked since
            self._leave_out()
            return
        self._log(error, told)
        self._strikes += 1
        if self._strikes >= STRIKES:
            self._leave_out()
            logger.error(
                "Error reporter %s failed %d times in a row and is left out; it is tried once every %d s",
                self.name,
                self._strikes,
                PAUSE,
            )

    def _log(self, error: BaseException | None, told: str) -> None:
        """Log an error with its traceback, in which nothing of the reporter's settings is shown."""
        trace = "".join(traceback.format_exception(error)) if error else ""
        if (shown := self._mask(trace)) == trace:
            logger.error("Error reporter %s %s", self.name, told, exc_info=error)
        else:
            logger.error("Error reporter %s %s\n%s", self.name, told, shown.rstrip())

    def _leave_out(self) -> None:
        self._paused_until = self._clock() + PAUSE

    def _succeed(self) -> None:
        if self._paused_until is not None:
            logger.info("Error reporter %s works again", self.name)
        self._strikes, self._paused_until = 0, None
