"""Commands that look at jobs and queues."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from plugins.djq_disque.tests.standin import resp
from plugins.djq_disque.tests.standin.getting import fields
from plugins.djq_disque.tests.standin.jobs import STATES, Job, now
from plugins.djq_disque.tests.standin.reading import SYNTAX, ids, number
from plugins.djq_disque.tests.standin.server import Client, Refusal
from plugins.djq_disque.tests.standin.store import Queue


def qlen(client: Client, words: list[bytes]) -> bytes:
    """Reply how many jobs are queued here."""
    queue = client.node.store.queues.get(words[0])
    return resp.integer(0 if queue is None else len(queue.places))


def qpeek(client: Client, words: list[bytes]) -> bytes:
    """Reply with the oldest jobs of a queue, or the newest, taking none."""
    count = number(words[1])
    queue = client.node.store.queues.get(words[0])
    places = [] if queue is None else queue.places if count >= 0 else queue.places[::-1]
    jobs = [client.node.store.jobs[id] for _, id in places[: abs(count)]]
    return resp.array(resp.array(fields(job)) for job in jobs)


def qstat(client: Client, words: list[bytes]) -> bytes:
    """Reply with what is known of a queue."""
    queue = client.node.store.queues.get(words[0])
    if queue is None:
        return resp.NULL_ARRAY
    numbers = {
        "len": len(queue.places),
        "age": (now() - queue.born) // 1000,
        "idle": (now() - queue.used) // 1000,
        "blocked": int(client.node.waiting.is_starving(queue.name)),
    }
    later = {"import-rate": 0, "jobs-in": queue.jobs_in, "jobs-out": queue.jobs_out}
    return resp.array(
        [
            *_pair("name", resp.bulk(queue.name)),
            *_numbers(numbers),
            *_pair("import-from", resp.array([])),
            *_numbers(later),
            *_pair("pause", resp.bulk(queue.pause)),
        ]
    )


def show(client: Client, words: list[bytes]) -> bytes:
    """Reply with what is known of a job."""
    (id,) = ids(words)
    job = client.node.store.jobs.get(id)
    return resp.NULL_BULK if job is None else _shown(job)


def _shown(job: Job) -> bytes:
    left = max(0, job.qtime - now())
    numbers = {"ttl": max(0, (job.etime - now()) // 1000), "ctime": job.ctime, "delay": job.delay, "retry": job.retry}
    counters = {"nacks": job.nacks, "additional-deliveries": job.additional}
    return resp.array(
        [
            *_pair("id", resp.bulk(job.id)),
            *_pair("queue", resp.bulk(job.queue)),
            *_pair("state", resp.bulk(job.state)),
            *_numbers({"repl": job.repl, **numbers, **counters}),
            *_pair("nodes-delivered", resp.array(map(resp.bulk, sorted(job.delivered)))),
            *_pair("nodes-confirmed", resp.array(map(resp.bulk, sorted(job.confirmed)))),
            *_pair("next-requeue-within", resp.integer(left) if job.qtime else resp.NULL_BULK),
            *_numbers({"next-awake-within": max(0, job.awake - now())}),
            *_pair("body", resp.bulk(job.body)),
        ]
    )


def _pair(name: str, value: bytes) -> list[bytes]:
    return [resp.bulk(name), value]


def _numbers(values: dict[str, int]) -> list[bytes]:
    return [part for name, value in values.items() for part in _pair(name, resp.integer(value))]


# Walking


@dataclass
class Walk:
    """The words of QSCAN and JSCAN; ``wanted`` holds what a queue or a job must be."""

    cursor: int = 0
    count: int = 100
    is_busy: bool = False
    shows_all: bool = False
    states: set[str] = field(default_factory=set)
    wanted: list[Callable[[Any], bool]] = field(default_factory=list)

    def read(self, words: list[bytes], known: dict[str, Callable[[deque[bytes]], None]]) -> None:
        """Take in the words."""
        left = deque(words)
        while left:
            word = left.popleft().decode("latin-1")
            try:
                if word.isdecimal():
                    self.cursor = int(word)
                elif word.upper() in known:
                    known[word.upper()](left)
                else:
                    raise Refusal("ERR invalid cursor or option name")
            except IndexError:
                raise Refusal(SYNTAX) from None

    def common(self) -> dict[str, Callable[[deque[bytes]], None]]:
        """Return the options of both commands."""
        return {"COUNT": self._count, "BUSYLOOP": self._busyloop}

    def _count(self, left: deque[bytes]) -> None:
        self.count = number(left.popleft())

    def _busyloop(self, left: deque[bytes]) -> None:
        self.is_busy = True

    def at_least(self, measure: Callable[[Any], int]) -> Callable[[deque[bytes]], None]:
        """Return the option that asks for so much at least."""

        def read(left: deque[bytes]) -> None:
            least = number(left.popleft())
            self.wanted.append(lambda each: measure(each) >= least)

        return read

    def at_most(self, measure: Callable[[Any], int]) -> Callable[[deque[bytes]], None]:
        """Return the option that asks for so much at most."""

        def read(left: deque[bytes]) -> None:
            most = number(left.popleft())
            self.wanted.append(lambda each: measure(each) <= most)

        return read

    def of_queue(self, left: deque[bytes]) -> None:
        """Want the jobs of a queue."""
        name = left.popleft()
        self.wanted.append(lambda job: job.queue == name)

    def of_state(self, left: deque[bytes]) -> None:
        """Want the jobs in a state, or in one of several."""
        state = left.popleft().decode("latin-1").lower()
        if state not in STATES:
            raise Refusal("ERR Invalid job state name")
        self.states.add(state)

    def replying(self, left: deque[bytes]) -> None:
        """Want ids, or all that is known."""
        kind = left.popleft().lower()
        if kind not in (b"id", b"all"):
            raise Refusal("ERR Invalid REPLY type, try ID or ALL")
        self.shows_all = kind == b"all"

    def reply(self, entries: Collection[Job] | Collection[Queue], show: Callable[[Any], bytes]) -> bytes:
        """Reply with a part of the entries, and where to go on: they stand in the order of their numbers."""
        left = (entry for entry in entries if entry.number > self.cursor)
        part: list[Job | Queue] = list(left if self.is_busy else islice(left, max(1, self.count)))
        is_over = self.is_busy or next(left, None) is None
        found: list[Any] = [entry for entry in part if all(wants(entry) for wants in self.wanted)]
        if self.states:
            found = [job for job in found if job.state in self.states]
        cursor = 0 if is_over else part[-1].number
        return resp.array([resp.bulk(str(cursor)), resp.array(map(show, found))])


def qscan(client: Client, words: list[bytes]) -> bytes:
    """Reply with names of queues."""
    walk = Walk()
    more = {
        "MINLEN": walk.at_least(lambda queue: len(queue.places)),
        "MAXLEN": walk.at_most(lambda queue: len(queue.places)),
        "IMPORTRATE": walk.at_least(_import_rate),
    }
    walk.read(words, {**walk.common(), **more})
    return walk.reply(client.node.store.queues.values(), lambda queue: resp.bulk(queue.name))


def _import_rate(queue: Queue) -> int:
    return 0


def jscan(client: Client, words: list[bytes]) -> bytes:
    """Reply with ids of jobs, or with all that is known of them."""
    walk = Walk()
    more = {"QUEUE": walk.of_queue, "STATE": walk.of_state, "REPLY": walk.replying}
    walk.read(words, {**walk.common(), **more})
    shown = _shown if walk.shows_all else _id
    return walk.reply(client.node.store.jobs.values(), shown)


def _id(job: Job) -> bytes:
    return resp.simple(job.id)
