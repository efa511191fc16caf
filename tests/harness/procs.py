"""The processes of a session, as the kernel lists them."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_GONE = frozenset("ZX")


@dataclass(frozen=True, slots=True)
class Process:
    """One living process."""

    pid: int
    parent: int
    session: int
    command: str


def session_of(session: int) -> dict[int, Process]:
    """Return the living processes of a session by process id; zombies do not live."""
    found = (_look_at(int(entry.name)) for entry in PROC.iterdir() if entry.name.isdigit())
    return {process.pid: process for process in found if process is not None and process.session == session}


def lives_in(session: int, pid: int) -> bool:
    """Tell whether this process lives and belongs to the session; a number that was given away again does not."""
    process = _look_at(pid)
    return process is not None and process.session == session


def kill(session: int, pid: int, number: int = signal.SIGKILL) -> bool:
    """Send a signal to a process of this session and to no other; return whether there was one."""
    if not lives_in(session, pid):
        return False
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def memory_of(session: int) -> int:
    """Return the memory of a session in bytes; what its processes share counts once."""
    return sum(_pss(pid) for pid in session_of(session))


def descriptors_of(session: int) -> int:
    """Return how many files and sockets the processes of a session have open."""
    return sum(_descriptors(pid) for pid in session_of(session))


def _pss(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))


def _descriptors(pid: int) -> int:
    try:
        return len(os.listdir(PROC / str(pid) / "fd"))
    except OSError:
        return 0


def _look_at(pid: int) -> Process | None:
    try:
        name, _, rest = (PROC / str(pid) / "stat").read_text().partition("(")[2].rpartition(")")
    except (OSError, UnicodeDecodeError):
        return None
    state, parent, _, session, *_ = rest.split()
    return None if state in _GONE else Process(pid, int(parent), int(session), name)
