"""The Disque broker: jobs that stay in the cluster of nodes until they are acknowledged (manual 1.3.2)."""

from __future__ import annotations

import math
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from djq_core.brokers.base import Broker, BrokerSettings, Delivery, Package, Queued
from djq_core.brokers.finding import Finding
from djq_core.exceptions import BrokerError
from djq_disque.jobs import FRESH, QUEUED, Job, Mark, opened, sealed
from djq_disque.options import DisqueOptions
from djq_disque.receipts import Receipt

if TYPE_CHECKING:
    import redis

    from djq_disque.copies import Sender, Sent
    from djq_disque.nodes import Nodes

#: How many ids one command takes.
_CHUNK: Final = 500
#: What a call that waits at a node takes of the time-out at most, and by how many seconds a node may be late.
_SHARE, _LATE = 0.5, 0.1


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
    counts_deliveries: ClassVar[bool] = True
    supports_peek: ClassVar[bool] = True

    def __init__(self, settings: BrokerSettings | None = None) -> None:
        super().__init__(settings)
        self._nodes: Nodes | None = None
        self._sender: Sender | None = None
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
    def nodes(self) -> Nodes:
        """The connections of this process; those of a fork's parent are left alone."""
        if self._nodes is None or self._pid != os.getpid():
            from djq_disque.copies import Sender
            from djq_disque.nodes import Nodes

            self._nodes, self._pid = Nodes(self.options), os.getpid()
            self._sender = Sender(self.options, self._nodes, self.list_key)
        return self._nodes

    def _send(self, jobs: Sequence[tuple[Package, Mark, float]], seconds: float, *, at: str = "") -> list[Sent]:
        """Send packages with their marks and delays, to be redelivered after ``seconds``."""
        from djq_disque.copies import Body

        _ = self.nodes
        assert self._sender is not None
        bodies = [Body(sealed(package, mark), max(0, math.ceil(delay))) for package, mark, delay in jobs]
        return self._sender.send(bodies, _whole(seconds), at=at)

    # Sending

    def enqueue(self, package: Package) -> str | None:
        """Add a package and return the id of its job."""
        return self.enqueue_many([package])[0]

    def enqueue_many(self, packages: Sequence[Package]) -> list[str | None]:
        """Add packages in order, several at once, and return the ids of their jobs."""
        return [sent.id for sent in self._send([(package, FRESH, 0.0) for package in packages], self.settings.lease)]

    # Receiving

    def dequeue(self) -> list[tuple[str | None, Package]]:
        """Return at most ``bulk`` packages (one where unset) with their receipts, without waiting."""
        return [(delivery.receipt, delivery.package) for delivery in self.receive(self.settings.bulk or 1, 0)]

    def receive(self, count: int, wait: float) -> list[Delivery]:
        """Return at most ``count`` deliveries, waiting for the first one at most ``wait`` seconds."""
        until = time.monotonic() + wait
        while True:
            left = until - time.monotonic()
            if deliveries := self.nodes.run(lambda server, node, left=left: self._get(server, node, count, left)):  # type: ignore[misc]
                return deliveries
            if time.monotonic() >= until:
                return []

    def _get(self, server: redis.Redis, node: str, count: int, wait: float) -> list[Delivery]:
        from djq_disque.nodes import pipelined

        wait = min(wait, max(0.01, self.options.node_timeout * _SHARE - _LATE))
        hang = ("TIMEOUT", math.ceil(wait * 1000)) if wait > 0 else ("NOHANG",)
        words = (*hang, "COUNT", count, "WITHCOUNTERS", "FROM", self.list_key)
        got: Any = server.execute_command("GETJOB", *words)  # type: ignore[no-untyped-call]
        jobs = got or []
        # a lease begins with the fetch, and Disque counts from the moment at which a job was queued
        terms = pipelined(server, [("WORKING", id) for _, id, *_ in jobs])
        found = [self._handed_out(node, job, term) for job, term in zip(jobs, terms, strict=True)]
        return [delivery for delivery in found if delivery is not None]

    def _handed_out(self, node: str, job: Sequence[Any], term: object) -> Delivery | None:
        """Return a delivery; None where the job is gone meanwhile. ``term`` is what ``WORKING`` said of its lease."""
        _, id, body, _, nacks, _, additional = job
        package, mark = opened(body)
        unanswered = mark.unanswered + additional + 1
        receipt = Receipt(id.decode(), node, nacks, additional)
        if term != _whole(self.settings.lease):
            if str(term).startswith("NOJOB"):
                return None
            held = Mark(mark.attempts, unanswered)
            (receipt,) = self._instead([(receipt, package, held, self.settings.lease)], self.settings.lease)
        return Delivery(str(receipt), package, mark.attempts + 1, unanswered)

    def _instead(
        self, jobs: Sequence[tuple[Receipt, Package, Mark, float]], seconds: float
    ) -> list[Receipt]:
        """Send packages anew in the place of their jobs, and return the receipts of the new ones.

        A delay is a lease where the mark says that the package is held. Who is killed between the two leaves both
        jobs, and so costs a run; the other way round it would cost the task.
        """
        if not jobs:
            return []
        sent = self._send([job[1:] for job in jobs], seconds, at=jobs[0][0].node)
        self._end([receipt for receipt, *_ in jobs])
        return [Receipt(*each) for each in sent]

    def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
        """Renew leases to end ``seconds`` from now; None stands for a lost one.

        Where a job has another retry time than that, its package is sent anew, and has another receipt then. A receipt
        whose node is away, and that no other node knows, is kept: nobody else can be given the task.
        """
        read = [Receipt.read(receipt) for receipt in receipts]
        valid: dict[Receipt, Receipt | None] = {}
        for node, some in _by_node(read).items():
            valid |= self.nodes.run(lambda server, at, some=some: self._extend(server, at, some, seconds), at=node)  # type: ignore[misc]
        return [None if (found := valid[receipt]) is None else str(found) for receipt in read]

    def _extend(
        self, server: redis.Redis, node: str, receipts: Sequence[Receipt], seconds: float
    ) -> dict[Receipt, Receipt | None]:
        from djq_disque.nodes import pipelined

        jobs = self._shown(server, receipts)
        held = {receipt: job for receipt, job in jobs.items() if job is not None and job.is_of(receipt)}
        valid = {receipt: self._kept(node, receipt, job) for receipt, job in jobs.items()}
        terms = pipelined(server, [("WORKING", receipt.id) for receipt in held])
        for (receipt, job), term in zip(held.items(), terms, strict=True):
            valid[receipt] = receipt
            if str(term).startswith("NOJOB"):
                valid[receipt] = None
            elif term != _whole(seconds):
                mark = Mark(job.mark.attempts, job.unanswered + 1)
                (valid[receipt],) = self._instead([(receipt, job.package, mark, seconds)], seconds)
        return valid

    @staticmethod
    def _kept(node: str, receipt: Receipt, job: Job | None) -> Receipt | None:
        return receipt if job is None and receipt.node not in ("", node) else None

    def release(self, receipts: Sequence[str], *, delay: float = 0.0, counted: bool = True) -> None:
        """Hand packages back, to be delivered again after ``delay`` seconds; uncounted, the attempt is taken back.

        What is to be counted, or to wait, is sent anew as another job; else it is ``NACK``, and the job stays.
        """
        for node, some in _by_node(map(Receipt.read, receipts)).items():
            self.nodes.run(
                lambda server, _, some=some: self._release(server, some, delay, counted=counted),  # type: ignore[misc]
                at=node,
            )

    def _release(self, server: redis.Redis, receipts: Sequence[Receipt], delay: float, *, counted: bool) -> None:
        jobs = self._shown(server, receipts)
        held = {receipt: job for receipt, job in jobs.items() if job is not None and job.is_of(receipt)}
        is_plain = not counted and delay <= 0
        handed_back = [receipt.id for receipt, job in held.items() if is_plain and not job.unanswered]
        for some in _chunks(handed_back):
            server.execute_command("NACK", *some)  # type: ignore[no-untyped-call]
        anew = [(receipt, job) for receipt, job in held.items() if receipt.id not in handed_back]
        self._instead(
            [(receipt, job.package, Mark(job.mark.attempts + counted, 0), delay) for receipt, job in anew],
            self.settings.lease,
        )

    @staticmethod
    def _shown(server: redis.Redis, receipts: Sequence[Receipt]) -> dict[Receipt, Job | None]:
        from djq_disque.walking import show

        return dict(zip(receipts, show(server, [receipt.id for receipt in receipts]), strict=True))

    # Answering

    def acknowledge(self, id: str) -> None:
        """Remove the job of a receipt, or of an id that ``enqueue`` returned, at all nodes."""
        self.acknowledge_many([id])

    def acknowledge_many(self, ids: Sequence[str]) -> None:
        """Remove the jobs of several receipts, several hundred in one call."""
        self._end(list(map(Receipt.read, ids)))

    def _end(self, receipts: Sequence[Receipt]) -> None:
        command = "FASTACK" if self.options.fastack else "ACKJOB"
        for node, some in _by_node(receipts).items():
            for part in _chunks([receipt.id for receipt in some]):
                self.nodes.run(lambda server, _, part=part: server.execute_command(command, *part), at=node)  # type: ignore[misc]

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

        walking.empty(self.nodes, self.list_key)

    def delete_queue(self) -> None:
        """Remove every package; Disque forgets an empty queue by itself."""
        self.purge_queue()

    def queue_size(self) -> int:
        """Return the number of packages that are queued, at all nodes that answer, without those released for later."""
        sizes: list[Any] = self.nodes.each(lambda server, _: server.execute_command("QLEN", self.list_key))  # type: ignore[no-untyped-call]
        return sum(sizes)

    def lock_size(self) -> int:
        """Return the number of packages that are handed out and not answered, of the first thousand that may be."""
        from djq_disque import walking

        return len(walking.held(self.nodes, self.list_key, self.clock()))

    def peek(self, count: int) -> list[Queued]:
        """Return the ``count`` packages that were sent first; one that was sent anew counts as the last.

        At most a thousand that are held or wait for their time are looked at.
        """
        from djq_disque import walking

        if count < 1:
            return []
        now = self.clock()
        return [_queued(job, now) for job in walking.oldest(self.nodes, self.list_key, count)]

    # The nodes

    def ping(self) -> bool:
        """Return True when a node answers."""
        try:
            return bool(self.nodes.run(lambda server, _: server.ping()))
        except BrokerError:
            return False

    def info(self) -> str:
        """Return where the nodes are with the version of one, without it while none answers."""
        from djq_disque import telling

        try:
            return f"{self.nodes.run(lambda server, _: telling.version(server))} at {self.options.where}"
        except BrokerError:
            return f"Disque at {self.options.where}"

    def clock(self) -> float:
        """Return the time of a node's clock; each node counts leases and delays by its own."""
        from djq_disque import telling

        return self.nodes.run(lambda server, _: telling.clock(server))

    def durability(self) -> str | None:
        """Return what copies and append-only files mean for the queue."""
        from djq_disque import examination, telling

        told = self.nodes.each(lambda server, node: telling.told(server, node, self.list_key))
        return examination.durability(told, self.options)

    def examine(self) -> list[Finding]:
        """Return what the nodes, their copies and their append-only files mean for the queue."""
        from djq_disque import examination, telling

        told = self.nodes.each(lambda server, node: telling.told(server, node, self.list_key))
        return [
            examination.presence(told, self.options),
            examination.replication(told, self.options),
            examination.persistence(told),
            examination.pauses(told),
        ]

    def close(self) -> None:
        """Close this process's connections."""
        kept, self._nodes = self._nodes, None
        if kept is not None and self._pid == os.getpid():
            kept.close()


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


def _whole(seconds: float) -> int:
    """Return whole seconds, at least one: Disque counts no others."""
    return max(1, math.ceil(seconds))


def _by_node(receipts: Iterable[Receipt]) -> dict[str, list[Receipt]]:
    found: dict[str, list[Receipt]] = defaultdict(list)
    for receipt in receipts:
        found[receipt.node].append(receipt)
    return found


def _chunks(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return [ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK)]
