"""The memory of the clusters' processes, as far as they run on this host."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from djq_core import optional
from djq_core.cluster.status import Status

#: The roles in the order in which they are shown.
ROLES: Final = ("cluster", "sentinel", "pusher", "monitor", "scheduler", "worker")
#: Seconds by which a process may seem younger than its cluster says it is.
_ALLOWANCE: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """The memory of a process in bytes, None where this system does not tell.

    ``uss`` is what would be free if it ended, ``pss`` that and its share of what it has in common with others, ``rss``
    all that it has in memory: of several processes only ``uss`` and ``pss`` add up.
    """

    role: str
    pid: int
    uss: int | None = None
    pss: int | None = None
    rss: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A cluster and the memory of its processes; ``is_here`` says whether it runs on this host."""

    host: str
    cluster_id: int
    name: str
    is_here: bool
    processes: tuple[Used, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The clusters, and how many bytes this host has and has still available."""

    host: str
    total: int
    available: int
    clusters: tuple[Measured, ...] = ()


def measure(stats: Sequence[Status]) -> Memory:
    """Measure now; raises ImportError where psutil is missing."""
    psutil, host = optional.psutil(), socket.gethostname()
    whole = psutil.virtual_memory()
    clusters = tuple(_measured(psutil, stat, host) for stat in stats)
    return Memory(host=host, total=whole.total, available=whole.available, clusters=clusters)


def total(processes: Sequence[Used], kind: str) -> int | None:
    """Return the sum of ``uss``, ``pss`` or ``rss``; None where one of them is not known."""
    values = [getattr(process, kind) for process in processes]
    return None if not values or None in values else sum(values)


def _measured(psutil: Any, stat: Status, host: str) -> Measured:
    is_here = stat.host == host and _is_alive(psutil, stat)
    processes = tuple(_used(psutil, role, pid) for role, pid in _pids(stat)) if is_here else ()
    found = tuple(process for process in processes if process is not None)
    return Measured(host=stat.host, cluster_id=stat.cluster_id, name=stat.name, is_here=is_here, processes=found)


def _is_alive(psutil: Any, stat: Status) -> bool:
    """Return whether the cluster's process is one of this host's, and not another that was given its number."""
    try:
        return bool(psutil.Process(stat.cluster_id).create_time() <= stat.tob.timestamp() + _ALLOWANCE)
    except psutil.Error:
        return False


def _pids(stat: Status) -> Iterator[tuple[str, int]]:
    helpers = {"cluster": stat.cluster_id, **{role: getattr(stat, role) for role in ROLES[1:5]}}
    yield from ((role, pid) for role, pid in helpers.items() if pid)
    yield from (("worker", pid) for pid in stat.workers)


def _used(psutil: Any, role: str, pid: int) -> Used | None:
    try:
        process = psutil.Process(pid)
        told = _full(psutil, process)
    except psutil.NoSuchProcess:
        return None
    except psutil.AccessDenied:
        return Used(role=role, pid=pid)
    return Used(role=role, pid=pid, **{kind: getattr(told, kind, None) for kind in ("uss", "pss", "rss")})


def _full(psutil: Any, process: Any) -> Any:
    try:
        return process.memory_full_info()
    except psutil.AccessDenied:
        return process.memory_info()
