"""Database servers that tests treat badly."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import psutil

from tests.services import mariadb, postgres, unavailable

Server = postgres.PostgresServer | mariadb.MariaServer


class Killable:
    """A server that is killed, frozen and started again together with the processes that it has started."""

    def __init__(self, server: Server) -> None:
        self.server: Server = server

    def kill(self) -> None:
        """Kill -9 all of it."""
        self._signal(signal.SIGKILL)
        self.server.process.wait()

    def start(self) -> None:
        """Start it again on the same data."""
        self.server = self.server.restart()

    def pause(self) -> None:
        """Let it answer nothing, without closing a connection."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def new_database(self) -> dict[str, Any]:
        """Return an entry of ``DATABASES`` for a new database."""
        return self.server.settings(self.server.create_database())

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to all its processes, the first of which is stopped meanwhile and so starts none."""
        with suppress(psutil.NoSuchProcess):
            first = psutil.Process(self.server.process.pid)
            first.suspend()
            for process in (*first.children(recursive=True), first):
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(number)


@contextmanager
def killable(start: Callable[[], AbstractContextManager[Server]]) -> Iterator[Killable]:
    """Start a server that may be killed; it is stopped in the end, whichever process it is by then."""
    try:
        with start() as running:
            server = Killable(running)
            try:
                yield server
            finally:
                server.resume()
                server.server.stop()
    except (postgres.Missing, mariadb.Missing) as error:
        unavailable(str(error))
    gc.collect()  # a failed attempt of PyMySQL to connect leaves its socket to the garbage
