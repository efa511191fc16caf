"""Handing packages back with the attempts that they have had."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from djq_core.brokers.leases import Lease
from djq_ironmq.bodies import Body, size_of
from djq_ironmq.connection import MOST, Connection, batches, side_by_side
from djq_ironmq.errors import is_not_found


def hand_back(server: Connection, leases: Sequence[Lease], seconds: float, *, delay: float, counted: bool) -> None:
    """Post each package anew, to be delivered after ``delay`` seconds, and delete its message; lost leases are left.

    The lease is renewed for ``seconds`` first: so it is known to be in force, and lasts until the message is deleted.
    Raises what the client library raises. Then another call goes on where this one has ended.
    """
    for start in range(0, len(leases), MOST):
        _hand_back(server, leases[start : start + MOST], seconds, delay, counted)


def _hand_back(server: Connection, leases: Sequence[Lease], seconds: float, delay: float, counted: bool) -> None:
    found = server.touch(leases, seconds)
    held = [each for each in found if isinstance(each, Lease)]
    new = [lease for lease in held if not server.known.is_posted(lease.id)]
    bodies = {id: body for id, body in side_by_side(lambda lease: (lease.id, _body(server, lease)), new) if body}
    texts = [str(body.with_attempts(body.attempts + counted)) for body in bodies.values()]
    ids = iter(bodies)
    for some in batches([(text, size_of(text)) for text in texts]):
        server.post(some, delay)
        for id in itertools.islice(ids, len(some)):  # before the next call, which may fail
            server.known.posted(id)
    server.delete(held)
    for error in found:
        if isinstance(error, Exception):
            raise error


def _body(server: Connection, lease: Lease) -> Body | None:
    try:
        return Body.read(server.queue.get_message_by_id(lease.id)["body"])
    except Exception as error:
        if is_not_found(error):
            return None
        raise
