"""Libraries that djq uses where they are installed, and what it can do without them."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from djq_core.phrases import Phrase

logger = logging.getLogger("djq")

_BYTES_PER_KIB = 1024
_WORKERS_WHEN_UNKNOWN = 4


def croniter() -> ModuleType:
    """Return the module ``croniter``; raise ImportError that says what to install (manual 1.8.4)."""
    return _required("croniter", Phrase("A cron schedule"), extra="cron")


def psutil() -> ModuleType:
    """Return the module ``psutil``; raise ImportError that says what to install (manual 1.1.2)."""
    return _required("psutil", Phrase("This"), extra="psutil")


def prometheus_client() -> ModuleType:
    """Return the module ``prometheus_client``; raise ImportError that says what to install."""
    return _required("prometheus_client", Phrase("The page of metrics"), extra="prometheus")


def terminal() -> None:
    """Raise ImportError that says what to install where rich or Textual, which draw the monitor, are missing."""
    for name in ("rich", "textual"):
        _required(name, Phrase("A picture in the terminal"), extra="monitor")


def _required(name: str, purpose: Phrase, *, extra: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        message = Phrase(
            "{purpose} needs the package {name}, which cannot be imported: pip install 'djq-core[{extra}]'",
            purpose=purpose,
            name=name,
            extra=extra,
        )
        raise ImportError(message, name=name) from error


def has(name: str) -> bool:
    """Return whether the optional library can be found, without importing it."""
    try:
        return find_spec(name) is not None
    except ValueError:  # its entry in sys.modules says that it must not be imported
        return False


def cpu_count() -> int:
    """Return the number of processors of this host; four where neither Python nor psutil knows (manual 1.2.2)."""
    counted = os.cpu_count()
    if counted is None and has("psutil"):
        counted = psutil().cpu_count()
    return counted or _WORKERS_WHEN_UNKNOWN


# Memory


def can_measure_memory() -> bool:
    """Return whether :func:`rss_kib` knows the memory of a process here (manual 1.2.5)."""
    return has("psutil") or has("resource")


def rss_kib() -> int:
    """Return the resident memory of this process in KiB, its peak where psutil is missing; 0 where nobody knows."""
    if has("psutil"):
        return int(psutil().Process().memory_info().rss) // _BYTES_PER_KIB
    return _peak_rss_kib() if has("resource") else 0


def _peak_rss_kib() -> int:
    resource = import_module("resource")
    peak = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak // _BYTES_PER_KIB if sys.platform == "darwin" else peak


# Processors


def can_set_cpu_affinity() -> bool:
    """Return whether a process can be bound to processors here: psutil is installed and the platform allows it."""
    return has("psutil") and hasattr(psutil().Process, "cpu_affinity")


def processors_for(slot: int, count: int, processors: Sequence[int]) -> list[int]:
    """Return ``count`` of the processors for the worker in a slot (1, 2, …), dealt round (manual 1.2.33)."""
    if count >= len(processors):
        return list(processors)
    first = (slot - 1) * count
    return [processors[(first + step) % len(processors)] for step in range(count)]


def set_cpu_affinity(slot: int, count: int, name: str) -> None:
    """Bind this process, the worker of that name in a slot, to ``count`` processors; do nothing where it cannot be.

    Manual 1.2.33.
    """
    if not can_set_cpu_affinity():
        logger.debug("%s keeps every processor, cpu_affinity has no effect here", name)
        return
    process = psutil().Process()
    chosen = processors_for(slot, count, process.cpu_affinity())
    process.cpu_affinity(chosen)
    logger.info("%s will use cpu %s", name, chosen)
