"""Jobs: what a node knows of one, its id, and how it travels between nodes and to the disk."""

from __future__ import annotations

import base64
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from plugins.djq_disque.tests.standin.resp import request

ACTIVE = "active"
QUEUED = "queued"
ACKED = "acked"
WAIT_REPL = "wait-repl"
STATES = (WAIT_REPL, ACTIVE, QUEUED, ACKED)

_MOST_MINUTES = 0xFFFF
#: A redelivery comes so many milliseconds early or late.
_JITTER = 250


@dataclass(slots=True, eq=False)
class Job:
    """A job; moments are milliseconds since 1970, spans are seconds, ``qtime`` is 0 where it is never queued again.

    ``number`` grows from job to job on one node. ``asks_first`` says that the others are asked before it is queued.
    """

    id: str
    queue: bytes
    body: bytes
    repl: int
    ctime: int
    etime: int
    delay: int
    retry: int
    nacks: int = 0
    additional: int = 0
    number: int = 0
    state: str = ACTIVE
    qtime: int = 0
    awake: int = 0
    was_queued: bool = False
    asks_first: bool = False
    delivered: set[str] = field(default_factory=set)
    confirmed: set[str] = field(default_factory=set)

    @property
    def place(self) -> tuple[int, str]:
        """Where it stands in its queue: jobs are sorted by their age, not by their arrival."""
        return self.ctime, self.id

    def packed(self) -> bytes:
        """Return all that another node, or the next process, has to know."""
        numbers = (self.repl, self.ctime, self.etime, self.delay, self.retry, self.nacks, self.additional)
        return request(self.id, self.queue, self.body, *numbers, ",".join(sorted(self.delivered)))


def unpacked(words: Sequence[bytes]) -> Job:
    """Return a job as it was packed."""
    id, queue, body, *numbers, delivered = words
    job = Job(id.decode(), queue, body, *map(int, numbers))
    job.delivered = set(filter(None, delivered.decode().split(",")))
    return job


def new_id(node: str, ttl: int, retry: int) -> str:
    """Return an id: the last digits are the minutes to live, odd for a job that is delivered at least once."""
    minutes = min(ttl // 60, _MOST_MINUTES)
    minutes = minutes | 1 if retry else minutes & ~1
    return f"D-{node[:8]}-{base64.b64encode(os.urandom(18)).decode()}-{minutes:04x}"


def is_id(text: bytes) -> bool:
    """Tell whether it has the form of an id."""
    return len(text) == 40 and text[:2] == b"D-" and text[10:11] == b"-" and text[35:36] == b"-"


def now() -> int:
    """Return the milliseconds since 1970."""
    return int(time.time() * 1000)


def jitter() -> int:
    """Return how early or late a redelivery comes, in milliseconds."""
    return random.randint(-_JITTER, _JITTER)
