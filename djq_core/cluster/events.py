"""An event between processes that needs no lock."""

from __future__ import annotations

import array
import os
import select
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext


class PipeEvent:
    """An event between processes over a byte in a pipe that nobody takes out: ``set``, ``is_set`` and ``wait``."""

    def __init__(self, context: BaseContext) -> None:
        reader, writer = context.Pipe(duplex=False)
        self.reader: Connection = reader
        self.writer: Connection = writer

    def set(self) -> None:
        """Set the event; each call counts."""
        os.write(self.writer.fileno(), b"!")

    def count(self) -> int:
        """Return how often the event was set."""
        import fcntl
        import termios

        size = array.array("i", [0])
        fcntl.ioctl(self.reader.fileno(), termios.FIONREAD, size)
        return size[0]

    def is_set(self) -> bool:
        """Tell whether the event was set."""
        return self.count() > 0

    def is_orphaned(self) -> bool:
        """Tell whether nobody is left who could set it."""
        poll = select.poll()
        poll.register(self.reader.fileno(), 0)
        return bool(poll.poll(0))

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most ``timeout`` seconds for the event and return whether it is set."""
        select.select([self.reader], [], [], timeout)
        return self.is_set()

    def close(self) -> None:
        """Close both ends."""
        self.reader.close()
        self.writer.close()
