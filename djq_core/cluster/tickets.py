"""Which task a worker owns and which it runs: tickets in a pipe, and a record in shared memory."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from typing import Any

_TICKET = struct.Struct("!Q")
#: More bytes of tickets than a worker can have.
_ALL = 1 << 18


class Tickets:
    """A pipe of tickets, one for each task at a worker: who takes the ticket out owns the task.

    The worker takes one before each start; the sentinel, which holds both ends, takes out all that are left to call
    unstarted tasks back, even from a worker that reads nothing, and to see which task a dead worker had started.
    """

    def __init__(self, context: BaseContext) -> None:
        reader, writer = context.Pipe(duplex=False)
        self.reader: Connection = reader
        self.writer: Connection = writer
        os.set_blocking(reader.fileno(), False)
        os.set_blocking(writer.fileno(), False)

    def put(self, tickets: Sequence[int]) -> None:
        """Offer tickets, in the order in which the tasks are sent."""
        os.write(self.writer.fileno(), b"".join(map(_TICKET.pack, tickets)))

    def take_all(self) -> list[int]:
        """Take out the tickets of all tasks that were not started."""
        try:
            data = os.read(self.reader.fileno(), _ALL)
        except BlockingIOError:
            return []
        return [ticket for (ticket,) in _TICKET.iter_unpack(data)]

    def close(self) -> None:
        """Close both ends."""
        self.reader.close()
        self.writer.close()


class TicketReader:
    """A worker's side of :class:`Tickets`."""

    def __init__(self, reader: Connection) -> None:
        self._reader = reader
        self._taken = 0

    def admits(self, ticket: int) -> bool:
        """Take the ticket of this task; False when the task was called back."""
        if self._taken < ticket:
            try:
                data = os.read(self._reader.fileno(), _TICKET.size)
            except BlockingIOError:
                return False
            self._taken = _TICKET.unpack(data)[0] if data else self._taken
        return self._taken == ticket


class Record:
    """What a worker runs now: sequence number and monotonic start in shared memory, written by the worker alone."""

    def __init__(self, context: BaseContext) -> None:
        self._cells: Any = context.RawArray("d", 2)

    def begin(self, ticket: int, started: float) -> None:
        """Note the start of a task, in seconds of the monotonic clock."""
        self._cells[0], self._cells[1] = 0, started
        self._cells[0] = ticket

    def clear(self) -> None:
        """Note that nothing runs."""
        self._cells[0] = 0

    def read(self) -> tuple[int, float]:
        """Return the running task's number (0: none) and its start."""
        ticket, started = self._cells[0], self._cells[1]
        return (int(ticket), started) if self._cells[0] == ticket else (0, 0.0)
