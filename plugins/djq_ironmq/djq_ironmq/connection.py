"""One process's way to one queue: calls that are made side by side, and batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from iron_mq import Queue

from djq_core.brokers.leases import Lease
from djq_ironmq.client import Mq
from djq_ironmq.errors import NOT_FOUND, NOT_HELD, is_not_found, status_of
from djq_ironmq.options import IronOptions
from djq_ironmq.reservations import shared

#: So many messages are posted, reserved or deleted in a call, and so many bytes posted where there are several.
MOST: Final = 100
MOST_BYTES: Final = 1 << 20
#: What takes a call for each message goes on in so many threads.
THREADS: Final = 8

T = TypeVar("T")
R = TypeVar("R")


class Connection:
    """The client of one process for one queue; any thread may use it."""

    def __init__(self, options: IronOptions, name: str) -> None:
        self.mq = Mq(options)
        self.name = name
        self.queue: Queue = self.mq.queue(name)
        self.known = shared(options.base_url, name)

    def close(self) -> None:
        """Close the connections."""
        self.mq.client.close()

    # Looking

    def if_there(self, call: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """Make a call of the client library; return nothing where there is no queue."""
        try:
            return dict(call(*arguments))
        except Exception as error:
            if is_not_found(error):
                return {}
            raise

    def info(self) -> dict[str, Any]:
        """Return what the service tells of the queue."""
        return self.if_there(self.queue.info)

    def ready(self, count: int) -> list[dict[str, Any]]:
        """Return the messages that would be handed out first, a hundred at most."""
        return list(self.if_there(self.queue.peek, min(count, MOST)).get("messages", []))

    # Reservations

    def touch(self, leases: Sequence[Lease], seconds: float) -> list[Lease | Exception | None]:
        """Renew reservations; return the new ones, None for each that was lost, and the error where nobody knows.

        After two errors that are no refusals no other call is begun: the service is away.
        """
        failed: list[Exception] = []

        def renew(lease: Lease) -> Lease | Exception | None:
            if len(failed) > 1:
                return failed[0]
            try:
                return self._touch(self.known.newest(lease), seconds)
            except Exception as error:  # it is the caller who knows what it means
                failed.append(error)
                return error

        return side_by_side(renew, leases)

    def _touch(self, lease: Lease, seconds: float) -> Lease | None:
        try:
            told = self.queue.touch(lease.id, lease.token, timeout=whole(seconds))
        except Exception as error:
            if is_lost(error):
                return None
            raise
        return self.known.renewed(lease, Lease(lease.id, str(told["reservation_id"])))

    # Messages

    def post(self, bodies: Sequence[tuple[str, int]], delay: float = 0.0) -> list[str]:
        """Post bodies, each with its size in bytes, in as many calls as that takes; return the ids."""
        return [id for some in batches(bodies) for id in self._post([body for body, _ in some], delay)]

    def _post(self, bodies: Sequence[str], delay: float) -> list[str]:
        when = {"delay": min(whole(delay), 604_800)} if delay > 0 else {}
        ids = self.queue.post(*({"body": body, **when} for body in bodies))["ids"]
        if len(ids) != len(bodies):
            raise ValueError(f"{len(ids)} ids for {len(bodies)} messages")
        return list(map(str, ids))

    def delete(self, leases: Iterable[Lease]) -> None:
        """Delete what is still held under these reservations, a hundred in a call."""
        unique = list(dict.fromkeys(map(self.known.newest, leases)))
        for start in range(0, len(unique), MOST):
            self._delete(unique[start : start + MOST])

    def _delete(self, leases: Sequence[Lease]) -> None:
        """Delete messages; where one is refused, and nobody knows which, halve them until it stands alone."""
        held = [{"id": lease.id, "reservation_id": lease.token} for lease in leases]
        try:
            self.queue.delete_multiple(messages={"messages": held})
        except Exception as error:
            if not is_lost(error):
                raise
            half = len(leases) // 2
            for some in (leases[:half], leases[half:]) if half else ():
                self._delete(some)


def is_lost(error: Exception) -> bool:
    """Is a message refused because it is not there, or not held under this reservation?"""
    return status_of(error) in (NOT_FOUND, NOT_HELD)


def whole(seconds: float) -> int:
    """Return whole seconds, never fewer than given and one at least."""
    return max(1, math.ceil(seconds))


def batches(bodies: Sequence[tuple[str, int]]) -> Iterator[Sequence[tuple[str, int]]]:
    """Yield what goes into one call."""
    start, total = 0, 0
    for number, (_, size) in enumerate(bodies):
        if number > start and (number - start == MOST or total + size > MOST_BYTES):
            yield bodies[start:number]
            start, total = number, 0
        total += size
    if bodies:
        yield bodies[start:]


def side_by_side(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Do the work for each item in several threads, and return the results in order."""
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(THREADS, len(items)), thread_name_prefix="ironmq") as pool:
        return list(pool.map(work, items))
