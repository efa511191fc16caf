"""GETJOB."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from plugins.djq_disque.tests.standin import resp
from plugins.djq_disque.tests.standin.jobs import Job
from plugins.djq_disque.tests.standin.reading import SYNTAX, number, options, timeout
from plugins.djq_disque.tests.standin.server import Client, Refusal
from plugins.djq_disque.tests.standin.waiting import Caller


@dataclass
class Wish:
    """The options of one call."""

    hangs: bool = True
    timeout: int = 0
    count: int = 1
    has_counters: bool = False
    queues: list[bytes] = field(default_factory=list)

    def read(self, words: list[bytes]) -> None:
        """Take in options; raises Refusal with the reply."""
        options(
            words,
            {
                "NOHANG": self._nohang,
                "TIMEOUT": self._timeout,
                "COUNT": self._count,
                "WITHCOUNTERS": self._withcounters,
                "FROM": self._from,
            },
        )
        if not self.queues:
            raise Refusal(SYNTAX)

    def _nohang(self, left: deque[bytes]) -> None:
        self.hangs = False

    def _timeout(self, left: deque[bytes]) -> None:
        self.timeout = timeout(left.popleft())

    def _count(self, left: deque[bytes]) -> None:
        self.count = number(left.popleft())
        if self.count < 1:
            raise Refusal("ERR COUNT must be a number greater than zero")

    def _withcounters(self, left: deque[bytes]) -> None:
        self.has_counters = True

    def _from(self, left: deque[bytes]) -> None:
        self.queues = list(left)
        left.clear()

    def shown(self, job: Job) -> bytes:
        """Return a job as it is handed out."""
        counters = [resp.bulk("nacks"), resp.integer(job.nacks)]
        counters += [resp.bulk("additional-deliveries"), resp.integer(job.additional)]
        return resp.array([*fields(job), *(counters if self.has_counters else ())])


def fields(job: Job) -> list[bytes]:
    """Return queue, id and body of a job."""
    return [resp.bulk(job.queue), resp.bulk(job.id), resp.bulk(job.body)]


def getjob(client: Client, words: list[bytes]) -> bytes | None:
    """Hand out jobs, or wait for one."""
    wish = Wish()
    wish.read(words)
    jobs = _fetched(client, wish)
    if jobs:
        return resp.array(map(wish.shown, jobs))
    if not wish.hangs:
        for name in wish.queues:
            client.node.bus.ask_for_jobs(name)
        return resp.NULL_ARRAY
    if client.node.peers.is_leaving or client.node.has_fault("leaving"):
        raise Refusal("LEAVING This node is leaving the cluster, please connect to a different one")
    caller = Caller(
        wish.queues,
        lambda job: client.reply(resp.NULL_ARRAY if job is None else resp.array([wish.shown(job)])),
    )
    client.on_lost = lambda: client.node.waiting.drop(caller)
    client.node.waiting.add(caller, wish.timeout)
    return None


def _fetched(client: Client, wish: Wish) -> list[Job]:
    """Go round the queues, one job from each, until there are enough or all are empty."""
    store, jobs = client.node.store, list[Job]()
    left = [store.queue(name) for name in wish.queues]
    while left and len(jobs) < wish.count:
        for queue in list(left):
            job = store.fetch(queue) if len(jobs) < wish.count else None
            if job is None:
                left.remove(queue)
            else:
                jobs.append(job)
    return jobs
