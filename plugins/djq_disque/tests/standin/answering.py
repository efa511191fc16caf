"""Commands that end a job or return it."""

from __future__ import annotations

from collections.abc import Callable

from plugins.djq_disque.tests.standin import resp
from plugins.djq_disque.tests.standin.jobs import ACKED, Job, now
from plugins.djq_disque.tests.standin.reading import ids
from plugins.djq_disque.tests.standin.server import Client, Refusal


def ackjob(client: Client, words: list[bytes]) -> bytes:
    """Acknowledge jobs in the whole cluster; reply how many were known and were not acknowledged."""
    done = 0
    for id in ids(words):
        job = client.node.store.jobs.get(id)
        if job is None or job.state != ACKED:
            done += job is not None
            client.node.bus.acknowledged(id, job)
    return resp.integer(done)


def fastack(client: Client, words: list[bytes]) -> bytes:
    """Delete jobs here, and tell the others to."""
    return _each_known(client, words, _delete_everywhere)


def deljob(client: Client, words: list[bytes]) -> bytes:
    """Delete jobs here alone."""
    return _each_known(client, words, lambda client, job: not client.node.store.forget(job))


def nack(client: Client, words: list[bytes]) -> bytes:
    """Queue active jobs again, as not processed."""
    return _each_known(client, words, lambda client, job: client.node.store.enqueue(job, "nacks"))


def enqueue(client: Client, words: list[bytes]) -> bytes:
    """Queue active jobs again."""
    return _each_known(client, words, lambda client, job: client.node.store.enqueue(job, "additional"))


def dequeue(client: Client, words: list[bytes]) -> bytes:
    """Take jobs out of their queue."""
    return _each_known(client, words, lambda client, job: client.node.store.dequeue(job))


def working(client: Client, words: list[bytes]) -> bytes:
    """Let the next delivery of a job come later, by its retry time."""
    (id,) = ids(words)
    job = client.node.store.jobs.get(id)
    if job is None:
        raise Refusal("NOJOB Job not known in the context of this node.")
    made = job.ctime // 1_000_000
    if now() - made > (job.etime - made) / 2:
        raise Refusal(
            "TOOLATE Half of job TTL already elapsed, you are no longer allowed to postpone the next delivery."
        )
    if job.state != ACKED:
        client.node.store.dequeue(job)
        client.node.store.postpone(job)
        client.node.bus.postponed(job)
    return resp.integer(job.retry)


def _delete_everywhere(client: Client, job: Job) -> bool:
    client.node.store.forget(job)
    return True


def _each_known(client: Client, words: list[bytes], do: Callable[[Client, Job], bool]) -> bytes:
    """Do something to each job that is known here, and count where it was done."""
    named = ids(words)
    jobs = filter(None, map(client.node.store.jobs.get, named))
    count = sum(do(client, job) for job in jobs)
    if do is _delete_everywhere:
        for id in named:
            client.node.bus.deleted(id)
    return resp.integer(count)
