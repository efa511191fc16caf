"""ADDJOB."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from plugins.djq_disque.tests.standin import resp
from plugins.djq_disque.tests.standin.jobs import Job, new_id, now
from plugins.djq_disque.tests.standin.reading import number, options, timeout
from plugins.djq_disque.tests.standin.server import Client, Refusal

_DAY = 86_400


@dataclass
class Wish:
    """The options of one call, None for those that are not given."""

    replicate: int | None = None
    delay: int = 0
    retry: int | None = None
    ttl: int = _DAY
    maxlen: int = 0
    is_async: bool = False

    def read(self, words: list[bytes]) -> None:
        """Take in options; raises Refusal with the reply."""
        options(
            words,
            {
                "REPLICATE": self._replicate,
                "DELAY": self._delay,
                "RETRY": self._retry,
                "TTL": self._ttl,
                "MAXLEN": self._maxlen,
                "ASYNC": self._async,
            },
        )

    def _replicate(self, left: deque[bytes]) -> None:
        self.replicate = number(left.popleft())
        if not 1 <= self.replicate <= 65_535:
            raise Refusal("ERR REPLICATE must be between 1 and 65535")

    def _delay(self, left: deque[bytes]) -> None:
        self.delay = number(left.popleft())
        if self.delay < 0:
            raise Refusal("ERR DELAY time must be a non negative number")

    def _retry(self, left: deque[bytes]) -> None:
        self.retry = number(left.popleft())
        if self.retry < 0:
            raise Refusal("ERR RETRY time must be a non negative number")

    def _ttl(self, left: deque[bytes]) -> None:
        self.ttl = number(left.popleft())
        if self.ttl < 1:
            raise Refusal("ERR TTL must be a number > 0")

    def _maxlen(self, left: deque[bytes]) -> None:
        self.maxlen = number(left.popleft())
        if self.maxlen < 1:
            raise Refusal("ERR MAXLEN must be a positive number")

    def _async(self, left: deque[bytes]) -> None:
        self.is_async = True


def addjob(client: Client, words: list[bytes]) -> bytes | None:
    """Take in a job and reply with its id, once it has its copies."""
    node, (name, body, wait) = client.node, words[:3]
    milliseconds, wish = timeout(wait), Wish()
    wish.read(words[3:])
    known = len(node.peers.known) + 1
    copies = min(3, known) if wish.replicate is None else wish.replicate
    retry = max(1, min(300, wish.ttl // 10)) if wish.retry is None else wish.retry
    if not retry and copies > 1:
        if wish.replicate is not None or known > 1:
            raise Refusal("ERR With RETRY set to 0 please explicitly set  REPLICATE to 1 (at-most-once delivery)")
        copies = 1
    _refuse(client, name, wish, copies)
    ctime = node.store.ctime()
    etime = now() + wish.ttl * 1000
    id = new_id(node.peers.id, wish.ttl, retry)
    job = Job(id, name, body, copies, ctime, etime, wish.delay, retry)
    if node.has_fault("cut-after-addjob"):
        node.add(job, copies, milliseconds, lambda is_done: None)
        return client.close()
    return _add(client, job, milliseconds, is_async=wish.is_async)


def _refuse(client: Client, name: bytes, wish: Wish, copies: int) -> None:
    node, queue = client.node, client.node.store.queues.get(name)
    if wish.delay >= wish.ttl:
        raise Refusal("ERR The specified DELAY is greater than TTL. Job refused since would never be delivered")
    if node.is_full or node.has_fault("oom"):
        raise Refusal("OOM command not allowed when used memory > 'maxmemory'.")
    if queue is not None and queue.is_paused_in:
        raise Refusal("PAUSED Queue paused in input, try later")
    if queue is not None and 0 < wish.maxlen <= len(queue.places):
        raise Refusal("MAXLEN Queue is already longer than the specified MAXLEN count")
    if copies - 1 > len(node.peers.counted()):
        raise Refusal("NOREPL Not enough reachable nodes for the requested replication level")


def _add(client: Client, job: Job, milliseconds: int, *, is_async: bool) -> bytes | None:
    node, replies = client.node, list[bytes]()

    def then(is_done: bool) -> None:
        told = resp.simple(job.id) if is_done else resp.error(_LATE)
        replies.append(told)
        if has_returned:
            client.reply(told)

    has_returned = False
    if is_async:
        node.add(job, job.repl, 0, lambda is_done: None)
        return resp.simple(job.id)
    node.add(job, job.repl, milliseconds, then)
    has_returned = True
    if not replies:
        client.on_lost = lambda: node.bus.abandon(job)
    return replies[0] if replies else None


_LATE = "NOREPL Timeout reached before replicating to the requested number of nodes"
