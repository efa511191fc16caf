"""The IronMQ broker: reservations as leases, and what the service cannot note of an attempt in the message itself."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar

from djq_core.brokers.base import DEFAULT_POLL, Broker, BrokerSettings, Delivery, Package, Queued
from djq_core.brokers.finding import Finding
from djq_core.exceptions import BrokerError, PackageTooLarge
from djq_ironmq.bodies import OVERHEAD, Body, size_of
from djq_ironmq.names import queue_name
from djq_ironmq.options import MOST_BYTES, SETTING, IronOptions
from djq_ironmq.receipts import Lease

if TYPE_CHECKING:
    from djq_ironmq.connection import Connection


class IronMQBroker(Broker):
    """A queue of IronMQ v3; any thread may use it, each process connects for itself.

    A receipt is ``<id>:<reservation id>``. Every method but ``ping`` and ``info`` raises BrokerError when the service
    cannot be reached, does not answer within ``request_timeout`` or refuses.
    """

    name: ClassVar[str] = "ironmq"
    conf_keys: ClassVar[tuple[str, ...]] = ("iron_mq",)
    choosing_keys: ClassVar[tuple[str, ...]] = ("iron_mq",)

    keeps_order: ClassVar[bool] = True
    supports_receipts: ClassVar[bool] = True
    supports_bulk: ClassVar[bool] = True
    max_bulk: ClassVar[int | None] = 100
    supports_blocking_dequeue: ClassVar[bool] = True
    supports_delay: ClassVar[bool] = True
    supports_leases: ClassVar[bool] = True
    fences_receipts: ClassVar[bool] = True
    changes_receipts: ClassVar[bool] = True
    counts_deliveries: ClassVar[bool] = True
    #: The largest of all plans of the service; ``max_message_bytes`` may say less.
    max_package_bytes: ClassVar[int | None] = MOST_BYTES - OVERHEAD
    supports_peek: ClassVar[bool] = True

    def __init__(self, settings: BrokerSettings | None = None) -> None:
        super().__init__(settings)
        self._connection: Connection | None = None
        self._pid = 0

    @classmethod
    def read_options(cls, keys: Mapping[str, Any]) -> IronOptions:
        """Return the options of the key ``iron_mq`` (manual 1.2.21); raise ConfigurationError."""
        return IronOptions.from_keys(keys)

    @property
    def options(self) -> IronOptions:
        """The validated options."""
        options: IronOptions = self.settings.options
        return options

    @cached_property
    def queue_name(self) -> str:
        """The name of the queue at the service."""
        return queue_name(self.list_key)

    def _server(self) -> _Server:
        return _Server(self)

    def connected(self) -> Connection:
        """Return this process's connection; that of a fork's parent is left alone."""
        if self._connection is None or self._pid != os.getpid():
            from djq_ironmq.connection import Connection

            self._connection, self._pid = Connection(self.options, self.queue_name), os.getpid()
        return self._connection

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
        leases = list(dict.fromkeys(map(Lease.from_receipt, receipts)))
        with self._server() as server, server.known.lock:
            found = dict(zip(leases, server.touch(leases, seconds), strict=True))
            errors = [each for each in found.values() if isinstance(each, Exception)]
            if errors and len(errors) == len(found):
                raise errors[0]
        return [_receipt(receipt, found[Lease.from_receipt(receipt)]) for receipt in receipts]

    def release(self, receipts: Sequence[str], *, delay: float = 0.0, counted: bool = True) -> None:
        """Hand packages back by posting each anew with its attempts, and deleting the old message then.

        A kill between the two leaves both, of which one is delivered when its lease is over.
        """
        from djq_ironmq.releasing import hand_back

        leases = [Lease.from_receipt(receipt) for receipt in dict.fromkeys(receipts)]
        with self._server() as server, server.known.lock:
            hand_back(server, leases, self.settings.lease, delay=delay, counted=counted)

    # Answering

    def acknowledge(self, id: str) -> None:
        """Delete the message of a receipt, unless it was delivered again since."""
        self.acknowledge_many([id])

    def acknowledge_many(self, ids: Sequence[str]) -> None:
        """Delete the messages of several receipts, up to a hundred in a call."""
        leases = list(map(Lease.from_receipt, ids))
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

    # The queue

    def purge_queue(self) -> None:
        """Remove every package, whoever holds it."""
        self._unless_missing("clear")

    def delete_queue(self) -> None:
        """Remove the queue; what is sent next makes it anew, with the settings of the service."""
        self._unless_missing("delete_queue")

    def _unless_missing(self, call: str, *arguments: Any) -> dict[str, Any]:
        """Make a call of the client library; return nothing where there is no queue."""
        from djq_ironmq.errors import is_not_found

        with self._server() as server:
            try:
                return dict(getattr(server.queue, call)(*arguments))
            except Exception as error:
                if is_not_found(error):
                    return {}
                raise

    def queue_size(self) -> int:
        """Return the number of packages that may be handed out; where that is a hundred or more, all that there are."""
        return self._sizes()[0]

    def lock_size(self) -> int:
        """Return the number of packages that are held, or wait for their time: the service does not tell them apart."""
        return self._sizes()[1]

    def _sizes(self) -> tuple[int, int]:
        size = int(self._unless_missing("info").get("size", 0))
        ready = len(self._ready(100)) if size else 0
        return (max(size, ready), 0) if ready >= 100 else (ready, max(0, size - ready))

    def _ready(self, count: int) -> list[dict[str, Any]]:
        return list(self._unless_missing("peek", min(count, 100)).get("messages", []))

    def peek(self, count: int) -> list[Queued]:
        """Return what would be handed out first, a hundred at most.

        What is held, or waits for its time, the service does not show. A lease that has ended shows as one that ends
        now.
        """
        if count < 1:
            return []
        now = time.time()
        return [_queued(message, now) for message in self._ready(count)]

    # The server

    def ping(self) -> bool:
        """Return True when the service answers, and the token is right."""
        try:
            with self._server() as server:
                server.mq.client.get("queues?per_page=1")
        except BrokerError:
            return False
        return True

    def info(self) -> str:
        """Return where the service is; it has no version but that of its interface."""
        return f"IronMQ v{self.options.api_version} at {self.options.where}"

    def durability(self) -> str | None:
        """Return for how long the service keeps a task, where the queue is there already."""
        from djq_ironmq.examination import expiration

        told = self._unless_missing("info")
        return expiration(told).message if told else None

    def examine(self) -> list[Finding]:
        """Return what type, expiration and dead letters of the queue mean, and how the token travels."""
        from djq_ironmq import examination

        told = self._unless_missing("info")
        looks = (examination.kind, examination.expiration, examination.dead_letters)
        found = [look(told) for look in looks] if told else [examination.missing(self.queue_name)]
        return [*found, examination.lease(self.settings.lease), examination.encryption(self.options)]

    def close(self) -> None:
        """Close this process's connections."""
        kept, self._connection = self._connection, None
        if kept is not None and self._pid == os.getpid():
            kept.close()


class _Server:
    """The connection of a broker while a call lasts: whatever the client library raises becomes BrokerError."""

    __slots__ = ("_broker",)

    def __init__(self, broker: IronMQBroker) -> None:
        self._broker = broker

    def __enter__(self) -> Connection:
        return self._broker.connected()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is not None:
            from djq_ironmq import errors

            errors.reraise(self._broker.options, error)


def _delivery(message: Mapping[str, Any]) -> Delivery:
    body = Body.read(message["body"])
    receipt = str(Lease(str(message["id"]), str(message["reservation_id"])))
    return Delivery(receipt, body.package, body.attempts + 1, int(message["reserved_count"]))


def _receipt(asked: str, found: Lease | Exception | None) -> str | None:
    """Return the receipt that is valid now; where nobody knows, the one that may be."""
    return asked if isinstance(found, Exception) else (None if found is None else str(found))


def _queued(message: Mapping[str, Any], now: float) -> Queued:
    body, was_held = Body.read(message["body"]), bool(message["reserved_count"])
    return Queued(
        package=body.package,
        tracking_id=str(message["id"]),
        due=now if was_held else None,
        is_held=was_held,
        attempts=body.attempts + was_held,
    )
