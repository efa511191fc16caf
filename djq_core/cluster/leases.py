"""The leases of what a cluster holds: asked to be renewed in time, renewed, or lost."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from djq_core.brokers import Broker
from djq_core.cluster.assignment import Assignment, Held
from djq_core.cluster.channels import Frame, Kind
from djq_core.cluster.children import Child

#: The number of a task, the receipt that was to be renewed (None: the broker was away), and the one that is now valid.
Renewal = tuple[int, str | None, str | None]


class Leases:
    """Who renews which receipt, and what came of it."""

    def __init__(self, broker: type[Broker], table: Assignment) -> None:
        self._table = table
        self._changes_receipts = broker.changes_receipts
        self._renewed: float | None = None
        #: What the pusher renews now, where that changes the receipts.
        self.renewing: set[int] = set()

    def renew(self, pusher: Child | None, monitor: Child | None) -> None:
        """Name what is held: the pusher renews what waits or runs, the monitor what it saves.

        What the pusher still renews, where that changes receipts, it is not asked for again: the receipt of the first
        answer would be void once the second is on its way.
        """
        saving = [held for held in self._table.finished.values() if held.is_sent]
        others = [
            held
            for held in self._table.by_seq.values()
            if not (held.is_sent and held.outcome) and held.seq not in self.renewing
        ]
        for child, tasks in ((pusher, others), (monitor, saving)):
            items = [[held.seq, held.receipt] for held in tasks if held.receipt]
            if child is not None and items:
                child.control.send(Frame(Kind.RENEW, header=items))
        if pusher is not None and self._changes_receipts:
            self.renewing.update(held.seq for held in others)

    def on_renewed(self, items: Iterable[Renewal]) -> Iterator[Held]:
        """Keep the newest receipts, and yield the tasks whose lease was lost."""
        for seq, asked, receipt in items:
            self.renewing.discard(seq)
            self._renewed = self._renewed if asked is None else time.monotonic()
            held = self._table.by_seq.get(seq)
            if held is None or held.receipt != asked:
                continue
            if receipt is None:
                yield held
            else:
                held.receipt = receipt

    def age(self, now: float) -> float | None:
        """Return the seconds since leases were renewed last, or taken; None where nothing is held."""
        oldest = next(iter(self._table.by_seq.values()), None)
        if oldest is None:
            return None
        fetched: float = oldest.header["fetched"]
        return now - max(self._renewed or 0.0, fetched)
