"""What processes and all their descendants use."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import psutil

from tests.harness import procs


def cpu_seconds(roots: Iterable[int]) -> float:
    """Return the CPU time of processes and their descendants, those that have ended and were waited for included."""
    return sum(map(_cpu, _trees(roots)))


def memory(roots: Iterable[int]) -> int:
    """Return the memory of processes and their descendants in bytes; what they share counts once (PSS)."""
    return sum(map(_pss, _trees(roots)))


def kill(session: int) -> None:
    """Kill the leader of a session, all its descendants, and whatever else the session has."""
    for victim in _trees([session]):
        with suppress(psutil.NoSuchProcess):
            victim.kill()
    while left := procs.session_of(session):
        for pid in left:
            procs.kill(session, pid)


def _trees(roots: Iterable[int]) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for root in roots:
        try:
            process = psutil.Process(root)
            found += [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
    return found


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
