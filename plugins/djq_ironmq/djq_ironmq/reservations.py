"""What one process knows of the reservations of one queue: which is the newest, and what was handed back halfway.

A touch gives a message another reservation. The cluster learns of it, but not every thread of a process at once: one
renews a lease while another answers by the receipt it has. So whoever answers or renews holds the lock meanwhile, and
an older receipt of the same delivery stands for the newest.
"""

from __future__ import annotations

import os
import threading
from typing import Any, Final

from djq_core.brokers.leases import Lease

#: So many renewals are remembered, the newest.
_REMEMBERED: Final = 10_000

#: By process, for a fork begins anew.
_shared: dict[tuple[int, str, str], Reservations] = {}


class Reservations:
    """Shared by all brokers of a process that have the same queue."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._newer: dict[Lease, Lease] = {}
        self._posted: dict[str, None] = {}

    def newest(self, lease: Lease) -> Lease:
        """Return the reservation that this process has got last for the same delivery."""
        while lease in self._newer:
            lease = self._newer[lease]
        return lease

    def renewed(self, old: Lease, new: Lease) -> Lease:
        """Note that a reservation has taken the place of another, and return it."""
        self._newer[old] = new
        _forget_oldest(self._newer)
        return new

    def is_posted(self, id: str) -> bool:
        """Was the package of this message posted anew, although the message may still be there?"""
        return id in self._posted

    def posted(self, id: str) -> None:
        """Note that the package of a message was posted anew."""
        self._posted[id] = None
        _forget_oldest(self._posted)


def shared(address: str, queue: str) -> Reservations:
    """Return what this process knows of the queue at this address."""
    return _shared.setdefault((os.getpid(), address, queue), Reservations())


def _forget_oldest(remembered: dict[Any, Any]) -> None:
    while len(remembered) > _REMEMBERED:
        remembered.pop(next(iter(remembered)), None)
