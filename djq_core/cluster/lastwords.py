"""What a worker leaves behind when it is ended from outside Python: the stacks of its threads, written by faulthandler.

A signal handler of C writes them into a pipe that the sentinel reads after the death: no lock, and nothing per task.
"""

from __future__ import annotations

import faulthandler
import os
import signal
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext

#: The most bytes that are read; a pipe holds no more.
_MOST = 1 << 16
#: So many lines of stacks are worth keeping in a row.
_LINES = 60


class LastWords:
    """The pipe of one worker; the sentinel holds both ends."""

    def __init__(self, context: BaseContext) -> None:
        reader, writer = context.Pipe(duplex=False)
        self.reader: Connection = reader
        self.writer: Connection = writer
        for end in (reader, writer):
            os.set_blocking(end.fileno(), False)  # a handler must not wait for a reader

    def listen(self) -> None:
        """Write the stacks when this process crashes, and when it gets SIGTERM, before what Python does then."""
        faulthandler.enable(self.writer.fileno(), all_threads=True)
        faulthandler.register(signal.SIGTERM, self.writer.fileno(), all_threads=True, chain=True)
        os.register_at_fork(after_in_child=_be_silent)

    def take(self) -> str:
        """Return what was written since the last look, the first lines of it."""
        data = b""
        with suppress(BlockingIOError, OSError):
            data = os.read(self.reader.fileno(), _MOST)
        lines = data.decode("utf-8", "replace").splitlines()
        return "\n".join(lines[:_LINES])

    def close(self) -> None:
        """Close both ends."""
        self.reader.close()
        self.writer.close()


def _be_silent() -> None:
    """Leave the pipe to the worker: what a task forks is nobody's worker."""
    faulthandler.unregister(signal.SIGTERM)
    faulthandler.disable()
