"""What nodes tell each other: copies of jobs, where they are queued, who wants some, what is done."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from plugins.djq_disque.tests.standin import resp
from plugins.djq_disque.tests.standin.jobs import ACKED, QUEUED, Job, now, unpacked
from plugins.djq_disque.tests.standin.peers import Peer, Peers
from plugins.djq_disque.tests.standin.store import Queue, Store

#: So many jobs are given to a node that wants some.
_GIVES = 100
#: Milliseconds for which a node is remembered to want jobs.
_WANTS = 2_000
#: Seconds between two reminders that a job is done.
_REMINDS = 0.5


@dataclass(slots=True)
class Copying:
    """A job that is not everywhere yet, and what is called when it is, or when its time is over."""

    job: Job
    wanted: int
    then: Callable[[bool], None]
    timer: asyncio.TimerHandle | None


class Bus:
    """One node's part in the cluster.

    ``on_kept`` is told of copies that come in, ``on_acknowledged`` of jobs that are done.
    """

    def __init__(self, store: Store, peers: Peers, loop: asyncio.AbstractEventLoop) -> None:
        self._store, self._peers, self._loop = store, peers, loop
        self._copying: dict[str, Copying] = {}
        self._wants: dict[bytes, dict[str, int]] = {}
        self.is_starving: Callable[[bytes], bool] = lambda name: False
        self.on_kept: Callable[[Job], None] = lambda job: None
        self.on_acknowledged: Callable[[Job], None] = lambda job: None
        store.ask = self._ask
        store.on_requeued = self._requeued

    # Telling

    def copy(self, job: Job, copies: int, milliseconds: int, then: Callable[[bool], None]) -> None:
        """Copy a job to other nodes; ``then`` is called with whether they all have it in time (0: no limit)."""
        chosen = random.sample(self._peers.counted(), copies - 1)
        job.delivered |= {peer.id for peer in chosen}
        timer = self._loop.call_later(milliseconds / 1000, self._give_up, job) if milliseconds else None
        self._copying[job.id] = Copying(job, copies, then, timer)
        for peer in chosen:
            self._peers.send(peer, "ADDJOB", job.packed())

    def abandon(self, job: Job) -> None:
        """Forget a job for whose copies nobody waits any more, at the other nodes too as far as they hear of it."""
        self._stop_copying(job)
        self._peers.tell(job.delivered, "DELJOB", job.id)
        self._store.forget(job)

    def _stop_copying(self, job: Job) -> Copying:
        copying = self._copying.pop(job.id)
        if copying.timer is not None:
            copying.timer.cancel()
        return copying

    def _give_up(self, job: Job) -> None:
        then = self._copying[job.id].then
        self.abandon(job)
        then(False)

    def ask_for_jobs(self, name: bytes) -> None:
        """Tell the others that somebody here waits for jobs of a queue."""
        self._peers.tell(None, "NEEDJOBS", name)

    def acknowledged(self, id: str, job: Job | None) -> None:
        """Tell those who may have a job that it is done, until all know."""
        if job is None and not list(self._peers):
            return
        if job is None:
            minutes = int(id[-4:], 16)
            job = Job(id, b"", b"", 1, self._store.ctime(), now() + minutes * 60_000, 0, 1)
            job.delivered = {self._peers.id, *(peer.id for peer in self._peers)}
            self._store.add(job)
            self.on_kept(job)
        self._store.dequeue(job)
        job.state, job.confirmed = ACKED, {self._peers.id}
        self.on_acknowledged(job)
        self._remind(job)

    def go_on_reminding(self) -> None:
        """Tell the others of what was acknowledged before this process began."""
        for job in [job for job in self._store.jobs.values() if job.state == ACKED]:
            job.confirmed = {self._peers.id}
            self._remind(job)

    def _remind(self, job: Job) -> None:
        if self._store.jobs.get(job.id) is not job:
            return None
        missing = job.delivered - job.confirmed
        if not missing & {peer.id for peer in self._peers}:
            self._peers.tell(job.delivered, "DELJOB", job.id)
            return self._store.forget(job)
        self._peers.tell(missing, "SETACK", job.id)
        self._loop.call_later(_REMINDS, self._remind, job)
        return None

    def deleted(self, id: str) -> None:
        """Tell all others to forget a job."""
        self._peers.tell(None, "DELJOB", id)

    def postponed(self, job: Job) -> None:
        """Tell the others that somebody works on a job."""
        self._peers.tell(job.delivered, "WORKING", job.id)

    def paused(self, queue: Queue) -> None:
        """Tell the others how a queue was paused."""
        self._peers.tell(None, "PAUSE", queue.name, queue.pause)

    def give(self, queue: Queue) -> None:
        """Give the jobs of a queue to a node that wants some."""
        wants = self._wants.get(queue.name, {})
        for id, until in list(wants.items()):
            peer = self._peers.known.get(id)
            if until < now() or peer is None or peer.transport is None:
                del wants[id]
            elif queue.places and not self.is_starving(queue.name):
                self._give_to(peer, queue)

    def _give_to(self, peer: Peer, queue: Queue) -> None:
        jobs: list[Job] = []
        while len(jobs) < _GIVES and (job := self._store.fetch(queue)):
            job.delivered |= {peer.id, self._peers.id}
            self._store.postpone(job)
            jobs.append(job)
        self._peers.send(peer, "YOURJOBS", *(job.packed() for job in jobs))
        for job in jobs:
            if not job.retry:
                self._store.forget(job)

    def _ask(self, job: Job) -> None:
        self._peers.tell(job.delivered, "WILLQUEUE", job.id)

    def _requeued(self, job: Job, counter: str) -> None:
        self._peers.tell(job.delivered, "QUEUED", job.id, counter)

    # Being told

    def told(self, sender: str, kind: str, words: Sequence[bytes]) -> None:
        """Act on what another node says."""
        if peer := self._peers.known.get(sender):
            peer.seen = now()
        getattr(self, f"_on_{kind.lower()}")(sender, *words)

    def _on_hi(self, sender: str, port: bytes, is_leaving: bytes, others: bytes) -> None:
        self._peers.heard(sender, int(port), is_leaving=is_leaving == b"1", others=json.loads(others))

    def _on_addjob(self, sender: str, record: bytes) -> None:
        job = _job(record)
        if job.id not in self._store.jobs:
            job.was_queued = True
            self._store.add(job)
            self._store.postpone(job, job.delay + job.retry if job.delay else None)
            self.on_kept(job)
        self._peers.tell({sender}, "GOTJOB", job.id)

    def _on_gotjob(self, sender: str, id: bytes) -> None:
        copying = self._copying.get(id.decode())
        if copying is None:
            return
        copying.job.confirmed.add(sender)
        if len(copying.job.confirmed) + 1 >= copying.wanted:
            self._stop_copying(copying.job)
            copying.then(True)

    def _on_deljob(self, sender: str, id: bytes) -> None:
        if job := self._store.jobs.get(id.decode()):
            self._store.forget(job)

    def _on_setack(self, sender: str, id: bytes) -> None:
        job = self._store.jobs.get(id.decode())
        if job is not None and job.state != ACKED:
            self._store.dequeue(job)
            job.state = ACKED
            self.on_acknowledged(job)
        self._peers.tell({sender}, "GOTACK", id)

    def _on_gotack(self, sender: str, id: bytes) -> None:
        if job := self._store.jobs.get(id.decode()):
            job.confirmed.add(sender)
            if not job.delivered - job.confirmed:
                self._remind(job)

    def _on_queued(self, sender: str, id: bytes, counter: bytes = b"") -> None:
        job = self._store.jobs.get(id.decode())
        if job is None or job.state == ACKED:
            return
        if job.state == QUEUED and sender > self._peers.id:
            self._store.dequeue(job)
        if counter:
            name = counter.decode()
            setattr(job, name, getattr(job, name) + 1)
        if job.state != QUEUED:
            self._store.postpone(job)

    def _on_working(self, sender: str, id: bytes) -> None:
        job = self._store.jobs.get(id.decode())
        if job is not None and job.state != ACKED:
            self._store.dequeue(job)
            self._store.postpone(job)

    def _on_willqueue(self, sender: str, id: bytes) -> None:
        job = self._store.jobs.get(id.decode())
        if job is not None and job.state == QUEUED:
            self._peers.tell({sender}, "QUEUED", id)
        elif job is not None and job.state == ACKED:
            self._peers.tell({sender}, "SETACK", id)

    def _on_needjobs(self, sender: str, name: bytes) -> None:
        self._wants.setdefault(name, {})[sender] = now() + _WANTS
        if name in self._store.queues:
            self.give(self._store.queues[name])

    def _on_yourjobs(self, sender: str, *records: bytes) -> None:
        for record in records:
            job = _job(record)
            known = self._store.jobs.get(job.id)
            if known is None:
                self._store.add(job)
                self.on_kept(job)
            else:
                known.delivered |= job.delivered
                known.was_queued = False
            self._store.enqueue(known or job)

    def _on_pause(self, sender: str, name: bytes, state: bytes) -> None:
        queue = self._store.queue(name)
        queue.is_paused_in, queue.is_paused_out = state in (b"in", b"all"), state in (b"out", b"all")


def _job(record: bytes) -> Job:
    return unpacked(next(resp.requests(bytearray(record))))
