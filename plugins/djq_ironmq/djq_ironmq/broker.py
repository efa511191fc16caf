"""The IronMQ broker: reservations as leases, and what the service cannot note of an attempt in the message itself."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from djq_core.brokers.base import DEFAULT_POLL, Delivery, Package
from djq_core.brokers.leases import Lease
from djq_core.exceptions import BrokerError, PackageTooLarge
from djq_ironmq.base import IronMQBase
from djq_ironmq.bodies import Body, size_of
from djq_ironmq.options import SETTING

if TYPE_CHECKING:
    from djq_ironmq.connection import Connection


class IronMQBroker(IronMQBase):
    """Sends, receives and answers; a receipt is ``<id>:<reservation id>``."""

    # Sending

    def enqueue(self, package: Package) -> str | None:
        """Post a package and return the id of its message."""
        return self.enqueue_many([package])[0]

    def enqueue_many(self, packages: Sequence[Package]) -> list[str | None]:
        """Post packages in order, up to a hundred in a call; return the ids. Raises PackageTooLarge before any is."""
        bodies = [self._sized(Body(package)) for package in packages]
        with self._server() as server:
            return [*server.post(bodies)]

    def _sized(self, body: Body) -> tuple[str, int]:
        text = str(body)
        size, most = size_of(text), self.options.max_message_bytes
        if size > most:
            raise PackageTooLarge(
                f"The message has {size:,} bytes; IronMQ takes {most:,} ('max_message_bytes' in {SETTING}). Send a "
                "reference to the data instead, or set compress."
            )
        return text, size

    # Receiving

    def dequeue(self) -> list[tuple[str | None, Package]]:
        """Return at most ``bulk`` packages (one where unset) with their receipts, without waiting."""
        return [(delivery.receipt, delivery.package) for delivery in self.receive(self.settings.bulk or 1, 0)]

    def receive(self, count: int, wait: float) -> list[Delivery]:
        """Return at most ``count`` deliveries, a hundred at most, waiting for the first one at most ``wait`` seconds.

        Whole seconds are waited for in the service; what is left of them is polled.
        """
        until = time.monotonic() + wait
        left = wait
        with self._server() as server:
            while True:
                found = self._reserve(server, count, int(left + 0.05))
                left = until - time.monotonic()
                if found or left <= 0:
                    return [_delivery(message) for message in found]
                if left < 1:
                    time.sleep(min(self.settings.poll or DEFAULT_POLL, left))
                    left = max(0.0, until - time.monotonic())

    def _reserve(self, server: Connection, count: int, wait: int) -> list[dict[str, Any]]:
        """Reserve messages; a queue that is not there is made, for nobody can wait at none."""
        from djq_ironmq.connection import MOST, whole
        from djq_ironmq.errors import is_not_found

        words = {"max": min(count, MOST), "timeout": whole(self.settings.lease), "wait": min(wait, 30)}
        try:
            return list(server.queue.reserve(**words)["messages"])
        except Exception as error:
            if not is_not_found(error):
                raise
        server.mq.create_queue(server.name)
        return list(server.queue.reserve(**words)["messages"])

    def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
        """Renew leases; return the receipts that are valid now, each another one, and None for each lost lease.

        Each takes a call. Where some fail, what is known of the others is returned; raises where none is known.
        """
        leases = list(dict.fromkeys(map(_lease, receipts)))
        with self._server() as server, server.known.lock:
            found = dict(zip(leases, server.touch(leases, seconds), strict=True))
            errors = [each for each in found.values() if isinstance(each, Exception)]
            if errors and len(errors) == len(found):
                raise errors[0]
        return [_receipt(receipt, found[_lease(receipt)]) for receipt in receipts]

    def release(self, receipts: Sequence[str], *, delay: float = 0.0, counted: bool = True) -> None:
        """Hand packages back by posting each anew with its attempts, and deleting the old message then.

        A kill between the two leaves both, of which one is delivered when its lease is over.
        """
        from djq_ironmq.releasing import hand_back

        leases = [_lease(receipt) for receipt in dict.fromkeys(receipts)]
        with self._server() as server, server.known.lock:
            hand_back(server, leases, self.settings.lease, delay=delay, counted=counted)

    # Answering

    def acknowledge(self, id: str) -> None:
        """Delete the message of a receipt, unless it was delivered again since."""
        self.acknowledge_many([id])

    def acknowledge_many(self, ids: Sequence[str]) -> None:
        """Delete the messages of several receipts, up to a hundred in a call."""
        leases = list(map(_lease, ids))
        with self._server() as server, server.known.lock:
            server.delete(leases)

    def fail(self, id: str) -> None:
        """Delete the message of a package that could not be read."""
        self.acknowledge(id)

    def delete(self, id: str) -> None:
        """Remove a package by its receipt, or, while nobody holds it, by the id that ``enqueue`` returned."""
        if ":" in id:
            return self.acknowledge(id)
        from djq_ironmq.errors import is_not_found, status_of

        with self._server() as server:
            try:
                server.queue.delete(id)
            except Exception as error:
                if status_of(error) == 400:
                    raise BrokerError(f"The message {id!r} is held: IronMQ lets its holder alone delete it.") from error
                if not is_not_found(error):
                    raise
        return None


def _delivery(message: Mapping[str, Any]) -> Delivery:
    body = Body.read(message["body"])
    receipt = str(Lease(str(message["id"]), str(message["reservation_id"])))
    return Delivery(receipt, body.package, body.attempts + 1, int(message["reserved_count"]))


def _lease(receipt: str) -> Lease:
    return Lease.from_receipt(receipt, "IronMQ", bool)


def _receipt(asked: str, found: Lease | Exception | None) -> str | None:
    """Return the receipt that is valid now; where nobody knows, the one that may be."""
    return asked if isinstance(found, Exception) else (None if found is None else str(found))
