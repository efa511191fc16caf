"""The ORM broker (manual 1.3.6)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.db import connections, router

from djq_core.brokers.base import Broker, BrokerSettings, Delivery, Package, Queued
from djq_core.brokers.finding import Finding
from djq_core.brokers.leases import Lease
from djq_core.exceptions import BrokerError
from djq_orm.bells import Bell, IntervalBell
from djq_orm.clock import MICROSECONDS
from djq_orm.errors import Asking
from djq_orm.options import OrmOptions
from djq_orm.packing import from_text, to_text
from djq_orm.stores import Claimed, Lying, Store
from djq_orm.watch import Watch


class OrmBroker(Broker):
    """A queue in a table of Django's database, with receipts that are good for one delivery.

    A receipt is ``<row id>:<token>``. Any thread may send and answer; one thread of a process receives. Every method
    but ``ping`` and ``info`` raises BrokerError when the database cannot be reached or refuses, after which the next
    call connects anew, and ConfigurationError when ``djq_orm`` is not in ``INSTALLED_APPS``.
    """

    name: ClassVar[str] = "orm"
    conf_keys: ClassVar[tuple[str, ...]] = ("orm", "has_replica")
    choosing_keys: ClassVar[tuple[str, ...]] = ("orm",)

    keeps_order: ClassVar[bool] = True
    supports_receipts: ClassVar[bool] = True
    supports_bulk: ClassVar[bool] = True
    #: PostgreSQL notifies and the version of a SQLite file is watched; other databases are polled.
    supports_blocking_dequeue: ClassVar[bool] = True
    supports_delay: ClassVar[bool] = True
    supports_leases: ClassVar[bool] = True
    fences_receipts: ClassVar[bool] = True
    counts_deliveries: ClassVar[bool] = True
    supports_peek: ClassVar[bool] = True
    supports_transactions: ClassVar[bool] = True

    def __init__(self, settings: BrokerSettings | None = None) -> None:
        super().__init__(settings)
        self._watch: Watch | None = None

    @classmethod
    def read_options(cls, keys: Mapping[str, Any]) -> OrmOptions:
        """Return the options of this plugin's keys (manual 1.2.23); raise ConfigurationError."""
        return OrmOptions.from_keys(keys)

    @property
    def database(self) -> str:
        """The alias of the database that holds the queue, whose transactions ``enqueue`` joins."""
        options = self._options
        if not options.has_replica:
            return options.orm
        model = Store(options.orm).model
        row = model()
        row._state.db = options.orm
        return str(router.db_for_write(model, instance=row))

    @property
    def _options(self) -> OrmOptions:
        return self.settings.options or OrmOptions()

    def _store(self) -> Asking:
        return Asking(self.database)

    # Sending

    def enqueue(self, package: Package) -> str | None:
        """Add a package, in the caller's transaction where there is one, and return the row's id."""
        with self._store() as store:
            (pk,) = store.insert(self.list_key, [to_text(package)])
        return None if pk is None else str(pk)

    def enqueue_many(self, packages: Sequence[Package]) -> list[str | None]:
        """Add packages in order with one insert, all or none, and return the rows' ids."""
        texts = [to_text(package) for package in packages]
        if not texts:
            return []
        with self._store() as store:
            return [None if pk is None else str(pk) for pk in store.insert(self.list_key, texts)]

    # Receiving

    def dequeue(self) -> list[tuple[str | None, Package]]:
        """Return at most ``bulk`` packages (one where unset) with their receipts, without waiting."""
        with self._store() as store:
            deliveries = self._claim(store, self.settings.bulk or 1)
        return [(delivery.receipt, delivery.package) for delivery in deliveries]

    def receive(self, count: int, wait: float) -> list[Delivery]:
        """Return at most ``count`` deliveries, waiting for the first one at most ``wait`` seconds."""
        until = time.monotonic() + wait
        with self._store() as store:
            watch = self._watch_over(store)
            watch.wait(0)
            while True:
                if (wait <= 0 or watch.is_time) and (deliveries := self._look(store, watch, count)):
                    return deliveries
                left = until - time.monotonic()
                if left <= 0:
                    return []
                watch.wait(left)

    def _look(self, store: Store, watch: Watch, count: int) -> list[Delivery]:
        if watch.is_hot:
            if deliveries := self._claim(store, count):
                return deliveries
            watch.arm()
        left = store.seconds_to_next(self.list_key)
        deliveries = self._claim(store, count) if left is not None and left <= 0 else []
        if deliveries:
            watch.surprised()
            watch.found()
        else:
            watch.rest(left)
        return deliveries

    def _claim(self, store: Store, count: int) -> list[Delivery]:
        return [_delivery(row) for row in store.claim(self.list_key, count, self.settings.lease)]

    def _watch_over(self, store: Store) -> Watch:
        if self._watch is None or not self._watch.is_mine:
            store.prepare()
            self._watch = Watch(self._bell(store))
        return self._watch

    def _bell(self, store: Store) -> Bell:
        return IntervalBell(self.settings.poll) if self.settings.poll else store.bell(self.list_key)

    def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
        """Renew leases to end ``seconds`` from now; a receipt stays as it is, None stands for a lost one."""
        leases = _leases(receipts)
        if not leases:
            return []
        with self._store() as store:
            held = store.extend(leases, seconds)
        return [str(lease) if int(lease.id) in held else None for lease in leases]

    def release(self, receipts: Sequence[str], *, delay: float = 0.0, counted: bool = True) -> None:
        """Hand packages back, to be delivered again after ``delay`` seconds; uncounted, the attempt is taken back."""
        if leases := _leases(receipts):
            with self._store() as store:
                store.release(self.list_key, leases, delay, counted=counted)

    # Answering

    def acknowledge(self, id: str) -> None:
        """Delete the row of a receipt, unless it was delivered again since."""
        self.acknowledge_many([id])

    def acknowledge_many(self, ids: Sequence[str]) -> None:
        """Delete the rows of several receipts with one statement."""
        if leases := _leases(ids):
            with self._store() as store:
                store.remove(leases)

    def fail(self, id: str) -> None:
        """Delete the row of a package that could not be read."""
        self.acknowledge(id)

    def delete(self, id: str) -> None:
        """Delete a package by its receipt, or, whoever holds it, by the id that ``enqueue`` returned."""
        if not id.isdecimal():
            return self.acknowledge(id)
        with self._store() as store:
            return store.remove_row(self.list_key, int(id))

    # The queue

    def purge_queue(self) -> None:
        """Delete every package of this queue."""
        with self._store() as store:
            store.clear(self.list_key)

    def delete_queue(self) -> None:
        """Delete every package of this queue: it is nothing but its rows."""
        self.purge_queue()

    def queue_size(self) -> int:
        """Return the number of packages that nobody holds; those released for later are among them."""
        with self._store() as store:
            return store.count_waiting(self.list_key)

    def lock_size(self) -> int:
        """Return the number of packages that are held under a lease in force."""
        with self._store() as store:
            return store.count_held(self.list_key)

    def peek(self, count: int) -> list[Queued]:
        """Return the packages of the ``count`` rows that were sent first, with one query that locks nothing."""
        with self._store() as store:
            return [_queued(row) for row in store.oldest(self.list_key, count)]

    def ping(self) -> bool:
        """Return True when the database answers."""
        try:
            with self._store() as store:
                store.probe()
        except BrokerError:
            return False
        return True

    def info(self) -> str:
        """Return the alias with name and version of the database, without these while it does not answer."""
        try:
            with self._store() as store:
                return f"ORM {self.database} ({store.version()})"
        except BrokerError:
            return f"ORM {self.database}"

    def clock(self) -> float | None:
        """Return the time of the server's clock where that one counts: on PostgreSQL, MariaDB and MySQL."""
        with self._store() as store:
            return store.clock()

    def examine(self) -> list[Finding]:
        """Return what the settings of the database mean for the queue."""
        with self._store() as store:
            return store.examine()

    def close(self) -> None:
        """Close this thread's connection, outside a transaction of the caller, and the one that listens."""
        watch, self._watch = self._watch, None
        if watch is not None and watch.is_mine:
            watch.close()
        connection = connections[self.database]
        if not connection.in_atomic_block:
            connection.close()


def _delivery(row: Claimed) -> Delivery:
    receipt = str(Lease(str(row.pk), row.token))
    return Delivery(receipt, from_text(row.text), row.deliveries, row.unanswered)


def _queued(row: Lying) -> Queued:
    is_timed = row.is_held or row.due > row.now
    return Queued(
        package=from_text(row.text),
        tracking_id=str(row.pk),
        due=row.due / MICROSECONDS if is_timed else None,
        is_held=row.is_held,
        attempts=row.deliveries,
    )


def _leases(receipts: Sequence[str]) -> list[Lease]:
    return [Lease.from_receipt(receipt, "ORM") for receipt in receipts]
