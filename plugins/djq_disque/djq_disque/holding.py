"""Holding jobs: what is fetched, renewed, handed back and ended, each at the node that knows it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final

import redis

from djq_core.brokers.base import Delivery, Package
from djq_disque.copies import Body, Sender, Sent
from djq_disque.jobs import Job, Mark, opened, sealed
from djq_disque.nodes import Nodes, pipelined
from djq_disque.options import DisqueOptions
from djq_disque.receipts import Receipt
from djq_disque.walking import show

#: How many ids one command takes.
_CHUNK: Final = 500
#: So many jobs are remembered that were sent anew and could not be ended, the newest.
_REMEMBERED: Final = 10_000
#: What a call that waits at a node takes of the time-out at most, and by how many seconds a node may be late.
_SHARE, _LATE = 0.5, 0.1


class Holding:
    """One queue, as one process uses it; ``lease`` is in seconds."""

    def __init__(self, options: DisqueOptions, queue: str, lease: float) -> None:
        self.nodes = Nodes(options)
        self._options, self._queue, self._lease = options, queue, lease
        self._sender = Sender(options, self.nodes, queue)
        #: What was sent in the place of a job that could not be ended then.
        self._anew: dict[Receipt, Sent] = {}

    def send(
        self,
        jobs: Sequence[tuple[Package, Mark, float]],
        seconds: float,
        *,
        at: str = "",
        to: dict[int, Sent] | None = None,
    ) -> list[Sent]:
        """Send packages with their marks and delays, to be redelivered after ``seconds``."""
        bodies = [Body(sealed(package, mark), max(0, math.ceil(delay))) for package, mark, delay in jobs]
        return self._sender.send(bodies, _whole(seconds), at=at, to=to)

    def get(self, count: int, wait: float) -> list[Delivery]:
        """Return deliveries, waiting at one node for the first at most ``wait`` seconds, and no longer than it may."""
        wait = min(wait, max(0.01, self._options.node_timeout * _SHARE - _LATE))
        return self.nodes.run(partial(self._get, count, wait))

    def _get(self, count: int, wait: float, server: redis.Redis, node: str) -> list[Delivery]:
        hang = ("TIMEOUT", math.ceil(wait * 1000)) if wait > 0 else ("NOHANG",)
        words = (*hang, "COUNT", count, "WITHCOUNTERS", "FROM", self._queue)
        jobs: Any = server.execute_command("GETJOB", *words) or []  # type: ignore[no-untyped-call]
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
        if _is_gone(term):
            return None
        if term != _whole(self._lease):
            held = Mark(mark.attempts, unanswered)
            (receipt,) = self._instead([(receipt, package, held, self._lease)], self._lease)
        return Delivery(str(receipt), package, mark.attempts + 1, unanswered)

    def _instead(self, jobs: Sequence[tuple[Receipt, Package, Mark, float]], seconds: float) -> list[Receipt]:
        """Send packages anew in the place of their jobs, and return the receipts of the new ones.

        A delay is a lease where the mark says that the package is held. Who is killed between the two leaves both
        jobs, and so costs a run; the other way round it would cost the task. After an error another call goes on where
        this one has ended.
        """
        if not jobs:
            return []
        new = [job for job in jobs if job[0] not in self._anew]
        sent: dict[int, Sent] = {}
        try:
            self.send([job[1:] for job in new], seconds, at=jobs[0][0].node, to=sent)
        finally:
            self._anew |= {new[place][0]: each for place, each in sent.items()}
            while len(self._anew) > _REMEMBERED:
                self._anew.pop(next(iter(self._anew)), None)
        found = [Receipt(*self._anew[receipt]) for receipt, *_ in jobs]
        self.end([receipt for receipt, *_ in jobs])
        for receipt, *_ in jobs:
            self._anew.pop(receipt, None)
        return found

    def extend(self, receipts: Sequence[Receipt], seconds: float) -> list[Receipt | None]:
        """Let leases end ``seconds`` from now; None stands for a lost one."""
        valid: dict[Receipt, Receipt | None] = {}
        for node, some in _by_node(receipts).items():
            valid |= self.nodes.run(partial(self._extend, some, seconds), at=node)
        return [valid[receipt] for receipt in receipts]

    def _extend(
        self, receipts: Sequence[Receipt], seconds: float, server: redis.Redis, node: str
    ) -> dict[Receipt, Receipt | None]:
        jobs = _shown(server, receipts)
        valid = {receipt: _kept(receipt, job, node) for receipt, job in jobs.items()}
        held = _still_held(jobs)
        terms = pipelined(server, [("WORKING", receipt.id) for receipt in held])
        for (receipt, job), term in zip(held.items(), terms, strict=True):
            valid[receipt] = None if _is_gone(term) else receipt
            if valid[receipt] and term != _whole(seconds):
                mark = Mark(job.mark.attempts, job.unanswered + 1)
                (valid[receipt],) = self._instead([(receipt, job.package, mark, seconds)], seconds)
        return valid

    def release(self, receipts: Sequence[Receipt], delay: float, *, counted: bool) -> None:
        """Hand packages back: by ``NACK`` where the job can stay as it is, else as another job."""
        for node, some in _by_node(receipts).items():
            self.nodes.run(partial(self._release, some, delay, counted), at=node)

    def _release(self, receipts: Sequence[Receipt], delay: float, counted: bool, server: redis.Redis, _: str) -> None:
        held = _still_held(_shown(server, receipts))
        stay = {receipt for receipt, job in held.items() if not (counted or delay > 0 or job.unanswered)}
        for some in _chunks([receipt.id for receipt in stay]):
            server.execute_command("NACK", *some)  # type: ignore[no-untyped-call]
        anew = [
            (receipt, job.package, Mark(job.mark.attempts + counted), delay)
            for receipt, job in held.items()
            if receipt not in stay
        ]
        self._instead(anew, self._lease)

    def end(self, receipts: Sequence[Receipt]) -> None:
        """Acknowledge jobs, in the whole cluster."""
        command = "FASTACK" if self._options.fastack else "ACKJOB"
        for node, some in _by_node(receipts).items():
            for part in _chunks([receipt.id for receipt in some]):
                self.nodes.run(partial(_execute, (command, *part)), at=node)


def _execute(words: Sequence[Any], server: redis.Redis, _: str) -> Any:
    return server.execute_command(*words)  # type: ignore[no-untyped-call]


def _shown(server: redis.Redis, receipts: Sequence[Receipt]) -> dict[Receipt, Job | None]:
    return dict(zip(receipts, show(server, [receipt.id for receipt in receipts]), strict=True))


def _still_held(jobs: dict[Receipt, Job | None]) -> dict[Receipt, Job]:
    return {receipt: job for receipt, job in jobs.items() if job is not None and job.is_of(receipt)}


def _kept(receipt: Receipt, job: Job | None, node: str) -> Receipt | None:
    """Return the receipt of a job whose node is away, and that this one does not know; nobody else can be given it."""
    return receipt if job is None and receipt.node not in ("", node) else None


def _is_gone(term: object) -> bool:
    return str(term).startswith("NOJOB")


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
