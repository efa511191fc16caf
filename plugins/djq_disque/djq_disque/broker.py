"""The Disque broker: jobs that stay in the cluster of nodes until they are acknowledged (manual 1.3.2)."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from djq_core.brokers.base import Broker, BrokerSettings, Delivery, Package, Queued
from djq_core.brokers.finding import Finding
from djq_core.exceptions import BrokerError
from djq_disque.jobs import FRESH, QUEUED, Job
from djq_disque.options import DisqueOptions
from djq_disque.receipts import Receipt

if TYPE_CHECKING:
    from djq_disque.examination import Told
    from djq_disque.holding import Holding


class DisqueBroker(Broker):
    """A queue in a cluster of Disque nodes; any thread may use it, each process connects for itself.

    Any of the nodes is used, and the next one when it is away. A receipt is ``<job>@<node>#<counters>``. Leases and
    delays are whole seconds, rounded up. Every method but ``ping`` and ``info`` raises BrokerError when no node can be
    reached, answers in time or takes what is asked.
    """

    name: ClassVar[str] = "disque"
    conf_keys: ClassVar[tuple[str, ...]] = (
        "disque_nodes",
        "disque_auth",
        "disque_fastack",
        "disque_replicate",
        "disque_timeout",
        "disque_ttl",
    )
    choosing_keys: ClassVar[tuple[str, ...]] = ("disque_nodes",)

    supports_receipts: ClassVar[bool] = True
    supports_bulk: ClassVar[bool] = True
    supports_blocking_dequeue: ClassVar[bool] = True
    supports_delay: ClassVar[bool] = True
    supports_leases: ClassVar[bool] = True
    changes_receipts: ClassVar[bool] = True
    counts_deliveries: ClassVar[bool] = True
    supports_peek: ClassVar[bool] = True

    def __init__(self, settings: BrokerSettings | None = None) -> None:
        super().__init__(settings)
        self._queue: Holding | None = None
        self._pid = 0

    @classmethod
    def read_options(cls, keys: Mapping[str, Any]) -> DisqueOptions:
        """Return the options of this plugin's keys (manual 1.2.19, 1.2.20); raise ConfigurationError."""
        return DisqueOptions.from_keys(keys)

    @property
    def options(self) -> DisqueOptions:
        """The validated options."""
        return self.settings.options or DisqueOptions()

    @property
    def queue(self) -> Holding:
        """The queue, with the connections of this process; those of a fork's parent are left alone."""
        if self._queue is None or self._pid != os.getpid():
            from djq_disque.holding import Holding

            self._queue, self._pid = Holding(self.options, self.list_key, self.settings.lease), os.getpid()
        return self._queue

    # Sending

    def enqueue(self, package: Package) -> str | None:
        """Add a package and return the id of its job."""
        return self.enqueue_many([package])[0]

    def enqueue_many(self, packages: Sequence[Package]) -> list[str | None]:
        """Add packages in order, several at once, and return the ids of their jobs."""
        sent = self.queue.send([(package, FRESH, 0.0) for package in packages], self.settings.lease)
        return [each.id for each in sent]

    # Receiving

    def dequeue(self) -> list[tuple[str | None, Package]]:
        """Return at most ``bulk`` packages (one where unset) with their receipts, without waiting."""
        return [(delivery.receipt, delivery.package) for delivery in self.receive(self.settings.bulk or 1, 0)]

    def receive(self, count: int, wait: float) -> list[Delivery]:
        """Return at most ``count`` deliveries, waiting for the first one at most ``wait`` seconds."""
        until = time.monotonic() + wait
        while True:
            deliveries = self.queue.get(count, until - time.monotonic())
            if deliveries or time.monotonic() >= until:
                return deliveries

    def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
        """Renew leases to end ``seconds`` from now; None stands for a lost one.

        Where a job has another retry time than that, its package is sent anew, and has another receipt then. A receipt
        whose node is away, and that no other node knows, is kept: nobody else can be given the task.
        """
        valid = self.queue.extend(list(map(Receipt.read, receipts)), seconds)
        return [None if receipt is None else str(receipt) for receipt in valid]

    def release(self, receipts: Sequence[str], *, delay: float = 0.0, counted: bool = True) -> None:
        """Hand packages back, to be delivered again after ``delay`` seconds; uncounted, the attempt is taken back.

        What is to be counted, or to wait, is sent anew as another job; else it is ``NACK``, and the job stays.
        """
        self.queue.release(list(map(Receipt.read, receipts)), delay, counted=counted)

    # Answering

    def acknowledge(self, id: str) -> None:
        """Remove the job of a receipt, or of an id that ``enqueue`` returned, at all nodes."""
        self.acknowledge_many([id])

    def acknowledge_many(self, ids: Sequence[str]) -> None:
        """Remove the jobs of several receipts, several hundred in one call."""
        self.queue.end(list(map(Receipt.read, ids)))

    def fail(self, id: str) -> None:
        """Remove a package that could not be read; Disque has no place to put it aside."""
        self.acknowledge(id)

    def delete(self, id: str) -> None:
        """Remove a package by its receipt, or, whoever holds it, by the id that ``enqueue`` returned."""
        self.acknowledge(id)

    # The queue

    def purge_queue(self) -> None:
        """Remove every package at every node that answers, whoever holds it."""
        from djq_disque import walking

        walking.empty(self.queue.nodes, self.list_key)

    def delete_queue(self) -> None:
        """Remove every package; Disque forgets an empty queue by itself."""
        self.purge_queue()

    def queue_size(self) -> int:
        """Return the number of packages that are queued, at all nodes that answer, without those released for later."""
        sizes: list[Any] = self.queue.nodes.each(lambda server, _: server.execute_command("QLEN", self.list_key))  # type: ignore[no-untyped-call]
        return sum(sizes)

    def lock_size(self) -> int:
        """Return the number of packages that are handed out and not answered, of the first thousand that may be."""
        from djq_disque import walking

        return len(walking.held(self.queue.nodes, self.list_key, self.clock()))

    def peek(self, count: int) -> list[Queued]:
        """Return the ``count`` packages that were sent first; one that was sent anew counts as the last.

        At most a thousand that are held or wait for their time are looked at.
        """
        from djq_disque import walking

        if count < 1:
            return []
        now = self.clock()
        return [_queued(job, now) for job in walking.oldest(self.queue.nodes, self.list_key, count)]

    # The nodes

    def ping(self) -> bool:
        """Return True when a node answers."""
        try:
            return bool(self.queue.nodes.run(lambda server, _: server.ping()))
        except BrokerError:
            return False

    def info(self) -> str:
        """Return where the nodes are with the version of one, without it while none answers."""
        from djq_disque import telling

        try:
            return f"{self.queue.nodes.run(lambda server, _: telling.version(server))} at {self.options.where}"
        except BrokerError:
            return f"Disque at {self.options.where}"

    def clock(self) -> float:
        """Return the time of a node's clock; each node counts leases and delays by its own."""
        from djq_disque import telling

        return self.queue.nodes.run(lambda server, _: telling.clock(server))

    def durability(self) -> str | None:
        """Return what copies and append-only files mean for the queue."""
        from djq_disque import examination

        return examination.durability(self._told(), self.options)

    def examine(self) -> list[Finding]:
        """Return what the nodes, their copies and their append-only files mean for the queue."""
        from djq_disque import examination

        told = self._told()
        return [
            examination.presence(told, self.options),
            examination.replication(told, self.options),
            examination.persistence(told),
            examination.pauses(told),
        ]

    def _told(self) -> list[Told]:
        """Return what the nodes that answer tell of themselves, in the order of the setting."""
        from djq_disque import telling

        told = self.queue.nodes.each(lambda server, node: telling.told(server, node, self.list_key))
        return sorted(told, key=lambda each: self.options.nodes.index(each.node))

    def close(self) -> None:
        """Close this process's connections."""
        kept, self._queue = self._queue, None
        if kept is not None and self._pid == os.getpid():
            kept.nodes.close()


def _queued(job: Job, now: float) -> Queued:
    is_later = job.is_later(now)
    is_held = bool(job.unanswered) if job.state == QUEUED else not is_later
    due = job.starts if is_later else now + job.due if job.state != QUEUED else now
    return Queued(
        package=job.package,
        tracking_id=job.id,
        due=due if is_held or is_later else None,
        is_held=is_held,
        attempts=job.mark.attempts + is_held,
    )
