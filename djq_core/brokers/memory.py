"""A queue in the memory of one process, for unit tests and for sites that run their tasks in sync."""

from __future__ import annotations

import itertools
import os
import secrets
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from djq_core.brokers.base import Broker, BrokerSettings, Delivery, Package, Queued
from djq_core.brokers.leases import Lease
from djq_core.exceptions import BrokerError


@dataclass(slots=True)
class Item:
    """A package on a queue; ``due`` is when it may be handed out, by the monotonic clock."""

    number: int
    package: Package
    due: float
    token: str | None = None
    deliveries: int = 0
    unanswered: int = 0


class Memory:
    """The queues that all brokers of one runtime share, usable in the process and by the threads that made them."""

    def __init__(self) -> None:
        self._process: int | None = os.getpid()
        self._changed = threading.Condition()
        self._queues: dict[str, dict[int, Item]] = {}
        self._numbers = itertools.count(1)

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        return _of_nobody, ()

    def queue(self, key: str) -> dict[int, Item]:
        """Return a queue's items by number; raise BrokerError in another process, which has a copy at most."""
        if self._process != os.getpid():
            raise BrokerError(
                "The queue of a MemoryBroker lives in the process that made it. Choose a broker with a server: "
                "pip install djq-redis, or djq-orm."
            )
        return self._queues.setdefault(key, {})

    def drop(self, key: str) -> None:
        """Forget a queue and all that it holds."""
        self.queue(key)
        with self._changed:
            self._queues.pop(key, None)

    def add(self, key: str, packages: Iterable[Package]) -> list[str | None]:
        """Add packages in order and return their ids."""
        queue = self.queue(key)
        with self._changed:
            items = [Item(next(self._numbers), package, time.monotonic()) for package in packages]
            queue.update((item.number, item) for item in items)
            self._changed.notify_all()
        return [str(item.number) for item in items]

    def take(self, key: str, count: int, lease: float, wait: float) -> list[Delivery]:
        """Hand out at most ``count`` packages for ``lease`` seconds, waiting at most ``wait`` for the first."""
        until = time.monotonic() + wait
        self.queue(key)
        with self._changed:
            while True:
                now = time.monotonic()
                items = sorted(self.queue(key).values(), key=lambda item: (item.due, item.number))
                due = [item for item in items if item.due <= now][:count]
                if due or now >= until:
                    return [_handed_out(item, now + lease) for item in due]
                self._changed.wait(min([until - now, *(item.due - now for item in items[:1])]))

    def held(self, key: str, receipts: Sequence[str]) -> list[Item | None]:
        """Return for each receipt the item whose newest delivery it stands for."""
        queue = self.queue(key)
        found = [(queue.get(_number(receipt)), receipt) for receipt in receipts]
        return [item if item and item.token == receipt else None for item, receipt in found]

    def extend(self, key: str, receipts: Sequence[str], seconds: float) -> list[str | None]:
        """Let leases end so many seconds from now; None stands for each lost one."""
        self.queue(key)
        with self._changed:
            items = self.held(key, receipts)
            for item in filter(None, items):
                item.due = time.monotonic() + seconds
        return [item.token if item else None for item in items]

    def release(self, key: str, receipts: Sequence[str], delay: float, *, counted: bool) -> None:
        """Free packages to be handed out after ``delay`` seconds."""
        self.queue(key)
        with self._changed:
            for item in filter(None, self.held(key, receipts)):
                item.token, item.unanswered = None, 0
                item.due = time.monotonic() + delay
                item.deliveries -= not counted
            self._changed.notify_all()

    def remove(self, key: str, receipts: Sequence[str]) -> None:
        """Remove the packages of these receipts."""
        queue = self.queue(key)
        with self._changed:
            for item in filter(None, self.held(key, receipts)):
                queue.pop(item.number, None)

    def remove_number(self, key: str, number: int) -> None:
        """Remove a package, whoever holds it."""
        queue = self.queue(key)
        with self._changed:
            queue.pop(number, None)

    def count(self, key: str, *, held: bool) -> int:
        """Return how many packages are held under a lease in force, or how many are not."""
        now = time.monotonic()
        queue = self.queue(key)
        with self._changed:
            return sum((item.token is not None and item.due > now) is held for item in queue.values())

    def oldest(self, key: str, count: int) -> list[Queued]:
        """Return what is known of the first ``count`` packages by number."""
        queue = self.queue(key)
        with self._changed:
            now, clock = time.monotonic(), time.time()
            items = [queue[number] for number in sorted(queue)[: max(0, count)]]
            return [_queued(item, now, clock) for item in items]


class MemoryBroker(Broker):
    """Receipts, leases, delays and counts in memory; ``Q_CLUSTER["broker_class"]`` chooses it by its path.

    All brokers of a runtime, in all threads, share the queues. Another process has no part in them: there every method
    raises BrokerError, and a cluster refuses to start.
    """

    name: ClassVar[str] = "memory"

    is_local: ClassVar[bool] = True
    keeps_order: ClassVar[bool] = True
    supports_receipts: ClassVar[bool] = True
    supports_bulk: ClassVar[bool] = True
    supports_blocking_dequeue: ClassVar[bool] = True
    supports_delay: ClassVar[bool] = True
    supports_leases: ClassVar[bool] = True
    fences_receipts: ClassVar[bool] = True
    counts_deliveries: ClassVar[bool] = True
    supports_peek: ClassVar[bool] = True

    def __init__(self, settings: BrokerSettings | None = None) -> None:
        super().__init__(settings)
        self.memory: Memory = self.settings.options or Memory()

    @classmethod
    def read_options(cls, keys: Mapping[str, Any]) -> Memory:  # noqa: ARG003 - it has none
        """Return the memory that the brokers of one runtime share."""
        return Memory()

    def enqueue(self, package: Package) -> str | None:
        """Add a package and return its number."""
        return self.enqueue_many([package])[0]

    def enqueue_many(self, packages: Sequence[Package]) -> list[str | None]:
        """Add packages in order and return their numbers."""
        return self.memory.add(self.list_key, packages)

    def dequeue(self) -> list[tuple[str | None, Package]]:
        """Return at most ``bulk`` packages (one where unset) with their receipts, without waiting."""
        deliveries = self.receive(self.settings.bulk or 1, 0)
        return [(delivery.receipt, delivery.package) for delivery in deliveries]

    def receive(self, count: int, wait: float) -> list[Delivery]:
        """Return at most ``count`` deliveries, waiting for the first one at most ``wait`` seconds."""
        return self.memory.take(self.list_key, count, self.settings.lease, wait)

    def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
        """Renew leases to end ``seconds`` from now; None stands for a lost one."""
        return self.memory.extend(self.list_key, receipts, seconds)

    def release(self, receipts: Sequence[str], *, delay: float = 0.0, counted: bool = True) -> None:
        """Hand packages back, to be delivered again after ``delay`` seconds."""
        self.memory.release(self.list_key, receipts, delay, counted=counted)

    def acknowledge(self, id: str) -> None:
        """Remove the package of a receipt, unless it was delivered again since."""
        self.memory.remove(self.list_key, [id])

    def fail(self, id: str) -> None:
        """Remove a package that could not be read."""
        self.acknowledge(id)

    def delete(self, id: str) -> None:
        """Remove a package by its receipt, or, whoever holds it, by the number that ``enqueue`` returned."""
        if id.isdecimal():
            return self.memory.remove_number(self.list_key, int(id))
        return self.acknowledge(id)

    def purge_queue(self) -> None:
        """Remove every package, those that are held too."""
        self.memory.drop(self.list_key)

    def delete_queue(self) -> None:
        """Remove the queue, which is nothing but its packages."""
        self.memory.drop(self.list_key)

    def queue_size(self) -> int:
        """Return the number of packages that nobody holds."""
        return self.memory.count(self.list_key, held=False)

    def lock_size(self) -> int:
        """Return the number of packages that are held under a lease in force."""
        return self.memory.count(self.list_key, held=True)

    def peek(self, count: int) -> list[Queued]:
        """Return the ``count`` oldest packages, those that are held or wait for their time too."""
        return self.memory.oldest(self.list_key, count)

    def ping(self) -> bool:
        """Return True: memory answers."""
        return True

    def info(self) -> str:
        """Return what this is."""
        return "Memory"


def _handed_out(item: Item, due: float) -> Delivery:
    item.deliveries += item.unanswered == 0
    item.unanswered += 1
    item.token, item.due = str(Lease(str(item.number), secrets.token_hex(8))), due
    return Delivery(item.token, item.package, item.deliveries, item.unanswered)


def _queued(item: Item, now: float, clock: float) -> Queued:
    is_held = item.token is not None
    due = clock + item.due - now if is_held or item.due > now else None
    return Queued(
        package=item.package, tracking_id=str(item.number), due=due, is_held=is_held, attempts=item.deliveries
    )


def _number(receipt: str) -> int:
    return int(Lease.from_receipt(receipt, "memory").id)


def _of_nobody() -> Memory:
    memory = Memory()
    memory._process = None
    return memory
