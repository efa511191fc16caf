"""Who has which task: the sentinel's table, without any input or output."""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: Seconds of measured work that a worker may have in hand.
BATCH_SECONDS = 0.1
#: The most tasks that a worker may have in hand.
BATCH_TASKS = 64
#: A task of a function that usually takes longer travels alone.
ALONE_SECONDS = BATCH_SECONDS / 2
#: How much of a new measurement goes into the running mean of a function.
_WEIGHT = 0.2


@dataclass(slots=True, eq=False)
class Held:
    """One package that the cluster holds, from its arrival until its receipt was answered.

    ``seq`` names it for pusher and monitor, ``ticket`` its present assignment to a worker. ``header`` is what the
    pusher read of it: id, name, func, timeout, receipt, attempt, unanswered, and ``fetched`` by the monotonic clock.
    """

    seq: int
    header: Mapping[str, Any]
    package: bytes | bytearray = field(repr=False)
    receipt: str | None = None
    #: The receipt of the last delivery of the same task, where a later one has come.
    newest: str | None = None
    ticket: int = 0
    #: The usual duration of its function when it was assigned, in seconds.
    seconds: float = 0.0
    outcome: Mapping[str, Any] | None = None
    result: bytes | bytearray = field(default=b"", repr=False)
    is_sent: bool = False
    hook_calls: int = 0
    skips_hook: bool = False

    @property
    def func(self) -> str:
        """The name of the function."""
        return str(self.header["func"])

    @property
    def size(self) -> int:
        """The bytes that it takes, package and result."""
        return len(self.package) + len(self.result)

    def account(self) -> dict[str, Any]:
        """Return what the monitor is told of it, once it has ended."""
        told = {**self.header, **(self.outcome or {}), "receipt": self.receipt, "split": len(self.package)}
        if self.skips_hook:
            told["skips_hook"] = True
        if self.newest:
            told["newest"] = self.newest
        return told

    def __str__(self) -> str:
        return f"[{self.header['name']}] {self.func} ({self.header['id']})"


class Assignment:
    """The table of all held tasks: waiting, at a worker, or finished and not yet answered."""

    def __init__(self) -> None:
        self._seqs = itertools.count(1)
        self._tickets = itertools.count(1)
        self.waiting: deque[Held] = deque()
        self.at_worker: dict[int, deque[Held]] = {}
        #: How long what a worker has in hand usually takes, in seconds.
        self._in_hand: dict[int, float] = {}
        self.finished: dict[int, Held] = {}
        self.by_seq: dict[int, Held] = {}
        self.finished_bytes = 0
        #: The finished ones that are saved and wait for their hook.
        self.saved: set[int] = set()
        self._unsent: deque[Held] = deque()
        self._means: dict[str, float] = {}

    # Arrivals

    def add(self, header: Mapping[str, Any], package: bytes | bytearray) -> Held:
        """Take a package in; it waits."""
        held = self._take(header, package)
        self.waiting.append(held)
        return held

    def add_finished(self, header: Mapping[str, Any], package: bytes | bytearray, outcome: Mapping[str, Any]) -> Held:
        """Take in a package that nobody will run, with what is to be recorded of it."""
        held = self._take(header, package)
        self.end(held, outcome)
        return held

    def _take(self, header: Mapping[str, Any], package: bytes | bytearray) -> Held:
        held = Held(next(self._seqs), header, package, header.get("receipt"))
        self.by_seq[held.seq] = held
        return held

    def of_task(self, task_id: str) -> Held | None:
        """Return what is held of a task by its id."""
        return next((held for held in self.by_seq.values() if held.header["id"] == task_id), None)

    def outdate(self, task_id: str, receipt: str | None) -> None:
        """Note that a task which is held was delivered once more, with this receipt: the ones before are void."""
        for held in self.by_seq.values():
            if held.header["id"] == task_id:
                held.newest = receipt

    # Counting

    @property
    def is_empty(self) -> bool:
        """Is nothing held at all?"""
        return not (self.waiting or self.finished or any(self.at_worker.values()))

    @property
    def unsaved(self) -> int:
        """The number of tasks that are not saved: if the cluster were killed, they would run again or be lost."""
        return len(self.by_seq) - len(self.saved)

    def in_hand(self, worker: int) -> float:
        """Return how long what a worker has, beside a task that is alone, usually takes in seconds."""
        return self._in_hand.get(worker, 0.0) if len(self.at_worker.get(worker, ())) > 1 else 0.0

    def unstarted(self, running: Mapping[int, int]) -> int:
        """Return how many are fetched and not started; ``running`` maps workers to the ticket each runs (0: none)."""
        return len(self.waiting) + sum(
            len(queue) - _started(queue, running.get(worker, 0)) for worker, queue in self.at_worker.items()
        )

    # Handing out

    def mean(self, func: str) -> float:
        """Return the usual duration of a function in seconds, infinite while unknown."""
        return self._means.get(func, math.inf)

    def measured(self, func: str, seconds: float) -> None:
        """Note how long a run of a function took."""
        mean = self._means.get(func, seconds)
        self._means[func] = mean + _WEIGHT * (seconds - mean)
        if len(self._means) > 10_000:
            self._means.pop(next(iter(self._means)))

    def hand_out(self, workers: Mapping[int, int]) -> dict[int, list[Held]]:
        """Assign what waits to the workers, each with the number of tasks it may still take, and return who gets what.

        Idle workers are served first, one task each; what is left goes to those whose work in hand is short enough.
        """
        given: dict[int, list[Held]] = {}
        for fits in (self._is_idle, self._has_room):
            while takers := [worker for worker in workers if self._left(workers, given, worker) and fits(worker)]:
                for worker in takers:
                    if fits(worker):
                        given.setdefault(worker, []).append(self._assign(worker))
        return given

    @staticmethod
    def _left(workers: Mapping[int, int], given: Mapping[int, Sequence[Held]], worker: int) -> int:
        return workers[worker] - len(given.get(worker, ()))

    def _is_idle(self, worker: int) -> bool:
        return bool(self.waiting) and not self.at_worker.get(worker)

    def _has_room(self, worker: int) -> bool:
        if not self.waiting:
            return False
        if len(self.at_worker.get(worker, ())) >= BATCH_TASKS:
            return False
        seconds = self.mean(self.waiting[0].func)
        return seconds <= ALONE_SECONDS and self._in_hand.get(worker, 0.0) + seconds <= BATCH_SECONDS

    def _assign(self, worker: int) -> Held:
        held = self.waiting.popleft()
        held.ticket, held.seconds = next(self._tickets), self.mean(held.func)
        self.at_worker.setdefault(worker, deque()).append(held)
        self._in_hand[worker] = self._in_hand.get(worker, 0.0) + held.seconds
        return held

    def _take_from(self, worker: int, held: Held) -> None:
        queue = self.at_worker[worker]
        queue.remove(held)
        # what was unknown counts as for ever, so that the rest is added up anew
        left = self._in_hand[worker] - held.seconds if held.seconds < math.inf else sum(each.seconds for each in queue)
        self._in_hand[worker] = left if queue else 0.0

    # Coming back

    def finish(self, worker: int, ticket: int, outcome: Mapping[str, Any], result: bytes | bytearray) -> Held | None:
        """Note the result of a worker's task and return the task; None when the worker does not have it."""
        queue = self.at_worker.get(worker, deque())
        held = next((held for held in queue if held.ticket == ticket), None)
        if held is not None:
            self._take_from(worker, held)
            self.end(held, outcome, result)
        return held

    def end(self, held: Held, outcome: Mapping[str, Any], result: bytes | bytearray = b"") -> None:
        """Note what became of a task that is in no queue any more."""
        held.outcome, held.result = outcome, result
        self.finished[held.seq] = held
        self.finished_bytes += held.size
        self._unsent.append(held)

    def unsent(self, but: Collection[int] = ()) -> Iterator[Held]:
        """Yield the finished tasks that the monitor does not have, and count them as sent; ``but`` are left out."""
        for _ in range(len(self._unsent)):
            held = self._unsent.popleft()
            if held.seq in but:
                self._unsent.append(held)
            else:
                yield held

    def resend_all(self) -> None:
        """Count every finished task as not sent."""
        self._unsent = deque(self.finished.values())
        for held in self._unsent:
            held.is_sent = False

    def call_back(self, worker: int, tickets: Collection[int]) -> list[Held]:
        """Take unstarted tasks from a worker; they wait again, before all others."""
        queue = self.at_worker.get(worker, deque())
        returned = [held for held in queue if held.ticket in tickets]
        for held in returned:
            self._take_from(worker, held)
        self.waiting.extendleft(reversed(returned))
        return returned

    def lose(self, worker: int, tickets: Collection[int]) -> list[Held]:
        """Take everything from a dead worker: unstarted tasks wait again, those it had started are returned."""
        self.call_back(worker, tickets)
        self._in_hand.pop(worker, None)
        return list(self.at_worker.pop(worker, ()))

    def running(self, worker: int, ticket: int) -> Held | None:
        """Return the task of a worker by its ticket."""
        return next((held for held in self.at_worker.get(worker, ()) if held.ticket == ticket), None)

    # Leaving

    def drop_waiting(self, seq: int) -> Held | None:
        """Forget a task if it still waits, and return it."""
        held = next((held for held in self.waiting if held.seq == seq), None)
        if held is not None:
            self.waiting.remove(held)
            del self.by_seq[seq]
        return held

    def drain_waiting(self) -> list[Held]:
        """Forget all waiting tasks and return them."""
        drained = list(self.waiting)
        self.waiting.clear()
        self.forget(drained)
        return drained

    def forget(self, tasks: Iterable[Held]) -> None:
        """Forget tasks that are in no queue any more."""
        for held in tasks:
            self.by_seq.pop(held.seq, None)

    def answered(self, seqs: Iterable[int]) -> None:
        """Forget tasks that are saved and answered."""
        for seq in seqs:
            held = self.finished.pop(seq, None)
            if held is not None:
                self.finished_bytes -= held.size
                self.saved.discard(seq)
                del self.by_seq[seq]


def _started(queue: Iterable[Held], running: int) -> int:
    """Count what a worker has begun: tickets rise along its queue."""
    return sum(1 for _ in itertools.takewhile(lambda held: held.ticket <= running, queue))
