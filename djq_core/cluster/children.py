"""The children of a cluster as their sentinel sees them."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from typing import Protocol

from djq_core.cluster.channels import Peer
from djq_core.cluster.deadlines import Deadline
from djq_core.cluster.lastwords import LastWords
from djq_core.cluster.tickets import Record, Tickets


class Closable(Protocol):
    """Something with a descriptor that a child inherits."""

    def close(self) -> None: ...


@dataclass(slots=True, eq=False)
class Child:
    """A child as the sentinel sees it."""

    role: str
    name: str
    slot: int
    process: BaseProcess
    data: Peer
    control: Peer
    born: float = field(default_factory=time.monotonic)
    is_ready: bool = False
    #: The most resident memory that it had, once it has ended; 0 where nobody knows.
    peak_kib: int = 0

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid or 0

    @property
    def exitcode(self) -> int | None:
        """How it ended, None while it runs; whoever is the first to ask the kernel is told its peak of memory too."""
        popen = getattr(self.process, "_popen", None)
        if popen is not None and popen.returncode is None:
            with suppress(ChildProcessError):  # of a fork server it is the child, and not ours
                pid, status, usage = os.wait4(self.pid, os.WNOHANG)
                if pid:
                    popen.returncode = os.waitstatus_to_exitcode(status)
                    self.peak_kib = usage.ru_maxrss // (1024 if sys.platform == "darwin" else 1)
        return self.process.exitcode

    @property
    def ends(self) -> list[Closable]:
        """What the sentinel holds open for it."""
        return [self.data, self.control]


@dataclass(slots=True, eq=False)
class WorkerChild(Child):
    """A worker as the sentinel sees it: its tickets, its record, and whether it is on its way out."""

    key: int = 0
    tickets: Tickets = field(kw_only=True)
    record: Record = field(kw_only=True)
    words: LastWords = field(kw_only=True)
    given: int = 0
    replaces: WorkerChild | None = None
    has_successor: bool = False
    is_stopping: bool = False
    overdue: int = 0
    deadline: Deadline | None = None
    running: int = 0
    since: float = 0.0
    lingers_until: float | None = None

    @property
    def is_leaving(self) -> bool:
        """Is it given nothing more?"""
        return self.has_successor or self.is_stopping

    @property
    def ends(self) -> list[Closable]:
        """What the sentinel holds open for it."""
        return [self.data, self.tickets, self.words]


def kill(child: Child, number: int) -> None:
    """Send a signal to a child that may have ended meanwhile."""
    with suppress(ProcessLookupError):
        os.kill(child.pid, number)


def last_of(child: Child, words: str) -> str:
    """Return what is left of a dead process, to follow what is said of its end: its memory and its last stacks."""
    memory = f" Its peak memory was {child.peak_kib // 1024:,} MiB." if child.peak_kib else ""
    return f"{memory}\n\nIts last stack:\n{words}" if words else memory


def how_it_ended(exitcode: int) -> str:
    """Return how a process ended, for people: by which signal, or with which exit code."""
    if exitcode >= 0:
        return f"with exit code {exitcode}"
    try:
        return f"by signal {-exitcode} ({signal.Signals(-exitcode).name})"
    except ValueError:
        return f"by signal {-exitcode}"
