"""When a waiting cluster looks into its queue."""

from __future__ import annotations

import os
import time

from djq_orm.bells import Bell

SOON = 0.2


class Watch:
    """The times to look: at once while there is work, else when the bell rings, a row comes due, or after a while.

    One thread uses a watch, in the process that made it.
    """

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._pid = os.getpid()
        self._look_at = 0.0
        self._is_hot = True
        self._is_blind = False

    @property
    def is_mine(self) -> bool:
        """Whether this process made the watch; the connection of a fork's parent is not to be touched."""
        return self._pid == os.getpid()

    @property
    def is_hot(self) -> bool:
        """Whether there is reason to expect a row right now."""
        return self._is_hot

    @property
    def is_time(self) -> bool:
        """Whether to look now."""
        return self._is_hot or time.monotonic() >= self._look_at

    def arm(self) -> None:
        """Take notice of whatever happens from now on."""
        self._bell.arm()

    def found(self) -> None:
        """Note that there was a row: look again at the next opportunity."""
        self._is_hot = True

    def surprised(self) -> None:
        """Note that a row was there which nothing had announced: the bell may be deaf, so it is hung anew."""
        if self._is_blind:
            self._bell.close()

    def rest(self, seconds: float | None) -> None:
        """Note that nothing is due for so long, None for an empty queue."""
        interval = self._bell.interval
        self._is_hot = False
        self._is_blind = seconds is None or seconds > interval
        # A row that is due and was not to be had is locked by another; that takes a moment.
        pause = interval if seconds is None else min(seconds if seconds > 0 else SOON, interval)
        self._look_at = time.monotonic() + pause

    def wait(self, seconds: float) -> None:
        """Wait for the bell, at most so long and not beyond the next time to look."""
        rung = self._bell.wait(max(0.0, min(seconds, self._look_at - time.monotonic())))
        if rung is not None and rung <= 0:
            self._is_hot = True
        elif rung is not None:
            self._is_blind = False
            self._look_at = min(self._look_at, time.monotonic() + rung)

    def close(self) -> None:
        """Stop taking notice."""
        self._bell.close()
