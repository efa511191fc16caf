"""The Redis broker with receipts: a package stays on the server until it is acknowledged."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final

from djq_core.brokers.base import Delivery, Package, Queued
from djq_core.brokers.leases import Lease
from djq_redis import scripts
from djq_redis.base import RedisBase, as_package

if TYPE_CHECKING:
    import redis

MICROSECONDS: Final = 1_000_000
#: How many packages or receipts one script takes.
CHUNK: Final = 500
#: How many unreadable packages are kept, the newest.
DEAD_LETTERS: Final = 100
#: A larger one, in bytes, is dropped: a hundred of any size would fill the server.
LARGEST_DEAD_LETTER: Final = 1 << 20


class RedisReceiptsBroker(RedisBase):
    """A queue with receipts that are good for one delivery, held in several keys and changed by scripts alone.

    A receipt is ``<id>:<token>``. Packages are handed out in the order in which they were sent or came due, by the
    clock of the server.
    """

    supports_receipts: ClassVar[bool] = True
    supports_delay: ClassVar[bool] = True
    supports_leases: ClassVar[bool] = True
    fences_receipts: ClassVar[bool] = True
    counts_deliveries: ClassVar[bool] = True

    # Sending

    def enqueue(self, package: Package) -> str | None:
        """Add a package and return its id."""
        return self.enqueue_many([package])[0]

    def enqueue_many(self, packages: Sequence[Package]) -> list[str | None]:
        """Add packages in order, several hundred at once, and return their ids."""
        with self._server() as server:
            return [str(id) for some in _chunks(packages) for id in self._run(server, scripts.ENQUEUE, *some)]

    # Receiving

    def dequeue(self) -> list[tuple[str | None, Package]]:
        """Return at most ``bulk`` packages (one where unset) with their receipts, without waiting."""
        return [(delivery.receipt, delivery.package) for delivery in self.receive(self.settings.bulk or 1, 0)]

    def receive(self, count: int, wait: float) -> list[Delivery]:
        """Return at most ``count`` deliveries, waiting for the first one at most ``wait`` seconds."""
        from djq_redis import client

        until = time.monotonic() + wait
        with self._server() as server:
            while True:
                deliveries, due = self._claim(server, count)
                left = until - time.monotonic()
                if deliveries or left <= 0:
                    return deliveries
                pause = min(left, client.longest_wait(server), left if due is None else due)
                server.blpop([self._key("wake")], timeout=max(0.01, pause))

    def _claim(self, server: redis.Redis, count: int) -> tuple[list[Delivery], float | None]:
        """Return deliveries; where there is none, also the seconds until one comes due, None for an empty queue."""
        token = secrets.token_hex(8)
        due, *fields = self._run(server, scripts.CLAIM, count, _micro(self.settings.lease), token)
        rows = zip(*(fields[start::4] for start in range(4)), strict=True)
        deliveries = [
            Delivery(f"{id.decode()}:{token}", as_package(package), attempts, unanswered)
            for id, package, attempts, unanswered in rows
        ]
        return deliveries, None if due < 0 else due / MICROSECONDS

    def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
        """Renew leases to end ``seconds`` from now; a receipt stays as it is, None stands for a lost one."""
        with self._server() as server:
            held = [
                is_held
                for some in _chunks(receipts)
                for is_held in self._run(server, scripts.EXTEND, _micro(seconds), *_flat(some))
            ]
        return [receipt if is_held else None for receipt, is_held in zip(receipts, held, strict=True)]

    def release(self, receipts: Sequence[str], *, delay: float = 0.0, counted: bool = True) -> None:
        """Hand packages back, to be delivered again after ``delay`` seconds; uncounted, the attempt is taken back."""
        with self._server() as server:
            for some in _chunks(receipts):
                self._run(server, scripts.RELEASE, _micro(delay), int(counted), *_flat(some))

    # Answering

    def acknowledge(self, id: str) -> None:
        """Remove the package of a receipt, unless it was delivered again since."""
        self.acknowledge_many([id])

    def acknowledge_many(self, ids: Sequence[str]) -> None:
        """Remove the packages of several receipts, several hundred in one call."""
        with self._server() as server:
            for some in _chunks(ids):
                self._run(server, scripts.ACKNOWLEDGE, *_flat(some))

    def fail(self, id: str) -> None:
        """Put a package that could not be read among the dead letters: the newest are kept, none of over 1 MiB."""
        with self._server() as server:
            self._run(server, scripts.FAIL, DEAD_LETTERS, LARGEST_DEAD_LETTER, *_flat([id]))

    def dead_letters(self) -> list[Package]:
        """Return the packages that could not be read, the newest first."""
        with self._server() as server:
            return [as_package(package) for package in server.lrange(self._key("dead"), 0, -1)]

    def delete(self, id: str) -> None:
        """Remove a package by its receipt, or, whoever holds it, by the id that ``enqueue`` returned."""
        if not id.isdecimal():
            return self.acknowledge(id)
        with self._server() as server:
            self._run(server, scripts.DELETE, id)
        return None

    # The queue

    def purge_queue(self) -> None:
        """Remove every package, whoever holds it; dead letters stay."""
        self._unlink(*(part for part in scripts.KEYS if part not in ("seq", "dead")))

    def delete_queue(self) -> None:
        """Remove every key of the queue."""
        self._unlink(*scripts.KEYS)

    def _unlink(self, *parts: str) -> None:
        with self._server() as server:
            server.unlink(*map(self._key, parts))

    def queue_size(self) -> int:
        """Return the number of packages that nobody holds; those released for later are among them."""
        return self._sizes()[0]

    def lock_size(self) -> int:
        """Return the number of packages that are held under a lease in force."""
        return self._sizes()[1]

    def _sizes(self) -> tuple[int, int]:
        with self._server() as server:
            waiting, held = self._run(server, scripts.SIZES)
        return int(waiting), int(held)

    def peek(self, count: int) -> list[Queued]:
        """Return the ``count`` packages that were sent first; one that was handed back at once counts as the last.

        Every part of the queue is asked for so many at most, so that a queue of any length costs the same.
        """
        if count < 1:
            return []
        with self._server() as server:
            rows = self._run(server, scripts.PEEK, count)
        return [_queued(*row) for row in sorted(rows, key=lambda row: int(row[0]))[:count]]

    @cached_property
    def _keys(self) -> tuple[str, ...]:
        return tuple(map(self._key, scripts.KEYS))

    def _run(self, server: redis.Redis, script: str, *arguments: Any) -> Any:
        """Run a script over the keys of this queue; a server that does not know it is given its text.

        Both commands go to the server of the keys alone: ``SCRIPT LOAD`` would go to every node of a cluster, and one
        that is away would hold up the queues of the others.
        """
        from redis.exceptions import NoScriptError

        words = (len(scripts.KEYS), *self._keys, *arguments)
        try:
            return server.evalsha(scripts.digest(script), *words)
        except NoScriptError:
            return server.eval(script, *words)


def _queued(id: bytes, package: bytes, due: int, is_held: int, attempts: int) -> Queued:
    return Queued(
        package=as_package(package),
        tracking_id=id.decode(),
        due=due / MICROSECONDS if due else None,
        is_held=bool(is_held),
        attempts=attempts,
    )


def _chunks(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return [items[start : start + CHUNK] for start in range(0, len(items), CHUNK)]


def _flat(receipts: Sequence[str]) -> list[str]:
    return [word for receipt in receipts for word in Lease.from_receipt(receipt, "Redis")]


def _micro(seconds: float) -> int:
    return round(seconds * MICROSECONDS)
