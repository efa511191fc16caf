"""Walks over the jobs of a queue at all nodes; each is bounded, for a node may have any number of jobs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

import redis

from djq_disque.jobs import ACTIVE, QUEUED, Job, shown
from djq_disque.nodes import Nodes, checked, pipelined

#: So many jobs a node goes through in one call, and so many calls a look takes at most.
_STEP, _STEPS = 1000, 100
#: So many jobs are looked at as a whole, for each of them is sent with its body.
MOST: Final = 1000
_CHUNK: Final = 100
#: How often a queue is emptied until nothing comes any more.
_ROUNDS: Final = 5


def held(nodes: Nodes, queue: str, now: float) -> list[Job]:
    """Return the jobs that were handed out and not answered: active, queued nowhere, and not for later."""
    return [job for job in _whole(nodes, _outside(nodes, queue)) if job.state == ACTIVE and not job.is_later(now)]


def oldest(nodes: Nodes, queue: str, count: int) -> list[Job]:
    """Return the jobs that were sent first, wherever they stand."""
    queued = {id for ids in nodes.each(lambda server, _: _peeked(server, queue, count)) for id in ids}
    jobs = _whole(nodes, queued | _outside(nodes, queue))
    return sorted((job for job in jobs if job.is_alive), key=lambda job: (job.ctime, job.id))[:count]


def empty(nodes: Nodes, queue: str) -> None:
    """Delete the jobs of a queue at every node that answers, also those that are held or wait for their time."""
    for _ in range(_ROUNDS):
        if not any(nodes.each(lambda server, _: _delete(server, queue))):
            return


def _outside(nodes: Nodes, queue: str) -> set[str]:
    """Return the ids of jobs that are queued at no node; a node that has a copy of a queued job calls it active."""
    found = nodes.each(lambda server, _: (set(_ids(server, queue, ACTIVE)), set(_ids(server, queue, QUEUED))))
    active, queued = (set[str]().union(*sets) for sets in zip(*found, strict=True))
    return active - queued


def _whole(nodes: Nodes, ids: Collection[str]) -> list[Job]:
    """Return what is known of jobs; one that is queued at one of the nodes is."""
    some = sorted(ids)[:MOST]
    jobs: dict[str, Job] = {}
    for found in nodes.each(lambda server, _: show(server, some)):
        for job in filter(None, found):
            if job.id not in jobs or job.state == QUEUED:
                jobs[job.id] = job
    return list(jobs.values())


def show(server: redis.Redis, ids: Collection[str]) -> list[Job | None]:
    """Return what a node knows of jobs, None for one that it does not know."""
    wanted = list(ids)
    parts = (wanted[start : start + _CHUNK] for start in range(0, len(wanted), _CHUNK))
    return [shown(reply) for part in parts for reply in checked(pipelined(server, [("SHOW", id) for id in part]))]


def _peeked(server: redis.Redis, queue: str, count: int) -> list[str]:
    answer: Any = server.execute_command("QPEEK", queue, min(count, MOST))  # type: ignore[no-untyped-call]
    return [id.decode() for _, id, _ in answer]


def _ids(server: redis.Redis, queue: str, *states: str) -> Iterator[str]:
    words = [word for state in states for word in ("STATE", state)]
    cursor: Any = 0
    for _ in range(_STEPS):
        cursor, found = _scan(server, cursor, "COUNT", _STEP, "QUEUE", queue, *words)
        yield from (bytes(id).decode() for id in found)
        if not int(cursor):
            return


def _delete(server: redis.Redis, queue: str) -> bool:
    """Delete what a node has of a queue, however much that is; tell whether there was anything."""
    cursor, has_deleted = b"0", False
    while True:
        cursor, ids = _scan(server, cursor, "COUNT", _STEP, "QUEUE", queue)
        if ids:
            has_deleted = True
            server.execute_command("FASTACK", *ids)  # type: ignore[no-untyped-call]
        if not int(cursor):
            return has_deleted


def _scan(server: redis.Redis, *words: Any) -> tuple[Any, list[Any]]:
    cursor, found = server.execute_command("JSCAN", *words)  # type: ignore[no-untyped-call]
    return cursor, found
