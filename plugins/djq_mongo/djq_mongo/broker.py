"""The MongoDB broker (manual 1.3.5).

pymongo takes several megabytes. It is imported once a broker has options to check, so that a site whose queue is
elsewhere, and which only has djq-mongo installed, does without.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Final

from djq_core.brokers.base import DEFAULT_POLL, Broker, BrokerSettings, Delivery, Package, Queued
from djq_core.brokers.finding import Finding
from djq_core.exceptions import BrokerError
from djq_mongo import documents
from djq_mongo.options import MongoOptions
from djq_mongo.receipts import Lease, is_id

if TYPE_CHECKING:
    from djq_mongo.client import Connection
    from djq_mongo.queue import Queue

#: The shortest wait for what is about to come due, in seconds.
_SHORTEST: Final = 0.002


class MongoBroker(Broker):
    """A queue in a collection of MongoDB, with receipts that are good for one delivery.

    A receipt is ``<id>:<token>``. Any thread may send and answer; one thread of a process receives. Every method but
    ``ping`` and ``info`` raises BrokerError when the server cannot be reached, does not answer within ``timeoutMS`` or
    refuses; the next call connects anew.
    """

    name: ClassVar[str] = "mongo"
    conf_keys: ClassVar[tuple[str, ...]] = ("mongo", "mongo_db")
    choosing_keys: ClassVar[tuple[str, ...]] = ("mongo", "mongo_db")

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

    def __init__(self, settings: BrokerSettings | None = None) -> None:
        super().__init__(settings)
        self._connection: Connection | None = None
        self._of_parents: list[Connection] = []
        self._pid = 0

    @classmethod
    def read_options(cls, keys: Mapping[str, Any]) -> MongoOptions:
        """Return the options of this plugin's keys (manual 1.2.24, 1.2.25); raise ConfigurationError."""
        from djq_mongo import client

        options = MongoOptions.from_keys(keys, client.known_names())
        client.check(options)
        return options

    @property
    def options(self) -> MongoOptions:
        """The validated options."""
        return self.settings.options or MongoOptions()

    def connected(self) -> Connection:
        """Return what this process has of the server; a client of a fork's parent is kept, unused and unclosed."""
        if self._connection is not None and self._pid != os.getpid():
            self._of_parents.append(self._connection)
            self._connection = None
        if self._connection is None:
            from djq_mongo import client

            self._connection, self._pid = client.Connection(self.options, self.list_key), os.getpid()
        return self._connection

    def _asking(self) -> _Asking:
        return _Asking(self)

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
            with _Asking(self, is_limited=False):
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
            queue.put_aside(Lease.from_receipt(id))

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

    # The server

    def ping(self) -> bool:
        """Return True when the server answers."""
        try:
            with self._asking():
                self.connected().admin("ping")
        except BrokerError:
            return False
        return True

    def info(self) -> str:
        """Return where the server is with its version, without that while it does not answer."""
        try:
            with self._asking():
                version = self.connected().admin("buildInfo").get("version", "")
        except BrokerError:
            version = ""
        return f"{f'MongoDB {version}'.strip()} at {self.options.where}"

    def clock(self) -> float | None:
        """Return the time of the server's clock, by which leases and delays count."""
        with self._asking():
            return self.connected().ask_time()

    def examine(self) -> list[Finding]:
        """Return what the server's kind and storage, and our write concern, mean for the queue."""
        from djq_mongo import examination

        with self._asking():
            connection = self.connected()
            connection.ask()
            status = connection.status()
        return [
            examination.replication(connection.replica_set),
            examination.confirmation(connection.concern.document),
            examination.storage(status),
        ]

    def durability(self) -> str | None:
        """Return when the server counts a task as accepted.

        Whoever asks is about to fork, so that what pymongo has running in threads is ended.
        """
        from djq_mongo import client, examination

        try:
            with self._asking():
                connection = self.connected()
                connection.ask()
            return examination.durability(connection.replica_set, connection.concern.document)
        finally:
            self.close()
            client.wait_for_threads()

    def close(self) -> None:
        """Close this process's connections."""
        kept, self._connection = self._connection, None
        if kept is None:
            return
        if self._pid == os.getpid():
            kept.close()
        else:
            self._of_parents.append(kept)


class _Asking:
    """The queue of a broker while a call lasts, which has one time-out: what pymongo raises becomes BrokerError."""

    __slots__ = ("_broker", "_is_limited", "_limit")

    def __init__(self, broker: MongoBroker, *, is_limited: bool = True) -> None:
        self._broker = broker
        self._is_limited = is_limited
        self._limit: Any = None

    def __enter__(self) -> Queue:
        from djq_mongo.queue import Queue

        try:
            connection = self._broker.connected()
        except Exception as error:
            self._reraise(error)
            raise
        if self._is_limited:
            self._limit = connection.limited()
            self._limit.__enter__()
        return Queue(connection)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._limit is not None:
            self._limit.__exit__(kind, error, at)
        if error is not None:
            self._broker.connected().clock.forget()
            self._reraise(error)

    def _reraise(self, error: BaseException) -> None:
        from djq_mongo import errors

        if errors.is_about_the_user(error):
            self._broker.close()  # this client would wait for the server now, which is not away
        errors.reraise(self._broker.options, error)


def _leases(receipts: Sequence[str]) -> list[Lease]:
    return [Lease.from_receipt(receipt) for receipt in receipts]
