"""The settings of a site while one of its tests runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from djq_core.brokers.memory import MemoryBroker

_MEMORY: Final = "djq_core.brokers.memory.MemoryBroker"
_CHOICES: Final = ("broker", "broker_class")


@contextmanager
def changed(q_cluster: Mapping[str, Any], *, without: tuple[str, ...] = ()) -> Iterator[None]:
    """Change keys of ``Q_CLUSTER`` for a block, and leave out others."""
    from django.conf import settings
    from django.test import override_settings

    kept = {key: value for key, value in getattr(settings, "Q_CLUSTER", {}).items() if key not in without}
    with override_settings(Q_CLUSTER={**kept, **q_cluster}):
        yield


@contextmanager
def memory_queue(q_cluster: Mapping[str, Any]) -> Iterator[MemoryBroker]:
    """Let everything in the block enqueue to a new queue in memory, and give its broker."""
    from djq_core import current
    from djq_core.brokers.memory import MemoryBroker

    with changed({**q_cluster, "broker_class": _MEMORY, "sync": False}, without=_CHOICES):
        broker = current.runtime().broker()
        assert isinstance(broker, MemoryBroker)
        yield broker


@contextmanager
def at_once(q_cluster: Mapping[str, Any]) -> Iterator[None]:
    """Let each task in the block run where it is enqueued."""
    with changed({**q_cluster, "sync": True}):
        yield
