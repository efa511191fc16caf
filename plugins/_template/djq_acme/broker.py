"""The Acme broker: a queue in one SQLite file, written as the model of a broker.

What each method promises stays when SQLite makes room for another server; the SQL goes. Comments say what to look for.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from djq_acme.connection import Connection
from djq_acme.options import AcmeOptions
from djq_core.brokers.base import DEFAULT_POLL, Broker, BrokerSettings, Delivery, Package
from djq_core.brokers.leases import Lease
from djq_core.exceptions import BrokerError

_SEND: Final = "INSERT INTO acme_package (queue, package, due) VALUES (?, ?, ?)"
#: One statement looks and takes, so that no two processes get the same package. A delivery that was answered makes the
#: next one another attempt; one that was not does not, for nobody knows whether its task was started.
_CLAIM: Final = """
UPDATE acme_package
SET token = :token, due = :until, attempts = attempts + (unanswered = 0), unanswered = unanswered + 1
WHERE id IN (SELECT id FROM acme_package WHERE queue = :queue AND due <= :now ORDER BY due, id LIMIT :count)
RETURNING id, package, attempts, unanswered
"""
#: Every answer asks for the token: that of a delivery which was handed out again since changes nothing.
_EXTEND: Final = "UPDATE acme_package SET due = ? WHERE id = ? AND token = ?"
_RELEASE: Final = """
UPDATE acme_package SET token = NULL, unanswered = 0, due = ?, attempts = attempts - ? WHERE id = ? AND token = ?
"""
_ACKNOWLEDGE: Final = "DELETE FROM acme_package WHERE id = ? AND token = ?"
_IS_HELD: Final = "(token IS NOT NULL AND due > ?)"


class AcmeBroker(Broker):
    """A queue in a SQLite file, with receipts that are good for one delivery.

    A receipt is ``<id>:<token>``. Every method but ``ping`` and ``info`` raises BrokerError when the file cannot be
    used, or when another process writes for longer than ``timeout``; the next call opens it anew.
    """

    name: ClassVar[str] = "acme"
    conf_keys: ClassVar[tuple[str, ...]] = ("acme",)
    choosing_keys: ClassVar[tuple[str, ...]] = ("acme",)

    # Declare what the server really does: the contract has tests of both sides of each flag, and the cluster relies on
    # them. `djq_core.brokers.base` has the others.
    keeps_order: ClassVar[bool] = True
    supports_receipts: ClassVar[bool] = True
    supports_bulk: ClassVar[bool] = True
    supports_delay: ClassVar[bool] = True
    supports_leases: ClassVar[bool] = True
    fences_receipts: ClassVar[bool] = True
    counts_deliveries: ClassVar[bool] = True

    # Building a broker connects to nothing, and what is pickled of it are its settings. A fork finds the connection of
    # its parent here under the parent's id, and neither uses nor closes it.
    def __init__(self, settings: BrokerSettings | None = None) -> None:
        super().__init__(settings)
        self._connections: dict[int, Connection] = {}

    @classmethod
    def read_options(cls, keys: Mapping[str, Any]) -> AcmeOptions:
        """Return the options of this plugin's keys; raise ConfigurationError."""
        return AcmeOptions.from_keys(keys)

    @property
    def options(self) -> AcmeOptions:
        """The validated options."""
        options: AcmeOptions = self.settings.options
        return options

    @property
    def _connection(self) -> Connection:
        # Of two threads that come first both get the one that is kept.
        return self._connections.setdefault(os.getpid(), Connection(self.options))

    # Sending

    def enqueue(self, package: Package) -> str | None:
        """Add a package and return its id."""
        return self.enqueue_many([package])[0]

    def enqueue_many(self, packages: Sequence[Package]) -> list[str | None]:
        """Add packages in order, all or none, and return their ids."""
        # When this returns the package must be safe: a server that answers before it has written says so in its README.
        if not packages:
            return []
        now = time.time()
        with self._connection.changing() as sqlite:
            return [str(sqlite.execute(_SEND, [self.list_key, each, now]).lastrowid) for each in packages]

    # Receiving

    def dequeue(self) -> list[tuple[str | None, Package]]:
        """Return at most ``bulk`` packages (one where unset) with their receipts, without waiting."""
        return [(delivery.receipt, delivery.package) for delivery in self.receive(self.settings.bulk or 1, 0)]

    def receive(self, count: int, wait: float) -> list[Delivery]:
        """Return at most ``count`` deliveries, waiting for the first one at most ``wait`` seconds."""
        # A server that can wait is asked to wait instead; then set ``supports_blocking_dequeue``.
        end = time.monotonic() + wait
        while not (deliveries := self._claim(count)) and (left := end - time.monotonic()) > 0:
            time.sleep(min(self.settings.poll or DEFAULT_POLL, left))
        return deliveries

    def _claim(self, count: int) -> list[Delivery]:
        # The clock is that of this host, which all users of the file share. Those of several hosts differ: where a
        # server has a clock, let it count, and give its time in ``clock()``.
        token = secrets.token_hex(8)
        with self._connection.changing() as sqlite:
            now = time.time()  # after the wait for the file, which is no part of the lease
            times = {"now": now, "until": now + self.settings.lease}
            rows = sqlite.execute(_CLAIM, {"queue": self.list_key, "count": count, "token": token, **times}).fetchall()
        return [Delivery(str(Lease(str(id), token)), *others) for id, *others in sorted(rows)]

    def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
        """Renew leases to end ``seconds`` from now; a receipt stays as it is, None stands for a lost one."""
        held = [Lease.from_receipt(receipt, "Acme") for receipt in receipts]
        with self._connection.changing() as sqlite:
            due = time.time() + seconds
            return [str(each) if sqlite.execute(_EXTEND, [due, *each]).rowcount else None for each in held]

    def release(self, receipts: Sequence[str], *, delay: float = 0.0, counted: bool = True) -> None:
        """Hand packages back, to be delivered again after ``delay`` seconds; uncounted, the attempt is taken back."""
        self._answer(_RELEASE, receipts, time.time() + delay, 0 if counted else 1)

    # Answering

    def acknowledge(self, id: str) -> None:
        """Remove the package of a receipt, unless it was delivered again since."""
        self.acknowledge_many([id])

    def acknowledge_many(self, ids: Sequence[str]) -> None:
        """Remove the packages of several receipts with one transaction."""
        self._answer(_ACKNOWLEDGE, ids)

    def fail(self, id: str) -> None:
        """Remove a package that could not be read, which the cluster has recorded."""
        # A server that has a place for dead letters puts it there.
        self.acknowledge(id)

    def _answer(self, statement: str, receipts: Sequence[str], *values: float) -> None:
        held = [[*values, *Lease.from_receipt(receipt, "Acme")] for receipt in receipts]
        with self._connection.changing() as sqlite:
            sqlite.executemany(statement, held)

    # The queue

    def delete(self, id: str) -> None:
        """Remove a package by its receipt, or, whoever holds it, by the id that ``enqueue`` returned."""
        if id.isdecimal():
            with self._connection.changing() as sqlite:
                sqlite.execute("DELETE FROM acme_package WHERE queue = ? AND id = ?", [self.list_key, id])
        else:
            self.acknowledge(id)

    def purge_queue(self) -> None:
        """Remove every package, whoever holds it."""
        with self._connection.changing() as sqlite:
            sqlite.execute("DELETE FROM acme_package WHERE queue = ?", [self.list_key])

    def delete_queue(self) -> None:
        """Remove the queue, which is nothing but its packages; the file stays, for it may have others."""
        self.purge_queue()

    def queue_size(self) -> int:
        """Return the number of packages that nobody holds; those released for later are among them."""
        return self._count(f"NOT {_IS_HELD}")

    def lock_size(self) -> int:
        """Return the number of packages that are held under a lease in force."""
        return self._count(_IS_HELD)

    def _count(self, which: str) -> int:
        statement = f"SELECT count(*) FROM acme_package WHERE queue = ? AND {which}"
        with self._connection.reading() as sqlite:
            (count,) = sqlite.execute(statement, [self.list_key, time.time()]).fetchone()
        return int(count)

    def ping(self) -> bool:
        """Return True when the file can be read."""
        try:
            with self._connection.reading() as sqlite:
                sqlite.execute("SELECT id FROM acme_package LIMIT 1").fetchall()
        except BrokerError:
            return False
        return True

    def info(self) -> str:
        """Return the version of SQLite and where the queue is."""
        # Where the server is asked for its version, an error means that it is left out.
        return f"SQLite {sqlite3.sqlite_version} at {self.options.file}"

    def close(self) -> None:
        """Close this process's connection."""
        self._connection.close()
