"""An event between processes that needs no lock."""

from __future__ import annotations

import array
import os
import select
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from typing import Final

#: So many bytes say that it is urgent: more than any number of callers at once leave by ``set``.
_URGENT: Final = 256


class PipeEvent:
    """An event between processes over bytes in a pipe that nobody takes out: ``set``, ``is_set`` and ``wait``.

    As often as it is set, it is set; ``insist`` is another matter.
    """

    def __init__(self, context: BaseContext) -> None:
        reader, writer = context.Pipe(duplex=False)
        self.reader: Connection = reader
        self.writer: Connection = writer

    def set(self) -> None:
        """Set the event."""
        if not self.is_set():
            os.write(self.writer.fileno(), b"!")

    def insist(self) -> None:
        """Set the event, and say that it is urgent."""
        if not self.is_urgent():
            os.write(self.writer.fileno(), b"!" * _URGENT)

    def is_urgent(self) -> bool:
        """Tell whether somebody insists."""
        return self._count() >= _URGENT

    def _count(self) -> int:
        import fcntl
        import termios

        size = array.array("i", [0])
        fcntl.ioctl(self.reader.fileno(), termios.FIONREAD, size)
        return size[0]

    def is_set(self) -> bool:
        """Tell whether the event was set."""
        return self._count() > 0

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
