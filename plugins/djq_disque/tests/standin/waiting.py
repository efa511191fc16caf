"""Callers of GETJOB for whom there was nothing: served in the order in which they came, one job each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from plugins.djq_disque.tests.standin.bus import Bus
from plugins.djq_disque.tests.standin.jobs import Job
from plugins.djq_disque.tests.standin.store import Queue, Store

#: Seconds after which the other nodes are asked for jobs again: at first, and at most.
_SOON, _LATE = 0.025, 1.0


@dataclass(slots=True, eq=False)
class Caller:
    """Somebody who waits for a job of some queues; ``answer`` is given it, or None when the time is over."""

    queues: Sequence[bytes]
    answer: Callable[[Job | None], None]
    timers: list[asyncio.TimerHandle] = field(default_factory=list)


class Waiting:
    """All who wait on this node."""

    def __init__(self, store: Store, bus: Bus, loop: asyncio.AbstractEventLoop) -> None:
        self._store, self._bus, self._loop = store, bus, loop
        self._callers: list[Caller] = []
        store.on_queued = self.serve
        bus.is_starving = self.is_starving

    def is_starving(self, name: bytes) -> bool:
        """Does somebody here wait for a job of this queue?"""
        return any(name in caller.queues for caller in self._callers)

    def add(self, caller: Caller, milliseconds: int) -> None:
        """Let somebody wait, for ever where it is 0."""
        self._callers.append(caller)
        if milliseconds:
            caller.timers.append(self._loop.call_later(milliseconds / 1000, self._end, caller, None))
        self._ask(caller, _SOON)

    def drop(self, caller: Caller) -> None:
        """Let somebody wait no longer."""
        if caller in self._callers:
            self._callers.remove(caller)
        for timer in caller.timers:
            timer.cancel()

    def serve(self, queue: Queue) -> None:
        """Give the jobs of a queue to those who wait here, and what is left to other nodes that want some."""
        for caller in [each for each in self._callers if queue.name in each.queues]:
            job = self._store.fetch(queue)
            if job is None:
                break
            self._end(caller, job)
        self._bus.give(queue)

    def _end(self, caller: Caller, job: Job | None) -> None:
        self.drop(caller)
        caller.answer(job)

    def _ask(self, caller: Caller, pause: float) -> None:
        if caller in self._callers:
            for name in caller.queues:
                self._bus.ask_for_jobs(name)
            caller.timers[1:] = [self._loop.call_later(pause, self._ask, caller, min(2 * pause, _LATE))]
