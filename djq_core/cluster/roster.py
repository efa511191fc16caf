"""Who lives under a sentinel, so that nobody outlives it."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from multiprocessing.context import BaseContext
from typing import Any


class Roster:
    """The process ids of a sentinel's children in shared memory: it alone writes, the Cluster reads when it is dead."""

    def __init__(self, context: BaseContext, size: int) -> None:
        """``size`` is the most children that are noted at a time; more are left to end by themselves."""
        self._cells: Any = context.RawArray("q", size)

    def add(self, pid: int) -> None:
        """Note a child that was started."""
        self._replace(0, pid)

    def remove(self, pid: int) -> None:
        """Strike a child that has ended."""
        self._replace(pid, 0)

    def pids(self) -> list[int]:
        """Return the children that have not ended, as far as the sentinel knew."""
        return [pid for pid in self._cells if pid]

    def _replace(self, old: int, new: int) -> None:
        with suppress(ValueError):
            self._cells[self._cells[:].index(old)] = new


class Survivors:
    """The children of dead sentinels: each has some seconds to finish and to end by itself, then it is ended.

    A child cannot always end by itself: code of the site may hold its interpreter. Descriptors of the kernel tell them
    from other processes that have got their ids since; where a kernel has none, nobody is ended.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._known: list[tuple[int, float]] = []

    def adopt(self, pids: Iterable[int]) -> None:
        """Let these processes end; the time that they have begins now."""
        until = time.monotonic() + self._seconds
        if hasattr(os, "pidfd_open"):
            for pid in pids:
                with suppress(ProcessLookupError):
                    self._known.append((os.pidfd_open(pid), until))

    def look(self) -> None:
        """End those whose time is over and forget those that have ended."""
        now = time.monotonic()
        ended = select.select([fd for fd, _ in self._known], [], [], 0)[0]
        for fd, until in list(self._known):
            if fd not in ended and now < until:
                continue
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(fd, signal.SIGKILL)
            self._known.remove((fd, until))
            os.close(fd)

    def wait(self) -> None:
        """Return when all have ended, at the latest after the time that they have."""
        while self._known:
            longest = max(0.0, max(until for _, until in self._known) - time.monotonic())
            select.select([fd for fd, _ in self._known], [], [], min(0.1, longest))
            self.look()
