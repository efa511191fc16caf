"""What one node holds: its jobs, their queues, and the clock that moves them."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from bisect import insort
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from plugins.djq_disque.tests.standin.jobs import ACTIVE, QUEUED, Job, jitter, now

#: So long before it queues a job again, a node asks the others whether one of them has it queued.
_ASKS_BEFORE = 500
#: What a job takes beside its body, in bytes.
_OVERHEAD = 200


@dataclass(slots=True, eq=False)
class Queue:
    """The jobs of one name that are queued on this node, the oldest first, and how it was paused."""

    name: bytes
    number: int
    places: list[tuple[int, str]] = field(default_factory=list)
    is_paused_in: bool = False
    is_paused_out: bool = False
    born: int = field(default_factory=now)
    used: int = field(default_factory=now)
    jobs_in: int = 0
    jobs_out: int = 0

    @property
    def pause(self) -> str:
        """How it was paused, as ``PAUSE`` answers."""
        states = {(True, True): "all", (True, False): "in", (False, True): "out", (False, False): "none"}
        return states[self.is_paused_in, self.is_paused_out]


class Store:
    """Jobs and queues; ``on_queued`` is told of a queue that a job came to, ``ask`` of a job that is due soon.

    ``on_requeued`` is told of a job that was queued for another time, with the name of the counter that grew.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.jobs: dict[str, Job] = {}
        self.queues: dict[bytes, Queue] = {}
        self.memory = 0
        self.on_queued: Callable[[Queue], None] = _nothing
        self.on_requeued: Callable[[Job, str], None] = _nothing
        self.on_forgotten: Callable[[Job], None] = _nothing
        self.ask: Callable[[Job], None] = _nothing
        self._loop = loop
        self._alarms: list[tuple[int, int, str]] = []
        self._numbers = itertools.count(1)
        self._handle: asyncio.TimerHandle | None = None
        self._last_ctime = 0

    def ctime(self) -> int:
        """Return when a job is made: milliseconds times a million, and a counter."""
        self._last_ctime = max(self._last_ctime + 1, now() * 1_000_000)
        return self._last_ctime

    def queue(self, name: bytes) -> Queue:
        """Return a queue, which is there from its first use on."""
        queue = self.queues.get(name)
        if queue is None:
            queue = self.queues[name] = Queue(name, next(self._numbers))
        return queue

    # Jobs

    def add(self, job: Job) -> None:
        """Keep a job; it is not queued yet."""
        job.number = next(self._numbers)
        self.jobs[job.id] = job
        self.memory += len(job.body) + _OVERHEAD

    def forget(self, job: Job) -> None:
        """Remove a job, wherever it stands."""
        if self.jobs.pop(job.id, None) is not None:
            self.memory -= len(job.body) + _OVERHEAD
            self.dequeue(job)
            self.on_forgotten(job)

    def enqueue(self, job: Job, counter: str = "") -> bool:
        """Queue an active job, counted by one of its counters where it was queued before; tell whether it was done."""
        if job.state != ACTIVE or (job.was_queued and not job.retry):
            return False
        is_again = job.was_queued
        if is_again and counter:
            setattr(job, counter, getattr(job, counter) + 1)
        job.state, job.was_queued = QUEUED, True
        queue = self.queue(job.queue)
        insort(queue.places, job.place)
        queue.used, queue.jobs_in = now(), queue.jobs_in + 1
        self.postpone(job)
        if is_again:
            self.on_requeued(job, counter)
        self.on_queued(queue)
        return True

    def dequeue(self, job: Job) -> bool:
        """Take a queued job out of its queue; it is active then."""
        if job.state != QUEUED:
            return False
        with suppress(ValueError):
            self.queue(job.queue).places.remove(job.place)
        job.state = ACTIVE
        return True

    def fetch(self, queue: Queue) -> Job | None:
        """Take the oldest job out of a queue."""
        if not queue.places or queue.is_paused_out:
            return None
        _, id = queue.places.pop(0)
        job = self.jobs[id]
        job.state = ACTIVE
        queue.used, queue.jobs_out = now(), queue.jobs_out + 1
        return job

    # Time

    def postpone(self, job: Job, seconds: int | None = None) -> None:
        """Let it be queued again when its retry time, or so many seconds, are over."""
        if seconds is not None:
            job.qtime, job.asks_first = now() + seconds * 1000, False
        elif job.retry:
            job.qtime, job.asks_first = now() + job.retry * 1000 + jitter(), True
        else:
            job.qtime = 0
        self.wake(job)

    def wake(self, job: Job) -> None:
        """Look at a job again when something is due for it."""
        due = job.qtime - (_ASKS_BEFORE if job.asks_first else 0) if job.qtime else job.etime
        job.awake = min(due, job.etime)
        heapq.heappush(self._alarms, (job.awake, next(self._numbers), job.id))
        self._set_alarm()

    def _set_alarm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        pause = max(0, self._alarms[0][0] - now()) / 1000
        self._handle = self._loop.call_later(pause, self._ring)

    def _ring(self) -> None:
        self._handle = None
        while self._alarms and self._alarms[0][0] <= now():
            due, _, id = heapq.heappop(self._alarms)
            job = self.jobs.get(id)
            if job is not None and job.awake == due:
                self._look_at(job)
        if self._alarms:
            self._set_alarm()

    def _look_at(self, job: Job) -> None:
        if now() >= job.etime:
            return self.forget(job)
        if job.asks_first and now() < job.qtime:
            self.ask(job)
            job.asks_first = False
            return self.wake(job)
        if job.state == QUEUED:
            return self.postpone(job)
        if job.state == ACTIVE and self.enqueue(job, "additional"):
            return None
        job.qtime = 0
        return self.wake(job)


def _nothing(*args: object) -> None:
    """Tell nobody."""
