"""Sending: how many copies of a job there are to be, and how many while nodes are away."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import redis
from redis import exceptions

from djq_disque.nodes import Nodes, NotConnected, pipelined
from djq_disque.options import COPIES, DisqueOptions

logger = logging.getLogger("djq")

#: Seconds after which the nodes are counted anew.
_LOOKS: Final = 5.0
#: Seconds for which there are fewer copies once they were not made in time: how long Disque takes to miss a node.
_SETTLES: Final = 15.0
#: A node at which ``HELLO`` has this priority, or one above it, is thought to be lost.
_SUSPECTED: Final = 10
#: How much of the time-out the copies may take.
_SHARE: Final = 0.6
#: How many jobs are sent at once; with copies, each may have to wait for them.
_CHUNK, _CHUNK_WITH_COPIES = 500, 10


class Body(NamedTuple):
    """What is sent: the body of a job, and after how many seconds it is handed out."""

    body: bytes
    delay: int = 0


class Sent(NamedTuple):
    """What became of it: the id of the job, and the node that took it."""

    id: str
    node: str


class Sender:
    """Sends jobs for one queue; ``retry`` is in seconds."""

    def __init__(self, options: DisqueOptions, nodes: Nodes, queue: str) -> None:
        self._options, self._nodes, self._queue = options, nodes, queue
        self._full = self._copies = self._fewest = self._options.replicate or COPIES
        self._look_at = 0.0

    def send(
        self, bodies: Sequence[Body], retry: int, *, at: str = "", to: dict[int, Sent] | None = None
    ) -> list[Sent]:
        """Send jobs in order; raises BrokerError where one is refused. ``to`` is then told of those that were not."""
        sent = {} if to is None else to
        left = dict(enumerate(bodies))
        while left:
            send = partial(self._send_some, list(itertools.islice(left.items(), _CHUNK)), retry)
            some = self._nodes.run(send, at=at, repeats=False)
            sent.update(some)
            for place in some:
                del left[place]
        return [sent[place] for place in range(len(bodies))]

    def _send_some(
        self, bodies: Sequence[tuple[int, Body]], retry: int, server: redis.Redis, node: str
    ) -> dict[int, Sent]:
        """Send the first ones, with fewer copies where nodes are away; return those that were taken, one at least."""
        copies = self._wanted(server)
        some = bodies[: _CHUNK if copies == 1 else _CHUNK_WITH_COPIES]
        replies = pipelined(server, [self._command(body, retry, copies, len(some)) for _, body in some])
        if not any(map(_is_short, replies)):
            self._made(copies)
        sent: dict[int, Sent] = {}
        refused: list[Exception] = []
        for (place, body), reply in zip(some, replies, strict=True):
            accepted = self._once_more(server, body, retry, reply) if _is_short(reply) else reply
            if isinstance(accepted, Exception):
                refused.append(accepted)  # what comes after it may have been taken, and is not sent again
            else:
                sent[place] = Sent(bytes(accepted).decode(), node)
        if refused and not sent:
            raise refused[0]
        return sent  # the rest meets its error in the next call

    def _once_more(self, server: redis.Redis, body: Body, retry: int, reply: Exception) -> Any:
        """Send a job with fewer and fewer copies until there are enough nodes for them."""
        answer: Any = reply
        while _is_short(answer) and self._lower(answer):
            (answer,) = pipelined(server, [self._command(body, retry, self._copies, 1)])
        return answer

    def _command(self, body: Body, retry: int, copies: int, together: int) -> tuple[Any, ...]:
        patience = min(self._options.node_timeout * _SHARE / max(1, copies - 1), self._options.timeout / together)
        wait = max(1, round(patience * 1000))
        words: list[Any] = ["REPLICATE", copies, "RETRY", retry, "TTL", self._options.ttl + body.delay]
        if body.delay:
            words += ["DELAY", body.delay]
        return ("ADDJOB", self._queue, body.body, wait, *words)

    # How many

    def _wanted(self, server: redis.Redis) -> int:
        """Return how many copies there are to be now; a node that does not even tell this has been sent nothing."""
        if time.monotonic() >= self._look_at:
            try:
                known, there = count(server)
            except (exceptions.AuthenticationError, NotConnected):
                raise
            except (exceptions.ConnectionError, exceptions.TimeoutError, OSError) as error:
                raise NotConnected(error) from None
            self._look_at = time.monotonic() + _LOOKS
            self._full = self._options.replicate or min(COPIES, known)
            self._copies = min(self._full, max(1, there))
            self._tell("Disque has too few nodes for %d copies of a task; it makes %d for now.")
        return self._copies

    def _lower(self, error: Exception) -> bool:
        """Make do with a copy less; tell whether that is possible."""
        if self._copies <= 1:
            return False
        self._copies -= 1
        self._look_at = time.monotonic() + _SETTLES
        self._tell("Disque could not make %d copies of a task; it makes %d for now. It said: %s.", error)
        return True

    def _tell(self, text: str, *more: object) -> None:
        """Tell of fewer copies, unless so few were told of before."""
        if self._copies < min(self._fewest, self._full):
            logger.warning(text, self._full, self._copies, *more)
            self._fewest = self._copies

    def _made(self, copies: int) -> None:
        """Tell that there are all copies again, once they were made."""
        if copies == self._full and self._fewest < self._full:
            logger.info("Disque makes %d copies of a task again.", copies)
        if copies == self._full:
            self._fewest = copies


def count(server: redis.Redis) -> tuple[int, int]:
    """Return how many nodes a node knows, itself included, and how many of them it thinks are there."""
    answer: Any = server.execute_command("HELLO")  # type: ignore[no-untyped-call]
    if not (isinstance(answer, list) and answer[2:] and all(isinstance(node, list) for node in answer[2:])):
        raise exceptions.ResponseError("HELLO is an unknown command, or another one than that of Disque")
    nodes = answer[2:]
    return len(nodes), sum(int(priority) < _SUSPECTED for *_, priority in nodes)


def _is_short(reply: object) -> bool:
    return isinstance(reply, exceptions.ResponseError) and str(reply).startswith("NOREPL")
