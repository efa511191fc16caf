"""A node: everything that its commands work on."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

from plugins.djq_disque.tests.standin.aof import AppendOnlyFile
from plugins.djq_disque.tests.standin.bus import Bus
from plugins.djq_disque.tests.standin.jobs import Job, now
from plugins.djq_disque.tests.standin.peers import Peers
from plugins.djq_disque.tests.standin.settings import Settings
from plugins.djq_disque.tests.standin.store import Store
from plugins.djq_disque.tests.standin.waiting import Waiting

#: Faults that a test may switch on for its next commands.
FAULTS = ("cut", "cut-after-addjob", "oom", "leaving")


class Node:
    """One server."""

    def __init__(self, settings: Settings, loop: asyncio.AbstractEventLoop) -> None:
        self.settings = settings
        self.loop = loop
        self.started = now()
        self.store = Store(loop)
        self.peers = Peers(settings.dir, settings.port, settings.cluster_node_timeout)
        self.bus = Bus(self.store, self.peers, loop)
        self.waiting = Waiting(self.store, self.bus, loop)
        self.faults: Counter[str] = Counter()
        self.clients: set[Any] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self._file: AppendOnlyFile | None = None
        if settings.appendonly:
            self._file = AppendOnlyFile(settings.dir / "appendonly.aof")
            self._file.load(self.store, enqueues=settings.aof_enqueue_jobs_once)
            self.store.on_forgotten = self._file.drop
            self.bus.on_kept = self._file.put
            self.bus.on_acknowledged = self._file.acknowledge
            self.bus.go_on_reminding()

    @property
    def is_full(self) -> bool:
        """Has it reached its limit of memory?"""
        return 0 < self.settings.maxmemory < self.store.memory

    def keep(self, job: Job) -> None:
        """Write a job to the disk, where jobs are written to the disk."""
        if self._file is not None:
            self._file.put(job)

    def mute(self, but: object) -> None:
        """Never say a word again to those who are connected now, but one; other nodes are no clients."""
        for client in self.clients:
            client.is_mute = client is not but

    def has_fault(self, name: str) -> bool:
        """Tell whether a fault is to happen now; it has happened then."""
        if not self.faults[name]:
            return False
        self.faults[name] -= 1
        return True

    def add(self, job: Job, copies: int, milliseconds: int, then: Callable[[bool], None]) -> None:
        """Take in a new job; ``then`` is called with whether it has its copies, at once where it needs none."""
        job.delivered = {self.peers.id}
        self.store.add(job)
        if copies == 1:
            self._begin(job)
            return then(True)
        job.state = "wait-repl"

        def copied(is_done: bool) -> None:
            if is_done:
                self._begin(job)
            then(is_done)

        return self.bus.copy(job, copies, milliseconds, copied)

    def _begin(self, job: Job) -> None:
        job.state = "active"
        self.keep(job)
        if job.delay:
            self.store.postpone(job, job.delay)
        else:
            self.store.enqueue(job)
