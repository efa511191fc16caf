"""What the SQS brokers share: sending, receiving, answering."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final

from djq_core.brokers.base import DEFAULT_POLL, Delivery, Package
from djq_core.exceptions import NotSupported, PackageTooLarge
from djq_sqs import bodies
from djq_sqs.options import LARGEST, MOST
from djq_sqs.receipts import Receipt, whole
from djq_sqs.server import SqsServer

if TYPE_CHECKING:
    from djq_sqs.claims import Claims
    from djq_sqs.queue import Queue

logger = logging.getLogger("djq")

#: A wait that is shorter by so much is still of whole seconds.
_ROUNDING: Final = 0.05
#: So many packages are remembered that could not be read from a storage, the newest.
_REMEMBERED: Final = 10_000


class SqsBase(SqsServer):
    """A queue with receipts, each of which holds until its lease ends by the clock of this host.

    What is said with one after that changes nothing, but for an acknowledgement, which SQS may still take.
    """

    supports_receipts: ClassVar[bool] = True
    supports_bulk: ClassVar[bool] = True
    max_bulk: ClassVar[int | None] = MOST
    supports_blocking_dequeue: ClassVar[bool] = True
    supports_delay: ClassVar[bool] = True
    supports_leases: ClassVar[bool] = True
    changes_receipts: ClassVar[bool] = True
    fences_receipts: ClassVar[bool] = True
    counts_deliveries: ClassVar[bool] = True
    counts_every_delivery: ClassVar[bool] = True
    max_package_bytes: ClassVar[int | None] = LARGEST

    # Sending

    def enqueue(self, package: Package) -> str | None:
        """Send a package and return the id of its message; raise PackageTooLarge, or BrokerError."""
        return self.enqueue_many([package])[0]

    def enqueue_many(self, packages: Sequence[Package]) -> list[str | None]:
        """Send packages in order, up to ten in one request, and return the ids of their messages.

        Where some are not taken, however often they are sent, BrokerError tells how many; the others are on the queue.
        """
        from djq_sqs import sending

        with self._server() as queue:
            messages = [self._message(package) for package in packages]
            return sending.send(queue, self.options, messages, self._claims)

    def _message(self, package: Package) -> dict[str, str]:
        """Return the arguments of SendMessage for a package."""
        return {"MessageBody": self._body(package)}

    def _body(self, package: Package) -> str:
        body = bodies.encode(package)
        size = bodies.size(body)
        if self._claims is not None and size > self.options.claim_check_over:
            return bodies.claim(self._claims.put(bodies.as_bytes(package)))
        if size > LARGEST:
            raise PackageTooLarge(
                f"The package has {size:,} bytes as SQS counts them, which takes {LARGEST:,}. Send a reference to the "
                "data instead, set compress, or set 'claim_check' in Q_CLUSTER['sqs']."
            )
        return body

    @cached_property
    def _unread(self) -> dict[str, int]:
        """How many deliveries of a package came to nothing, for its storage was away, by its token."""
        return {}

    @cached_property
    def _claims(self) -> Claims | None:
        from djq_sqs.claims import Claims

        return None if self.options.claim_check is None else Claims(self.options.claim_check)

    # Receiving

    def dequeue(self) -> list[tuple[str | None, Package]]:
        """Return at most ``bulk`` packages (one where unset) with their receipts, without waiting."""
        return [(delivery.receipt, delivery.package) for delivery in self.receive(self.settings.bulk or 1, 0)]

    def receive(self, count: int, wait: float) -> list[Delivery]:
        """Return at most ``count`` deliveries, waiting for the first one at most ``wait`` seconds.

        Whole seconds are waited in the server; for the rest it is asked again and again.
        """
        until = time.monotonic() + wait
        with self._server() as queue:
            while True:
                seconds = min(self.options.longest_wait, int(max(0.0, until - time.monotonic()) + _ROUNDING))
                deliveries = self._take(queue, count, seconds)
                left = until - time.monotonic()
                if deliveries or left <= _ROUNDING:
                    return deliveries
                time.sleep(0 if seconds else min(self.settings.poll or DEFAULT_POLL, left))

    def _take(self, queue: Queue, count: int, wait: int) -> list[Delivery]:
        answer = queue.call(
            "receive_message",
            creates=True,
            MaxNumberOfMessages=max(1, min(count, MOST)),
            WaitTimeSeconds=wait,
            VisibilityTimeout=whole(self.settings.lease),
            AttributeNames=["ApproximateReceiveCount"],
        )
        now = time.time()  # a storage may take long, and the lease does not wait for it
        each = [self._delivery(message, now) for message in (answer or {}).get("Messages", ())]
        found = [delivery for delivery in each if delivery is not None]
        return found if time.time() - now < self.settings.lease / 3 else self._renewed(found)

    def _renewed(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Return those deliveries whose lease was not over before all packages were read, with a whole lease."""
        valid = self.extend([str(delivery.receipt) for delivery in deliveries], self.settings.lease)
        if lost := valid.count(None):
            alias = self.options.claim_check
            logger.error("STORAGES[%r] is slow: %d leases were over before all was read", alias, lost)
        for delivery, receipt in zip(deliveries, valid, strict=True):
            if receipt is None:
                self._note_unread(Receipt.from_text(str(delivery.receipt)).claim)
        return [replace(each, receipt=new) for each, new in zip(deliveries, valid, strict=True) if new is not None]

    def _note_unread(self, claim: str | None) -> None:
        """Note a delivery that came to nothing: no cluster has ended with it, and no task has failed."""
        if claim:
            self._unread[claim] = self._unread.pop(claim, 0) + 1
            while len(self._unread) > _REMEMBERED:
                self._unread.pop(next(iter(self._unread)), None)

    def _delivery(self, message: Mapping[str, Any], now: float) -> Delivery | None:
        """Return the delivery of a message; None where its package is in a storage that cannot be read now."""
        body, claim = message["Body"], bodies.claimed(message["Body"])
        package = bodies.decode(body) if claim is None else self._claimed(claim)
        if package is None:
            self._note_unread(claim)
            return None
        receipt = Receipt.new(message["ReceiptHandle"], whole(self.settings.lease), claim, now)
        count = int(message.get("Attributes", {}).get("ApproximateReceiveCount", 1))
        count = max(1, count - self._unread.get(claim or "", 0))
        return Delivery(str(receipt), package, count, count)

    def _claimed(self, token: str) -> Package | None:
        if self._claims is None:
            logger.error("A package lies in a storage, and Q_CLUSTER['sqs'] has no 'claim_check': it is left alone")
            return None
        try:
            found = self._claims.get(token)
        except Exception as error:  # whatever a storage raises; the package comes again when its lease is over
            logger.error("A package cannot be read from STORAGES[%r] now: %s", self.options.claim_check, error)
            return None
        return bodies.claim(token) if found is None else bodies.as_package(found)

    def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
        """Renew leases to end ``seconds`` from now, in whole seconds and within SQS's 12 hours.

        Return new receipts; None stands for a lost one. One that SQS failed to renew for reasons of its own keeps the
        lease that it has, which the log tells.
        """
        from djq_sqs import answering

        held = list(map(Receipt.from_text, receipts))
        with self._server() as queue:
            return [None if each is None else str(each) for each in answering.extend(queue, held, seconds)]

    def release(self, receipts: Sequence[str], *, delay: float = 0.0, counted: bool = True) -> None:
        """Hand packages back, to be delivered again after ``delay`` seconds; SQS counts the delivery in any case.

        The delay is of whole seconds, and ends at the latest 12 hours after the delivery.
        """
        from djq_sqs import answering

        held = list(map(Receipt.from_text, receipts))
        with self._server() as queue:
            answering.release(queue, self.options, held, delay)

    # Answering

    def acknowledge(self, id: str) -> None:
        """Delete the message of a receipt."""
        self.acknowledge_many([id])

    def acknowledge_many(self, ids: Sequence[str]) -> None:
        """Delete the messages of several receipts, up to ten in one request."""
        from djq_sqs import answering

        held = list(map(Receipt.from_text, ids))
        with self._server() as queue:
            done = answering.delete(queue, self.options, held)
        for receipt in done:
            if self._claims is not None and receipt.claim and not receipt.is_over:
                self._claims.drop(receipt.claim)

    def fail(self, id: str) -> None:
        """Leave a package that could not be read to the queue's dead-letter queue; delete it where there is none.

        SQS itself moves messages, after ``maxReceiveCount`` deliveries: until then it comes again.
        """
        from djq_sqs import answering

        held = [Receipt.from_text(id)]
        with self._server() as queue:
            if queue.redrives():
                answering.release(queue, self.options, held, 0)
            else:
                answering.delete(queue, self.options, held)

    def delete(self, id: str) -> None:
        """Delete the message of a receipt; SQS deletes none by the id that ``enqueue`` returned."""
        if ":" not in id:
            raise NotSupported("SQS deletes a message by the receipt of its delivery alone, not by its id.")
        self.acknowledge(id)
