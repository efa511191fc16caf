"""The server's clock, by which leases and delays count: asked once a minute, and kept by this host's monotonic one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from djq_mongo.documents import MICROSECONDS

#: Seconds after which the server is asked again.
FRESH: Final = 60.0
#: So far the clocks of two processes may be apart, in microseconds: what is due so soon is due. A server tells
#: milliseconds, and its answer takes a moment.
LEEWAY: Final = 50_000


class ServerClock:
    """Tells the server's time in microseconds since 1970; ``ask`` returns it in seconds. Any thread may use it."""

    def __init__(self, ask: Callable[[], float]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._offset = 0.0
        self._asked = float("-inf")
        self._last = 0

    @property
    def is_stale(self) -> bool:
        """Whether the next look asks the server."""
        return time.monotonic() - self._asked > FRESH

    def forget(self) -> None:
        """Ask again at the next look, for another server may answer."""
        self._asked = float("-inf")

    def now(self) -> int:
        """Return the time of the server, never before a stamp that was given."""
        with self._lock:
            return max(self._now(), self._last)

    def stamp(self) -> int:
        """Return the time of the server, later than any stamp that was given before."""
        with self._lock:
            self._last = max(self._now(), self._last + 1)
            return self._last

    def _now(self) -> int:
        if self.is_stale:
            began = time.monotonic()
            told = self._ask()
            self._asked = time.monotonic()
            self._offset = told - (began + self._asked) / 2
            if self._last - self._read() > LEEWAY:
                self._last = 0
        return self._read()

    def _read(self) -> int:
        return round((time.monotonic() + self._offset) * MICROSECONDS)
