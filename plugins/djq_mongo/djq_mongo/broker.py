"""The MongoDB broker (manual 1.3.5)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from djq_core.brokers.base import DEFAULT_POLL, Delivery, Package, Queued
from djq_core.brokers.leases import Lease
from djq_mongo import documents
from djq_mongo.base import Asking, MongoBase
from djq_mongo.ids import is_id

if TYPE_CHECKING:
    from djq_mongo.queue import Queue

#: The shortest wait for what is about to come due, in seconds.
_SHORTEST: Final = 0.002


class MongoBroker(MongoBase):
    """A queue in a collection of MongoDB, with receipts that are good for one delivery.

    A receipt is ``<id>:<token>``. Any thread may send and answer; one thread of a process receives. Every method but
    ``ping`` and ``info`` raises BrokerError when the server cannot be reached, does not answer within ``timeoutMS`` or
    refuses; the next call connects anew.
    """

    keeps_order: ClassVar[bool] = True
    supports_receipts: ClassVar[bool] = True
    supports_bulk: ClassVar[bool] = True
    #: A replica set tells of its changes; a single server is polled.
    supports_blocking_dequeue: ClassVar[bool] = True
    supports_delay: ClassVar[bool] = True
    supports_leases: ClassVar[bool] = True
    fences_receipts: ClassVar[bool] = True
    counts_deliveries: ClassVar[bool] = True
    max_package_bytes: ClassVar[int | None] = documents.LARGEST
    supports_peek: ClassVar[bool] = True

    # Sending

    def enqueue(self, package: Package) -> str | None:
        """Add a package and return its id."""
        return self.enqueue_many([package])[0]

    def enqueue_many(self, packages: Sequence[Package]) -> list[str | None]:
        """Add packages in order with one call and return their ids; after an error the first of them may be there."""
        if not packages:
            return []
        with self._asking() as queue:
            return [*queue.send(packages)]

    # Receiving

    def dequeue(self) -> list[tuple[str | None, Package]]:
        """Return at most ``bulk`` packages (one where unset) with their receipts, without waiting."""
        return [(delivery.receipt, delivery.package) for delivery in self.receive(self.settings.bulk or 1, 0)]

    def receive(self, count: int, wait: float) -> list[Delivery]:
        """Return at most ``count`` deliveries, waiting for the first one at most ``wait`` seconds."""
        until = time.monotonic() + wait
        while True:
            with self._asking() as queue:
                deliveries = queue.claim(count, self.settings.lease)
                left = until - time.monotonic()
                pause = 0.0 if deliveries or left <= 0 else self._pause(queue, left)
            if deliveries or left <= 0:
                self.connected().stream.note(len(deliveries))
                return deliveries
            self._wait(pause)

    def _pause(self, queue: Queue, left: float) -> float:
        """Return how many seconds to wait for news; 0 when the queue has to be looked at again first."""
        connection = self.connected()
        if self.settings.poll or not connection.tells_news:
            return min(left, self.settings.poll or DEFAULT_POLL)
        if not connection.stream.is_open:
            connection.stream.open()
            return 0.0
        next_one = queue.seconds_to_next()
        return max(_SHORTEST, min(left, connection.longest_wait, left if next_one is None else next_one))

    def _wait(self, seconds: float) -> None:
        stream = self.connected().stream
        if seconds <= 0:
            return
        if stream.is_open:
            with Asking(self, is_limited=False):
                stream.wait(seconds)
        else:
            time.sleep(seconds)

    def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
        """Renew leases to end ``seconds`` from now; a receipt stays as it is, None stands for a lost one."""
        leases = _leases(receipts)
        if not leases:
            return []
        with self._asking() as queue:
            held = queue.extend(leases, seconds)
        return [str(lease) if lease in held else None for lease in leases]

    def release(self, receipts: Sequence[str], *, delay: float = 0.0, counted: bool = True) -> None:
        """Hand packages back, to be delivered again after ``delay`` seconds; uncounted, the attempt is taken back."""
        if leases := _leases(receipts):
            with self._asking() as queue:
                queue.release(leases, delay, counted=counted)

    # Answering

    def acknowledge(self, id: str) -> None:
        """Remove the package of a receipt, unless it was delivered again since."""
        self.acknowledge_many([id])

    def acknowledge_many(self, ids: Sequence[str]) -> None:
        """Remove the packages of several receipts with one call."""
        if leases := _leases(ids):
            with self._asking() as queue:
                queue.remove(leases)

    def fail(self, id: str) -> None:
        """Put a package that could not be read among the dead letters: the newest 100 are kept, none of over 1 MiB."""
        with self._asking() as queue:
            queue.put_aside(_lease(id))

    def dead_letters(self) -> list[Package]:
        """Return the packages that could not be read, the newest first."""
        with self._asking() as queue:
            return queue.dead_letters()

    def delete(self, id: str) -> None:
        """Remove a package by its receipt, or, whoever holds it, by the id that ``enqueue`` returned."""
        if not is_id(id):
            return self.acknowledge(id)
        with self._asking() as queue:
            return queue.remove_package(id)

    # The queue

    def purge_queue(self) -> None:
        """Remove every package, whoever holds it; dead letters stay."""
        with self._asking() as queue:
            queue.clear()

    def delete_queue(self) -> None:
        """Drop the collection of the queue and that of its dead letters."""
        with self._asking() as queue:
            queue.drop()

    def queue_size(self) -> int:
        """Return the number of packages that nobody holds; those released for later are among them."""
        with self._asking() as queue:
            return queue.count_waiting()

    def lock_size(self) -> int:
        """Return the number of packages that are held under a lease in force."""
        with self._asking() as queue:
            return queue.count_held()

    def peek(self, count: int) -> list[Queued]:
        """Return the ``count`` packages that were sent first, with one query."""
        if count < 1:
            return []
        with self._asking() as queue:
            return queue.oldest(count)


def _leases(receipts: Sequence[str]) -> list[Lease]:
    return [_lease(receipt) for receipt in receipts]


def _lease(receipt: str) -> Lease:
    return Lease.from_receipt(receipt, "MongoDB", is_id)
